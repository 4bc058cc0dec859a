"""The command ``ckstore``: the quick path for ``find``, everything else through click.

Importing click costs more than answering a query, so the hottest command has a door of its own; it
gives up on anything unusual, and then the full door answers.
"""

from __future__ import annotations

import sys


def main(argv: list[str] | None = None) -> int:
    """Run one command line (without the program's name); gives the exit code."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ["find"]:
        from ckstore.cli.quick import try_find

        try:
            code = try_find(words[1:])
        except OSError:  # standard output cannot be written: the other door says so
            code = None
        if code is not None:
            return code
    from ckstore.cli.app import run_command_line

    return run_command_line(words)


if __name__ == "__main__":
    sys.exit(main())
