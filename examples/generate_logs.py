#!/usr/bin/env python3
"""Writes examples/logs: the logs of one morning of an invented shop, the same bytes for the same seed.

The story, in UTC on 2026-11-18 (loggen/story.py has the times): an NVMe drive of the database host begins to fail,
queries get slow, the connection pool of the orders service runs dry, the web servers answer 504, orders runs out of memory
and crashes in a loop, payments panics, the database stops; a typing error delays the failover; the standby is promoted
and everything recovers. Beside it somebody guesses ssh passwords. Most lines are a shop's ordinary day.

No line is copied from anywhere: names, addresses (RFC 5737 and private ranges) and wording are made here.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
from datetime import datetime, timezone
from pathlib import Path

sys.dont_write_bytecode = True
import loggen  # noqa: E402

STORY_END = datetime(2026, 11, 18, 12, tzinfo=timezone.utc)


def sources() -> list:
    """One function for each log, imported once it is known when the story happens."""
    from loggen import bastion, cluster, database, hosts, orders, payments, web

    return [
        web.access,
        web.errors,
        orders.orders,
        payments.payments,
        payments.mailer,
        database.primary,
        database.standby,
        hosts.hosts,
        bastion.bastion,
        cluster.kubelet,
    ]


def main() -> int:
    """Writes, checks or describes the logs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7, help="seed of all chance in the logs (default: %(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).parent / "logs",
        help="folder to write to (default: logs beside this script)",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if the folder differs from what would be written"
    )
    parser.add_argument("--labels", type=Path, help="also write what a reader would call each record, as JSON lines")
    parser.add_argument(
        "--end",
        type=datetime.fromisoformat,
        default=STORY_END,
        help="when the four hours end, as 2026-11-18T12:00:00+00:00 (the default)",
    )
    parser.add_argument("--routine", action="store_true", help="only what an ordinary day writes")
    arguments = parser.parse_args()
    loggen.shift = arguments.end - STORY_END

    if not arguments.check:
        arguments.out.mkdir(parents=True, exist_ok=True)
    counts, labels, lines, size, different = collections.Counter(), [], 0, 0, []
    for source in sources():
        log = source(arguments.seed)
        entries = [entry for entry in log.sorted() if not arguments.routine or entry.label == "NORMAL"]
        data = "".join(entry.text + "\n" for entry in entries).encode()
        path = arguments.out / log.name
        if arguments.check:
            if not path.is_file() or path.read_bytes() != data:
                different.append(str(path))
        else:
            path.write_bytes(data)
        line = 1
        for entry in entries:
            counts[entry.label] += 1
            labels.append({"file": log.name, "line": line, "label": entry.label})
            line += entry.text.count("\n") + 1
        lines, size = lines + line - 1, size + len(data)
        print(f"{log.name:<24} {line - 1:>5} lines {len(entries):>5} records", file=sys.stderr)
    print(f"{lines} lines, {size} bytes, records by label: {dict(counts)}", file=sys.stderr)
    if arguments.labels:
        arguments.labels.write_text("".join(json.dumps(row) + "\n" for row in labels))
    if different:
        print("differs from what this script writes: " + ", ".join(different), file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
