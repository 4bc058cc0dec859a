"""Needs that nothing answers, or too many do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ckstore.index.relations import Asker
from ckstore.model.answers import Offer, answers, read_ask
from ckstore.model.names import near_misses
from ckstore.model.query import Hit
from ckstore.model.requirements import Requirement
from ckstore.model.tags import TagQuery
from ckstore.model.wildcards import has_wildcards
from ckstore.operations.lint.corpus import Corpus, Here
from ckstore.operations.lint.findings import Finding, Level
from ckstore.operations.lint.places import place_of

_DETECTED = re.compile(r"v\d[\w.]*")  # a tag that a tool gets when it is found on a machine
_SHOWN = 3
Verdict = tuple[str, Level, str, tuple[str, ...]]  # rule, level, what is said of the need, hints


def check_needs(corpus: Corpus, source: str) -> Iterator[Finding]:
    """Every need of a source (empty: of all) that is not answered by what is there now, or not by one."""
    judge = _Judge(corpus)
    for asker in corpus.askers(source):
        verdict = judge.verdict(asker.ask, asker.scope)
        if verdict is not None:
            rule, level, said, hints = verdict
            file, line = _place(corpus, asker)
            message = f"{asker.role or 'a need'} asks for {asker.ask}: {said}"
            yield Finding(rule, level, message, asker.source, asker.reference, file, line, hints)


def _place(corpus: Corpus, asker: Asker) -> tuple[str, int]:
    requirement = read_ask(asker.ask)
    asked = (requirement.tags.all_of or (requirement.name,)) if requirement else ()
    release = corpus.release(asker.source, asker.uid, asker.version)
    return place_of(corpus.view_of(asker.source), release, [*asker.role.split(".")[-1:], *asked[:1]])


class _Judge:
    """Knows each requirement once: thousands of components state the same few hundred."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._known: dict[tuple[str, str], Verdict | None] = {}
        self._tags: list[str] | None = None
        self._users: dict[str, list[Here]] = {}
        self._variations: dict[tuple[str, str], set[str]] = {}

    def verdict(self, ask: str, scope: str) -> Verdict | None:
        key = (ask, scope)
        if key not in self._known:
            self._known[key] = self._judge(ask, scope)
        return self._known[key]

    def _judge(self, ask: str, scope: str) -> Verdict | None:
        requirement = read_ask(ask)
        if requirement is None:
            return "dangling-need", "error", "it cannot be understood", ()
        found = self._corpus.answering(requirement)
        if found:
            return _ambiguous(requirement, found)
        if requirement.tags and (seen := self._at_run_time(requirement)):
            return "runtime-need", "note", seen, ()
        once = [] if requirement.range != "*" else self._corpus.answered_once(requirement)
        if once:
            said = f"only former releases or withdrawn components do, like {once[0].reference}"
            return "outdated-need", "warning", said, tuple(self._became(once))
        level: Level = "warning" if scope in ("every", "maybe") else "error"
        return "dangling-need", level, "nothing in the store answers it", tuple(self._hints(requirement))

    def _at_run_time(self, requirement: Requirement) -> str:
        """What would answer it with a variation, or once a version is detected; empty when nothing would."""
        tags = requirement.tags
        for here in self._sharing(tags.all_of):
            more = [tag for tag in tags.all_of if tag not in here.tags]
            own = [tag for tag in more if tag in self._variations.get((here.source, here.uid), ())]
            found = [tag for tag in more if tag not in own and _DETECTED.fullmatch(tag)]
            offer = Offer(
                here.source, here.kind, here.name, here.uid, here.version, frozenset((*here.tags, *more))
            )
            if len(own) + len(found) == len(more) and answers(requirement, offer):
                parts = [f"its variation {', '.join(own)}"] if own else []
                parts += [f"the version {', '.join(found)} detected"] if found else []
                called = f"{here.source}:{here.called}"
                return f"only {called} and its like may answer it when it runs, with {' and '.join(parts)}"
        return ""

    def _sharing(self, tags: Sequence[str]) -> list[Here]:
        """Components with at least one of these tags."""
        if not self._users:
            for here in self._corpus.components():
                for tag in here.tags:
                    self._users.setdefault(tag, []).append(here)
            self._variations = self._corpus.variations()
        found = {(here.source, here.uid): here for tag in tags for here in self._users.get(tag, ())}
        return [found[key] for key in sorted(found)]

    def _became(self, once: list[Hit]) -> Iterator[str]:
        """What became of the components whose releases answered it."""
        seen: dict[tuple[str, str], Hit] = {}
        for hit in once:
            seen.setdefault((hit.source, hit.uid), hit)
        for hit in list(seen.values())[:_SHOWN]:
            now = self._corpus.view_of(hit.source).component(hit.source, hit.uid)
            if now is None:
                continue
            if now.withdrawn:
                yield f"{hit.source}:{hit.kind}:{hit.name} was withdrawn"
                continue
            tags = self._corpus.release(hit.source, hit.uid, now.newest).tags
            renamed = (now.kind, now.name) != (hit.kind, hit.name)
            named = f", named {now.kind}:{now.name}" if renamed else ""
            yield f"{hit.reference} is {now.newest} now{named}, with the tags {','.join(tags)}"

    def _hints(self, requirement: Requirement) -> Iterator[str]:
        if not requirement.tags:
            yield from self._near_names(requirement)
            return
        known = set(self._all_tags())
        unknown = [tag for tag in requirement.tags.all_of if tag not in known and not has_wildcards(tag)]
        for tag in unknown:
            near = near_misses(tag, self._all_tags())
            yield f"no component has the tag {tag!r}" + (f": did you mean {', '.join(near)}?" if near else "")
        if unknown or len(requirement.tags.all_of) < 2:
            return
        for tag in requirement.tags.all_of:
            rest = TagQuery.of(
                {*requirement.tags.all_of} - {tag}, requirement.tags.none_of, requirement.tags.any_of
            )
            hits = self._corpus.answering(replace(requirement, tags=rest))
            if hits:
                more = f" and {len(hits) - _SHOWN} more" if len(hits) > _SHOWN else ""
                yield f"without the tag {tag!r}: {', '.join(h.reference for h in hits[:_SHOWN])}{more}"

    def _near_names(self, requirement: Requirement) -> Iterator[str]:
        if requirement.range != "*":
            hits = self._corpus.answered_once(requirement)
            if hits:
                yield f"there are the versions {', '.join(h.version for h in hits[:_SHOWN])}"
                return
        near = near_misses(requirement.name, {here.name for here in self._corpus.components()})
        if near:
            yield f"did you mean {', '.join(near)}?"

    def _all_tags(self) -> list[str]:
        if self._tags is None:
            self._tags = sorted({tag for here in self._corpus.components() for tag in here.tags})
        return self._tags


def _ambiguous(requirement: Requirement, found: list[Hit]) -> Verdict | None:
    if requirement.tags or requirement.is_pattern or len(found) < 2:
        return None
    names = ", ".join(hit.reference for hit in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    hint = f"name the source: {found[0].source}:{found[0].kind}:{found[0].name}"
    return "ambiguous-need", "warning", f"it may mean {names}{more}", (hint,)
