"""Where a package's files are and how to read them, asked of pip: its indexes, proxies, certificates and logins.

fetch.py decides what to fetch and what to do when that fails.
"""

from __future__ import annotations

import logging
import re

CHUNK_BYTES = 1 << 18
PLATFORMS = ["manylinux2014_x86_64"] + [f"manylinux_2_{minor}_x86_64" for minor in range(17, 29)]


class FetchError(Exception):
    """Something that a person has to mend; the message says what, where and how."""


def short(error: BaseException) -> str:
    """The error on one line of sensible length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) < 240 else text[:237] + "..."


class Complaints(logging.Handler):
    """Keeps the last thing that pip could not fetch."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Called by logging for each message."""
        text = record.getMessage()
        if text.startswith(("Could not fetch", "Skipping page")):
            self.last = short(text)


class PipIndex:
    """pip's own package finder and HTTP session: the same indexes, links, proxies, certificates and logins as `pip install`.

    They are not a public interface, though little changed since pip 20. Where they fail, `pip download` does the work,
    which cannot resume over runs.
    """

    def __init__(self) -> None:
        from pip._internal.cli.cmdoptions import make_target_python
        from pip._internal.commands import create_command

        arguments = "--no-cache-dir --no-input --quiet --python-version 3.11 --implementation cp --abi cp311".split()
        for tag in PLATFORMS:
            arguments += ["--platform", tag]
        command = create_command("download")
        options, _ = command.parse_args(arguments)
        self.session = command._build_session(options, retries=2)
        self.finder = command._build_package_finder(options, self.session, make_target_python(options))
        # pip only whispers why a page of the index could not be read; that is what the person has to know.
        self.complaints = Complaints()
        collector = logging.getLogger("pip._internal.index.collector")
        collector.setLevel(logging.DEBUG)
        collector.addHandler(self.complaints)
        collector.propagate = False

    def url(self, wheel: dict) -> str:
        """The address of the wheel in the first index that lists it."""
        seen = []
        for candidate in self.finder.find_all_candidates(wheel["name"]):
            if candidate.link.filename == wheel["file"]:
                return candidate.link.url_without_fragment
            seen.append(str(candidate.version))
        known = f"it lists the versions {', '.join(sorted(set(seen))[-8:])}" if seen else "it lists no version at all"
        if self.complaints.last:
            known += f" ({self.complaints.last})"
        raise FetchError(
            f"pip's index does not offer {wheel['file']}: {known}. Is the network up, and does `pip config list` name the right "
            f"index? `python3 -m pip download --no-deps {wheel['name']}=={wheel['version']}` shows what pip sees"
        )

    def stream(self, url: str, offset: int):
        """Opens the address from a byte offset; answers (offset that was granted, iterator of chunks)."""
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        response = self.session.get(url, headers=headers, stream=True, timeout=60)
        if response.status_code == 416:
            return None, iter(())
        if response.status_code >= 400:
            raise ConnectionError(f"the server answered {response.status_code} {response.reason}")
        granted = offset if response.status_code == 206 else 0
        if response.status_code == 206:
            start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
            if start and int(start.group(1)) != offset:
                raise ConnectionError("the server sent another range than was asked for")
        return granted, response.raw.stream(CHUNK_BYTES, decode_content=False)
