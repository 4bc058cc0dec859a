"""``vendor`` and ``checkout``: the files that a lock names, as a writable folder, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ckstore.errors import Conflict, CorruptData, Unavailable
from ckstore.model.locks import Lock, Pin
from ckstore.model.manifest import LOCK_FILE
from ckstore.objects.digests import digest_of_folder
from ckstore.objects.disk import make_folders, sync_folder
from ckstore.objects.litter import sweep_folder, temporary_folder
from ckstore.objects.store import ObjectStore
from ckstore.operations.snapshot import held_snapshot

SUMS = "SHA256SUMS"
_UNFINISHED = ".ckstore-vendor-"
_FOLDER, _FILE, _EXECUTABLE = 0o755, 0o644, 0o755
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What was laid out: ``lock`` is the digest of the lock, ``files`` counts those of the components."""

    folder: str
    lock: str
    components: int
    files: int

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return asdict(self)


def vendor(
    store: ObjectStore, lock: Lock, folder: Path, *, replace: bool = False,
    progress: Progress = lambda _: None,
) -> CopyReport:  # fmt: skip
    """Lay the components out as plain files, with the lock and a list of digests (``sha256sum -c`` reads it).

    ``replace``: the folder may be one that was vendored before. Raises what checking the pins raises,
    :class:`Conflict` for a folder with other things in it, :class:`Unavailable` when it cannot be written.
    """
    with _new_folder(folder, replace) as new:
        _copy(store, lock, new, progress)
        sums = list(_sums(new))
        (new / SUMS).write_bytes(b"".join(sums))
        (new / LOCK_FILE).write_bytes(lock.emit().encode())
    return CopyReport(str(folder), lock.digest, len(lock.pins), len(sums))


def checkout(
    store: ObjectStore, lock: Lock, folder: Path, *, progress: Progress = lambda _: None
) -> CopyReport:
    """Lay the components out, and nothing else, to work on them; raises what :func:`vendor` raises."""
    with _new_folder(folder, False) as new:
        _copy(store, lock, new, progress)
        files = sum(1 for _ in _files(new))
    return CopyReport(str(folder), lock.digest, len(lock.pins), files)


@contextlib.contextmanager
def _new_folder(folder: Path, replace: bool) -> Iterator[Path]:
    """A folder beside it that takes its place when all went well."""
    _check_place(folder, replace)
    try:
        make_folders(folder.parent)
        sweep_folder(folder.parent, _UNFINISHED, strangers=False)
        with temporary_folder(folder.parent, _UNFINISHED) as work:
            new = work / "new"
            new.mkdir()
            yield new
            _put(new, folder, work / "old")
            sync_folder(folder.parent)
    except OSError as error:
        raise Unavailable(
            f"{folder} cannot be written: {error.strerror or error}.",
            code="folder-not-writable",
            hints=["check the permissions of the folder and the free space of the disk"],
        ) from error


def _put(new: Path, folder: Path, old: Path) -> None:
    new.chmod(_FOLDER)
    there = os.path.lexists(folder)
    if there:
        folder.rename(old)  # it goes with the folder around it
    try:
        new.rename(folder)
    except OSError:
        if there:
            old.rename(folder)
        raise


def _check_place(folder: Path, replace: bool) -> None:
    if not os.path.lexists(folder):
        return
    if folder.is_dir() and not folder.is_symlink():
        names = {path.name for path in folder.iterdir()}
        if not names or (replace and {SUMS, LOCK_FILE} <= names):
            return
    hints = ["name a folder that is not there yet"]
    if not replace:
        hints.append("`ckstore vendor --replace` replaces what was vendored there before")
    raise Conflict(f"{folder} is there, and not empty.", code="not-empty", hints=hints)


def _copy(store: ObjectStore, lock: Lock, target: Path, progress: Progress) -> None:
    with held_snapshot(store, lock, progress) as root:
        for number, pin in enumerate(lock.pins, 1):
            progress(f"copying {number}/{len(lock.pins)} components")
            place = target.joinpath(*pin.component.split(":"))
            make_folders(place.parent)
            shutil.copytree(
                root.joinpath(*pin.component.split(":")), place, symlinks=True, copy_function=_copy_file
            )
            _check(place, pin)
            _make_writable(place)


def _copy_file(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    os.chmod(target, _EXECUTABLE if os.stat(source).st_mode & 0o100 else _FILE)  # noqa: PTH101, PTH116 - paths of copytree


def _make_writable(place: Path) -> None:
    for path, _, _ in os.walk(place):
        Path(path).chmod(_FOLDER)


def _check(place: Path, pin: Pin) -> None:
    found = digest_of_folder(place)
    if found != pin.digest:
        raise CorruptData(
            f"The copied files of {pin.component}@{pin.version} have the digest {found}, not {pin.digest}.",
            code="digest-mismatch",
            hints=["`ckstore verify` removes a snapshot that was changed; then try again"],
        )


def _files(folder: Path) -> Iterator[bytes]:
    """The regular files below a folder, in the order of their paths as bytes, relative to it."""
    top = os.fsencode(folder)
    found = [
        os.path.relpath(os.path.join(path, name), top)  # noqa: PTH118 - bytes: a name need not be text
        for path, _, names in os.walk(top) for name in names
    ]  # fmt: skip
    yield from (path for path in sorted(found) if not os.path.islink(os.path.join(top, path)))  # noqa: PTH114, PTH118 - as above


def _sums(folder: Path) -> Iterator[bytes]:
    """Lines as ``sha256sum`` writes them; what it would escape is in no name that a store lets in."""
    top = os.fsencode(folder)
    for path in _files(folder):
        with open(os.path.join(top, path), "rb") as file:  # noqa: PTH118, PTH123 - as above
            digest = hashlib.file_digest(file, "sha256").hexdigest().encode()
        yield digest + b"  " + path + b"\n"
