"""Locks that a merge of branches left in two pieces: read, merged, and merged while git merges."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ckstore.errors import CkstoreError, InvalidInput, NotFound
from ckstore.model.conflicts import has_conflict, split_conflict
from ckstore.model.lockmerge import Merged, merge_locks
from ckstore.model.locks import Lock
from ckstore.objects.store import ObjectStore
from ckstore.operations.project import read_text, write_whole


def mended_lock(path: Path) -> tuple[Lock, tuple[str, ...]] | None:
    """A lock with conflict markers, or one that needs what it does not pin, as a whole one, and what to tell.

    None when it is damaged in another way. Whoever calls this resolves anew: that settles the rest.
    """
    text = read_text(path)
    try:
        merged = merge_text(text, str(path))
    except (InvalidInput, ValueError):
        return None
    what = "conflict markers" if has_conflict(text) else "needs without a pin"
    told = f"{path.name} had {what}: everything that can be kept of it was kept"
    return merged.lock, (told, *(f"both sides changed {line}" for line in merged.decided), *merged.unsettled)


def merge_text(text: str, where: str) -> Merged:
    """The lock that a text with conflict markers stands for; a text without any is made whole.

    Raises ValueError for markers out of place, and what reading a lock raises for each of the sides.
    """
    if not has_conflict(text):
        torn = Lock.parse(text, where, whole=False)
        return merge_locks(None, torn, torn)
    sides = split_conflict(text)
    ours, theirs = (Lock.parse(side, where, whole=False) for side in (sides.ours, sides.theirs))
    return merge_locks(_base(sides.base), ours, theirs)


def _base(text: str | None) -> Lock | None:
    """What both sides come from; markers do not always hold a whole lock, and one can do without."""
    if not text:
        return None
    try:
        return Lock.parse(text, whole=False)
    except (InvalidInput, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class DriverReport:
    """What a merge driver did. ``left``: what nobody could settle; git then keeps the file as a conflict."""

    lock: Lock
    decided: tuple[str, ...]
    left: tuple[str, ...]

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {"digest": self.lock.digest, "pins": len(self.lock.pins), "decided": list(self.decided),
                "left": list(self.left)}  # fmt: skip


def merge_files(base: Path, ours: Path, theirs: Path, store: ObjectStore | None) -> DriverReport:
    """Merge as git asks its drivers to: the outcome takes the place of ``ours``.

    What does not hold as it is, is resolved anew with ``store``, if there is one, with both sides' pins as
    the preference. Raises what reading raises for a side that is no lock, and changes nothing then.
    """
    sides = [_driven(path) for path in (ours, theirs)]
    merged = merge_locks(_base(read_text(base)), *sides)
    lock, left = merged.lock, merged.unsettled
    if left and store is not None:
        lock, left = _resolved(store, merged)
    write_whole(ours, lock.emit())
    return DriverReport(lock, merged.decided, left)


def _driven(path: Path) -> Lock:
    """One side; it may have been committed with conflict markers."""
    try:
        return merge_text(read_text(path), path.name).lock
    except ValueError as error:
        raise InvalidInput(f"{path.name}: {error}.", code="bad-lock") from error


def _resolved(store: ObjectStore, merged: Merged) -> tuple[Lock, tuple[str, ...]]:
    from ckstore.operations.lock import make_lock

    asks = list(dict.fromkeys(ask for ask, _ in merged.lock.roots))
    try:
        return make_lock(store, asks, present=merged.lock)[0], ()
    except CkstoreError as error:
        return merged.lock, (*merged.unsettled, error.message)


GIT_SETTINGS = (
    ("merge.ckstore.name", "merge of ckstore.lock"),
    ("merge.ckstore.driver", "ckstore merge-lock %O %A %B %P"),
)
ATTRIBUTE = "ckstore.lock merge=ckstore"


def install_driver(project: Path) -> tuple[str, ...]:
    """Tell the git repository of a project to merge locks with ckstore; gives what was changed.

    The settings are the clone's own; the line in ``.gitattributes`` beside the lock is for everybody.
    Raises :class:`NotFound` where there is no repository.
    """
    import pygit2

    found = pygit2.discover_repository(str(project))
    if not found:
        raise NotFound(
            f"{project} is in no git repository.", code="no-repository", hints=["`git init` makes one"]
        )
    config = pygit2.Repository(found).config
    done = []
    for key, value in GIT_SETTINGS:
        if key not in config or config[key] != value:
            config[key] = value
            done.append(f'{key} = "{value}"')
    attributes = project / ".gitattributes"
    text = read_text(attributes) if attributes.is_file() else ""
    if ATTRIBUTE not in text.splitlines():
        write_whole(attributes, text + ("\n" if text and not text.endswith("\n") else "") + f"{ATTRIBUTE}\n")
        done.append(f"{attributes.name}: {ATTRIBUTE}")
    return tuple(done)
