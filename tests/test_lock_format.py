"""docs/lock-format.md and its schema describe what is written: they alone make a reader."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from ckstore.model.locks import Lock
from tests.model.test_lock_files import GOLDEN, locks

DOCS = Path(__file__).resolve().parent.parent / "docs"
SCHEMA = json.loads((DOCS / "lock.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def read(text: str) -> dict[str, Any]:
    """A lock, by the page: the schema, then what must hold beyond it. ValueError says what does not."""
    table = tomllib.loads(text)
    if isinstance(table.get("lock"), int) and table["lock"] > 1:
        raise ValueError("written by a newer program")
    problems = list(VALIDATOR.iter_errors(table))
    if problems:
        raise ValueError("; ".join(problem.message for problem in problems))
    sources = [block["name"] for block in table.get("source", [])]
    pins = [block["component"] for block in table.get("pin", [])]
    named = [block["got"] for block in table.get("root", [])]
    named += [line.rpartition(" -> ")[2] for block in table.get("pin", []) for line in block.get("needs", [])]
    if len(set(sources)) < len(sources) or len(set(pins)) < len(pins):
        raise ValueError("twice")
    if not {pin.partition(":")[0] for pin in pins} <= set(sources):
        raise ValueError("a pin without a source")
    if not set(named) <= set(pins):
        raise ValueError("needed, but not pinned")
    return table


@settings(max_examples=60)
@given(locks())
def test_an_independent_reader_reads_what_is_written(lock: Lock) -> None:
    table = read(lock.emit())
    urls = {block["name"]: block["url"] for block in table["source"]}
    for block, pin in zip(table["pin"], lock.pins, strict=True):
        assert block["component"] == pin.component
        assert urls[block["component"].partition(":")[0]] == next(
            source.url for source in lock.sources if source.name == pin.source
        )
        assert (block["commit"], block["path"], block["version"]) == (pin.commit, pin.path, pin.version)
        assert block["tree"] == f"swh:1:dir:{pin.tree}" and block["digest"] == pin.digest
        assert block.get("needs", []) == [str(edge) for edge in pin.needs]
    assert [(block["ask"], block["got"]) for block in table.get("root", [])] == list(lock.roots)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("lock = 1", "lock = 2"),
        ("lock = 1", "lock = true"),
        ('version = "1.2.0"', 'version = "latest"'),
        ('path = "program/x"', 'path = "program/../../x"'),
        ('path = "program/x"', 'path = "/etc"'),
        ('uid = "0000000000000000"', 'uid = "x"'),
        ("sha256:ab", "md5:ab"),
        ("swh:1:dir:0", "swh:1:rev:0"),
        ("rank = 1", 'rank = "1"'),
        (" -> ours:soft:gcc", ""),
        ("-> ours:soft:gcc", "-> ours:soft:clang"),
        ('name = "ours"', 'name = "theirs"'),
        ('"ours:soft:gcc"\nversion', '"ours:program:x"\nversion'),
    ],
)
def test_it_refuses_what_the_program_refuses(old: str, new: str) -> None:
    assert old in GOLDEN
    read(GOLDEN)
    with pytest.raises(ValueError):
        read(GOLDEN.replace(old, new, 1))


def test_a_key_that_the_schema_does_not_have_is_not_written() -> None:
    """Whoever adds a key to the format adds it to the schema and to the page."""
    written = set(re.findall(r"^([a-z-]+) = ", GOLDEN, re.MULTILINE))
    described = {key for part in SCHEMA["$defs"].values() for key in part.get("properties", {})}
    assert written == described | {"lock"}
    page = (DOCS / "lock-format.md").read_text("utf-8")
    assert [key for key in written if not re.search(rf"^    {key} = ", page, re.MULTILINE)] == []
