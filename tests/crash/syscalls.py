"""What a command asks the kernel to write, in order: strace's output as events with resolved paths."""

from __future__ import annotations

import codecs
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRACED = (
    "openat,open,creat,close,lseek,read,write,pwrite64,writev,fsync,fdatasync,syncfs,sync,ftruncate,rename,renameat,renameat2,"
    "link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,symlink,symlinkat,chmod,fchmod,fchmodat"
)
# One interpreter runs several command lines, so that starting it is paid once; what is between two marks
# was done by one of them.
DRIVER = """
import os, sys, json
from ckstore.cli.main import main
os.write(2, b"mark begin\\n")
for words in json.loads(sys.argv[1]):
    code = main(words)
    sys.stdout.flush()
    os.write(2, b"mark end %d\\n" % code)
"""
_LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\w+|\?)", re.DOTALL)
_BEGUN = re.compile(r"(\d+) +(.*) <unfinished \.\.\.>$", re.DOTALL)
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)$", re.DOTALL)
_ARGUMENT = re.compile(r'\s*((?:"(?:[^"\\]|\\.)*"(?:\.\.\.)?|[^,"])+)', re.DOTALL)
_HELD = re.compile(r"(?:AT_FDCWD|\d+)<(.*?)(?: \(deleted\))?>$")


@dataclass(frozen=True, slots=True)
class Event:
    """One change. ``call`` is create, write, truncate, sync, sync-all, rename, link, unlink, mkdir, symlink,
    chmod or mark; ``other`` is where a rename or link leads, or what a symlink says; ``at`` is an offset in
    bytes, or -1 for "where the file was".
    """

    call: str
    path: str
    other: str = ""
    data: bytes = b""
    at: int = -1
    mode: int = 0

    @property
    def leads_to(self) -> str:
        """The path that there is now, or no more."""
        return self.other if self.call in ("rename", "link") else self.path

    def __str__(self) -> str:
        return f"{self.call} {self.path}" + (f" -> {self.other}" if self.other else "")


