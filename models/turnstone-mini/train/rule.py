"""The `template` normalisation, by the very code that the engine runs.

Texts go through the program `template` of the workspace; its source is crates/types. Set TURNSTONE_TEMPLATE to a
built copy to do without cargo.
"""

import os
import subprocess
from pathlib import Path

CARGO = ["cargo", "run", "-q", "--release", "-p", "turnstone-types", "--example", "template"]
WORKSPACE = Path(__file__).resolve().parents[3]
VERSION = 1
MARKS = {
    "num": "number", "ip": "ip address", "mac": "hardware address", "hex": "hexadecimal", "id": "id", "path": "file path", "url": "url",
    "mail": "mail address", "time": "time date", "high": "high", "long": "long slow",
}
"""Each mark with the words whose embeddings it starts from."""


def templates(texts: list[str]) -> list[str]:
    """The template of each text, in order."""
    # The program reads lines, and a line end inside a text is white space to the rule.
    lines = "".join(text.replace("\n", "\t") + "\n" for text in texts)
    built = os.environ.get("TURNSTONE_TEMPLATE")
    done = subprocess.run([built] if built else CARGO, input=lines.encode("utf-8", "surrogatepass"), stdout=subprocess.PIPE, cwd=WORKSPACE, check=True)
    found = done.stdout.decode("utf-8").split("\n")[:-1]
    if len(found) != len(texts):
        raise SystemExit(f"{len(texts)} texts gave {len(found)} templates")
    return found


def seen_by_model(texts: list[str]) -> list[str]:
    """What the engine tokenises: the first 512 characters of the template of the first 4,096 of the text."""
    return [template[:512] for template in templates([text[:4096] for text in texts])]
