"""Each thing is synced before what makes it visible, as the kernel sees it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from tests.crash import scenes
from tests.crash.scenes import Scene, World, trace_scene
from tests.crash.syscalls import Event

PACKS = r"store/objects\.git/objects/pack"
REFS = r"store/objects\.git/refs"
OUR_PACK = [
    ("sync", rf"{PACKS}/ckstore_pack_\w+$"),
    ("sync", rf"{PACKS}/ckstore_idx_\w+$"),
    ("rename", rf"{PACKS}/pack-\w+\.pack$"),
    ("rename", rf"{PACKS}/pack-\w+\.idx$"),
    ("sync", rf"{PACKS}$"),
]
LOG = [
    ("sync", rf"{REFS}/ckstore/log\.lock$"),
    ("rename", rf"{REFS}/ckstore/log$"),
    ("sync", rf"{REFS}/ckstore$"),
    ("sync", rf"{REFS}$"),
]
ADOPTED = [
    ("sync", r"store/incoming/up/.*/pack-\w+\.pack$"),
    ("rename", rf"{PACKS}/pack-\w+\.pack$"),
    ("sync", r"store/incoming/up/.*/pack-\w+\.idx$"),
    ("rename", rf"{PACKS}/pack-\w+\.idx$"),
    ("sync", rf"{PACKS}$"),
]
HISTORY = [
    ("sync", rf"{REFS}/ckstore/mirrors/up/head\.lock$"),
    ("link|rename", rf"{REFS}/ckstore/mirrors/up/head$"),
    ("sync", rf"{REFS}/ckstore/mirrors/up$"),
    ("sync", rf"{REFS}/ckstore/mirrors$"),
    ("sync", rf"{REFS}/ckstore$"),
]
FORMER = [("sync", rf"{REFS}/ckstore/mirrors/up/former$"), ("sync", rf"{REFS}/ckstore/mirrors/up$")]
PACK_GONE = [("rename", rf"{PACKS}/ckstore_idx_\w+$"), ("unlink", r"pack-\w+\.pack$")]
EXCHANGED = [(call, pattern.replace("incoming/up", "incoming/@exchange")) for call, pattern in ADOPTED]
ELSEWHERE = [
    ("sync", rf"{REFS}/ckstore/mirrors/up/elsewhere\.lock$"),
    ("link|rename", rf"{REFS}/ckstore/mirrors/up/elsewhere$"),
    ("sync", rf"{REFS}/ckstore/mirrors/up$"),
    ("sync", rf"{REFS}/ckstore/mirrors$"),
    ("sync", rf"{REFS}/ckstore$"),
]
NOTED = [("sync", r"store/gc/tmp-\w+$"), ("rename", r"store/gc/unreached$")]
TREE_GONE = [("rename", r"store/trees/tmp-\w+/gone$"), ("unlink", r"store/trees/tmp-\w+/gone/")]
NEW_STORE = [
    ("sync", r"objects\.git/config$"),
    ("sync", r"objects\.git/objects$"),
    ("sync", r"objects\.git$"),
    ("rename", r"place/store/objects\.git$"),
    ("sync", r"place/store$"),
]
INDEX = [
    ("sync", r"store/index\.sqlite\.new\d+$"),
    ("rename", r"store/index\.sqlite$"),
]
LOCK_FILES = [
    ("sync", r"project/\.ckstore\.toml-\w+$"),
    ("rename", r"project/ckstore\.toml$"),
    ("sync", r"project$"),
    ("sync", r"project/\.ckstore\.lock-\w+$"),
    ("rename", r"project/ckstore\.lock$"),
    ("sync", r"project$"),
]
ORDERS: list[tuple[Scene, list[list[tuple[str, str]]]]] = [
    (scenes.CREATE, [[*NEW_STORE, *OUR_PACK, *LOG], [("sync", r"/place$"), *LOG]]),
    (scenes.ADD, [[*OUR_PACK, *LOG]]),
    (scenes.MIRROR, [[*ADOPTED, *OUR_PACK, *HISTORY, *LOG]]),
    (scenes.MIRROR_LIBRARY, [[*ADOPTED, *OUR_PACK, *HISTORY, *LOG]]),
    (scenes.MIRROR_REWRITTEN, [[*FORMER, *HISTORY, *LOG]]),
    (scenes.HEAL, [[("rename", r"store/damaged/\w+$"), ("sync", r"store/objects\.git/objects/\w\w$"), *LOG]]),
    (scenes.FOLD, [[*OUR_PACK, *LOG, *OUR_PACK, *PACK_GONE]]),
    (scenes.FIND, [INDEX]),
    (scenes.LOCK, [LOCK_FILES, [*OUR_PACK, *LOG, *INDEX, *LOCK_FILES]]),
    (scenes.RUN, [[*OUR_PACK, *LOG]]),
    (scenes.YANK, [[*OUR_PACK, *LOG]]),
    (scenes.IMPORT, [[*OUR_PACK, *LOG]]),
    (scenes.UNDO, [[*OUR_PACK, *LOG]]),
    (scenes.PULL, [[*NEW_STORE, *EXCHANGED, *ELSEWHERE, *LOG]]),
    (scenes.GC, [[*TREE_GONE, *PACK_GONE, *NOTED, ("sync", rf"{PACKS}$")]]),
]  # fmt: skip


def check_order(events: Sequence[Event], steps: Sequence[tuple[str, str]]) -> None:
    """Fail unless the steps (call, pattern of the path that it leads to) occur in this order."""
    at = 0
    for call, pattern in steps:
        there = (
            number
            for number in range(at, len(events))
            if re.fullmatch(call, events[number].call) and re.search(pattern, events[number].leads_to)
        )
        found = next(there, None)
        listing = "\n".join(f"{number} {event}" for number, event in enumerate(events))
        assert found is not None, f"no {call} of {pattern} after event {at - 1}:\n{listing}"
        at = found + 1


OFTEN = {scenes.CREATE, scenes.ADD, scenes.MIRROR, scenes.FIND, scenes.GC, scenes.IMPORT}


@pytest.mark.parametrize(
    ("scene", "orders"),
    [
        pytest.param(scene, orders, id=scene.name, marks=[] if scene in OFTEN else [pytest.mark.slow])
        for scene, orders in ORDERS
    ],
)
def test_everything_is_synced_before_what_makes_it_visible(
    world: World, scene: Scene, orders: list[list[tuple[str, str]]]
) -> None:
    scene.prepare(world)
    events = trace_scene(world, scene)
    for steps in orders:
        check_order(events, steps)
    unsynced_when_visible(events)


def unsynced_when_visible(events: Sequence[Event]) -> None:
    """What gets a name among objects and refs has been synced before, whoever wrote it."""
    written: set[str] = set()
    for event in events:
        if event.call in ("create", "write", "truncate"):
            written.add(event.path)
        elif event.call == "sync":
            written.discard(event.path)
        elif event.call in ("rename", "link"):
            if re.search(rf"({PACKS}/pack-|{REFS}/ckstore/|project/ckstore\.)", event.other):
                assert event.path not in written, f"{event} is not synced"
            if event.path in written:
                written.add(event.other)
        elif event.call == "sync-all":
            written.clear()


def test_an_operation_needs_few_syncs_however_much_it_holds(world: World) -> None:
    scenes.ADD.prepare(world)
    for number in range(100):
        (world.base / "two" / f"file{number}").write_text(str(number))
    events = trace_scene(world, scenes.ADD)
    assert sum(event.call == "sync" for event in events) <= 8
