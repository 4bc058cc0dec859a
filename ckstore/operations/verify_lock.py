"""``verify``: is everything that a lock names here, and is it what the lock says, to the byte?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ckstore.errors import CkstoreError
from ckstore.model.locks import Lock, Pin
from ckstore.objects.digests import digest_of_folder
from ckstore.objects.layout import leads_to, remove_tree
from ckstore.objects.sharing import shared
from ckstore.objects.store import ObjectStore
from ckstore.operations.snapshot import check_pin, place_of_snapshot, view_with_kinds


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one pin; ``code`` is that of the error which using it would raise."""

    component: str
    version: str
    code: str
    message: str
    hints: tuple[str, ...] = ()

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {"component": self.component, "version": self.version, "code": self.code,
                "message": self.message, "hints": list(self.hints)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """``snapshot``: whether it was laid out, so that its files were read as well."""

    lock: str
    pins: int
    snapshot: bool
    problems: tuple[Problem, ...]

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {"lock": self.lock, "pins": self.pins, "snapshot": self.snapshot,
                "problems": [problem.as_plain() for problem in self.problems]}  # fmt: skip


def verify_lock(
    store: ObjectStore, lock: Lock, progress: Callable[[str], None] = lambda line: None
) -> VerifyReport:  # fmt: skip
    """Read every file that the lock names, in the store and in the snapshot; never raises for what is wrong.

    Resolves nothing and needs no network. A copy in the snapshot that was changed is removed, so that the
    next use lays out the true files.
    """
    view = view_with_kinds(store, lock)
    problems: list[Problem] = []
    whole: list[Pin] = []
    for number, pin in enumerate(lock.pins, 1):
        progress(f"verifying {number}/{len(lock.pins)} components")
        try:
            check_pin(store, view, lock, pin)
            problem = _files(store, pin)
        except CkstoreError as error:
            problem = Problem(pin.component, pin.version, error.code, error.message, tuple(error.hints))
        if problem:
            problems.append(problem)
        else:
            whole.append(pin)
    root = place_of_snapshot(store, lock)
    with shared(store.path, progress):
        laid_out = root.is_dir()
        problems += _snapshot(store, root, whole) if laid_out else []
    return VerifyReport(lock.digest, len(lock.pins), laid_out, tuple(problems))


def _files(store: ObjectStore, pin: Pin) -> Problem | None:
    found = store.digests.of_tree(pin.tree)
    if found == pin.digest:
        return None
    message = f"The files of {pin.component}@{pin.version} have the digest {found}, not {pin.digest}."
    return Problem(
        pin.component, pin.version, "digest-mismatch", message, ("`ckstore fsck` finds what is damaged",)
    )


def _snapshot(store: ObjectStore, root: Path, pins: list[Pin]) -> list[Problem]:
    changed = [pin for pin in pins if not _is_true(store, root, pin)]
    for pin in changed:
        tree = store.path / "trees" / pin.tree
        if tree.is_dir():
            remove_tree(tree)
    if changed:
        remove_tree(root)
    hint = "the changed copy was removed; the next use starts from the true files"
    return [
        Problem(
            pin.component, pin.version, "snapshot-changed",
            f"The files of {pin.component}@{pin.version} in the snapshot were changed.", (hint,),
        )
        for pin in changed
    ]  # fmt: skip


def _is_true(store: ObjectStore, root: Path, pin: Pin) -> bool:
    if not leads_to(root, pin.component, store.path / "trees" / pin.tree):
        return False
    try:
        return digest_of_folder(root.joinpath(*pin.component.split(":"))) == pin.digest
    except (CkstoreError, OSError):
        return False
