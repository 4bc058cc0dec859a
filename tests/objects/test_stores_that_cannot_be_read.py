"""A store of another user, or with folders nobody may read: said as such, not as damage or absence."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ckstore.errors import Unavailable
from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import check
from tests.objects.helpers import add, in_child, make_folder

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
_NOBODY = 65534


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that all may enter, with a store ``store`` that holds one component."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        add(ObjectStore(place / "store"), "c", make_folder(place / "c", {"x": b"1"}))
        check(ObjectStore(place / "store"))  # a user without rights may not be able to load modules, either
        yield place


def become_nobody() -> None:
    """Be a user whom permissions stop; whoever is not root is one."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)


def as_nobody(work: Callable[[], object]) -> int:
    def child() -> None:
        become_nobody()
        work()

    return in_child(child)


def refused(work: Callable[[], object]) -> None:
    with pytest.raises(Unavailable) as error:
        work()
    assert error.value.code == "store-not-readable"
    assert error.value.hints


@pytest.mark.parametrize(
    "closed", ["store", "store/objects.git", "store/objects.git/objects", "store/objects.git/objects/pack"]
)
def test_a_folder_that_may_not_be_read_is_named_when_the_store_is_opened(place: Path, closed: str) -> None:
    path = place / closed
    mode = path.stat().st_mode
    path.chmod(0)

    def work() -> None:
        for create in (False, True):
            refused(partial(ObjectStore, place / "store", create=create))

    try:
        assert as_nobody(work) == 0
    finally:
        path.chmod(mode)


@pytest.mark.parametrize("closed", ["objects/pack", "objects", "."])
def test_a_folder_closed_later_is_named_when_it_is_read(place: Path, closed: str) -> None:
    store = ObjectStore(place / "store")

    def work() -> None:
        refused(lambda: store.read("0" * 40))
        if closed == ".":
            refused(store.view)
            refused(lambda: list(store.operations()))

    path = store.git / closed
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        assert as_nobody(work) == 0
    finally:
        path.chmod(mode)


@pytest.mark.parametrize("pattern", ["*.pack", "*.idx", "*"])
def test_a_pack_that_may_not_be_read_is_no_missing_object(place: Path, pattern: str) -> None:
    for path in (place / "store/objects.git/objects/pack").glob(pattern):
        path.chmod(0)

    def work() -> None:
        refused(lambda: ObjectStore(place / "store", create=False).view().sources())

    assert as_nobody(work) == 0


def test_a_store_that_may_be_read_but_not_written_is_read(place: Path) -> None:
    def work() -> None:
        store = ObjectStore(place / "store", create=False)
        assert [source.name for source in store.view().sources()] == ["lab"]
        assert check(store).damage == ()

    assert as_nobody(work) == 0


def test_a_pack_that_goes_while_the_store_is_opened_stops_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = place / "store/objects.git/objects/pack"
    (pack / "pack-gone.pack").write_bytes(b"")
    real = os.access

    def access(path: str, mode: int) -> bool:
        if path.endswith("pack-gone.pack"):
            os.unlink(path)
        return real(path, mode)

    monkeypatch.setattr(os, "access", access)
    assert len(ObjectStore(place / "store").view().sources()) == 1
    assert not (pack / "pack-gone.pack").exists()
