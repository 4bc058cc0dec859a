"""YAML as strangers write it: the text survives, and nothing hostile costs more than a sentence."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckstore.errors import InvalidInput
from ckstore.model import yamlparts, yamltext
from ckstore.model.limits import MAX_DATA_VALUES
from ckstore.model.plain import MAX_BYTES, MAX_DEPTH, Twice, as_flag, as_int
from ckstore.model.yamltext import parse_yaml


@pytest.fixture(params=["libyaml", "pure Python"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both parsers of PyYAML: which of them there is depends on how it was installed."""
    if request.param == "pure Python":
        monkeypatch.delattr(yaml, "CBaseLoader", raising=False)
    elif not yaml.__with_libyaml__:
        pytest.skip("this PyYAML was built without libyaml")
    return str(request.param)


@pytest.mark.parametrize(
    "text",
    ["1234567890123456", "1234e56789012345", "0123456789012345", "0x1F", "1.10", "1_000", "yes", "no", "on",
     "off", "true", "False", "2024-01-31", "12:30:45", "1e3", ".inf", ".nan", "=", "0o17"],
)  # fmt: skip
def test_a_scalar_stays_as_it_is_written(text: str, engine: str) -> None:
    assert parse_yaml(f"a: {text}\nb: [{text}]\n{text}: c\n".encode(), "x") == {
        "a": text,
        "b": [text],
        text: "c",
    }


def test_what_is_a_flag_or_a_number_is_read_where_one_is_asked_for(engine: str) -> None:
    body = parse_yaml(b"a: True\nb: yes\nc: 12\nd: 'no'", "x")
    assert as_flag(body["a"]) and as_flag(body["b"]) and not as_flag(body["d"])
    assert as_int(body["c"], 0) == 12


def test_nothing_is_none_unless_it_is_quoted(engine: str) -> None:
    body = parse_yaml(b"a:\nb: ~\nc: null\nd: ''\ne: 'null'\nf: !!str null\n", "x")
    assert body == {"a": None, "b": None, "c": None, "d": "", "e": "null", "f": "null"}


def test_anchors_and_merge_keys_are_followed_and_own_keys_win(engine: str) -> None:
    text = (
        b"base: &b {x: 1, y: 2}\nmore: &m {x: 3, z: 4}\nown: {y: 5, <<: [*b, *m]}\n"
        b"list: [*b, *b]\n'<<': text\n"
    )
    body = parse_yaml(text, "x")
    assert body["own"] == {"x": "1", "y": "5", "z": "4"}
    assert body["list"] == [{"x": "1", "y": "2"}] * 2
    assert body["<<"] == "text"


def test_of_a_key_that_is_there_twice_the_last_counts_and_it_is_told_where(engine: str) -> None:
    twice = Twice()
    assert parse_yaml(b"a: 1\nb: {c: 1,\n  c: 2}\na: 2\n", "x", twice) == {"a": "2", "b": {"c": "2"}}
    told = "x: twice in one place, where the last one counts: 'c' (line 3), 'a' (line 4)"
    assert twice.told("x") == (told,)


def test_any_number_of_such_keys_is_one_short_line(engine: str) -> None:
    twice = Twice()
    parse_yaml(b"".join(b"key%d%s: x\n" % (n % 500, b"y" * 100) for n in range(1000)), "x", twice)
    [line] = twice.told("x")
    assert len(line) < 1000 and line.endswith(" and others")
    assert Twice().told("x") == ()


def test_a_byte_order_mark_windows_line_ends_and_document_marks_do_not_matter(engine: str) -> None:
    assert parse_yaml("\ufeff---\r\na: ä\r\n...\r\n".encode(), "x") == {"a": "ä"}


LAUGHS = b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 12)
)
MERGES = b"m0: &m0 {x: 1}\n" + b"".join(
    b"m%d: &m%d {<<: [%s]}\n" % (n, n, b", ".join([b"*m%d" % (n - 1)] * 20)) for n in range(1, 8)
)


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (LAUGHS, 6, f"more than {MAX_DATA_VALUES} values"),
        (MERGES, 5, f"more than {MAX_DATA_VALUES} values"),
        (b"a: &a [*a]", 1, "names nothing before it"),
        (b"a: *b", 1, "alias"),
        (b"x: " + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), 1, f"nested deeper than {MAX_DEPTH}"),
        (b"x: " + b"[" * 100_000, 1, ""),
        (b"".join(b" " * n + b"a:\n" for n in range(MAX_DEPTH + 2)), MAX_DEPTH + 1, "nested deeper"),
        (b"a: 1\nb: !!python/object/apply:os.system [ls]", 2, "the tag !!python/object/apply:os.system"),
        (b"a: !!python/name:os.system", 1, "is not allowed"),
        (b"a: !include other.yaml", 1, "the tag !include is not allowed"),
        (b"a: !!set {x, y}", 1, "the tag !!set"),
        (b"a: 1\n---\nb: 2\n", 2, "more than one document"),
        (b"a: 1\n? [b, c]\n: d\n", 2, "a key must be text"),
        (b"{a: {b: c}: d}", 1, ""),
        (b"k: &k [a]\n*k : v\n", 2, "a key must be text"),
        (b"a: 1\n\tb: 2\n", 2, ""),
        (b"a: 1\nb: \x00\n", 2, "not allowed"),
        (b"a: 1\nb: \x07\n", 2, "not allowed"),
        (b"a: 1\nb: \xff\n", 2, "not UTF-8"),
        ("a: b".encode("utf-16"), 1, "not UTF-8"),
        (b'a: "\\ud800"', 1, ""),
        (b"a: 'x", 1, ""),
        (b"a: %x", 1, ""),
        (b"<<: text", 1, "a merge key takes a mapping"),
        (b"", 1, "a mapping was expected, found nothing"),
        (b"# only this\n", 1, "found nothing"),
        (b"- a\n", 1, "found a list"),
        (b"text", 1, "found text"),
    ],
)  # fmt: skip
def test_what_is_hostile_or_wrong_is_refused_with_its_line(
    data: bytes, line: int, words: str, engine: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_yaml(data, "script/x/_cm.yaml")
    assert caught.value.code == "bad-yaml"
    assert caught.value.message.startswith(f"script/x/_cm.yaml, line {line}")
    assert words in caught.value.message
    assert caught.value.details["line"] == line


def test_a_file_that_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidInput, match="too much for metadata") as caught:
        parse_yaml(b"#" * (MAX_BYTES + 1), "x")
    assert caught.value.code == "too-large"


