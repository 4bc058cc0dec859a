from __future__ import annotations

import hashlib
import io
import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from ckstore.errors import CkstoreError, Conflict, CorruptData, NotFound
from ckstore.model.locks import Lock
from ckstore.model.records import Release, Source
from ckstore.objects.bundles import BundleReader, write_bundle
from ckstore.objects.hashing import object_id
from ckstore.objects.head import read_head
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import TreeEntry, parse_tree, serialize_tree
from ckstore.objects.verify import check
from ckstore.operations import export_lock as exporting
from ckstore.operations.add import add
from ckstore.operations.diff import diff
from ckstore.operations.export_lock import export_lock
from ckstore.operations.import_bundle import ImportReport, import_bundle, write_lock
from ckstore.operations.lock import make_lock
from ckstore.operations.mirror import mirror
from ckstore.operations.run import run
from ckstore.operations.undo import undo
from tests.mirror.upstream import Upstream, native
from tests.objects.helpers import fsck, git, in_child, litter, packs
from tests.operations.folders import component, workshop, write


@pytest.fixture
def lock(store: ObjectStore, tmp_path: Path) -> Lock:
    """A lock of a program and its data sets; they are in ``store``."""
    add(store, workshop(tmp_path / "shop"))
    return make_lock(store, ["program:count"])[0]


@pytest.fixture
def other(tmp_path: Path) -> ObjectStore:
    """Another store, on another machine as it were."""
    return ObjectStore(tmp_path / "other", who="Another")


def exported(store: ObjectStore, lock: Lock) -> bytes:
    out = io.BytesIO()
    export_lock(store, lock, out)
    return out.getvalue()


def taken(store: ObjectStore, data: bytes) -> ImportReport:
    return import_bundle(store, io.BytesIO(data))


Objects = dict[str, tuple[str, bytes]]


def unpacked(data: bytes) -> tuple[dict[str, str], Objects]:
    reader = BundleReader(io.BytesIO(data), "x")
    found = [(packed.kind, b"".join(packed.pieces)) for packed in reader.objects()]
    return reader.refs, {object_id(kind, content): (kind, content) for kind, content in found}


def packed(refs: dict[str, str], objects: Iterable[tuple[str, bytes]]) -> bytes:
    out, listed = io.BytesIO(), list(objects)
    write_bundle(out, refs, [(kind, len(data), [data]) for kind, data in listed], len(listed))
    return out.getvalue()


Files = dict[tuple[str, ...], tuple[int, bytes]]


def laid_open(data: bytes) -> Files:
    """Everything below the root of an export: path → (mode, bytes)."""
    refs, objects = unpacked(data)
    files: Files = {}

    def walk(oid: str, path: tuple[str, ...]) -> None:
        for item in parse_tree(objects[oid][1]):
            if item.is_tree:
                walk(item.oid, (*path, item.name))
            else:
                files[(*path, item.name)] = (item.mode, objects[item.oid][1])

    walk(objects[refs["HEAD"]][1].split()[1].decode(), ())
    return files


def closed(files: Files) -> bytes:
    """An export of these files, as a forger would make it: every id and checksum is right."""
    objects: dict[str, tuple[str, bytes]] = {}

    def keep(kind: str, data: bytes) -> str:
        oid = object_id(kind, data)
        objects[oid] = (kind, data)
        return oid

    def tree(prefix: tuple[str, ...]) -> str:
        below = {path[len(prefix)] for path in files if path[: len(prefix)] == prefix}
        entries = []
        for name in below:
            path = (*prefix, name)
            mode, oid = 0o40000, ""
            if path in files:
                mode, oid = files[path][0], keep("blob", files[path][1])
            entries.append(TreeEntry(mode, name, oid or tree(path)))
        return keep("tree", serialize_tree(entries))

    root = tree(())
    who = "ckstore <export@ckstore> 0 +0000"
    commit = keep("commit", f"tree {root}\nauthor {who}\ncommitter {who}\n\nforged\n".encode())
    first = [commit, root, object_id("blob", files[("ckstore.lock",)][1])]
    order = [*first, *(oid for oid in objects if oid not in first)]
    return packed({"refs/heads/lock": commit, "HEAD": commit}, [objects[oid] for oid in order])


