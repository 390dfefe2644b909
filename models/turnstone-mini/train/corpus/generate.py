"""Draws the corpus: which shapes, how often, with which header. Seeded and deterministic."""

import random
from dataclasses import dataclass
from pathlib import Path

from corpus import headers
from corpus.composed import composed_programs
from corpus.fields import HOSTS
from corpus.grammar import Program, fill, read_programs
from corpus.routine import routine_programs

# Held out of training as whole programs, of every kind, none without a relative in training: Oracle but not Postgres, NX-OS but not IOS.
HELD_OUT = set(
    """
    varnishd lighttpd iis jetty exim unbound powerdns knotd tacplus snort zeek osquery
    clickhouse couchdb couchbase oracle-alert oracle-listener oracle-rman db2diag activemq pulsar-bookkeeper librdkafka
    nomad mesos proxmox xen ansible zabbix ruby-app erlang
    solaris freebsd openbsd hpux macos-kernel macos-wifi win-dism
    nxos arista apcupsd ontap arrays mobile-core sge pbs condor
    trade-router order-hub warehouse-robot stock-feed clinic-portal tax-gateway night-runner kiln-batch
    """.split()
)


# Written as pairs of look-alikes, one NORMAL, one not: as hard as lines can be, so no measure of how sure the model may be elsewhere.
PAIRED = set("order-hub tax-gateway stock-feed meter-head-end kiosk-agent rig-monitor night-runner depot-sync crew-roster lottery-backend boat-hire".split())


@dataclass(frozen=True)
class Line:
    """One generated line with its label and the program that it pretends to come from."""

    text: str
    label: str
    program: str


def all_programs(seed: int = 7, variants: int = 170, sentences: int = 1800) -> list[Program]:
    """All programs: those written by hand and the invented ones."""
    written = read_programs(Path(__file__).parent / "shapes")
    return written + composed_programs(random.Random(seed), variants) + routine_programs(random.Random(seed + 1), sentences)


def held_out_programs() -> set[str]:
    """Names of the programs that training never sees."""
    return set(HELD_OUT)


def _write(rng, program, shape) -> str:
    message = fill(rng, shape.message)
    draw = rng.random()
    if draw < 0.30:
        style = "none"
    elif draw < 0.85 or "pg" in program.headers:
        style = rng.choice(program.headers)
    else:
        style = rng.choice(headers.STYLES)
    level = shape.level
    if level == "-" and style in ("json", "logfmt"):
        level = "i"
    # Levels are noise: some programs log everything at one level.
    if rng.random() < 0.06 and level in "niwe":
        level = rng.choice("iw")
    text = headers.write(rng, style, program.name, level, rng.choice(HOSTS), message)
    if rng.random() < 0.03:
        text = text[: rng.randrange(len(text) // 2 + 20, len(text) + 21)]
    return text


def generate(seed: int, per_shape: int, held_out: bool | None = False) -> list[Line]:
    """Lines of every shape, `per_shape` each, shuffled; held_out None takes all programs."""
    rng = random.Random(seed)
    lines = []
    for program in all_programs(seed):
        if held_out is not None and (program.name in HELD_OUT) != held_out:
            continue
        for shape in program.shapes:
            # Invented programs repeat each pattern often, so one line a shape is enough.
            for _ in range(1 if program.invented else per_shape):
                lines.append(Line(_write(rng, program, shape), shape.label, program.name))
    rng.shuffle(lines)
    return lines
