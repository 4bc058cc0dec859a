"""Text on standard output, safe for terminals. Light: every quick door uses it."""

from __future__ import annotations

import os
import sys


def visible(text: str) -> str:
    """``text`` without characters that could steer a terminal: others wrote it."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)


def clean(text: str) -> str:
    """Lines without characters that could steer a terminal: others wrote them."""
    return "\n".join(visible(line.expandtabs()) for line in text.split("\n"))


def terminal_width() -> int:
    """The width of the terminal that standard output is; 0 when it is none."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError, AttributeError):
        return 0


def emit(text: str) -> None:
    """Write to standard output; a reader that stops early (``| head``) is no error."""
    try:
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # so that the interpreter can flush at exit
        os.close(nowhere)