def release_of(files: Files, name: str) -> tuple[tuple[str, ...], Release]:
    """(path, record) of the release of a component of ``shop``."""
    for path, (_, data) in files.items():
        if path[1:2] == ("shop",) and path[-1] == "record":
            release = Release.decode(data)
            if release.name == name:
                return path, release
    raise AssertionError(name)


class TestAnExport:
    def test_is_the_same_bytes_for_the_same_lock_from_whatever_store(
        self, store: ObjectStore, lock: Lock, other: ObjectStore
    ) -> None:
        data = exported(store, lock)
        assert exported(store, lock) == data
        taken(other, data)
        assert exported(other, lock) == data

    def test_is_a_git_repository_that_stock_git_checks_and_clones(
        self, store: ObjectStore, lock: Lock, tmp_path: Path, have_git: str
    ) -> None:
        report = export_lock(store, lock, tmp_path / "x.bundle")
        assert report.size == (tmp_path / "x.bundle").stat().st_size
        said = git("clone", "x.bundle", "clone", at=tmp_path)
        assert "warning" not in said
        assert (tmp_path / "clone" / "ckstore.lock").read_text() == lock.emit()
        pin = lock.pin("shop:program:count")
        tree = f"HEAD:sources/shop/components/{pin.uid[:2]}/{pin.uid}/{pin.version}/tree"
        assert git("rev-parse", tree, at=tmp_path / "clone").strip() == pin.tree
        assert git("fsck", "--full", "--strict", at=tmp_path / "clone").strip() == ""

    def test_says_nothing_of_the_machine_that_made_it(self, store: ObjectStore, lock: Lock) -> None:
        _, objects = unpacked(exported(store, lock))
        assert str(store.path.parent).encode() not in b"".join(data for _, data in objects.values())

    def test_of_a_damaged_store_writes_no_file(self, store: ObjectStore, lock: Lock, tmp_path: Path) -> None:
        pin = lock.pin("shop:dataset:long")
        forged = replace(pin, digest="sha256:" + "0" * 64)
        pins = tuple(forged if p == pin else p for p in lock.pins)
        (tmp_path / "x.bundle").write_text("the one before")
        with pytest.raises(CkstoreError):
            export_lock(store, Lock(lock.roots, lock.sources, pins), tmp_path / "x.bundle")
        [blob] = [e.oid for e in store.read_tree(pin.tree) if e.name == "text.txt"]
        for path in packs(store):
            _break(path, blob, store)
        with pytest.raises(CkstoreError):
            export_lock(ObjectStore(store.path), lock, tmp_path / "x.bundle")
        assert (tmp_path / "x.bundle").read_text() == "the one before"
        assert sorted(p.name for p in tmp_path.iterdir()) == ["shop", "store", "x.bundle"]


def _break(pack: Path, oid: str, store: ObjectStore) -> None:
    """Flip the bytes of a pack: none of its objects is what it was."""
    data = bytearray(pack.read_bytes())
    for at in range(40, len(data) - 20, 7):
        data[at] ^= 0xFF
    os.chmod(pack, 0o644)
    pack.write_bytes(bytes(data))


