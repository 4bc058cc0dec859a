"""Rows 77 to 85: names, versions, metadata, records, locks, searches and the index."""

from __future__ import annotations

import sqlite3
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import msgpack
import pytest

from ckstore.cli.common import clean
from ckstore.errors import CkstoreError, Conflict, CorruptData, InvalidInput, NotFound
from ckstore.index import catchup
from ckstore.index.search import search
from ckstore.model.limits import MAX_DATA_DEPTH, MAX_KEY_PARTS, MAX_LOCK_BYTES, MAX_METADATA_BYTES
from ckstore.model.locks import Lock
from ckstore.model.manifest import Manifest
from ckstore.model.metadata_native import NATIVE_FILE, read_native
from ckstore.model.names import check_name, check_tags
from ckstore.model.plain import parse_json
from ckstore.model.query import Query
from ckstore.model.records import Source, decode
from ckstore.model.tags import TagQuery
from ckstore.model.versions import VersionRange, parse_version, read_version
from ckstore.model.yamltext import parse_yaml
from ckstore.objects.store import ObjectStore
from ckstore.operations.add import add
from ckstore.operations.find import find
from ckstore.operations.lock import make_lock
from ckstore.operations.snapshot import snapshot
from tests.hostile.catalogue import Row, parameters, stands_for
from tests.index.logdouble import Log, line, release

# -- names and versions ----------------------------------------------------------------------------------

