"""The metadata of what readers found: each set of files read once, and with what it inherits.

A component whose metadata names a base is read over that of the base, from the same root tree. A base that
is not there, that cannot be read or that leads back is told, and the component counts as it is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ckstore.errors import CorruptData, InvalidInput, NotFound
from ckstore.mirror.readers.files import file_ids, read_file
from ckstore.mirror.readers.found import PLAIN, Found, Reader
from ckstore.mirror.readers.plain import plain_metadata
from ckstore.mirror.trees import Trees
from ckstore.model.limits import MAX_BASES
from ckstore.model.metadata import Metadata, Place, Written
from ckstore.model.metadata_formats import BY_NAME
from ckstore.model.plain import Plain, as_text

_REMEMBERED = 8 * 1024 * 1024  # bytes of metadata files, about a tenth of what their values take

_Key = tuple[str, str, Place, tuple[tuple[str, str], ...]]


@dataclass(slots=True)
class _Chain:
    """The components that one inherits from: their paths, and whether all of them are there."""

    paths: list[str] = field(default_factory=list)
    whole: bool = True
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Known:
    """``size`` of the files in bytes; ``metadata`` once it was asked for, unless something is inherited."""

    written: Written
    size: int
    metadata: Metadata | None = None


class Contents:
    """Metadata by place; knows which components inherit, to read them again when a base changes."""

    def __init__(self) -> None:
        self._known: OrderedDict[_Key, _Known] = OrderedDict()
        self._bytes = 0
        self._heirs: dict[str, tuple[Found, _Chain]] = {}

    def metadata(self, trees: Trees, reader: Reader, found: Found) -> Metadata:
        """What a component says; :class:`InvalidInput` names the file, the line and the reason."""
        if found.format == PLAIN:
            return plain_metadata(found.place)
        form, where = BY_NAME[found.format], found.path or "."
        known = self._read(trees, found)
        written = known.written
        if not (form.base and as_text(written.body.get(form.base)).strip()):
            known.metadata = known.metadata or form.describe(written, found.place, where)
            return known.metadata
        chain = _Chain([found.path])
        body = self._inherited(trees, reader, found, written.body, chain)
        self._heirs[found.path] = found, chain
        told = (*written.told, *(f"{where}: {line}" for line in chain.problems))
        return replace(
            form.describe(replace(written, body=body, told=told), found.place, where), inherits=True
        )

    def _inherited(self, trees: Trees, reader: Reader, found: Found, own: Plain, chain: _Chain) -> Plain:
        """The body of a component over that of its base, which is read over that of its own."""
        form = BY_NAME[found.format]
        text = as_text(own.get(form.base)).strip()
        own = {key: value for key, value in own.items() if key not in (form.base, f"{form.base}#")}
        if not text:
            return own
        base, reason = reader.base(trees, found, text), ""
        if base is None:
            chain.whole = False
            reason = "it is not in this repository"
        elif base.path in chain.paths:
            reason = "it inherits from this one"
        elif len(chain.paths) > MAX_BASES:
            reason = f"more than {MAX_BASES} bases above each other"
        if base is None or reason:
            chain.problems.append(f"its base {text!r} is left out: {reason}")
            return own
        chain.paths.append(base.path)
        try:
            above = self._read(trees, base).written.body
        except (InvalidInput, NotFound, CorruptData) as error:
            chain.problems.append(f"its base {text!r} is left out: {error.message}")
            return own
        return form.inherit(self._inherited(trees, reader, base, above, chain), own)

    def _read(self, trees: Trees, found: Found) -> _Known:
        """The files as values, remembered by where they are and what they hold."""
        form = BY_NAME[found.format]
        ids = file_ids(trees, found.tree, form.files)
        key = found.format, found.path, found.place, tuple(ids.items())
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        where = found.path or "."
        files = {path: read_file(trees, oid) for path, oid in ids.items()}
        if not any(mark in files for mark in form.marks):
            raise InvalidInput(f"{where}: no {' or '.join(form.marks)}.", code="no-metadata")
        known = self._known[key] = _Known(form.read(files, where), sum(map(len, files.values())))
        self._bytes += known.size
        while self._bytes > _REMEMBERED:
            self._bytes -= self._known.popitem(last=False)[1].size
        return known

    def heirs(self, changed: Iterable[str], gone: Iterable[str], root: str) -> list[Found]:
        """Components that did not change themselves, but inherit from one that did (paths).

        Those with a base that was missing are read again whenever anything changes: it may be there now.
        """
        for path in gone:
            self._heirs.pop(path, None)
        touched = set(changed)
        again = [
            replace(found, root=root)
            for path, (found, chain) in sorted(self._heirs.items())
            if path not in touched and (not chain.whole or not touched.isdisjoint(chain.paths))
        ]
        return again if touched else []
