"""Whatever became of the index, `find` answers what the log says: the index is derived, and made anew."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator

import pytest

from ckstore.index.files import FILE, OWN_FILE
from ckstore.index.schema import APPLICATION_ID, FORMAT
from tests.crash.scenes import World
from tests.operations.folders import component

FLIPS = 60


@pytest.fixture
def shelf(world: World) -> World:
    """A store with an index, kept at ``index`` beside it."""
    world.place.mkdir()
    for name in ("apple", "pear", "plum"):
        component(world.base / "lab" / "program" / name, "program", name, tags=f"fruit,{name}")
    world.do("add {base}/lab")
    world.do("find fruit")
    with sqlite3.connect(world.store / FILE) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    shutil.copy(world.store / FILE, world.base / "index")
    return world


def answers(world: World) -> list[str]:
    """What `find` finds, by name."""
    return sorted(hit["name"] for hit in json.loads(world.do("find --tags fruit --json", 0, 10)))


FRUIT = ["apple", "pear", "plum"]


def spoil(world: World, data: bytes) -> None:
    """Put these bytes in the place of the index."""
    for name in (FILE, f"{FILE}-wal", f"{FILE}-shm"):
        (world.store / name).unlink(missing_ok=True)
    (world.store / FILE).write_bytes(data)


def test_an_index_cut_off_anywhere_is_made_anew(shelf: World) -> None:
    whole = (shelf.base / "index").read_bytes()
    pages = range(4096, len(whole), 3 * 4096)
    for length in [0, 1, 15, 16, 18, 99, 100, 101, 512, 4095, *pages, len(whole) - 4096, len(whole) - 1]:
        spoil(shelf, whole[:length])
        assert answers(shelf) == FRUIT, length
    assert FILE in {path.name for path in shelf.store.iterdir()}


def test_a_flipped_bit_is_never_more_than_a_wrong_text_until_the_index_is_made_anew(shelf: World) -> None:
    whole = (shelf.base / "index").read_bytes()
    chance = random.Random(1)
    for _ in range(FLIPS):
        at = chance.choice([chance.randrange(len(whole)), chance.randrange(100), chance.randrange(4096)])
        spoiled = bytearray(whole)
        spoiled[at] ^= 1 << chance.randrange(8)
        spoil(shelf, bytes(spoiled))
        shelf.do("find fruit", 0, 10)
        shelf.do("find --tags fruit --json", 0, 10)
        shelf.do("find kind:program", 0, 2, 10)
    spoil(shelf, b"")
    assert answers(shelf) == FRUIT


@pytest.mark.parametrize("name", [f"{FILE}-wal", f"{FILE}-shm", f"{FILE}-journal"])
def test_rubbish_beside_the_index_does_no_harm(shelf: World, name: str) -> None:
    (shelf.store / name).write_bytes(random.Random(2).randbytes(9000))
    assert answers(shelf) == FRUIT
    shelf.do("add {base}/lab/program/apple --source another")
    assert answers(shelf) == ["apple", *FRUIT]


def forged(*statements: str) -> Callable[[sqlite3.Connection, str], None]:
    def forge(connection: sqlite3.Connection, head: str) -> None:
        for statement in statements:
            connection.execute(statement)

    return forge


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT"
FORGERIES = {
    "a view that never ends": forged(
        "DROP TABLE lines",
        f"CREATE VIEW lines AS {ENDLESS} i AS id, i AS component, 'program' AS kind, 'x' AS name, "
        "1 AS current, i AS newest FROM n",
    ),
    "a view in the place of meta": forged(
        "CREATE TABLE head AS SELECT * FROM meta",
        "DROP TABLE meta",
        "CREATE VIEW meta AS SELECT key, value FROM head",
    ),
    "a trigger that forgets": forged(
        "CREATE TRIGGER forget AFTER INSERT ON components BEGIN DELETE FROM releases; END"
    ),
    "another virtual table": forged("CREATE VIRTUAL TABLE more USING fts5(x)"),
    "a column more": forged("ALTER TABLE lines ADD COLUMN more TEXT"),
    "a table less": forged("DROP TABLE tags"),
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=list(FORGERIES))
def test_a_forged_index_is_not_believed(
    shelf: World, forgery: Callable[[sqlite3.Connection, str], None]
) -> None:
    connection = sqlite3.connect(shelf.store / FILE, isolation_level=None)
    forgery(connection, "")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    assert answers(shelf) == FRUIT
    shelf.do("add {base}/lab/program/apple --source another")
    assert answers(shelf) == ["apple", *FRUIT]


def test_an_index_of_a_newer_version_is_left_to_it(shelf: World) -> None:
    (shelf.store / FILE).unlink()
    connection = sqlite3.connect(shelf.store / FILE)
    connection.execute("CREATE TABLE things (x)")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    connection.close()
    theirs = (shelf.store / FILE).read_bytes()
    assert answers(shelf) == FRUIT
    assert (shelf.store / FILE).read_bytes() == theirs
    for length in (0, 100, 5000):
        own = shelf.store / OWN_FILE
        own.write_bytes(own.read_bytes()[:length])
        assert answers(shelf) == FRUIT


@pytest.fixture
def sealed(shelf: World) -> Iterator[Callable[[], None]]:
    """Seals the store: from then on its disk is read-only."""
    mount = shutil.which("mount")
    if mount is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root mounts file systems")
    store = str(shelf.store)
    mounted = False

    def seal() -> None:
        nonlocal mounted
        mounted = (
            subprocess.run([mount, "--bind", store, store], capture_output=True, check=False).returncode == 0
        )
        if not mounted:
            pytest.skip("file systems cannot be mounted here")
        subprocess.run([mount, "-o", "remount,bind,ro", store], check=True)

    yield seal
    if mounted:
        subprocess.run(["umount", "-l", store], check=True)


@pytest.mark.parametrize("index", ["current", "stale", "missing", "damaged"])
def test_a_store_on_a_read_only_disk_is_read(shelf: World, sealed: Callable[[], None], index: str) -> None:
    wanted = FRUIT
    if index == "stale":
        shelf.do("add {base}/lab/program/apple --source another")
        wanted = ["apple", *FRUIT]
    elif index == "missing":
        (shelf.store / FILE).unlink()
    elif index == "damaged":
        spoil(shelf, (shelf.base / "index").read_bytes()[:5000])
    sealed()
    assert answers(shelf) == wanted
    for words in ("log", "sources", "show lab:program:pear", "fsck"):
        shelf.do(words)
    shelf.do("add {base}/lab/program/apple --source third", 13)


def test_an_index_in_memory_is_said(shelf: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (shelf.store / FILE).unlink()
    (shelf.store / FILE).mkdir()  # nothing can be written there, for root neither
    assert answers(shelf) == FRUIT
    assert "in memory" in shelf.told("find fruit")
