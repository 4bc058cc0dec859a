"""Mirroring in any number of steps gives what mirroring all at once gives, byte for byte."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ckstore.mirror.history import derive
from ckstore.mirror.readers.claims import Claim, read_claim
from ckstore.mirror.readers.found import Found
from ckstore.mirror.trees import Trees
from ckstore.model.metadata import Metadata
from ckstore.model.records import Operation, Source
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import mirror
from tests.mirror.upstream import Upstream, all_bytes, ck, native, steps

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


def test_an_update_reads_no_metadata_of_what_did_not_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    up, store = Upstream(tmp_path / "up.git"), ObjectStore(tmp_path / "store")
    up.commit({
        **ck("program", "same", UIDS[1]),
        **ck("program", "changes", UIDS[2]),
        **ck("program", "base", "00000000000000ba"),
        **ck("program", "heir", "00000000000000aa", '{"_base_entry": "base"}'),
        **ck("program", "told", "00000000000000bb", '{"tags": "a", "tags": "b"}'),
        "program/derived/.cm/meta.json": "{}",
    })  # fmt: skip
    mirror(store, up.url)
    up.commit({"program/changes/.cm/meta.json": '{"tags": ["t"]}'})
    read: list[str] = []

    def counted(trees: Trees, found: Found, metadata: Callable[[Trees, Found], Metadata]) -> Claim:
        read.append(found.path)
        return read_claim(trees, found, metadata)

    monkeypatch.setattr("ckstore.mirror.derive.read_claim", counted)
    mirror(store, up.url)
    ambiguous = ["program/derived", "program/heir", "program/told"]  # more may have to be said of them
    assert read == [*ambiguous, "program/changes"]
    assert steps(store, "up", "program:changes") == [("1.0.0", "first"), ("1.1.0", "minor")]


def test_a_component_that_gets_another_uid_by_its_alias_alone_is_seen_by_an_update(tmp_path: Path) -> None:
    up = Upstream(tmp_path / "up.git")
    in_steps, once = ObjectStore(tmp_path / "steps"), ObjectStore(tmp_path / "once")
    files = ck("program", "a", UIDS[1])
    for alias in (UIDS[1], UIDS[2], "", UIDS[2], UIDS[1]):
        up.commit({**files, "program/.cm/alias-a-a": f"{alias}\n"})
        mirror(in_steps, up.url)
    up.commit({"README.md": "x"})
    mirror(in_steps, up.url)
    mirror(once, up.url)
    assert all_bytes(in_steps, "up") == all_bytes(once, "up")


def test_of_two_with_one_uid_the_one_that_remains_is_seen_by_an_update(tmp_path: Path) -> None:
    up = Upstream(tmp_path / "up.git")
    in_steps, once = ObjectStore(tmp_path / "steps"), ObjectStore(tmp_path / "once")
    history: list[dict[str, str | None]] = [
        {**ck("program", "a", UIDS[1]), **ck("program", "b", UIDS[1], '{"tags": ["t"]}')},
        {"program/a/": None, "program/.cm/alias-a-a": None},
        {**ck("program", "a", UIDS[1], '{"tags": ["u"]}')},
        {"program/b/": None, "program/.cm/alias-a-b": None},
    ]
    for files in history:
        up.commit(files)
        mirror(in_steps, up.url)
    mirror(once, up.url)
    assert all_bytes(in_steps, "up") == all_bytes(once, "up")
