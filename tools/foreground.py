#!/usr/bin/env python3
"""Runs a program so that Ctrl-C reaches it alone: `make` above it then ends quietly, with the program's own exit status.

make dies of every SIGINT that it gets, whatever the recipe makes of it. On a terminal the program therefore becomes the
foreground process group by itself; with no terminal it simply takes this process' place.
"""

import os
import signal
import sys


def main() -> int:
    """Runs argv[1:] and answers its exit status."""
    command = sys.argv[1:]
    if not command:
        print("usage: foreground.py PROGRAM [ARGUMENT...]", file=sys.stderr)
        return 2
    try:
        is_foreground = os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        is_foreground = False
    if not is_foreground:
        return execute(command)

    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # taking the terminal back is done from the background
    ours = os.getpgrp()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os._exit(execute(command))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: os.kill(child, number))
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        os.tcsetpgrp(0, ours)
        if not os.WIFSTOPPED(status):
            break
        os.killpg(ours, signal.SIGSTOP)  # Ctrl-Z: stop with it, go on with it
        os.tcsetpgrp(0, child)
        os.kill(child, signal.SIGCONT)
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def execute(command) -> int:
    """Becomes the program; only an error comes back."""
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"error: cannot start {command[0]}: {error.strerror}", file=sys.stderr)
    return 127


if __name__ == "__main__":
    sys.exit(main())
