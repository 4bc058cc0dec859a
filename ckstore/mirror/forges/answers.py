"""Answers of forges, remembered with their ETag: asking again for what did not change costs no quota.

The folder is derived: deleting it costs a few requests and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

_MOST_FILES = 200
_MOST_BYTES = 32 * 1024 * 1024  # of one answer


@dataclass(frozen=True, slots=True)
class Remembered:
    """``following`` is the address of the next page; empty on the last one."""

    etag: str
    following: str
    body: bytes


class Answers:
    """One file per address in ``folder``, which need not exist and need not be writable."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def recall(self, address: str) -> Remembered | None:
        """What was answered last; None when it is not known, or its file is damaged."""
        try:
            head, _, packed = self._file(address).read_bytes().partition(b"\n")
            known = json.loads(head)
            inflate = zlib.decompressobj()
            body = inflate.decompress(packed, _MOST_BYTES)
            if known["address"] == address and inflate.eof:
                return Remembered(str(known["etag"]), str(known["following"]), body)
        except (OSError, ValueError, KeyError, TypeError, zlib.error):
            pass
        return None

    def remember(self, address: str, answer: Remembered) -> None:
        """Keep an answer; nothing happens where that is impossible."""
        head = {"address": address, "etag": answer.etag, "following": answer.following}
        data = json.dumps(head).encode() + b"\n" + zlib.compress(answer.body, 6)
        path = self._file(address)
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._make_room()
            temporary = path.with_name(f"{path.name}.{os.getpid()}")
            temporary.write_bytes(data)
            temporary.replace(path)

    def _make_room(self) -> None:
        files = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in files[: -_MOST_FILES + 1]:
            path.unlink(missing_ok=True)

    def _file(self, address: str) -> Path:
        return self._folder / hashlib.sha256(address.encode()).hexdigest()[:32]
