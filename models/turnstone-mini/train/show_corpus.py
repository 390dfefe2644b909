"""Prints counts of the corpus and a sample of its lines, or the lines of held-out programs for `turnstone eval`.

    python show_corpus.py
    python show_corpus.py --held-out > held_out.jsonl
"""

import argparse
import collections
import json

from corpus import PAIRED, all_programs, generate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held-out", action="store_true", help="print lines of the held-out programs as labelled JSON lines")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.held_out:
        for line in generate(options.seed, 2, held_out=True):
            group = "look-alikes" if line.program in PAIRED else "held-out"
            print(json.dumps({"text": line.text, "label": line.label, "source": f"{group}/{line.program}"}))
        return
    every = all_programs()
    shapes = [shape for program in every for shape in program.shapes]
    print(len(every), "programs,", len(shapes), "shapes,", len({shape.message for shape in shapes}), "distinct")
    print(dict(collections.Counter(shape.label for shape in shapes)))
    for line in generate(options.seed, 1, None)[:60]:
        print(f"{line.label[:8]:9}{line.program[:12]:13}{line.text}")


if __name__ == "__main__":
    main()