class TestAnImport:
    def test_brings_all_that_the_lock_needs_to_run(
        self, store: ObjectStore, lock: Lock, other: ObjectStore, have_git: str
    ) -> None:
        report = taken(other, exported(store, lock))
        assert report.lock == lock.emit()
        assert report.new["shop"] == 3
        again = run(other, lock, "program:count", words=["--dataset", "short"], environment=os.environ)
        assert again.ok
        assert check(other).damage == ()
        assert fsck(other) == []

    def test_is_one_operation_that_says_how_many_releases_of_which_source(
        self, store: ObjectStore, lock: Lock, other: ObjectStore
    ) -> None:
        taken(other, exported(store, lock))
        [(_, _commit)] = other.operations()
        operation = other.view().operation()
        assert operation is not None
        assert operation.verb == "import"
        assert "3 of shop" in operation.summary

    def test_of_what_is_there_publishes_nothing(self, store: ObjectStore, lock: Lock) -> None:
        head = read_head(store.path)
        assert taken(store, exported(store, lock)).new == {}
        assert read_head(store.path) == head
        assert litter(store) == []

    def test_into_a_store_with_other_content_joins_both(
        self, store: ObjectStore, lock: Lock, other: ObjectStore, tmp_path: Path, have_git: str
    ) -> None:
        add(other, component(tmp_path / "mine", "program", "mine"), source="mine")
        head = read_head(other.path)
        taken(other, exported(store, lock))
        names = {source.name for source in other.view().sources()}
        assert {"mine", "shop"} <= names
        assert next(iter(other.operations()))[1].parents[0] == head
        assert check(other).damage == ()
        assert git("fsck", "--full", "--no-dangling", at=other.git) == ""

    def test_writes_its_lock_but_not_over_another_one(
        self, store: ObjectStore, lock: Lock, other: ObjectStore, tmp_path: Path
    ) -> None:
        report = taken(other, exported(store, lock))
        write_lock(tmp_path / "ckstore.lock", report.lock)
        write_lock(tmp_path / "ckstore.lock", report.lock)
        (tmp_path / "ckstore.lock").write_text("mine\n")
        with pytest.raises(Conflict):
            write_lock(tmp_path / "ckstore.lock", report.lock)

    def test_of_other_files_under_a_version_that_is_here_is_a_conflict_that_names_both_digests(
        self, store: ObjectStore, lock: Lock, other: ObjectStore, tmp_path: Path
    ) -> None:
        shop = workshop(tmp_path / "elsewhere" / "shop")
        write(shop, {"dataset/long/text.txt": "other words\n"})
        add(other, shop)
        mine = make_lock(other, ["dataset:long"])[0].pin("shop:dataset:long").digest
        head = read_head(other.path)
        with pytest.raises(Conflict) as caught:
            taken(other, exported(store, lock))
        assert caught.value.details["here"] == mine
        assert caught.value.details["there"] == lock.pin("shop:dataset:long").digest
        assert mine in caught.value.message
        assert read_head(other.path) == head

    def test_leaves_nothing_when_it_is_refused(
        self, store: ObjectStore, lock: Lock, other: ObjectStore
    ) -> None:
        data = exported(store, lock)
        with pytest.raises(CkstoreError):
            taken(other, data[:-1])
        assert packs(other) == []
        assert litter(other) == []
        assert read_head(other.path) == ""


