"""Mirroring in any number of steps gives what mirroring all at once gives, byte for byte."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ckstore.mirror.history import derive
from ckstore.model.records import Operation, Source
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import mirror
from tests.mirror.upstream import Upstream, all_bytes, ck, native

UIDS = ["", "0123456789abcdef", "fedcba9876543210"]
FOLDERS = ["a", "b", "kit/a"]

Change = tuple[str, str, str, str]  # what, folder, UID, body
_A, _GONE = ("write", "a", UIDS[1], "x"), ("remove", "a", "", "x")
changes = st.tuples(
    st.sampled_from(["write", "remove", "break", "unsafe", "untouched"]),
    st.sampled_from(FOLDERS),
    st.sampled_from(UIDS),
    st.sampled_from("xy"),
)
histories = st.lists(st.tuples(st.lists(changes, max_size=3), st.booleans()), min_size=2, max_size=7)


def files_of(change: Change) -> dict[str, str | None]:
    what, folder, uid, body = change
    if what == "write":
        return {f"{folder}/": None, **native(folder, uid=uid, body=body), **_named(folder, uid)}
    if what == "remove":
        return {f"{folder}/": None}
    if what == "break":
        return {f"{folder}/component.toml": f"broken = [{body}"}
    if what == "unsafe":
        return {f"{folder}/component.toml": f"kind = 'k'\nname = '{body}'\nuid = '{uid or UIDS[1]}'\n",
                f"{folder}/sub\\evil": body}  # fmt: skip
    return {"README.md": body}


def _named(folder: str, uid: str) -> dict[str, str]:
    stated = f"uid = '{uid}'\n" if uid else ""
    return {f"{folder}/component.toml": f"kind = 'k'\nname = '{folder[-1]}'\n{stated}"}


def derive_to(store: ObjectStore, name: str, head: str, labels: dict[str, str]) -> None:
    """Derivation and publication without any transport: the commits are in the store."""
    view = store.view()
    source = view.source(name) or Source(name, f"https://example.org/{name}", "git")
    arrived = Source(name, source.url, "git", head=head, labels=labels)
    derived = derive(store, view, source, arrived, "root", lambda line: None)
    record = Source(name, source.url, "git", head=head, labels=labels, problems=derived.problems)

    def edit(view: LogView, change: LogEdit, _: None) -> None:
        change.put_source(record)
        for line in derived.lines.values():
            change.put_component(name, line.component, line.added)
            if line.absences.spans:
                change.put_absences(name, line.component.uid, line.absences)

    store.publish(Operation("mirror", "", ""), lambda writer: None, edit)


@settings(max_examples=40)
@given(histories)
@example(
    [([("write", "a", UIDS[1], "x"), ("write", "b", UIDS[1], "x")], True), ([("remove", "a", "", "x")], True)]
)
@example(
    [
        ([("write", "a", UIDS[1], "x")], True),
        ([("break", "a", "", "x")], True),
        ([("remove", "a", "", "x")], True),
    ]
)
def test_in_steps_and_at_once_are_the_same_bytes(
    history: list[tuple[list[tuple[str, str, str, str]], bool]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = ObjectStore(Path(folder) / "store")
        up = Upstream(store.git)
        tags: dict[str, str] = {}
        for number, (changed, stop) in enumerate(history):
            up.commit({path: text for change in changed for path, text in files_of(change).items()})
            if number % 2:
                tags[f"v{number}"] = up.head
            if stop:
                derive_to(store, "steps", up.head, dict(tags))
        derive_to(store, "steps", up.head, dict(tags))
        derive_to(store, "once", up.head, dict(tags))
        assert all_bytes(store, "steps") == all_bytes(store, "once")


def test_through_the_whole_mirror(tmp_path: Path) -> None:
    up = Upstream(tmp_path / "up.git")
    steps, once = ObjectStore(tmp_path / "steps"), ObjectStore(tmp_path / "once")
    uid = UIDS[1]
    up.commit({"README.md": "hello"})
    history: list[dict[str, str | None]] = [
        {**ck("program", "a", uid), **ck("dataset", "d", UIDS[2])},
        {**ck("program", "a", uid, '{"tags": ["t"]}')},
        {"program/a/.cm/meta.json": "{"},
        {"README.md": "still broken"},
        {"program/a/": None, "program/.cm/alias-a-a": None},
        {**ck("program", "b", uid)},
        {"dataset/d/": None},
    ]
    for number, files in enumerate(history):
        up.commit(files)
        up.tag(f"v{number}")
        mirror(steps, up.url)
    mirror(once, up.url)
    assert all_bytes(steps, "up") == all_bytes(once, "up")


@pytest.mark.parametrize("limit", [1, 3])
def test_the_history_is_fetched_only_once(tmp_path: Path, limit: int) -> None:
    up, store = Upstream(tmp_path / "up.git"), ObjectStore(tmp_path / "store")
    up.commit({**native("program/a"), "program/a/data": "x" * 200})
    mirror(store, up.url)
    packs = set((store.git / "objects" / "pack").glob("*.pack"))
    for number in range(limit):
        up.commit({"program/a/main.c": str(number)})
    mirror(store, up.url)
    fetched = [path for path in (store.git / "objects" / "pack").glob("*.pack") if path not in packs]
    counts = sorted(int.from_bytes(path.read_bytes()[8:12], "big") for path in fetched)
    assert counts[0] <= 6 * limit  # commit, three trees, a file, perhaps a delta base: not what was there
