"""The training corpus of turnstone-mini: a grammar of log lines, written by the project.

`fields` fills slots, `headers` writes what stands before a message, `shapes/*.txt` are the
message shapes of real programs, read by `grammar`, `composed` builds messages of programs that do not exist.
`generate` is the only entry point that training needs.
"""

from corpus.generate import PAIRED, Line, all_programs, generate, held_out_programs

__all__ = ["PAIRED", "Line", "all_programs", "generate", "held_out_programs"]
