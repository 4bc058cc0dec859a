"""Records: one value, one sequence of bytes, on every machine and for all times."""

from __future__ import annotations

import dataclasses

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckstore.errors import CorruptData, Unsupported
from ckstore.model.metadata import Need
from ckstore.model.records import (
    Absences,
    Component,
    Operation,
    Release,
    Retired,
    Run,
    Source,
    Yank,
    decode,
    encode,
)  # fmt: skip

text = st.text(max_size=12)
plain = st.recursive(
    st.integers(-(2**63), 2**64 - 1) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
SOURCE = Source(
    "ours", "https://example.org/ours", "git", head="a" * 40, branch="main", labels={"v1": "b" * 40}
)
RELEASE = Release(
    uid="0123456789abcdef", kind="program", name="x", version="1.0.0", tree="c" * 40,
    digest="sha256:" + "d" * 64, commit="a" * 40, path="program/x", format="ckstore", bump="first",
    interface=("name:x", "tag:é"), tags=("é",), needs=(Need("compiler", "soft[compiler]", "any"),),
)  # fmt: skip
CONDITIONAL = dataclasses.replace(
    RELEASE, needs=(Need("cuda", "soft[cuda]", "maybe", "target OS linux", ">=11.2"), *RELEASE.needs)
)
COMPONENT = Component("0123456789abcdef", "program", "x", ("program:y", "program:x"), ("1.0.0", "2.0.0"))
ABSENCES = Absences((("1.0.0", "a" * 40, "b" * 40), ("2.0.0", "c" * 40, "")))
OPERATION = Operation("add", "ckstore add x", "1 release")
RUN = Run(
    "run", "ours:program:x@=1.0.0", "0123456789abcdef", "e" * 64, "2026-01-02T03:04:05Z", "ok", 0,
    inputs={"repeat": 3}, measurements={"seconds": ["0.25", "0.26"]},
)  # fmt: skip
YANK = Yank("it loses data", "A Tester", "2026-01-02T03:04:05Z")
RETIRED = Retired("sha256:" + "d" * 64, "c" * 40)

# Frozen: when one of these changes, stores that exist can no longer be read. Raise the schema number instead.
GOLDEN = {
    "Source": (
        "89a66272616e6368a46d61696ea468656164d92861616161616161616161616161616161616161616161616161616161"
        "616161616161616161616161a7686973746f727901a46b696e64a3676974a66c6162656c7381a27631d9286262626262"
        "6262626262626262626262626262626262626262626262626262626262626262626262a46e616d65a46f757273a87072"
        "6f626c656d7390a6736368656d6101a375726cb868747470733a2f2f6578616d706c652e6f72672f6f757273"
    ),
    "Release": (
        "de0011a462756d70a56669727374a76368616e67657390a6636f6d6d6974d92861616161616161616161616161616161"
        "616161616161616161616161616161616161616161616161ab6465736372697074696f6ea0a6646967657374d9477368"
        "613235363a64646464646464646464646464646464646464646464646464646464646464646464646464646464646464"
        "646464646464646464646464646464646464646464a6666f726d6174a7636b73746f7265a9696e7465726661636592a6"
        "6e616d653a78a67461673ac3a9a46b696e64a770726f6772616da46e616d65a178a56e656564739183a361736bae736f"
        "66745b636f6d70696c65725da4726f6c65a8636f6d70696c6572a573636f7065a3616e79a470617468a970726f677261"
        "6d2f78a6736368656d6101a47461677391a2c3a9a57469746c65a0a474726565d9286363636363636363636363636363"
        "6363636363636363636363636363636363636363636363636363a3756964b030313233343536373839616263646566a7"
        "76657273696f6ea5312e302e30"
    ),
    "Component": (
        "88a46b696e64a770726f6772616da66c6162656c7380a46e616d65a178a56e616d657392a970726f6772616d3a79a970"
        "726f6772616d3a78a6736368656d6101a3756964b030313233343536373839616263646566a876657273696f6e7392a5"
        "312e302e30a5322e302e30a977697468647261776ea0"
    ),
    "Absences": (
        "82a6736368656d6101a57370616e739293a5312e302e30d9286161616161616161616161616161616161616161616161"
        "6161616161616161616161616161616161d9286262626262626262626262626262626262626262626262626262626262"
        "626262626262626262626293a5322e302e30d92863636363636363636363636363636363636363636363636363636363"
        "636363636363636363636363a0"
    ),
    "Operation": (
        "84a7636f6d6d616e64ad636b73746f7265206164642078a6736368656d6101a773756d6d617279a9312072656c656173"
        "65a476657262a3616464"
    ),
    "Yank": (
        "84a6726561736f6ead6974206c6f7365732064617461a6736368656d6101a573696e6365b4323032362d30312d303254"
        "30333a30343a30355aa377686fa84120546573746572"
    ),
    "Retired": (
        "83a6646967657374d9477368613235363a64646464646464646464646464646464646464646464646464646464646464"
        "646464646464646464646464646464646464646464646464646464646464646464a6736368656d6101a474726565d928"
        "63636363636363636363636363636363636363636363636363636363636363636363636363636363"
    ),
    "Run": (
        "de0010a6616374696f6ea372756ea9636f6d706f6e656e74b56f7572733a70726f6772616d3a78403d312e302e30a764"
        "657461696c7380ab656e7669726f6e6d656e7480a9657869745f636f646500a4686f737480a6696e7075747381a67265"
        "7065617403a36b6579a0a46c6f636bd94065656565656565656565656565656565656565656565656565656565656565"
        "656565656565656565656565656565656565656565656565656565656565656565ac6d6561737572656d656e747381a7"
        "7365636f6e647392a4302e3235a4302e3236a76f757470757473a0a97265706c61795f6f66a0a6736368656d6101a773"
        "746172746564b4323032362d30312d30325430333a30343a30355aa6737461747573a26f6ba3756964b0303132333435"
        "36373839616263646566"
    ),
}

GOLDEN_CONDITIONAL = (  # frozen, too
    "de0011a462756d70a56669727374a76368616e67657390a6636f6d6d6974d92861616161616161616161616161616161"
    "616161616161616161616161616161616161616161616161ab6465736372697074696f6ea0a6646967657374d9477368"
    "613235363a64646464646464646464646464646464646464646464646464646464646464646464646464646464646464"
    "646464646464646464646464646464646464646464a6666f726d6174a7636b73746f7265a9696e7465726661636592a6"
    "6e616d653a78a67461673ac3a9a46b696e64a770726f6772616da46e616d65a178a56e656564739285a361736baa736f"
    "66745b637564615da4686f7374a63e3d31312e32a4726f6c65a463756461a573636f7065a56d61796265a47768656eaf"
    "746172676574204f53206c696e757883a361736bae736f66745b636f6d70696c65725da4726f6c65a8636f6d70696c65"
    "72a573636f7065a3616e79a470617468a970726f6772616d2f78a6736368656d6102a47461677391a2c3a9a57469746c"
    "65a0a474726565d928636363636363636363636363636363636363636363636363636363636363636363636363636363"
    "63a3756964b030313233343536373839616263646566a776657273696f6ea5312e302e30"
)


Record = Source | Release | Component | Absences | Operation | Run | Yank | Retired


@pytest.mark.parametrize(
    "record",
    [SOURCE, RELEASE, COMPONENT, ABSENCES, OPERATION, RUN, YANK, RETIRED],
    ids=lambda r: type(r).__name__,
)
def test_the_bytes_of_a_record_are_frozen(record: Record) -> None:
    assert record.encode().hex() == GOLDEN[type(record).__name__]
    assert type(record).decode(record.encode()) == record


def test_a_release_of_the_first_schema_says_what_it_always_said_and_conditions_need_the_second() -> None:
    """Stores of both are read; whoever knows the first alone refuses the second by its number."""
    first, second = decode(RELEASE.encode(), "x"), decode(CONDITIONAL.encode(), "x")
    assert (first["schema"], second["schema"]) == (1, 2)
    assert CONDITIONAL.encode().hex() == GOLDEN_CONDITIONAL
    assert Release.decode(CONDITIONAL.encode()) == CONDITIONAL
    assert second["needs"] == [
        {"ask": "soft[cuda]", "host": ">=11.2", "role": "cuda", "scope": "maybe", "when": "target OS linux"},
        {"ask": "soft[compiler]", "role": "compiler", "scope": "any"},
    ]


@pytest.mark.parametrize("more", [{"when": "x"}, {"host": "=1"}, {"scope": "maybe"}])
def test_any_part_of_a_condition_is_the_second_schema(more: dict[str, str]) -> None:
    need = dataclasses.replace(RELEASE.needs[0], **more)  # type: ignore[arg-type]  # fields by name
    assert decode(dataclasses.replace(RELEASE, needs=(need,)).encode(), "x")["schema"] == 2


def test_keys_are_sorted_and_numbers_as_short_as_can_be() -> None:
    golden = "84a161a2c3a9a1629301ffcd012ca16380a6736368656d6101"
    assert encode({"schema": 1, "b": (1, -1, 300), "a": "é", "c": {}}).hex() == golden


@given(st.dictionaries(text, plain, max_size=4))
def test_a_record_reads_back_whatever_the_order_of_its_keys(value: dict[str, object]) -> None:
    value = {**value, "schema": 1}
    data = encode(value)
    assert decode(data, "x") == value
    assert encode(dict(reversed(value.items()))) == data


@given(st.text(max_size=5), st.dictionaries(text, text, max_size=3), st.lists(text, max_size=3))
def test_a_source_reads_back_as_it_was(url: str, labels: dict[str, str], problems: list[str]) -> None:
    source = Source("s", url, "git", labels=labels, problems=tuple(problems))
    assert Source.decode(source.encode()) == source


@pytest.mark.parametrize(
    "value",
    [1.5, True, None, b"x", {1: "x"}, {"a": {"b": object()}}, [2**64], "\ud800", {"\udc80": 1}, {1, 2}],
)
def test_a_record_holds_text_whole_numbers_lists_and_maps_only(value: object) -> None:
    with pytest.raises(TypeError):
        encode(value)


def repacked(**changes: object) -> bytes:
    return bytes(msgpack.packb({**decode(OPERATION.encode(), "x"), **changes}))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xc1", b"\x01", b"\x90", OPERATION.encode()[:-1], OPERATION.encode() + b"\x00",
        repacked(schema=1.0), repacked(verb=None), repacked(schema="1"), repacked(aaa="unsorted"),
        bytes(msgpack.packb({"verb": "a", "command": "b", "summary": "c"})),
        bytes(msgpack.packb({b"schema": 1})), bytes(msgpack.packb(msgpack.ExtType(5, b"x"))),
        b"\x81\xa6schema\xd2\x00\x00\x00\x01", b"\x81\xa1\xff\x01", b"\xdf\xff\xff\xff\xff", b"\x91" * 2000,
        b"\x82\xa6schema\x01\xa6schema\x01", encode({"schema": 1, "verb": "a"}),
    ],
)  # fmt: skip
def test_bytes_that_are_no_canonical_record_are_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptData) as caught:
        Operation.decode(data, "the operation")
    assert caught.value.code == "bad-record"
    assert caught.value.message.startswith("the operation")


@given(st.binary(max_size=40))
def test_any_bytes_are_a_record_or_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptData):
        Operation.decode(data)


def test_a_record_from_the_future_says_so() -> None:
    with pytest.raises(Unsupported, match="newer ckstore") as caught:
        Operation.decode(encode({**decode(OPERATION.encode(), "x"), "schema": 3}))
    assert caught.value.code == "newer-schema"


def test_a_field_that_this_version_does_not_know_is_passed_over() -> None:
    assert Operation.decode(encode({**decode(OPERATION.encode(), "x"), "zeal": "much"})) == OPERATION


def test_the_newest_version_is_the_one_released_last() -> None:
    assert COMPONENT.newest == "2.0.0"
    assert dataclasses.replace(COMPONENT, versions=("2.0.0", "1.9.0")).newest == "1.9.0"