class TestAMirrorAfterAnImport:
    @pytest.fixture
    def upstream(self, tmp_path: Path) -> Upstream:
        upstream = Upstream(tmp_path / "lib.git")
        upstream.commit(native("program/p", tags="a") | native("dataset/d", tags="b"))
        for n in range(3):
            upstream.commit({"program/p/main.c": f"int v = {n};"})
        return upstream

    def test_completes_the_lines_that_the_import_began_with(
        self, store: ObjectStore, other: ObjectStore, upstream: Upstream
    ) -> None:
        mirror(store, upstream.url, name="lib")
        lock = make_lock(store, ["program:p@=1.0.1"])[0]
        taken(other, exported(store, lock))
        [part] = other.view().components("lib")
        assert part.versions == ("1.0.1",)
        with pytest.raises(NotFound, match="earliest release in this store, which lacks those before it"):
            diff(other, "program:p")
        mirror(other, upstream.url, name="lib")
        assert other.view().find(("sources", "lib")) == store.view().find(("sources", "lib"))

    def test_goes_on_where_it_was_when_the_import_was_ahead_of_it(
        self, store: ObjectStore, other: ObjectStore, upstream: Upstream
    ) -> None:
        mirror(other, upstream.url, name="lib")
        upstream.commit({"program/p/main.c": "int v = 9;"})
        mirror(store, upstream.url, name="lib")
        taken(other, exported(store, make_lock(store, ["program:p"])[0]))
        newest = next(c for c in other.view().components("lib") if c.name == "p")
        assert set(newest.versions) == {"1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4"}
        assert newest.newest == "1.0.3"  # what the mirror here has reached
        assert make_lock(other, ["program:p"])[0].pin("lib:program:p").version == "1.0.3"
        with pytest.raises(NotFound, match="has not derived it"):
            make_lock(other, ["program:p@=1.0.4"])
        mirror(other, upstream.url, name="lib")
        assert other.view().find(("sources", "lib")) == store.view().find(("sources", "lib"))
        assert make_lock(other, ["program:p"])[0].pin("lib:program:p").version == "1.0.4"

    def test_a_version_that_upstream_never_had_is_for_its_own_lock_alone(
        self, store: ObjectStore, other: ObjectStore, upstream: Upstream
    ) -> None:
        mirror(other, upstream.url, name="lib")
        head, files = upstream.head, dict(upstream.files)
        upstream.commit(native("program/p", version="9.0.0") | native("program/new"))
        mirror(store, upstream.url, name="lib")
        lock = make_lock(store, ["program:p", "program:new"])[0]
        taken(other, exported(store, lock))
        upstream.reset(head, files)
        assert make_lock(other, ["program:p"])[0].pin("lib:program:p").version == "1.0.3"
        assert make_lock(other, ["program:p", "program:new"], present=lock)[0].pins == lock.pins
        with pytest.raises(NotFound, match="has not derived it"):
            make_lock(other, ["program:new"])

    def test_a_version_that_the_history_here_does_not_give_is_refused(
        self, store: ObjectStore, other: ObjectStore, upstream: Upstream
    ) -> None:
        mirror(other, upstream.url, name="lib")
        upstream.commit({"program/p/main.c": "int v = 9;"})
        mirror(store, upstream.url, name="lib")
        data = exported(store, make_lock(store, ["program:p"])[0])
        mirror(other, upstream.url, name="lib")
        undo(other)  # the history that it brought is still held
        with pytest.raises(Conflict) as caught:
            taken(other, data)
        assert caught.value.code == "not-derived"
        mirror(other, upstream.url, name="lib")
        assert "lib" not in taken(other, data).new


def other_source(files: Files) -> Files:
    path = ("sources", "shop", "source")
    return {**files, path: (files[path][0], Source("lab", "", "folder").encode())}


def changed_file(files: Files) -> Files:
    path, _ = release_of(files, "long")
    at = (*path[:-1], "tree", "text.txt")
    return {**files, at: (files[at][0], b"something else\n")}


def relabelled(files: Files, **values: object) -> Files:
    path, release = release_of(files, "long")
    return {**files, path: (files[path][0], replace(release, **values).encode())}  # type: ignore[arg-type]  # wrong on purpose


def added_file(files: Files, name: str, mode: int = 0o100644, data: bytes = b"x") -> Files:
    """A file more in a tree, with record and lock made to fit: only its name or its target is wrong."""
    path, release = release_of(files, "long")
    changed = {**files, (*path[:-1], "tree", name): (mode, data)}
    return _fitting(changed, path, release)


def _fitting(files: Files, path: tuple[str, ...], release: Release) -> Files:
    from ckstore.objects.digests import PREFIX, combine

    below = {p[len(path) :]: v for p, v in files.items() if p[: len(path)] == (*path[:-1], "tree")}
    entries = [(mode, name[0].encode("utf-8", "surrogateescape"), hashlib.sha256(data).digest())
               for name, (mode, data) in below.items()]  # fmt: skip
    tree = object_id("tree", serialize_tree(
        TreeEntry(mode, name[0], object_id("blob", data)) for name, (mode, data) in below.items()
    ))  # fmt: skip
    new = replace(release, tree=tree, digest=PREFIX + combine(entries).hex())
    mode, text = files[("ckstore.lock",)]
    lock = text.decode().replace(release.tree, new.tree).replace(release.digest, new.digest)
    return {**files, path: (0o100644, new.encode()), ("ckstore.lock",): (mode, lock.encode())}


def another_digest(files: Files) -> Files:
    """Other files, with all ids right, under the digest of the true ones."""
    path, release = release_of(files, "long")
    fitted = _fitting(changed_file(files), path, release)
    forged = replace(Release.decode(fitted[path][1]), digest=release.digest)
    return {**fitted, path: (0o100644, forged.encode())}


