"""Statements that contradict each other, as an error that a person can follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ckstore.errors import CkstoreError, Conflict
from ckstore.model.requirements import Requirement
from ckstore.resolve import explain
from ckstore.resolve.asking import Asking
from ckstore.resolve.clauses import Statement
from ckstore.resolve.problem import Asked, Candidate, Choice

_SHOWN = 5


def who_asked(
    statements: Sequence[Statement], asking: Asking, ways: dict[str, tuple[str, ...]]
) -> dict[int, Asked]:
    """By guard: each need with the way that leads to it over the others, or one of ``ways``."""
    ways = dict(ways)
    found: dict[int, Asked] = {}
    waiting = [statement for statement in statements if statement.need is not None]
    while waiting:
        there = [s for s in waiting if not s.askers or s.askers[0].candidate.key in ways]
        for statement in there or waiting[:1]:
            asked = found[statement.guard] = _asked(statement, asking, ways)
            for candidate in statement.offers.candidates:
                ways.setdefault(candidate.key, asked.path)
        waiting = [statement for statement in waiting if statement.guard not in found]
    return found


def _asked(statement: Statement, asking: Asking, ways: dict[str, tuple[str, ...]]) -> Asked:
    assert statement.need is not None, "names do not ask"
    if not statement.askers:
        return Asked(statement.need)
    asker = statement.askers[0]
    versions = tuple(choice.version for choice in statement.askers)
    some = len(versions) < len(asker.candidate.versions)
    path = (*ways.get(asker.candidate.key, ()), asking.name(asker))
    return Asked(statement.need, path, versions if some else ())


def blamed(statements: Sequence[Statement]) -> list[Statement]:
    """The needs that contradict each other or find nothing, without those that only lead to them."""
    keys = _contested(statements)
    return [
        s for s in statements
        if s.need is not None and (_is_dead(s) or any(c.key in keys for c in s.offers.candidates))
    ]  # fmt: skip


def _is_dead(statement: Statement) -> bool:
    return statement.need is not None and next(statement.offers.choices(), None) is None


def _contested(statements: Sequence[Statement]) -> dict[str, Candidate]:
    """What several statements want, each in a way of its own."""
    wanted: dict[str, Candidate] = {}
    twice: dict[str, Candidate] = {}
    for statement in statements:
        for candidate in statement.offers.candidates:
            (twice if candidate.key in wanted else wanted)[candidate.key] = candidate
    return twice


def impossible(
    statements: Sequence[Statement], asked: dict[int, Asked], asking: Asking, changes: Sequence[str]
) -> CkstoreError:
    """The error about statements that contradict each other; its details hold all of them."""
    parts = [_dead(asked[s.guard], s, asking) for s in statements if _is_dead(s)]
    contested = _contested(statements)
    if contested:
        parts.append(_clash([asked[s.guard] for s in blamed(statements) if not _is_dead(s)], contested))
    parts += [_same_name(s, statements, asked, asking) for s in statements if s.need is None]
    if not parts:
        return unknown(list(asked.values()))
    head = parts[0]
    told = "; ".join(part.message.removesuffix(".") for part in parts[:_SHOWN])
    more = f"; and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    return type(head)(
        f"{told}{more}.",
        code=head.code,
        hints=list(dict.fromkeys((*changes, *head.hints))),
        details={
            **head.details,
            "statements": [explain.details(asked[s.guard]) for s in statements if s.need],
        },
    )


def _dead(asked: Asked, statement: Statement, asking: Asking) -> CkstoreError:
    """A need that nothing meets."""
    if statement.offers.error is not None:
        return explain.told_by(asked, statement.offers.error)
    requirement = Requirement.parse(asked.need.ask)
    there = statement.offers.candidates
    if statement.offers.by_tags:
        there = tuple(asking.catalogue.tagged(requirement))
    if there:
        return explain.no_version(asked, there[0])
    return explain.nothing(asked, requirement, asking.catalogue.hints(requirement))


def _clash(asked: Sequence[Asked], contested: dict[str, Candidate]) -> Conflict:
    """Needs that can be met one by one, and not together."""
    *others, last = asked
    names = " and ".join(candidate.component for candidate in list(contested.values())[:2])
    which = "both" if len(asked) == 2 else "all of these"
    there = "; ".join(explain.what_there_is(candidate) for candidate in list(contested.values())[:_SHOWN])
    told = "; ".join(str(other) for other in others)
    return Conflict(
        f"{explain.begin(last)}; {told}; no choice of {names} meets {which}: {there}.",
        code="no-common-version",
        hints=["ask for ranges that overlap"],
        details={
            **explain.details(last), "component": next(iter(contested.values())).component,
            "others": [explain.details(other) for other in others],
        },
    )  # fmt: skip


def _same_name(
    statement: Statement, statements: Iterable[Statement], asked: dict[int, Asked], asking: Asking
) -> CkstoreError:
    one, other = statement.askers
    by = [[asked[s.guard] for s in statements if _wants(s, choice)] for choice in (one, other)]
    if not all(by):
        return unknown(list(asked.values()))
    first, second = sorted(by, key=lambda found: (found[0].path, found[0].need.ask))
    return explain.same_name(second[0], asking.name(one), first)


def _wants(statement: Statement, choice: Choice) -> bool:
    return any(candidate.key == choice.candidate.key for candidate in statement.offers.candidates)


def unknown(asked: Sequence[Asked]) -> Conflict:
    """It is sure that there is no answer, and not known which of these is to blame."""
    told = "; ".join(str(one) for one in asked[:_SHOWN])
    more = f"; and {len(asked) - _SHOWN} more" if len(asked) > _SHOWN else ""
    return Conflict(
        f"Not all of this can be had at once: {told}{more}.",
        code="no-common-version",
        hints=["ask for less, or for wider ranges"],
        details={"statements": [explain.details(one) for one in asked]},
    )


# -- what would help ----------------------------------------------------------------------------------


def change(statement: Statement, asked: Asked, wider: Choice | None) -> str:
    """A need with which alone everything else would be possible; empty when that is said by :func:`drop`."""
    if wider is not None:
        would = f"if {asked.need.ask} admitted {wider.version}, everything else could be had"
    elif asked.path:
        would = f"without {asked.need.ask}, everything else could be had"
    else:
        return ""
    return f"{would}: {'change it in ckstore.toml' if not asked.path else f'it is asked for by {asked.by}'}"


def drop(statement: Statement) -> str:
    """A requirement of the user without which the others can be had."""
    assert statement.need is not None, "names are no requirements"
    return f"without {statement.need.ask} in ckstore.toml, everything else could be had"
