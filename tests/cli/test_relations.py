"""``needs``, ``needed-by`` and ``impact`` at a prompt."""

from __future__ import annotations

import pytest

from tests.cli.session import Session
from tests.operations.corpora import tools, users


@pytest.fixture
def corpus(session: Session) -> Session:
    for make in (tools, users):
        up = make(session.folder / f"{make.__name__}.git")
        session("mirror", up.url, "--name", make.__name__)
    return session


def test_impact_shows_the_interface_first_and_fails_when_something_is_lost(corpus: Session) -> None:
    answer = corpus("impact", "soft:lib.fl@1.0.0", "@2.0.0", code=1)
    assert answer.out.splitlines() == [
        "tools:soft:lib.fl@=1.0.0 → tools:soft:lib.fastlin@=2.0.0",
        "  - env:CK_FL", "  - name:lib.fl", "  - tag:fast", "  - tag:fast-linear",
        "  + env:CK_FASTLIN", "  + name:lib.fastlin", "  + tag:fast-linear-library", "  + tag:fastlin",
        "lost: nothing else in the store answers these needs",
        "  users",
        "    program:bench@=1.0.0   compile.library  soft|package[fast,linear]  (lacks tag:fast)",
        "    program:solver@=1.0.0  compile.library  soft|package[fast-linear,lib]  (lacks tag:fast-linear)",
        "2 components of 1 source lose 2 needs",
    ]  # fmt: skip
    assert "locks that have tools:soft:lib.fl@=1.0.0 keep it" in answer.err
    plain = corpus("impact", "soft:lib.fastlin", "--json", code=1).json
    assert plain["counts"]["components_that_lose"] == 2
    assert {one["source"] for one in plain["concerned"]} == {"users"}


def test_impact_without_loss_succeeds(corpus: Session) -> None:
    answer = corpus("impact", "soft:lib.blas", "-")
    assert answer.out.splitlines()[0] == "tools:soft:lib.blas@=1.0.0 → withdrawn"
    assert "served by others" in answer.out and answer.out.endswith("1 need is served by others\n")
    assert corpus("impact", "program:plot", "-").out.endswith("nobody in the store is concerned\n")


def test_needs_are_a_table_or_a_tree_with_counts(corpus: Session) -> None:
    assert corpus("needs", "program:solver").out.splitlines() == [
        "users:program:solver@=1.0.0 needs",
        "  compile.library  soft|package[fast-linear,lib]  nothing in the store",
        "  compile.math     soft|package[lib,linear]       "
        "tools:soft:lib.blas@=1.0.0, tools:soft:lib.fastlin@=2.0.0",
        "2 requirements, 1 unmet, 2 components of 1 source",
    ]
    assert corpus("needs", "program:solver", "--all").out.splitlines()[1:5] == [
        "├─ compile.library: soft|package[fast-linear,lib]",
        "│  └─ nothing in the store",
        "└─ compile.math: soft|package[lib,linear]",
        "   ├─ tools:soft:lib.blas@=1.0.0",
    ]
    assert corpus("needs", "program:solver", "--depth", "2", "--json").json["unmet"] == 1


def test_needed_by_lists_who_asks(corpus: Session) -> None:
    assert corpus("needed-by", "soft:lib.fastlin").out.splitlines() == [
        "tools:soft:lib.fastlin@=2.0.0 is needed by",
        "  users:program:plot@=1.0.0    compile.library  soft|package[fast-linear-library,lib]",
        "  users:program:solver@=1.0.0  compile.math     soft|package[lib,linear]",
        "2 requirements, 2 components of 1 source",
    ]
    assert "bench" in corpus("needed-by", "soft:lib.fl@1.0.0").out
    assert "└─ users:program:solver@=1.0.0  compile.library: soft|package[fast-linear,lib]" in corpus(
        "needed-by", "soft[lib,fast-linear]", "--all").out  # fmt: skip
    assert corpus("needed-by", "soft:nothing", code=10).err