def other_lock(files: Files, old: bytes, new: bytes) -> Files:
    mode, text = files[("ckstore.lock",)]
    assert old in text
    return {**files, ("ckstore.lock",): (mode, text.replace(old, new, 1))}


def without_component(files: Files) -> Files:
    path, _ = release_of(files, "long")
    return {p: v for p, v in files.items() if p[: len(path) - 2] != path[:-2]}


class TestAForgedExport:
    @pytest.mark.parametrize(
        ("forge", "word"),
        [
            (changed_file, "which is not the one that it has"),
            (another_digest, "its files have the digest"),
            (lambda f: relabelled(f, version="9.9.9"), "something else"),
            (lambda f: relabelled(f, name="other"), "something else"),
            (lambda f: relabelled(f, name="../up"), "name is not allowed"),
            (lambda f: relabelled(f, tags=("a", 1)), "'tags'"),
            (lambda f: relabelled(f, tags=("a,b",)), "cannot be a tag"),
            (lambda f: relabelled(f, title=5), "'title'"),
            (lambda f: relabelled(f, path="../x"), "leaves its source"),
            (lambda f: relabelled(f, tree="zz"), "malformed"),
            (lambda f: relabelled(f, commit="--upload-pack=x"), "commit is malformed"),
            (other_source, "something else"),
            (without_component, "not those that its lock pins"),
            (lambda f: {**f, ("runs", "ab", "abc", "record"): (0o100644, b"x")}, "more than a lock"),
            (lambda f: {**f, ("sources", "shop", "extra"): (0o100644, b"x")}, "newer ckstore"),
            (lambda f: added_file(f, ".git"), "git keeps"),
            (lambda f: added_file(f, ".GIT::$INDEX_ALLOCATION"), "git keeps"),
            (lambda f: added_file(f, "a\\b"), "path separator"),
            (lambda f: added_file(f, "link", 0o120000, b"../../../etc/passwd"), "out of the component"),
            (lambda f: added_file(f, "link", 0o120000, b"/etc/passwd"), "absolute"),
            (lambda f: other_lock(f, b'version = "1.0.0"', b'version = "1.0.1"'), "not those|something else"),
            (lambda f: other_lock(f, b"\n", b"\n\n"), "canonical"),
            (lambda f: other_lock(f, b"lock = 1", b"lock = 99"), "lock"),
            (lambda f: {**f, ("ckstore.lock",): (0o100644, b"\xff")}, "not text"),
        ],
    )  # fmt: skip
    def test_is_refused_with_a_reason_and_leaves_nothing(
        self, store: ObjectStore, lock: Lock, other: ObjectStore, forge: Callable[[Files], Files], word: str
    ) -> None:
        data = closed(forge(laid_open(exported(store, lock))))
        with pytest.raises(CkstoreError, match=word) as caught:
            taken(other, data)
        assert caught.value.exit_code in (2, 12, 14)
        assert packs(other) == []
        assert litter(other) == []
        assert read_head(other.path) == ""

    def test_made_by_the_forger_without_a_change_is_taken(
        self, store: ObjectStore, lock: Lock, other: ObjectStore
    ) -> None:
        taken(other, closed(laid_open(exported(store, lock))))
        assert check(other).damage == ()

    def test_with_an_object_missing_twice_or_to_spare_is_refused(
        self, store: ObjectStore, lock: Lock, other: ObjectStore
    ) -> None:
        refs, objects = unpacked(exported(store, lock))
        listed = list(objects.values())
        for wrong in (listed[:-1], [*listed, listed[-1]], [*listed, ("blob", b"spare")], listed[::-1]):
            with pytest.raises(CorruptData):
                taken(other, packed(refs, wrong))
        assert packs(other) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")
def test_what_a_killed_export_left_goes_with_the_next_one_there(
    store: ObjectStore, lock: Lock, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / ".ckstore-export-mine").write_text("a person's own\n")

    def dies() -> None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(exporting, "write_bundle", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            export_lock(store, lock, folder / "x.bundle")

    assert in_child(dies) == -signal.SIGKILL
    assert len(list(folder.iterdir())) == 2
    export_lock(store, lock, folder / "y.bundle")
    assert {path.name for path in folder.iterdir()} == {".ckstore-export-mine", "y.bundle"}
