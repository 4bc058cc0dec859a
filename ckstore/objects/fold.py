"""Few packs instead of many: every operation leaves one, and each costs every later look-up.

Small packs of our own are copied, entry by entry and without decompressing, into one; what is reachable
or not is no question here, nothing is ever lost by it. Mirrored packs, whose entries are deltas of each
other, stay as they are, as does any pack whose bytes do not have the checksums of its index.
"""

from __future__ import annotations

import contextlib
import struct
import zlib
from pathlib import Path

from ckstore.objects.litter import remove_packs
from ckstore.objects.packindex import pack_rows
from ckstore.objects.packs import PackWriter

_SMALL = 1024 * 1024
_MANY = 50
_DELTA_TYPES = (6, 7)
_HEADER, _TRAILER = 12, 20


def fold(folder: Path) -> bool:
    """Fold the small packs in ``folder`` when there are many. The caller holds the store's log lock.

    The new pack is there, synced, before the old ones go, and readers that find one gone look again.
    """
    small = [path for path in folder.glob("pack-*.pack") if _is_small(path)]
    if len(small) < _MANY:
        return False
    writer = PackWriter(folder, lambda oid, kind, data: "absent")
    folded = []
    try:
        for pack in small:
            entries = _entries(pack)
            for oid, raw in entries:
                writer.copy(oid, [raw], zlib.crc32(raw))
            if entries:
                folded.append(pack)
        name = writer.finish()
    finally:
        writer.discard()
    remove_packs(folder, [pack for pack in folded if pack.stem != name])
    return True


def _is_small(pack: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return pack.stat().st_size < _SMALL and not pack.with_suffix(".keep").exists()
    return False


def _entries(pack: Path) -> list[tuple[str, bytes]]:
    """(id, entry as it is in the pack) of all objects; empty for a pack that is not to be folded."""
    try:
        data, index = pack.read_bytes(), pack.with_suffix(".idx").read_bytes()
    except FileNotFoundError:
        return []
    try:
        rows = pack_rows(index)
    except struct.error:
        return []
    if not rows:
        return []
    ends = [*(offset for offset, _, _ in rows[1:]), len(data) - _TRAILER]
    found = [(oid, data[offset:end]) for (offset, oid, _), end in zip(rows, ends, strict=True)]
    whole = all(
        raw and zlib.crc32(raw) == crc and raw[0] >> 4 & 7 not in _DELTA_TYPES
        for (_, raw), (_, _, crc) in zip(found, rows, strict=True)
    )
    return found if whole and rows[0][0] == _HEADER else []
