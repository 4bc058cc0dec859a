"""Two contents with one id: refused, whichever comes first and however large they are.

No two files with one git id are known to the public (the published collisions are of bare SHA-1), so an id
function that is easy to fool stands in for SHA-1 here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from ckstore.errors import CorruptData
from ckstore.objects import hashing, packs
from ckstore.objects.checkedfile import CheckedFile
from ckstore.objects.store import ObjectStore
from tests.objects.helpers import litter


def weak(kind: str, data: bytes) -> str:
    """Bytes that differ only behind a percent sign have the same id."""
    shown = data.partition(b"%")[0]
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + shown).hexdigest()


@pytest.fixture
def _weak_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "object_id", weak)


@pytest.mark.usefixtures("_weak_ids")
@pytest.mark.parametrize("threshold", [10, 10_000], ids=["large", "small"])
def test_in_one_operation(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threshold: int
) -> None:
    monkeypatch.setattr(packs, "LARGE", threshold)
    good, evil = tmp_path / "good", tmp_path / "evil"
    good.write_bytes(b"the same so far %good")
    evil.write_bytes(b"the same so far %evil")
    monkeypatch.setattr(CheckedFile, "pieces", pieces_with(weak))
    with store.writer() as writer:
        oid = writer.add_file(good, 21)
        assert writer.add_file(good, 21) == oid
        with pytest.raises(CorruptData) as refused:
            writer.add_file(evil, 21)
    assert refused.value.code == "sha1-collision"
    assert litter(store) == []


def pieces_with(identify: Callable[[str, bytes], str]) -> Callable[[CheckedFile], list[bytes]]:
    def pieces(self: CheckedFile) -> list[bytes]:
        data = Path(self._path).read_bytes()
        self.oid, self.digest = identify("blob", data), hashlib.sha256(data).digest()
        return [data]

    return pieces


def test_with_what_the_store_holds(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = tmp_path / "held"
    held.write_bytes(b"h" * 100)
    with store.writer() as writer:
        oid = writer.add_file(held, 100)
        writer.finish()
    other = tmp_path / "other"
    other.write_bytes(b"o" * 100)
    monkeypatch.setattr(packs, "object_id", lambda kind, data: oid)
    with store.writer() as writer, pytest.raises(CorruptData) as refused:
        writer.add_file(other, 100)
    assert refused.value.code == "sha1-collision"
    monkeypatch.setattr(packs, "LARGE", 10)
    monkeypatch.setattr(CheckedFile, "pieces", pieces_with(lambda kind, data: oid))
    with store.writer() as writer:
        assert writer.add_file(held, 100) == oid
    with store.writer() as writer, pytest.raises(CorruptData) as refused:
        writer.add_file(other, 100)
    assert refused.value.code == "sha1-collision"
    assert store.read_blob(oid) == b"h" * 100


def attacked(*_: object) -> None:
    """As libgit2 says it."""
    raise pygit2.GitError("SHA1 collision attack detected")


def test_half_of_an_attack_is_refused(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_bytes(b"crafted")
    monkeypatch.setattr(pygit2, "hash", attacked)
    with store.writer() as writer, pytest.raises(CorruptData) as refused:
        writer.add_file(tmp_path / "x", 7)
    assert refused.value.code == "sha1-collision"


@pytest.mark.parametrize("kind", ["blob", "tree", "commit", "tag"])
def test_ids_of_every_type_are_those_of_git(kind: str) -> None:
    for data in (b"", b"x", b"some bytes" * 1000):
        expected = hashlib.sha1(f"{kind} {len(data)}\0".encode() + data).hexdigest()
        assert hashing.object_id(kind, data) == expected
