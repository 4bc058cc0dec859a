"""Which component every folder claims to be, and who gets a UID that several claim.

A claim is what one folder says about itself. Identity is the UID, so of several claims of one UID only
one holds it: the one whose kind and name the line of releases already has, else the first by path. The
others get a UID derived from kind and name, and keep it: when the holder breaks or goes, none of them takes
over the line of another component. All of this depends on the lines and on the trees alone,
never on how a walk came here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ckstore.errors import CorruptData, InvalidInput, NotFound
from ckstore.mirror.readers.found import Found
from ckstore.mirror.trees import Trees
from ckstore.model.metadata import Metadata
from ckstore.model.names import derive_uid

KindAndName = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Claim:
    """Either ``metadata`` is there or ``reason`` says why not.

    ``recorded``: of the metadata only kind, name and UID are known, and that there is nothing to tell.
    """

    found: Found
    metadata: Metadata | None = None
    reason: str = ""
    recorded: bool = False

    @property
    def path(self) -> str:
        """The folder."""
        return self.found.path

    @property
    def told(self) -> tuple[str, ...]:
        """What in the metadata was read otherwise than it is written."""
        return self.metadata.problems if self.metadata else ()

    @property
    def called(self) -> KindAndName:
        """(kind, name); only of a claim with metadata."""
        assert self.metadata is not None
        return self.metadata.kind, self.metadata.name


def read_claim(trees: Trees, found: Found, metadata: Callable[[Trees, Found], Metadata]) -> Claim:
    """What a folder says; a folder that cannot be read becomes a claim with the reason."""
    try:
        return Claim(found, metadata(trees, found))
    except InvalidInput as error:
        return Claim(found, reason=error.message)
    except (NotFound, CorruptData) as error:
        return Claim(found, reason=f"its metadata cannot be read: {error.message}")


def problem(path: str, reason: str) -> str:
    """``path: reason``, not saying the path twice."""
    return reason if path and reason.startswith(path) else f"{path or '.'}: {reason}"


@dataclass(slots=True)
class Claims:
    """All folders of one commit that are, or should be, components; kept up to date step by step."""

    by_path: dict[str, Claim] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)  # UID → path
    _by_uid: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _spare: defaultdict[str, set[str]] = field(
        default_factory=lambda: defaultdict(set)
    )  # derived UID → paths
    _losers: dict[str, dict[str, str]] = field(default_factory=dict)  # UID → path → derived UID
    _touched: set[str] = field(default_factory=set)

    def drop(self, path: str) -> None:
        """There is no component at this path any more."""
        claim = self.by_path.pop(path, None)
        if claim is not None and claim.metadata is not None:
            self._by_uid[claim.metadata.uid].discard(path)
            self._touched.add(claim.metadata.uid)

    def put(self, claim: Claim) -> None:
        """A folder claims this now."""
        self.drop(claim.path)
        self.by_path[claim.path] = claim
        if claim.metadata is not None:
            self._by_uid[claim.metadata.uid].add(claim.path)
            self._touched.add(claim.metadata.uid)

    def settle(self, holder: Callable[[str], KindAndName | None]) -> list[tuple[str, Claim | None]]:
        """Decide about every UID touched since the last call: (UID, claim that holds it), by UID.

        ``holder`` tells what the line of a UID is called, None when there is no such line.
        """
        touched, self._touched = self._touched, set()
        # all are forgotten first: a folder that has another UID now loses under the same derived UID
        spares = {spare for uid in touched for spare in self._forget(uid)}
        touched |= spares | {spare for uid in touched for spare in self._rank(uid, holder)}
        for uid in touched:
            self._decide(uid, holder)
        owned = ((uid, self.owners.get(uid)) for uid in sorted(touched))
        return [(uid, None if path is None else self.by_path[path]) for uid, path in owned]

    def _forget(self, uid: str) -> set[str]:
        """Forget the losers of a UID; gives the derived UIDs that may have another owner now."""
        lost = self._losers.pop(uid, {})
        for path, spare in lost.items():
            self._spare[spare].discard(path)
        return set(lost.values())

    def _rank(self, uid: str, holder: Callable[[str], KindAndName | None]) -> set[str]:
        """Find the losers of a UID; gives their derived UIDs."""
        again: set[str] = set()
        winner = self._contenders(uid, holder)[:1]
        for path in self._by_uid[uid].difference(winner):
            spare = derive_uid(*self.by_path[path].called)
            self._spare[spare].add(path)
            self._losers.setdefault(uid, {})[path] = spare
            again.add(spare)
        return again

    def _ranked(self, paths: Iterable[str], held: KindAndName | None) -> list[str]:
        return sorted(paths, key=lambda path: (self.by_path[path].called != held, path.split("/")))

    def _contenders(self, uid: str, holder: Callable[[str], KindAndName | None]) -> list[str]:
        """The paths that may hold a UID, best first; its line is not for those that have one of their own."""
        held = holder(uid)
        paths = [
            path
            for path in self._by_uid[uid]
            if held in (None, self.by_path[path].called) or not self._has_own_line(path, uid, holder)
        ]
        return self._ranked(paths, held)

    def _has_own_line(self, path: str, uid: str, holder: Callable[[str], KindAndName | None]) -> bool:
        called = self.by_path[path].called
        spare = derive_uid(*called)
        return spare != uid and holder(spare) == called

    def _decide(self, uid: str, holder: Callable[[str], KindAndName | None]) -> None:
        ranked = self._contenders(uid, holder) or self._ranked(self._spare[uid], None)
        if ranked:
            self.owners[uid] = ranked[0]
        else:
            self.owners.pop(uid, None)

    def held(self) -> Iterator[tuple[str, Claim]]:
        """(UID, claim) of everything that holds a UID, by path."""
        by_path = sorted(self.owners.items(), key=lambda item: item[1].split("/"))
        return ((uid, self.by_path[path]) for uid, path in by_path)

    def broken(self) -> list[Claim]:
        """Claims without metadata, by path."""
        return sorted((c for c in self.by_path.values() if c.metadata is None), key=lambda c: c.path)

    def problems(self) -> Iterator[str]:
        """One line for each folder that is not, or not as it says, a component."""
        for claim in self.broken():
            yield problem(claim.path, claim.reason)
        for path in sorted(self.by_path):
            for line in self.by_path[path].told:
                yield problem(path, line)
        for uid, path, spare in self._collisions():
            winner = self.owners.get(uid, "")
            if self.owners.get(spare) != path:
                yield problem(path, f"it has the kind, name and UID of {self.owners.get(spare)}")
            elif self.by_path[path].called[0] == self._kind_of(uid):
                yield problem(path, f"its UID {uid} is that of {winner} too; it gets the UID {spare}")

    def _collisions(self) -> list[tuple[str, str, str]]:
        found = [(uid, path, spare) for uid, lost in self._losers.items() for path, spare in lost.items()]
        return sorted(found, key=lambda item: item[1].split("/"))

    def across_kinds(self) -> int:
        """How many components share a UID with one of another kind, which is no fault of theirs."""
        return sum(
            self.owners.get(spare) == path and self.by_path[path].called[0] != self._kind_of(uid)
            for uid, path, spare in self._collisions()
        )

    def _kind_of(self, uid: str) -> str:
        """The kind of what holds a UID; empty while nothing does."""
        return self.by_path[self.owners[uid]].called[0] if uid in self.owners else ""
