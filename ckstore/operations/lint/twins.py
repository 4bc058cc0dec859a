"""The same UID, or the same name, in several sources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ckstore.operations.lint.corpus import Corpus, Here
from ckstore.operations.lint.findings import Finding, Level
from ckstore.operations.lint.places import place_of
from ckstore.operations.origins import KINDS_SOURCE
from ckstore.operations.twins import how_they_differ


def check_twins(corpus: Corpus, source: str) -> Iterator[Finding]:
    """One finding for each UID, and each name, that a source shares with another one (empty: of all)."""
    by_uid: dict[str, list[Here]] = defaultdict(list)
    by_name: dict[str, list[Here]] = defaultdict(list)
    for here in corpus.components():
        if here.source == KINDS_SOURCE:  # it ships with ckstore, to stand in for kinds of the same name
            continue
        by_uid[here.uid].append(here)
        by_name[here.called].append(here)
    for group in by_uid.values():
        own = _own(group, source)
        if own is not None:
            yield _same_uid(corpus, own, [here for here in group if here is not own])
    for group in by_name.values():
        own = _own(group, source)
        others = [here for here in group if own is not None and here.uid != own.uid]
        if own is not None and others:
            yield _same_name(corpus, own, others)


def _own(group: list[Here], source: str) -> Here | None:
    if len(group) < 2:
        return None
    return next((here for here in group if not source or here.source == source), None)


def _same_uid(corpus: Corpus, own: Here, others: list[Here]) -> Finding:
    told, level = [], "note"
    for other in others:
        how, differs = how_they_differ(*(corpus.release(h.source, h.uid, h.version) for h in (own, other)))
        told.append(f"{other.reference}: {how}")
        level = "warning" if differs else level
    message = f"the UID {own.uid} is in other sources, too: {'; '.join(told)}"
    return _finding(corpus, "same-uid", level, message, own)  # type: ignore[arg-type]  # one of the two above


def _same_name(corpus: Corpus, own: Here, others: list[Here]) -> Finding:
    names = ", ".join(f"{other.reference} (UID {other.uid})" for other in others)
    message = f"{own.called} (UID {own.uid}) is the name of others, too: {names}"
    return _finding(corpus, "same-name", "warning", message, own)


def _finding(corpus: Corpus, rule: str, level: Level, message: str, own: Here) -> Finding:
    release = corpus.release(own.source, own.uid, own.version)
    file, _ = place_of(corpus.view_of(own.source), release, ())
    return Finding(rule, level, message, own.source, own.reference, file)
