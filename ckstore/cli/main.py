"""The command ``ckstore``: quick doors for what is typed most, everything else through click.

Importing click costs more than answering a query, so the hottest commands have doors of their own; they
give up on anything unusual, and then the full door answers.
"""

from __future__ import annotations

import gc
import sys


def main(argv: list[str] | None = None) -> int:
    """Run one command line (without the program's name); gives the exit code.

    Without ``argv`` it is that of this process, which ends with it.
    """
    words = sys.argv[1:] if argv is None else argv
    try:
        return _run(words, alone=argv is None)
    except KeyboardInterrupt:  # while the command was still being imported: nothing was begun
        return _interrupted(words)


def _run(words: list[str], alone: bool) -> int:
    if alone:
        gc.disable()  # a quick door makes no garbage that is worth looking for
    try:
        code = _quick(words[0], words[1:]) if words else None
    except OSError:  # standard output cannot be written: the other door says so
        code = None
    if code is not None:
        if alone:
            gc.freeze()  # nor does the end of the process need to look: an eighth of its time
        return code
    if alone:
        gc.enable()
    from ckstore.cli.app import run_command_line

    return run_command_line(words)


def _quick(command: str, words: list[str]) -> int | None:
    """The exit code of a command that was done; None for one that is left to the other door."""
    if command == "find":
        from ckstore.cli.quick import try_find

        return try_find(words)
    if command == "show":
        from ckstore.cli.quick_show import try_show

        return try_show(words)
    if command in ("__complete", "completion"):
        from ckstore.cli.quick_complete import try_complete, try_completion

        return try_complete(words) if command == "__complete" else try_completion(words)
    if command == "add":
        from ckstore.cli.quick_add import try_add

        return try_add(words)
    return None


def _interrupted(words: list[str]) -> int:
    """As the full door says it, which may not be there yet."""
    options = words[: words.index("--")] if "--" in words else words
    message, code = "interrupted; nothing half-made was left", 130
    if "--json" in options:
        told = f'{{"error": "interrupted", "message": "{message}", "hints": [], "exit_code": {code}}}'
    else:
        told = f"ckstore: {message}"
    sys.stderr.write(f"{told}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