@given(st.binary(max_size=80) | st.text("ab:- \n{}[],&*!<'\"|>#%?~\t", max_size=80).map(str.encode))
def test_any_bytes_are_a_mapping_or_invalid_input(data: bytes) -> None:
    try:
        body = parse_yaml(data, "x")
    except InvalidInput as error:
        assert error.message.startswith("x")
    else:
        assert all(isinstance(key, str) for key in body)


names = st.text("abcdefgh ", min_size=1, max_size=6)


@given(
    st.dictionaries(
        names,
        st.recursive(
            names, lambda item: st.lists(item, max_size=4) | st.dictionaries(names, item, max_size=4)
        ),
        max_size=5,
    )
)
def test_what_another_writer_of_yaml_writes_is_read_back(value: dict[str, object]) -> None:
    assert parse_yaml(yaml.safe_dump(value).encode(), "x") == value


def both(data: bytes, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What reading part by part gives, and at once: the value with its order, what is told, or the error."""
    found: list[object] = []
    for least in (0, MAX_BYTES):
        monkeypatch.setattr(yamltext, "_SMALL", least)
        monkeypatch.setattr(yamlparts, "_SMALL", 8)
        twice = Twice()
        try:
            found.append((repr(parse_yaml(data, "x", twice)), twice.told("x")))
        except InvalidInput as error:
            found.append(error.message)
    return found


_ODD = [
    "a:\n  b:\n b:\n k: v\nz: 1\n",  # indented less than its neighbour, and as a key below it
    "a:# c\n\n  - x\nz: 1\n",  # no comment: a text
    "a: {b: 1}\n<<:\n  y: 2\nz: 1\n",  # what is merged stands before all other keys
    "b: 1\n<<: {b: 2, c: 3}\nz: 1\n",
    'a: "x\nb: y"\nz: 1\n',  # a text over what looks like a key
    "a: [x,\nb: y]\nz: 1\n",
    "a: &x 1\nb: *x\nz: 1\n",
    "a:\n  - &x {k: 1}\n  - <<: *x\n    l: 2\nz: 1\n",
    "a: |\n  x\nb: 1\n...\nc: 2\n",
    "a: 1\n---\nb: 2\n",
    "%TAG !! tag:else.where,2002:\n---\na: !!str x\nb: !!str y\nz: 1\n",
    "a: 1\r\nb:\r\n  c: 1\r\n  c: 2\r\nz: 1\r\n",
    "a: 1\u0085...\nb: 2\n",
    "a:\n  k: 1\n  k: 2\nb:\n- {x: 1, x: 2}\nz: 1\n",
    "a: 1\nb: 2\na: 3\n",
    "a: |+\n  x\n\n\nb: >\n  y\n# z\nz: 1\n",
    "a:\n- x\n- - y\n  - z\n-\n  k: v\nb: 1\n",
    "a:\n- x\nb: c\n- y\nz: 1\n",
    "a" * 2000 + ": 1\nb: 2\n",
    "a:\n  b: " + "[" * 62 + "]" * 62 + "\nz: 1\n",
    "a:\n  b: " + "[" * 63 + "]" * 63 + "\nz: 1\n",
]


@pytest.mark.parametrize("text", _ODD)
def test_part_by_part_is_what_the_whole_is(text: str, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    in_parts, at_once = both(text.encode(), monkeypatch)
    assert in_parts == at_once


_PIECES = [
    "a: ", "b:\n", "key: value\n", "- ", "\n", " ", "  ", "    ", "x", '"', "'", "[", "]", "{", "}", ",",
    "|\n", ">-\n", "# c\n", "&x ", "*x", "<<: ", "? ", ": ", "!!str ", "---\n", "...\n", "\r", "\u0085", "\t",
    "~",
]  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.sampled_from(_PIECES), max_size=20), indent=st.sampled_from(["", " ", "  "]))
def test_part_by_part_is_what_the_whole_is_for_any_text(
    pieces: list[str], indent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"first:\n{indent}" + "".join(pieces).replace("\n", f"\n{indent}") + "\nlast:\n  - 1\nend: 2\n"
    in_parts, at_once = both(text.encode(), monkeypatch)
    assert in_parts == at_once


def test_of_two_versions_only_the_part_that_differs_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yamltext, "_PARTS", yamlparts.Parts(yamltext._parse_part))
    text = "".join(f"key{n}:\n  # {'about ' * 20}\n  - tags: t{n}\n" for n in range(30))
    before = parse_yaml(text.encode(), "x")
    read: list[str] = []
    run = yamltext._Build.run

    def counted(self: yamltext._Build, text: str) -> None:
        read.append(text)
        run(self, text)

    monkeypatch.setattr(yamltext._Build, "run", counted)
    after = parse_yaml(text.replace("tags: t7", "tags: other").encode(), "x")
    assert len(read) == 1
    assert "key7:" in read[0]
    assert after == {**before, "key7": [{"tags": "other"}]}
