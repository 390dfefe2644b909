#!/usr/bin/env python3
"""Tests that Ctrl-C under `make` reaches the program alone, and that make then ends with the program's status and no noise."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

FOREGROUND = Path(__file__).resolve().with_name("foreground.py")
PROGRAM = """
import signal, sys, threading
signal.signal(signal.SIGINT, lambda *_: sys.exit(int(sys.argv[1])))
print("running", flush=True)
threading.Event().wait(30)
"""


class ForegroundTest(unittest.TestCase):
    """Runs a Makefile whose recipe is a program that ends on SIGINT with a status of its choice."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "program.py").write_text(PROGRAM)
        (self.folder / "Makefile").write_text(
            f"run:\n\t@exec {sys.executable} {FOREGROUND} {sys.executable} program.py $(status)\n"
        )

    def interrupt_on_terminal(self, status: int) -> tuple:
        """Exit status of make and all that was on the terminal, after Ctrl-C."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execvp("make", ["make", f"status={status}"])
        seen, limit, has_pressed = b"", time.monotonic() + 20, False
        while time.monotonic() < limit:
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    chunk = os.read(terminal, 4096)
                except OSError:  # the other side is closed
                    break
                seen += chunk
            if b"running" in seen and not has_pressed:
                os.write(terminal, b"\x03")
                has_pressed = True
        else:
            os.kill(child, signal.SIGKILL)
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen.decode()

    def test_a_clean_stop_is_a_success_without_noise(self) -> None:
        status, seen = self.interrupt_on_terminal(0)
        self.assertEqual(status, 0, seen)
        self.assertNotIn("***", seen)
        self.assertNotIn("Interrupt", seen)

    def test_a_failure_stays_one(self) -> None:
        status, seen = self.interrupt_on_terminal(3)
        self.assertEqual(status, 2, seen)
        self.assertIn("Error 3", seen)

    def test_without_a_terminal_it_steps_aside(self) -> None:
        process = subprocess.Popen(
            [sys.executable, str(FOREGROUND), sys.executable, str(self.folder / "program.py"), "0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.assertEqual(process.stdout.readline(), "running\n")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 0)
        process.stdout.close()
        missing = subprocess.run(
            [sys.executable, str(FOREGROUND), "/nowhere/program"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(missing.returncode, 127)
        self.assertIn("cannot start /nowhere/program", missing.stderr)


if __name__ == "__main__":
    unittest.main()
