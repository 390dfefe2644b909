"""Checks files of corpus/shapes: parses them, counts, and names shapes that teach nothing new.

    python check_shapes.py corpus/shapes/FILE.txt …     (without a file: all)

A shape is a repeat where its template, with every slot and choice taken once, is that of an earlier shape; where the two
have different labels it is a conflict, and one of them is wrong.
"""

import random
import sys
from collections import Counter
from pathlib import Path

from corpus.grammar import fill, read_shapes
from rule import templates

FOLDER = Path(__file__).parent / "corpus" / "shapes"


def main() -> None:
    wanted = {Path(name).resolve() for name in sys.argv[1:]} or {path.resolve() for path in FOLDER.glob("*.txt")}
    # Files that are checked come last, so that what they repeat is theirs to mend.
    paths = sorted(FOLDER.glob("*.txt"), key=lambda path: (path.resolve() in wanted, path.name))
    rows = [(path, program.name, shape) for path in paths for program in read_shapes(path) for shape in program.shapes]
    seen, wrong = {}, 0
    labels, repeats = Counter(), 0
    for (path, name, shape), text in zip(rows, templates([fill(random.Random(1), shape.message) for _, _, shape in rows])):
        first = seen.setdefault(text, (path, name, shape))
        if path.resolve() not in wanted:
            continue
        labels[shape.label] += 1
        if first[2] is not shape:
            if first[2].label != shape.label:
                wrong += 1
                print(f"conflict: {path.name} {name}: {shape.label} {shape.message!r} is {first[2].label} in {first[0].name} {first[1]}")
            else:
                repeats += 1
                print(f"repeat: {path.name} {name}: {shape.message!r} (first in {first[0].name} {first[1]})")
    print(f"{sum(labels.values())} shapes, {repeats} repeats, {wrong} conflicts; {dict(labels)}; {len(seen)} distinct in all files")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
