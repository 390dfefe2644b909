"""Reads message shapes written as text; knows nothing about what they mean.

One shape a line: label code, level letter, a space, the message. In the message `{slot}` is
filled by `fields`, `[[a|b|c]]` is a choice (nesting is not needed and not allowed).
Level letters: d debug, i info, n notice, w warning, e error, c critical, - no level shown.
"""

import re
from dataclasses import dataclass, field

from corpus.fields import FIELDS
from corpus.labels import CODES

_CHOICE = re.compile(r"\[\[(.*?)\]\]")
_SLOT = re.compile(r"\{([a-z_0-9]+)\}")


@dataclass(frozen=True)
class Shape:
    """One message shape of one program."""

    label: str
    level: str
    message: str


@dataclass
class Program:
    """A program or platform: its usual headers and its message shapes."""

    name: str
    headers: list[str]
    shapes: list[Shape] = field(default_factory=list)
    invented: bool = False


def program(name: str, headers: str, text: str) -> Program:
    """Parses the shapes of a program; raises ValueError naming the bad line."""
    result = Program(name, headers.split())
    for line in text.strip("\n").splitlines():
        if not line.strip():
            continue
        code, level, message = line[0], line[1], line[3:]
        if code not in CODES or level not in "dinwec-" or line[2] != " " or not message:
            raise ValueError(f"{name}: bad shape {line!r}")
        for slot in _SLOT.findall(message):
            # A brace pair that is no slot is part of the message (JSON, DRDY masks).
            if slot not in FIELDS and re.fullmatch(r"[a-z_]+", slot):
                raise ValueError(f"{name}: unknown slot {slot!r} in {line!r}")
        result.shapes.append(Shape(CODES[code], level, message))
    return result


def fill(rng, message: str) -> str:
    """Takes the choices of a message, then fills its slots."""
    message = _CHOICE.sub(lambda m: rng.choice(m.group(1).split("|")), message)
    return _SLOT.sub(lambda m: FIELDS[m.group(1)](rng) if m.group(1) in FIELDS else m.group(0), message)
