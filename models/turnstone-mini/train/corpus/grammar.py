"""Reads message shapes written as text; knows nothing about what they mean.

A file of `shapes/` has `# remarks`, programs (`== name: styles of header`) and under each one shape a line: label code,
level letter, a space, the message. In the message `{slot}` is filled by `fields`, `[[a|b|c]]` is a choice (nesting is not
allowed). Label codes are in `labels`. Level letters: d debug, i info, n notice, w warning, e error, c critical, - no level
shown.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from corpus.fields import FIELDS
from corpus.headers import STYLES
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


def parse_shape(line: str) -> Shape:
    """One shape; raises ValueError saying what is wrong with it."""
    code, level, message = line[:1], line[1:2], line[3:]
    if code not in CODES or level not in tuple("dinwec-") or line[2:3] != " " or not message.strip():
        raise ValueError("not a label code, a level letter, a space and a message")
    for slot in _SLOT.findall(message):
        # A brace pair that is no slot is part of the message (JSON, masks of bits), but a typing error must not become one.
        if slot not in FIELDS and re.fullmatch(r"[a-z_]+", slot):
            raise ValueError(f"unknown slot {{{slot}}}")
    return Shape(CODES[code], level, message)


def read_shapes(path: Path) -> list[Program]:
    """The programs of one file; raises ValueError naming file and line."""
    found: list[Program] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            if line.startswith("== "):
                name, _, styles = line[3:].partition(":")
                if unknown := [style for style in styles.split() if style not in STYLES]:
                    raise ValueError(f"unknown header style {unknown[0]}, known are {' '.join(sorted(STYLES))}")
                found.append(Program(name.strip(), styles.split() or ["plain"]))
            elif line.strip() and not line.startswith("#"):
                if not found:
                    raise ValueError("a shape before the first program")
                found[-1].shapes.append(parse_shape(line))
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}: {line!r}") from None
    return found


def read_programs(folder: Path) -> list[Program]:
    """The programs of all files of a folder; one that stands in several files is one program."""
    merged: dict[str, Program] = {}
    for path in sorted(folder.glob("*.txt")):
        for program in read_shapes(path):
            known = merged.setdefault(program.name, Program(program.name, program.headers))
            known.shapes += program.shapes
    return list(merged.values())


def fill(rng, message: str) -> str:
    """Takes the choices of a message, then fills its slots."""
    message = _CHOICE.sub(lambda m: rng.choice(m.group(1).split("|")), message)
    return _SLOT.sub(lambda m: FIELDS[m.group(1)](rng) if m.group(1) in FIELDS else m.group(0), message)