NAMES: list[Row[str]] = [
    Row((77,), "a way up", "../x", "path separator"),
    Row((77,), "the folder above", "..", "leaves its folder"),
    Row((77,), "a folder", "a/b", "path separator"),
    Row((77,), "a folder on Windows", "a\\b", "path separator"),
    Row((77,), "git's folder", ".git", "git keeps"),
    Row((77,), "a device", "con", "device name"),
    Row((77,), "a device with an ending", "Aux.txt", "device name"),
    Row((77,), "nothing", "", "empty name"),
    Row((77,), "a megabyte", "n" * (1 << 20), "longer than 255"),
    Row((77,), "a turned line", "a\u202eb", "control characters"),
    Row((77,), "an invisible character", "a\u200bb", "control characters"),
    Row((77,), "an escape", "\x1b[31mred", "control characters"),
    Row((77,), "a NUL", "a\0b", "control characters"),
    Row((77,), "an option", "-rf", "dash"),
    Row((77,), "a separator of references", "a:b", "contains one of"),
    Row((77,), "a wildcard", "a*", "contains one of"),
    Row((77,), "a range", "a@1", "contains one of"),
    Row((77,), "a blank", "a b", "blank"),
    Row((77,), "no text", "a\udcff", "not UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize("row", parameters(NAMES))
def test_a_name_that_does_harm_is_refused(row: Row[str]) -> None:
    with pytest.raises(InvalidInput, match=row.says) as caught:
        check_name(row.given, "name")
    assert caught.value.code == "unsafe-name"
    assert "\x1b" not in clean(caught.value.message)


@stands_for(77)
def test_look_alikes_are_different_names_and_shown_as_they_are(store: ObjectStore, tmp_path: Path) -> None:
    """Latin and Cyrillic: nothing can tell which is meant, so neither stands for the other."""
    for name in ("paypal", "p\u0430ypal"):
        folder = tmp_path / "lab" / "program" / name
        folder.mkdir(parents=True)
        (folder / NATIVE_FILE).write_text(f'kind = "program"\nname = "{name}"\n', "utf-8")
    add(store, tmp_path / "lab", source="lab")
    assert [c.name for c in store.view().components("lab") if c.name == "paypal"] == ["paypal"]
    with pytest.raises(NotFound):
        make_lock(store, ["program:payp\u0430l"])


VERSIONS: list[Row[str]] = [
    Row((78,), "a number of 400 digits", "1." + "9" * 400 + ".0"),
    Row((78,), "a zero in front", "1.02.3"),
    Row((78,), "other digits", "1.\u0662.3"),
    Row((78,), "a sign", "1.-2.3"),
    Row((78,), "a line break", "1.2.3\n"),
    Row((78,), "two numbers", "1.2"),
    Row((78,), "a way up", "1.2.3-../../x"),
]  # fmt: skip


@pytest.mark.parametrize("row", parameters(VERSIONS))
def test_a_version_that_is_none_is_refused(row: Row[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_version(row.given)
    assert caught.value.code == "bad-version"
    text = LOCK.replace('version = "1.0.0"', f"version = {toml(row.given)}")
    with pytest.raises(InvalidInput):
        Lock.parse(text)


@stands_for(78)
def test_versions_that_differ_in_what_they_were_built_with_are_one_to_ranges_and_two_to_the_log() -> None:
    one, other = parse_version("1.0.0+a"), parse_version("1.0.0+b")
    assert one == other
    assert str(one) != str(other)
    assert VersionRange.parse("=1.0.0").admits(one)
    assert read_version("1." + "9" * 400) is None


# -- needs -----------------------------------------------------------------------------------------------


def lab(folder: Path, **needs: str) -> Path:
    """Components of kind ``soft``, each with one need."""
    for name, need in needs.items():
        place = folder / "soft" / name
        place.mkdir(parents=True)
        text = f'kind = "soft"\nname = "{name}"\ntags = ["tag-{name}"]\n[needs]\nx = "{need}"\n'
        (place / NATIVE_FILE).write_text(text)
    return folder


@stands_for(79)
@pytest.mark.parametrize(
    "needs",
    [{"a": "soft:a"}, {"a": "soft:b", "b": "soft:a"}, {"a": "soft[tag-a]"},
     {"a": "soft[tag-b]", "b": "soft[tag-a]"}],
    ids=["itself", "circle", "itself-by-tag", "circle-by-tags"],
)  # fmt: skip
def test_what_needs_itself_is_locked_with_itself(
    store: ObjectStore, tmp_path: Path, needs: dict[str, str]
) -> None:
    add(store, lab(tmp_path / "lab", **needs), source="lab")
    lock = make_lock(store, ["soft:a"])[0]
    assert {pin.name for pin in lock.pins if pin.source == "lab"} == set(needs)


@stands_for(79)
def test_what_only_a_newer_version_of_itself_could_give_is_said_to_be_missing(
    store: ObjectStore, tmp_path: Path
) -> None:
    add(store, lab(tmp_path / "lab", a="soft:a@^2"), source="lab")
    with pytest.raises(CkstoreError) as caught:
        make_lock(store, ["soft:a"])
    assert "^2" in caught.value.message or "^2" in str(caught.value.details)


# -- TOML, JSON, YAML ------------------------------------------------------------------------------------

BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % (n + 1, n + 1, *[n] * 9) for n in range(97, 110)
)
Parse = Callable[[], object]


def toml_file(text: bytes) -> Parse:
    return lambda: read_native({NATIVE_FILE: text}, "program/a")


def json_file(text: bytes) -> Parse:
    return lambda: parse_json(text, "program/a/meta.json")


def yaml_file(text: bytes) -> Parse:
    return lambda: parse_yaml(text, "program/a/meta.yaml")


def manifest(text: str) -> Parse:
    return lambda: Manifest.parse(text)


def lock(text: str) -> Parse:
    return lambda: Lock.parse(text)


def toml(text: str) -> str:
    return '"' + "".join(f"\\U{ord(c):08x}" for c in text) + '"'


PARTS = ".".join(["a"] * 100_000)
TEXTS: list[Row[Parse]] = [
    Row((80,), "TOML with a key twice", toml_file(b'name = "a"\nname = "b"\n'), "not valid TOML", "bad-toml"),
    Row((80,), "TOML nested without end", toml_file(b"[program]\nx = " + b"[" * 100_000), "TOML", "bad-toml"),
    Row((80,), "TOML with a key of many parts", toml_file(f"[program]\n{PARTS} = 1\n".encode()),
        f"more than {MAX_KEY_PARTS} parts", "bad-toml"),
    Row((80,), "TOML with a table of many parts", toml_file(f"[{PARTS}]\n".encode()), "parts", "bad-toml"),
    Row((80,), "TOML with quoted parts", toml_file(('"a b" . \'c\' . ' * 50_000 + "d = 1\n").encode()),
        "parts", "bad-toml"),
    Row((80,), "TOML of many megabytes", toml_file(b"#" * (MAX_METADATA_BYTES + 1)), "too much", "too-large"),
    Row((80,), "TOML that is no text", toml_file(b"name = '\xff'\n"), "TOML", "bad-toml"),
    Row((80,), "TOML with an endless number", toml_file(b"[program]\nx = " + b"9" * 10_000), "TOML",
        "bad-toml"),
    Row((80,), "TOML with a carriage return", toml_file(b"name = 'a'\rkind = 'b'\r"), "TOML", "bad-toml"),
    Row((80,), "a manifest of many parts", manifest(f"{PARTS} = 1\n"), "parts", "bad-manifest"),
    Row((80,), "a manifest of many megabytes", manifest("#" * (MAX_METADATA_BYTES + 1)), "too much",
        "bad-manifest"),
    Row((80,), "a manifest that mirrors a program", manifest("[sources]\nx = ['ext::sh']\n"), "text",
        "bad-manifest"),
    Row((80,), "JSON with NaN", json_file(b'{"a": NaN}'), "NaN", "bad-json"),
    Row((80,), "JSON with infinity", json_file(b'{"a": 1e999}'), "JSON", "bad-json"),
    Row((80,), "JSON nested without end", json_file(b'{"a": ' + b"[" * 100_000), "JSON", "bad-json"),
    Row((80,), "JSON nested deep", json_file(b'{"a": ' + b"[" * 80 + b"]" * 80 + b"}"),
        f"deeper than {MAX_DATA_DEPTH}", "bad-json"),
    Row((80,), "JSON with half a character", json_file(b'{"a": "\\ud800"}'), "JSON", "bad-json"),
    Row((80,), "JSON with an endless number", json_file(b'{"a": ' + b"9" * 10_000 + b"}"), "JSON",
        "bad-json"),
    Row((80,), "JSON of many megabytes", json_file(b" " * (MAX_METADATA_BYTES + 1)), "too much", "too-large"),
    Row((80,), "JSON that is a list", json_file(b"[]"), "JSON object", "bad-json"),
    Row((80,), "YAML that multiplies", yaml_file(BOMB), "", "bad-yaml"),
    Row((80,), "YAML that holds itself", yaml_file(b"a: &a\n  b: *a\n"), "", "bad-yaml"),
    Row((80,), "YAML nested without end", yaml_file(b"a: " + b"[" * 50_000), "", "bad-yaml"),
    Row((80,), "YAML that makes objects", yaml_file(b"a: !!python/object/apply:os.system [evil]\n"), "",
        "bad-yaml"),
    Row((80,), "YAML of many megabytes", yaml_file(b"#" * (MAX_METADATA_BYTES + 1)), "too much", "too-large"),
]  # fmt: skip


@pytest.mark.parametrize("row", parameters(TEXTS))
def test_a_text_that_costs_or_lies_is_refused_in_bounded_memory(row: Row[Parse]) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInput) as caught:
            row.given()
        assert tracemalloc.get_traced_memory()[1] < 96 << 20
    finally:
        tracemalloc.stop()
    assert caught.value.code == row.code
    assert row.says in caught.value.message
    assert len(caught.value.message) < 2000


@stands_for(80)
def test_a_mark_of_byte_order_line_ends_dates_and_infinity_are_read_and_harmless() -> None:
    text = (
        b"\xef\xbb\xbfkind = 'program'\r\nname = 'a'\r\n[program]\r\nx = inf\r\ny = nan\r\nz = 2020-01-01\r\n"
    )
    assert read_native({NATIVE_FILE: text}, "program/a").body["name"] == "a"


@stands_for(80)
def test_a_key_twice_in_json_is_told_and_the_last_one_counts() -> None:
    assert parse_json(b'{"a": 1, "a": 2}', "x") == {"a": 2}


# -- records ---------------------------------------------------------------------------------------------

RECORDS: list[Row[bytes]] = [
    Row((81,), "nothing", b""),
    Row((81,), "a list", msgpack.packb([1])),
    Row((81,), "an extension", msgpack.packb({"schema": 1, "x": msgpack.ExtType(5, b"x")})),
    Row((81,), "a time", msgpack.packb({"schema": 1, "x": msgpack.Timestamp(1)})),
    Row((81,), "four gigabytes of text", b"\x81\xa6schema\xdb\xff\xff\xff\xff"),
    Row((81,), "four gigabytes of bytes", b"\x81\xa6schema\xc6\xff\xff\xff\xff"),
    Row((81,), "four billion items", b"\x81\xa6schema\xdd\xff\xff\xff\xff"),
    Row((81,), "four billion keys", b"\xdf\xff\xff\xff\xff"),
    Row((81,), "a depth of 100,000", b"\x81\xa1x" + b"\x91" * 100_000 + b"\xc0"),
    Row((81,), "a depth of 500", msgpack.packb({"schema": 1}) [:-1] + b"\x91" * 500 + b"\xc0"),
    Row((81,), "a number as a key", msgpack.packb({1: 1}, strict_types=True)),
    Row((81,), "bytes as a key", b"\x81\xc4\x01a\x01"),
    Row((81,), "text that is none", b"\x81\xa1\xff\x01"),
    Row((81,), "a key twice", b"\x82\xa6schema\x01\xa6schema\x01"),
    Row((81,), "keys in disorder", b"\x82\xa6schema\x01\xa1a\x01"),
    Row((81,), "a number longer than it needs to be", b"\x81\xa6schema\xcd\x00\x01"),
    Row((81,), "a fraction", msgpack.packb({"schema": 1.0})),
    Row((81,), "no schema", msgpack.packb({"a": 1})),
    Row((81,), "more behind the end", msgpack.packb({"schema": 1}) + b"x"),
]  # fmt: skip


@pytest.mark.parametrize("row", parameters(RECORDS))
def test_a_record_that_is_not_exactly_one_is_damaged(row: Row[bytes]) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(CorruptData) as caught:
            decode(row.given, "the record of x")
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert caught.value.code == "bad-record"
    with pytest.raises(CkstoreError):
        Source.decode(row.given)


# -- locks -----------------------------------------------------------------------------------------------

LOCK = f"""lock = 1

[[root]]
ask = "program:a"
got = "lab:program:a"

[[source]]
name = "lab"
url = "https://example.org/lab"
commit = "{"1" * 40}"
rank = 1

[[pin]]
component = "lab:program:a"
version = "1.0.0"
uid = "0123456789abcdef"
commit = "{"1" * 40}"
path = "program/a"
tree = "swh:1:dir:{"2" * 40}"
digest = "sha256:{"3" * 64}"
"""


def edited(old: str, new: str) -> str:
    assert old in LOCK
    return LOCK.replace(old, new)


PIN = LOCK[LOCK.index("[[pin]]") :]
LOCKS: list[Row[str]] = [
    Row((82,), "marks of a conflict", "<<<<<<< HEAD\n" + LOCK + "=======\n>>>>>>> x\n", "conflict markers",
        "lock-in-conflict"),
    Row((82,), "a component twice", LOCK + PIN.replace("1.0.0", "2.0.0"), "pinned twice", "bad-lock"),
    Row((82,), "an unknown format", edited("lock = 1", "lock = 99"), "format 99", "newer-lock"),
    Row((82,), "no format", edited("lock = 1", ""), "is missing", "bad-lock"),
    Row((82,), "a format that is true", edited("lock = 1", "lock = true"), "is missing", "bad-lock"),
    Row((82,), "a tree that is a path", edited("2" * 40, "../../../etc"), "malformed tree", "bad-lock"),
    Row((82,), "a tree in other digits", edited("2" * 40, "\u0662" * 40), "malformed tree", "bad-lock"),
    Row((82,), "half a digest", edited("3" * 64, "3" * 63), "malformed tree, digest", "bad-lock"),
    Row((82,), "a commit that is an option",
        edited('commit = "' + "1" * 40 + '"\npath', 'commit = "--x"\npath'),
        "malformed version or commit", "bad-lock"),
    Row((82,), "a path that leaves", edited("program/a", "../../a"), "leaves its source", "bad-lock"),
    Row((82,), "an absolute path", edited('"program/a"', '"/etc"'), "leaves its source", "bad-lock"),
    Row((82,), "a name that leaves", edited('"lab:program:a"\nversion', '"lab:program:.."\nversion'),
        "source:kind:name", "bad-lock"),
    Row((82,), "a source that is no name", edited('name = "lab"', 'name = "../x"'), "wrong name", "bad-lock"),
    Row((82,), "a pin without its source", edited('name = "lab"', 'name = "other"'), "its source is not",
        "bad-lock"),
    Row((82,), "a root without its pin", edited('got = "lab:program:a"', 'got = "lab:program:b"'),
        "has no pin", "bad-lock"),
    Row((82,), "a list for a text", edited('version = "1.0.0"', "version = []"), "missing", "bad-lock"),
    Row((80, 82), "a key of many parts", LOCK + f"{PARTS} = 1\n", "parts", "bad-lock"),
    Row((80, 82), "very many megabytes", "#" * (MAX_LOCK_BYTES + 1), "too much", "bad-lock"),
]  # fmt: skip


@pytest.mark.parametrize("row", parameters(LOCKS))
def test_a_lock_that_was_changed_is_told_what_is_wrong_with_it(row: Row[str]) -> None:
    assert Lock.parse(LOCK).pins
    with pytest.raises(CkstoreError, match=row.says) as caught:
        Lock.parse(row.given)
    assert caught.value.code == row.code


@pytest.fixture
def locked(store: ObjectStore, tmp_path: Path) -> Lock:
    add(store, lab(tmp_path / "lab", a="soft:b", b="soft:a"), source="lab")
    return make_lock(store, ["soft:a"])[0]


@stands_for(82)
@pytest.mark.parametrize("what", ["tree", "digest", "uid", "version", "source"])
def test_a_lock_whose_parts_do_not_belong_together_lays_nothing_out(
    store: ObjectStore, locked: Lock, tmp_path: Path, what: str
) -> None:
    """Right commit and wrong content, wrong tree for the commit, the identity of another component …"""
    a, b = (next(pin for pin in locked.pins if pin.name == name) for name in "ab")
    text = locked.emit()
    if what == "source":
        text = text.replace('"lab:', '"elsewhere:').replace('name = "lab"', 'name = "elsewhere"')
        text = text.replace("-> lab:", "-> elsewhere:")
    elif what == "version":
        text = text.replace('version = "1.0.0"', 'version = "9.0.0"')
    else:
        mine, other = getattr(a, what), getattr(b, what)
        text = text.replace(mine, "?").replace(other, mine).replace("?", other)
    with pytest.raises((CorruptData, NotFound, Conflict, InvalidInput)) as caught:
        snapshot(store, Lock.parse(text))
    assert caught.value.code
    for pin in (a, b):
        assert not (store.path / "trees" / pin.tree / ".." / "x").exists()


@stands_for(82)
def test_a_lock_in_another_order_is_the_same_lock(locked: Lock) -> None:
    blocks = locked.emit().split("\n\n")
    assert Lock.parse("\n\n".join([blocks[0], *reversed(blocks[1:])])).emit() == locked.emit()


# -- searches and the index ------------------------------------------------------------------------------

SQL = ["a'b", 'a"b', "a;DROP TABLE tags;--", "50%", "a_b", "a\\b", "x' OR '1'='1", "\0", "*", "a*b"]


@pytest.fixture
def index() -> sqlite3.Connection:
    log = Log()
    log.publish(
        line("one", release("program", "good", tags=("plain",), title="nothing odd")),
        line(
            "one",
            release("program", "odd", tags=tuple(tag for tag in SQL if "," not in tag), title=" ".join(SQL)),
        ),
    )
    return catchup._in_memory(log.view(), catchup._silent)


@stands_for(83)
@pytest.mark.parametrize("text", SQL)
def test_characters_of_sql_are_characters(index: sqlite3.Connection, text: str) -> None:
    tagged = [hit.name for hit in search(index, Query(tags=TagQuery.of([text])))]
    assert tagged == (["good", "odd"] if text == "*" else ["odd"])  # the one that means something
    for query in (Query(text=text), Query(name=f"x{text}"), Query(source=text), Query(kind=text)):
        assert all(hit.name in ("odd", "good") for hit in search(index, query))
    assert [hit.name for hit in search(index, Query(tags=TagQuery.of(["plain"])))] == ["good"]


@stands_for(83)
@pytest.mark.parametrize("tag", ["a,b", "a[b", "!a", "-a", "", "a\nb", "\x1b[2J", "a\u202eb"])
def test_a_tag_that_could_not_be_asked_for_is_no_tag(tag: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_tags([tag])
    assert caught.value.code == "bad-tag"


COSTLY: list[Row[Query]] = [
    Row((84,), "words without end", Query(text="word " * 20_000)),
    Row((84,), "one endless word", Query(text="w" * 1_000_000)),
    Row((84,), "operators", Query(text='NEAR( AND OR NOT "" * ^ : { } ( ) -- a*b* "')),
    Row((84,), "beginnings of everything", Query(text="a* b* c*")),
    Row((84,), "stars", Query(name="*a" * 30_000)),
    Row((84,), "more tags than tables", Query(tags=TagQuery.of([f"t{n}" for n in range(33)]))),
    Row((84,), "stars that never match", Query(name="*" * 60 + "z")),
    Row((84,), "stars between letters", Query(name="*".join("ab" * 40) + "z")),
    Row((84,), "open brackets", Query(name="[" * 10_000 + "*")),
    Row((84,), "very many tags", Query(tags=TagQuery.of([f"t{n}" for n in range(5000)]))),
    Row((84,), "very many refused tags",
        Query(kind="program", tags=TagQuery.of([], [f"t{n}" for n in range(5000)]))),
    Row((84,), "very many kinds", Query(kind="|".join(["x"] * 20_000))),
]  # fmt: skip


@pytest.mark.parametrize("row", parameters(COSTLY))
def test_a_search_that_is_made_to_cost_costs_a_bounded_number_of_steps(row: Row[Query]) -> None:
    """Counted in instructions of SQLite's machine, over names that invite matching again and again."""
    log = Log()
    log.publish(*(line("one", release("program", f"{'ab' * 60}{n}", tags=("x",))) for n in range(20)))
    connection = catchup._in_memory(log.view(), catchup._silent)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return steps > 2000

    connection.set_progress_handler(count, 10_000)
    try:
        found = list(search(connection, row.given))
        assert len(found) <= 20
    except CkstoreError as error:
        assert error.code
    assert steps < 2000


@stands_for(85)
@pytest.mark.parametrize("what", ["foreign", "view", "trigger", "garbage"])
def test_an_index_that_somebody_else_made_is_made_anew(store: ObjectStore, tmp_path: Path, what: str) -> None:
    add(store, lab(tmp_path / "lab", a="soft:a"), source="lab")
    assert len(find(store.path, Query(kind="soft", name="a")).hits) == 1
    path = store.path / "index.sqlite"
    if what == "garbage":
        path.write_bytes(b"SQLite format 3\0" + b"\xff" * 10_000)
    else:
        connection = sqlite3.connect(path)
        if what == "foreign":
            connection.execute("PRAGMA application_id = 1")
        elif what == "view":
            connection.execute("DROP TABLE tags")
            connection.execute(
                "CREATE VIEW tags AS SELECT load_extension('/tmp/evil') AS id, 1 AS tag, 1 AS newest"
            )
        else:
            connection.execute(
                "CREATE TRIGGER evil AFTER INSERT ON meta BEGIN SELECT writefile('/tmp/evil', 'x'); END"
            )
        connection.commit()
        connection.close()
    assert [hit.name for hit in find(store.path, Query(tags=TagQuery.of(["tag-a"]))).hits] == ["a"]
    assert not Path("/tmp/evil").exists()
