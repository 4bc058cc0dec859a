"""What programs say, in pieces of bounded size: an endless printer must not become an endless record."""

from __future__ import annotations

import os
import re
from pathlib import Path

_TAIL = 64 * 1024  # bytes that are looked at for the last lines
_WIDTH = 400  # characters of a line; what is longer loses its end
_TELLING = re.compile(
    r"error|exception|fatal|fail|cannot|can't|denied|no such|not found|no space", re.IGNORECASE
)
# Everything below the blank except line ends, DEL and the C1 controls: they could steer a terminal.
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def tail(path: Path, most: int = _TAIL) -> bytes:
    """The last ``most`` bytes of a file, no more than these are read; nothing when it is no file."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - most))
        return file.read(most)


def last_text(path: Path, most: int) -> str:
    """The last ``most`` characters as text fit to be shown; lines are kept."""
    return readable(tail(path, 4 * most))[-most:]


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines that are not blank, each fit to be shown and of a limited width."""
    lines = [line.rstrip() for line in readable(tail(path)).split("\n") if line.strip()][-count:]
    return [line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…" for line in lines]


def telling_line(lines: list[str]) -> str:
    """The line that most likely says what went wrong: the last one that sounds so, else the last one."""
    return next(
        (line.strip() for line in reversed(lines) if _TELLING.search(line)), "".join(lines[-1:]).strip()
    )


def readable(data: bytes) -> str:
    """Text in which nothing steers a terminal: undecodable bytes and control characters are replaced."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    return _CONTROLS.sub("\ufffd", text)
