"""Prints counts of the corpus and a sample of its lines, for a person to read."""

import collections
import sys

from corpus import all_programs, generate

if __name__ == "__main__":
    every = all_programs()
    shapes = [s for p in every for s in p.shapes]
    print(len(every), "programs,", len(shapes), "shapes,", len({s.message for s in shapes}), "distinct")
    print(dict(collections.Counter(s.label for s in shapes)))
    for line in generate(int(sys.argv[1]) if len(sys.argv) > 1 else 1, 1, None)[:60]:
        print(f"{line.label[:8]:9}{line.program[:12]:13}{line.text}")
