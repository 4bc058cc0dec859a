"""An engine that lays packs into the quarantine by hand: what a remote could send, tools or no tools."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pygit2

from ckstore.mirror.quarantine import HEAD, tag_ref
from ckstore.mirror.remote import Progress
from ckstore.mirror.urls import RemoteUrl
from tests.hostile.packs import BLOB, COMMIT, TREE, Entry, write_pack

FILE, FOLDER, LINK = 0o100644, 0o40000, 0o120000
MAIN = "refs/heads/main"


@dataclass
class Hands:
    """``entries`` are the objects of the pack, ``head`` its newest commit, ``tags`` further commits."""

    entries: list[Entry] = field(default_factory=list)
    head: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    checks_arrivals = True
    _known: set[str] = field(default_factory=set)

    def put(self, kind: int, data: bytes) -> str:
        return self.lay(Entry(kind, data))

    def lay(self, entry: Entry) -> str:
        name = entry.name
        if name not in self._known:
            self._known.add(name)
            self.entries.append(entry)
        return name

    def tree(self, *entries: tuple[int, bytes, str]) -> str:
        return self.put(TREE, b"".join(b"%o %s\0" % (m, n) + bytes.fromhex(oid) for m, n, oid in entries))

    def commit(self, tree: str, *parents: str, extra: bytes = b"") -> str:
        who = b"A <a@example.org> 1600000000 +0000"
        lines = b"".join(b"parent %s\n" % parent.encode() for parent in parents)
        data = b"tree %s\n%sauthor %s\ncommitter %s\n%s\nmessage\n" % (tree.encode(), lines, who, who, extra)
        self.head = self.put(COMMIT, data)
        return self.head

    def component(self, *entries: tuple[int, bytes, str]) -> str:
        """The tree of a component that holds these entries too."""
        metadata = self.put(BLOB, b"tags = ['x']\n")
        return self.tree(*sorted([(FILE, b"component.toml", metadata), *entries], key=lambda e: e[1]))

    def repository(self, bad: str) -> str:
        """A commit with the component ``program/bad`` of this tree, and ``program/good``."""
        good = self.component((FILE, b"main.c", self.put(BLOB, b"int main;")))
        programs = self.tree((FOLDER, b"bad", bad), (FOLDER, b"good", good))
        return self.commit(self.tree((FOLDER, b"program", programs)))

    # -- the engine --------------------------------------------------------------------------------

    def list_refs(self, git: Path, url: RemoteUrl, spelling: str) -> list[tuple[str, str]]:
        tags = [(f"refs/tags/{tag}", oid) for tag, oid in self.tags.items()]
        return [("HEAD", f"ref: {MAIN}"), ("HEAD", self.head), (MAIN, self.head), *tags]

    def fetch(
        self, git: Path, url: RemoteUrl, spelling: str, refspecs: Sequence[str], progress: Progress
    ) -> None:
        write_pack(git / "objects" / "pack", self.entries)
        for spec in refspecs:
            asked, _, local = spec.removeprefix("+").partition(":")
            oid = self.head if local == HEAD else self.tags[asked.removeprefix("refs/tags/")]
            assert local in (HEAD, *map(tag_ref, self.tags))
            place = git / local
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(f"{oid}\n")
        assert pygit2.Repository(str(git)).references

    def is_connected(self, git: Path, url: RemoteUrl, commits: Iterable[str]) -> bool:
        return True

    def stop(self) -> None:
        """Nothing is under way."""
