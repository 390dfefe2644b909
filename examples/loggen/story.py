"""The one clock of the story: when each thing happens, and how badly the shop does at any moment.

Every source asks this module and nothing else for the course of events, so that their logs agree.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Optional

import loggen


def at(clock: str) -> datetime:
    """The moment of the story's day at HH:MM or HH:MM:SS, in UTC.

    Hours and minutes alone are exact; a moment told to the second gets a fraction, as nothing real falls on a full second.
    """
    parts = [int(part) for part in clock.split(":")]
    if len(parts) == 2:
        return datetime(2026, 11, 18, *parts, tzinfo=timezone.utc) + loggen.shift
    fraction = (parts[0] * 791_903 + parts[1] * 610_157 + parts[2] * 357_103) % 1_000_000
    return datetime(2026, 11, 18, *parts, fraction, tzinfo=timezone.utc) + loggen.shift


BEGIN, END = at("08:00"), at("12:00")
DISK_WARNS = at("09:12:07")  # SMART reports the NVMe of db1 as unreliable
DISK_TIMEOUTS = at("09:18:31")  # its commands begin to time out
DISK_ERRORS = at("09:26:04")  # medium errors; queries get slow
POOL_EXHAUSTED = at("09:34:12")  # orders has no connection left; the web servers answer 504
CRASH_LOOP = at("09:41:48")  # orders runs out of memory, payments panics
DATABASE_DOWN = at("09:52:19")  # the controller is gone, Postgres stops
FAILED_SWITCH = at("10:02:33")  # a slip of the pen in two configurations delays the failover
PROMOTED = at("10:06:40")  # db2 is the new primary
SWITCHED = at("10:09:15")  # the services find it
RECOVERED = at("10:15:30")  # back to normal

_PRESSURE = [
    (BEGIN, 0.0),
    (DISK_TIMEOUTS, 0.0),
    (DISK_ERRORS, 0.15),
    (POOL_EXHAUSTED, 0.6),
    (CRASH_LOOP, 0.9),
    (DATABASE_DOWN, 1.0),
    (SWITCHED, 1.0),
    (SWITCHED + timedelta(seconds=1), 0.3),
    (RECOVERED, 0.0),
    (END, 0.0),
]


def pressure(when: datetime) -> float:
    """How badly the shop does: 0 is an ordinary day, 1 is down."""
    for (left, low), (right, high) in zip(_PRESSURE, _PRESSURE[1:]):
        if left <= when <= right:
            return low + (high - low) * ((when - left) / (right - left))
    return 0.0


@dataclass
class Entry:
    """One record of a log: its text may span lines. `label` is what a reader would call it."""

    when: datetime
    text: str
    label: Optional[str] = "NORMAL"


@dataclass
class Log:
    """One file being written. Entries may be added in any order; they are written in that of their times."""

    name: str
    seed: int
    entries: list = field(default_factory=list)
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        # Each source has its own stream of chance, so that a change to one leaves the others as they are.
        self.rng = random.Random(f"{self.seed}/{self.name}")

    def add(self, when: datetime, text: str, label: Optional[str] = "NORMAL") -> None:
        """Adds one record; `label` None means that nobody should be asked to judge it (context of another)."""
        if BEGIN <= when <= END:
            self.entries.append(Entry(when, text, label))

    def sorted(self) -> list:
        """The entries by time; those of one moment keep the order in which they were added."""
        return sorted(self.entries, key=lambda entry: entry.when)

    def every(self, seconds: float, jitter: float = 0.0, begin: datetime = BEGIN, end: datetime = END):
        """Moments `seconds` apart, each moved by up to `jitter` seconds."""
        when = begin + timedelta(seconds=self.rng.uniform(0, seconds))
        while when < end:
            yield when + timedelta(seconds=self.rng.uniform(-jitter, jitter))
            when += timedelta(seconds=seconds)

    def hex(self, digits: int) -> str:
        """Lower-case hexadecimal digits, as in ids."""
        return f"{self.rng.getrandbits(4 * digits):0{digits}x}"


def seconds(amount: float) -> timedelta:
    """A time span in seconds."""
    return timedelta(seconds=amount)


def millis(when: datetime) -> str:
    """Three digits of milliseconds."""
    return f"{when.microsecond // 1000:03d}"
