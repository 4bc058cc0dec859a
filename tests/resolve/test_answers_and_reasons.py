"""What the resolver takes, and what it says when there is nothing to take."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ckstore.errors import CkstoreError, Conflict, InvalidInput, NotFound, Unavailable
from ckstore.model.locks import Edge
from ckstore.model.metadata import Need
from ckstore.model.names import derive_uid
from ckstore.resolve.resolver import Resolution, resolve
from tests.resolve.world import Catalogue, Made

ROOT = Path(__file__).resolve().parents[2]


def needs(**asks: str) -> tuple[Need, ...]:
    """``role=ask``; asks with tags have the scope any, with a leading ``*`` the scope every."""
    return tuple(
        Need(role, ask.lstrip("*"), "every" if ask[0] == "*" else "any" if "[" in ask else "one")
        for role, ask in asks.items()
    )


def solve(*made: Made, ask: str = "s:p:app", locked: dict[str, str] | None = None) -> Resolution:
    return resolve(needs(root=ask), Catalogue(list(made), locked or {}))


def pins(resolution: Resolution) -> list[str]:
    return [f"{name}@{choice.version}" for name, choice in resolution.chosen.items()]


def failure(*made: Made, ask: str = "s:p:app") -> CkstoreError:
    with pytest.raises(CkstoreError) as caught:
        solve(*made, ask=ask)
    return caught.value


class TestOneByName:
    def test_the_newest_version_in_the_range_is_taken(self) -> None:
        versions = [Made("s:p:app", version) for version in ("1.0.0", "1.2.0", "1.10.0", "2.0.0")]
        assert pins(solve(*versions, ask="s:p:app@^1")) == ["s:p:app@1.10.0"]

    def test_a_locked_version_comes_before_a_newer_one(self) -> None:
        versions = [Made("s:p:app", "1.0.0"), Made("s:p:app", "2.0.0")]
        assert pins(solve(*versions, locked={"s:p:app": "1.0.0"})) == ["s:p:app@1.0.0"]

    def test_a_locked_version_that_no_longer_answers_is_given_up(self) -> None:
        versions = [Made("s:p:app", "1.0.0"), Made("s:p:app", "2.0.0")]
        assert pins(solve(*versions, ask="s:p:app@^2", locked={"s:p:app": "1.0.0"})) == ["s:p:app@2.0.0"]

    def test_an_older_version_is_taken_when_the_newest_needs_what_is_not_there(self) -> None:
        app = Made("s:p:app", "1.0.0"), Made("s:p:app", "2.0.0", needs=needs(lib="s:p:gone"))
        assert pins(solve(*app)) == ["s:p:app@1.0.0"]

    def test_components_that_need_each_other_are_no_problem(self) -> None:
        made = (
            Made("s:p:app", "1.0.0", needs=needs(lib="s:p:lib")),
            Made("s:p:lib", "1.0.0", needs=needs(app="s:p:app@^1", me="s:p:lib")),
        )
        assert pins(solve(*made)) == ["s:p:app@1.0.0", "s:p:lib@1.0.0"]

    def test_edges_say_who_asked_for_what_and_got_what(self) -> None:
        found = solve(Made("s:p:app", "1.0.0", needs=needs(lib="s:p:lib@^1")), Made("s:p:lib", "1.0.0"))
        assert found.edges == {
            "": (Edge("root", "s:p:app", "s:p:app"),),
            "s:p:app": (Edge("lib", "s:p:lib@^1", "s:p:lib"),),
        }


class TestByTags:
    def test_all_providers_of_the_first_source_are_pinned(self) -> None:
        tools = [Made(name, "1.0.0", ("cc",)) for name in ("s:t:gcc", "s:t:clang", "u:t:icc")]
        app = Made("s:p:app", "1.0.0", needs=needs(compiler="t[cc]"))
        assert pins(solve(app, *tools)) == ["s:p:app@1.0.0", "s:t:clang@1.0.0", "s:t:gcc@1.0.0"]

    def test_a_provider_whose_needs_cannot_be_met_is_left_out_alone_and_a_note_says_why(self) -> None:
        bad = Made("s:t:bad", "1.0.0", ("cc",), needs(sdk="s:p:gone"))
        good = [Made(name, "1.0.0", ("cc",)) for name in ("s:t:a", "s:t:z")]
        found = solve(Made("s:p:app", "1.0.0", needs=needs(compiler="t[cc]")), bad, *good)
        assert pins(found) == ["s:p:app@1.0.0", "s:t:a@1.0.0", "s:t:z@1.0.0"]
        (note,) = found.notes
        assert (
            "left out: s:t:bad, because s:t:bad (its sdk), reached through s:p:app, asked for s:p:gone"
            in note
        )

    def test_the_next_source_provides_when_the_first_one_cannot(self) -> None:
        bad = Made("s:t:bad", "1.0.0", ("cc",), needs(sdk="s:p:gone"))
        app = Made("s:p:app", "1.0.0", needs=needs(compiler="t[cc]"))
        assert pins(solve(app, bad, Made("u:t:cc", "1.0.0", ("cc",)))) == ["s:p:app@1.0.0", "u:t:cc@1.0.0"]

    def test_no_provider_at_all_is_an_error_for_any_and_a_note_for_every(self) -> None:
        app = Made("s:p:app", "1.0.0", needs=needs(data="*d[image]"))
        found = solve(app)
        assert pins(found) == ["s:p:app@1.0.0"]
        assert found.notes == (
            "s:p:app (its data) asked for d[image]: nothing that has these tags can be had now",
        )
        error = failure(Made("s:p:app", "1.0.0", needs=needs(compiler="t[cc]")))
        assert (type(error), error.code) == (NotFound, "nothing-provides")

    def test_every_component_with_the_tags_is_pinned_from_all_sources(self) -> None:
        data = [Made(name, "1.0.0", ("image",)) for name in ("s:d:one", "u:d:two")]
        app = Made("s:p:app", "1.0.0", needs=needs(data="*d[image]"))
        assert pins(solve(app, *data)) == ["s:d:one@1.0.0", "s:p:app@1.0.0", "u:d:two@1.0.0"]

    def test_a_named_requirement_further_on_decides_the_version_of_a_choice_by_tags(self) -> None:
        data = [Made("s:d:one", version, ("image",)) for version in ("1.0.0", "2.0.0")]
        app = Made("s:p:app", "1.0.0", needs=needs(data="*d[image]", lib="s:p:lib"))
        lib = Made("s:p:lib", "1.0.0", needs=needs(sample="s:d:one@^1"))
        assert pins(solve(app, lib, *data)) == ["s:d:one@1.0.0", "s:p:app@1.0.0", "s:p:lib@1.0.0"]

    def test_a_version_outside_the_range_does_not_provide_even_when_it_is_pinned_already(self) -> None:
        tools = [Made("s:t:gcc", version, ("cc",)) for version in ("1.0.0", "2.0.0")]
        app = Made("s:p:app", "1.0.0", needs=needs(a="s:t:gcc@^1", b="t[cc]@^2"))
        assert failure(app, *tools).code == "no-common-version"


class TestReasons:
    def test_a_clash_names_both_sides_and_the_paths_that_led_to_them(self) -> None:
        error = failure(
            Made("s:p:app", "1.0.0", needs=needs(a="s:p:left", b="s:p:right")),
            Made("s:p:left", "1.0.0", needs=needs(lib="s:p:lib@^1")),
            Made("s:p:right", "1.0.0", needs=needs(lib="s:p:lib@^2")),
            Made("s:p:lib", "1.0.0"), Made("s:p:lib", "2.0.0"),
        )  # fmt: skip
        assert isinstance(error, Conflict)
        assert error.message == (
            "s:p:right (its lib), reached through s:p:app, asked for s:p:lib@^2; "
            "s:p:left (its lib), reached through s:p:app, asked for s:p:lib@^1; "
            "no choice of s:p:lib meets both: s:p:lib has 2.0.0, 1.0.0."
        )
        assert error.details["path"] == ["s:p:app", "s:p:right"]
        assert error.hints == (
            "if s:p:lib@^1 admitted 2.0.0, everything else could be had: it is asked for by s:p:left",
            "if s:p:lib@^2 admitted 1.0.0, everything else could be had: it is asked for by s:p:right",
            "ask for ranges that overlap",
        )

    def test_what_cannot_be_had_far_below_is_told_with_the_whole_path(self) -> None:
        error = failure(
            Made("s:p:app", "1.0.0", needs=needs(a="s:p:middle")),
            Made("s:p:middle", "1.0.0", needs=needs(b="s:p:low")),
            Made("s:p:low", "1.0.0", needs=needs(c="s:p:gone")),
        )
        assert error.message == (
            "s:p:low (its c), reached through s:p:app → s:p:middle, asked for s:p:gone, "
            "but no component has this name."
        )

    def test_a_range_without_versions_is_told_with_the_versions_that_there_are(self) -> None:
        error = failure(*(Made("s:p:app", f"1.{n}.0") for n in range(7)), ask="s:p:app@^9")
        assert error.code == "no-version"
        assert "has only 1.6.0, 1.5.0, 1.4.0, 1.3.0, 1.2.0 and 2 more." in error.message

    def test_a_failure_that_was_overcome_is_not_the_reason(self) -> None:
        """A provider that was left out lies deeper than the true reason, and has nothing to do with it."""
        bad = Made("s:t:bad", "1.0.0", ("cc",), needs(sdk="s:p:deep"))
        deep = Made("s:p:deep", "1.0.0", needs=needs(x="s:p:gone"))
        app = Made("s:p:app", "1.0.0", needs=needs(a="t[cc]", b="s:p:lost"))
        error = failure(app, bad, deep, Made("s:t:good", "1.0.0", ("cc",)))
        assert "asked for s:p:lost" in error.message

    def test_a_malformed_range_in_metadata_is_told_with_who_wrote_it(self) -> None:
        error = failure(Made("s:p:app", "1.0.0", needs=needs(lib="s:p:lib@banana")), Made("s:p:lib", "1.0.0"))
        assert isinstance(error, InvalidInput)
        assert error.message.startswith("s:p:app (its lib) asked for s:p:lib@banana: 'banana'")

    def test_a_release_with_a_malformed_range_is_passed_over_for_an_older_one(self) -> None:
        app = Made("s:p:app", "1.0.0"), Made("s:p:app", "1.1.0", needs=needs(lib="t[cc]@banana"))
        assert pins(solve(*app)) == ["s:p:app@1.0.0"]


class TestBudget:
    def test_a_spent_budget_is_said_and_is_no_verdict(self) -> None:
        """Seven data sets that want a slot each, of six: a proof takes conflicts."""
        slots = [Made(f"s:s:s{n}", f"{v}.0.0", (f"d{v}",)) for n in range(6) for v in range(1, 8)]
        app = Made("s:p:app", "1.0.0", needs=tuple(Need(f"r{v}", f"s[d{v}]", "any") for v in range(1, 8)))
        with pytest.raises(Unavailable) as caught:
            resolve(needs(root="s:p:app"), Catalogue([app, *slots]), budget=5)
        assert caught.value.code == "gave-up"
        with pytest.raises(Conflict) as proved:
            resolve(needs(root="s:p:app"), Catalogue([app, *slots]))
        assert proved.value.code == "no-common-version"

    def test_many_choices_that_have_nothing_to_do_with_a_failure_are_not_gone_through(self) -> None:
        """2^100 ways to leave data sets out, none of which would bring back what is missing."""
        data = [
            Made(f"s:d:d{n:03}", version, ("image",)) for n in range(100) for version in ("1.0.0", "2.0.0")
        ]
        app = Made("s:p:app", "1.0.0", needs=needs(a="*d[image]", b="s:p:lib"))
        lib = Made("s:p:lib", "1.0.0", needs=needs(x="s:p:gone"))
        with pytest.raises(NotFound):
            resolve(needs(root="s:p:app"), Catalogue([app, lib, *data]), budget=1000)

    def test_many_providers_that_cannot_be_had_cost_little_each(self) -> None:
        bad = [Made(f"s:t:b{n:02}", "1.0.0", ("cc",), needs(sdk=f"s:p:gone{n}")) for n in range(40)]
        app = Made("s:p:app", "1.0.0", needs=needs(compiler="t[cc]"))
        found = resolve(
            needs(root="s:p:app"), Catalogue([app, *bad, Made("s:t:ok", "1.0.0", ("cc",))]), budget=3000
        )
        assert pins(found) == ["s:p:app@1.0.0", "s:t:ok@1.0.0"]


def test_the_answer_does_not_depend_on_the_hash_seed() -> None:
    code = (
        "from tests.resolve.test_answers_and_reasons import *\n"
        "made = [Made(f's:t:t{n}', f'1.{m}.0', ('cc',), needs(**{f'r{n}': f's:t:t{(n * 3 + 1) % 8}@<1.2'}))"
        " for n in range(8) for m in range(3)]\n"
        "print(solve(Made('s:p:app', '1.0.0', needs=needs(c='t[cc]', d='*t[cc]')), *made))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(outputs) == 1 and "s:t:t7" in outputs.pop()


class TestKeptAnswers:
    WORLD = (
        Made("s:p:app", "1.0.0", needs=needs(data="*d[text]")),
        Made("s:d:long", "1.0.0", ("text",)),
        Made("s:d:short", "1.0.0", ("text",)),
    )

    @pytest.mark.parametrize(("kept", "got"), [(["long"], ["s:d:long@1.0.0"]), ([], [])])
    def test_exactly_the_providers_of_the_earlier_answer_are_taken(
        self, kept: list[str], got: list[str]
    ) -> None:
        keys = frozenset(f"s:{derive_uid('d', name)}" for name in kept)
        catalogue = Catalogue(list(self.WORLD), answered={("s:p:app", "d[text]"): keys})
        resolution = resolve(needs(root="s:p:app"), catalogue)
        assert pins(resolution) == [*got, "s:p:app@1.0.0"]
        said = [note for note in resolution.notes if "s:d:long has them now" in note]
        assert len(said) == (not kept)