def strace() -> str:
    """The program; the test is skipped where it is missing or may not trace."""
    program = shutil.which("strace")
    if program is None:
        pytest.skip("strace is not installed")
    done = subprocess.run([program, "-f", "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("processes cannot be traced here")
    return program


def traced(
    commands: Sequence[Sequence[str]], log: Path, *, below: Path, here: Path, environment: dict[str, str]
) -> list[list[Event]]:
    """Run command lines of ckstore; for each, what it changed below a folder, in order."""
    import json

    command = [
        strace(),
        "-f",
        "-y",
        "-s",
        "100000000",
        "-o",
        str(log),
        "-e",
        f"trace={TRACED}",
        "-e",
        "raw=read",
    ]
    words = [*command, sys.executable, "-c", DRIVER, json.dumps(commands)]
    settings = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(words, capture_output=True, text=True, cwd=here, env=settings, check=False)
    assert done.returncode == 0, done.stderr
    events = list(read_trace(log.read_text("utf-8", "surrogateescape").splitlines(), str(below)))
    parts: list[list[Event]] = []
    for event in events:
        if event.call == "mark":
            assert event.path in ("mark begin", "mark end 0"), done.stderr
            parts.append([])
        elif parts:
            parts[-1].append(event)
    assert len(parts) == len(commands) + 1, done.stderr
    return parts[:-1]


def read_trace(lines: Iterable[str], below: str) -> Iterator[Event]:
    """The events of a trace that concern paths below a folder; failed calls are left out."""
    begun: dict[str, str] = {}
    folders: dict[str, str] = {}  # process → its working folder
    places = _Places()
    for line in lines:
        if match := _BEGUN.match(line):
            begun[match[1]] = match[2]
            continue
        if match := _RESUMED.match(line):
            line = f"{match[1]} {begun.pop(match[1], '')}{match[2]}"
        if match := _LINE.match(line):
            process, call, arguments, result = match.groups()
            words = [word.strip() for word in _ARGUMENT.findall(arguments)]
            here = next((word[9:-1] for word in words if word.startswith("AT_FDCWD<")), "")
            folders[process] = here or folders.get(process, "")
            if not result.isdigit() and not result.startswith("0x"):
                continue
            place = places.follow(process, call, words, int(result, 0))
            event = _READERS[call](words, folders.get(process, "")) if call in _READERS else None
            if event and event.call == "write" and event.at < 0 <= place:
                event = replace(event, at=place)
            if event and (event.call in ("mark", "sync-all") or f"{event.path}/".startswith(f"{below}/")):
                yield event


class _Places:
    """Where each descriptor of each process is in its file."""

    def __init__(self) -> None:
        self._at: dict[tuple[str, int], int] = {}

    def follow(self, process: str, call: str, words: list[str], result: int) -> int:
        """Note one call; gives where it wrote, or -1: at the end."""
        if call in ("open", "openat", "creat"):
            self._at[process, result] = -1 if "O_APPEND" in " ".join(words) else 0
            return -1
        if call not in ("read", "write", "writev", "lseek", "close"):
            return -1
        key = process, int(words[0].partition("<")[0], 0)
        before = self._at.get(key, -1)
        if call == "close":
            self._at.pop(key, None)
        elif call == "lseek":
            self._at[key] = result
        elif before >= 0:
            self._at[key] = before + result
        return before


def _text(word: str) -> bytes:
    data, _ = codecs.escape_decode(word.removesuffix("...")[1:-1].encode("utf-8", "surrogateescape"))
    return bytes(data)


def _held(word: str) -> str:
    match = _HELD.match(word)
    return match[1] if match else ""


def _path(folder: str, word: str) -> str:
    return os.path.normpath(os.path.join(folder, os.fsdecode(_text(word))))


def _at(words: list[str], first: int) -> str:
    """A path that is given as (descriptor of a folder, name)."""
    return _path(_held(words[first]), words[first + 1])


def _open(words: list[str], folder: str) -> Event | None:
    path, flags = _at(words, 0), words[2]
    if "O_CREAT" in flags:
        mode = int(words[3], 8) if len(words) > 3 else 0o666
        return Event("create", path, other="truncate" if "O_TRUNC" in flags else "", mode=mode)
    return Event("truncate", path, at=0) if "O_TRUNC" in flags else None


def _write(words: list[str], folder: str) -> Event:
    data = _text(words[1])
    if words[0].startswith("2<") and data.startswith(b"mark "):
        return Event("mark", data.decode().strip())
    at = int(words[3]) if len(words) > 3 else -1
    return Event("write", _held(words[0]), data=data, at=at)


def _write_pieces(words: list[str], folder: str) -> Event:
    pieces = re.findall(r'"(?:[^"\\]|\\.)*"', ", ".join(words[1:]))
    return Event("write", _held(words[0]), data=b"".join(map(_text, pieces)))


def _two(call: str, first: int, second: int, *, at: bool) -> Callable[[list[str], str], Event]:
    def read(words: list[str], folder: str) -> Event:
        if at:
            return Event(call, _at(words, first), _at(words, second))
        return Event(call, _path(folder, words[first]), _path(folder, words[second]))

    return read


def _symlink(words: list[str], folder: str) -> Event:
    place = _at(words, 1) if len(words) > 2 else _path(folder, words[1])
    return Event("symlink", place, os.fsdecode(_text(words[0])))


_READERS: dict[str, Callable[[list[str], str], Event | None]] = {
    "openat": _open,
    "open": lambda w, f: _open([f"AT_FDCWD<{f}>", *w], f),
    "creat": lambda w, f: Event("create", _path(f, w[0]), other="truncate", mode=int(w[1], 8)),
    "write": _write,
    "pwrite64": _write,
    "writev": _write_pieces,
    "fsync": lambda w, f: Event("sync", _held(w[0])),
    "fdatasync": lambda w, f: Event("sync", _held(w[0])),
    "syncfs": lambda w, f: Event("sync-all", ""),
    "sync": lambda w, f: Event("sync-all", ""),
    "ftruncate": lambda w, f: Event("truncate", _held(w[0]), at=int(w[1])),
    "rename": _two("rename", 0, 1, at=False),
    "renameat": _two("rename", 0, 2, at=True),
    "renameat2": _two("rename", 0, 2, at=True),
    "link": _two("link", 0, 1, at=False),
    "linkat": _two("link", 0, 2, at=True),
    "unlink": lambda w, f: Event("unlink", _path(f, w[0])),
    "unlinkat": lambda w, f: Event("unlink", _at(w, 0)),
    "rmdir": lambda w, f: Event("unlink", _path(f, w[0])),
    "mkdir": lambda w, f: Event("mkdir", _path(f, w[0])),
    "mkdirat": lambda w, f: Event("mkdir", _at(w, 0)),
    "symlink": _symlink,
    "symlinkat": _symlink,
    "chmod": lambda w, f: Event("chmod", _path(f, w[0]), mode=int(w[1], 8)),
    "fchmod": lambda w, f: Event("chmod", _held(w[0]), mode=int(w[1], 8)),
    "fchmodat": lambda w, f: Event("chmod", _at(w, 0), mode=int(w[2], 8)),
}  # fmt: skip
