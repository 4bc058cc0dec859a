"""``check``: a lint for those who own a repository of components, also where it is no store yet."""

from __future__ import annotations

import contextlib
import fnmatch
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ckstore.errors import InvalidInput
from ckstore.model.names import did_you_mean
from ckstore.objects.store import ObjectStore
from ckstore.operations.add import add
from ckstore.operations.find import opened
from ckstore.operations.folder import own_format, repository_name
from ckstore.operations.kinds import ensure_kinds
from ckstore.operations.lint.corpus import Corpus, Part
from ckstore.operations.lint.findings import LEVELS, RULES, Finding, Level
from ckstore.operations.lint.needs import check_needs
from ckstore.operations.lint.sources import findings_of
from ckstore.operations.lint.tags import check_tags
from ckstore.operations.lint.twins import check_twins
from ckstore.operations.origins import KINDS_SOURCE
from ckstore.operations.sources import no_source

Progress = Callable[[str], None]


def _silent(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class CheckReport:
    """``findings`` by source, the gravest first; ``ignored`` counts those that were not to be told.

    ``target`` is the source or folder that was checked, empty for the whole store; ``components`` how many
    there are in it, ``against`` how many were there to answer their needs. ``alone``: a folder by itself,
    without a store beside it.
    """

    target: str
    components: int
    against: int
    findings: tuple[Finding, ...]
    ignored: int = 0
    alone: bool = False

    def at_least(self, level: Level) -> tuple[Finding, ...]:
        """The findings that weigh as much as this level, or more."""
        grave = LEVELS[: LEVELS.index(level) + 1]
        return tuple(finding for finding in self.findings if finding.level in grave)

    def as_plain(self) -> dict[str, object]:
        """JSON-able values, with the number of findings of each level."""
        return {
            "target": self.target, "components": self.components, "against": self.against,
            "alone": self.alone, "ignored": self.ignored,
            "counts": {level: sum(f.level == level for f in self.findings) for level in LEVELS},
            "findings": [finding.as_plain() for finding in self.findings],
        }  # fmt: skip


def check_store(
    store: ObjectStore, source: str = "", *, ignore: Sequence[str] = (), progress: Progress = _silent
) -> CheckReport:
    """Check one source of a store against all that is in it, or all of them.

    ``ignore`` holds rules that are not told, each perhaps only of some components: ``rare-tag``,
    ``dangling-need=program:acl-*``. Raises NotFound ``no-source``, InvalidInput ``no-rule``.
    """
    hushed = _Ignored(ignore)
    view = store.view()
    known = [found.name for found in view.sources()]
    if source and source not in known:
        raise no_source(source, known)
    with contextlib.ExitStack() as stack:
        connection, _ = stack.enter_context(opened(store.path, progress))
        parts = [Part(connection, view)]
        if KINDS_SOURCE not in known:  # every lock brings them: their needs and answers count
            kinds = _scratch(stack)
            ensure_kinds(kinds)
            parts.append(_part(stack, kinds, frozenset(), progress))
        return _report(source, source, Corpus(*parts), hushed, progress)


def check_folder(
    path: Path, store: ObjectStore | None = None, *, source: str = "", ignore: Sequence[str] = (),
    progress: Progress = _silent,
) -> CheckReport:  # fmt: skip
    """Check the working folder of a repository against a store, or (None) by itself alone.

    What the store has of the source of this name (``source``, or as the folder calls itself) is replaced by
    what is in the folder. Nothing is published. By itself, what nothing answers is only noted: others may.
    Raises what :func:`~ckstore.operations.add.add` raises for a folder that holds no components.
    """
    hushed = _Ignored(ignore)
    called = source or repository_name(path.resolve(), bool(own_format(path))) or path.resolve().name
    with contextlib.ExitStack() as stack:
        scratch = _scratch(stack)
        ensure_kinds(scratch)
        progress(f"reading {path}")
        told = _read(scratch, path, called, progress)
        parts = [_part(stack, scratch, frozenset(), progress)]
        if store is not None:
            parts.append(_part(stack, store, frozenset([called, KINDS_SOURCE]), progress))
        corpus = Corpus(*parts)
        return _report(str(path), called, corpus, hushed, progress, told, alone=store is None)


def _scratch(stack: contextlib.ExitStack) -> ObjectStore:
    return ObjectStore(
        Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ckstore-check-"))) / "store"
    )


def _part(
    stack: contextlib.ExitStack, store: ObjectStore, hidden: frozenset[str], progress: Progress
) -> Part:
    connection, _ = stack.enter_context(opened(store.path, progress))
    return Part(connection, store.view(), hidden)


def _read(scratch: ObjectStore, path: Path, called: str, progress: Progress) -> Sequence[str]:
    """Bring the folder into a store of its own; gives the problems that were met."""
    try:
        return add(scratch, path, source=called, progress=progress).problems
    except InvalidInput as error:
        problems = error.details.get("problems")
        if error.code != "all-broken" or not isinstance(problems, (list, tuple)):
            raise
        return [str(problem) for problem in problems]


def _report(
    target: str, source: str, corpus: Corpus, hushed: _Ignored, progress: Progress,
    told: Sequence[str] | None = None, *, alone: bool = False,
) -> CheckReport:  # fmt: skip
    own = [here for here in corpus.components() if not source or here.source == source]
    found = []
    for finding in _findings(corpus, source, told, progress):
        if alone and finding.rule in ("dangling-need", "outdated-need"):
            finding = finding.noted()
        found.append(finding)
    kept = [finding for finding in found if not hushed.has(finding)]
    kept.sort(key=lambda f: (f.source, LEVELS.index(f.level), f.rule, f.component, f.file, f.line, f.message))
    return CheckReport(
        target, len(own), len(corpus.components()), tuple(kept), len(found) - len(kept), alone
    )  # fmt: skip


def _findings(
    corpus: Corpus, source: str, told: Sequence[str] | None, progress: Progress
) -> Iterator[Finding]:
    paths: dict[str, list[str]] = {}
    problems = {s.name: s.problems for s in corpus.sources() if not source or s.name == source}
    if told is not None:
        problems = {source: tuple(told)}
    for here in corpus.components():
        if problems.get(here.source):
            paths.setdefault(here.source, []).append(corpus.release(here.source, here.uid, here.version).path)
    for name, lines in problems.items():
        yield from findings_of(name, lines, paths.get(name, ()))
    for what, checker in (("needs", check_needs), ("tags", check_tags), ("names", check_twins)):
        progress(f"checking {what}")
        yield from checker(corpus, source)


class _Ignored:
    """Rules that are not to be told: ``rule``, or ``rule=pattern`` of names (``source`` may be left out)."""

    def __init__(self, wanted: Iterable[str]) -> None:
        self._patterns = [(rule, pattern or "*") for rule, _, pattern in (w.partition("=") for w in wanted)]
        for rule, _ in self._patterns:
            if rule not in RULES:
                raise InvalidInput(
                    f"There is no rule {rule!r}.",
                    code="no-rule",
                    hints=[*did_you_mean(rule, RULES), f"the rules are {', '.join(RULES)}"],
                )

    def has(self, finding: Finding) -> bool:
        """True when a finding is not to be told."""
        called = finding.component.partition("@")[0]
        names = (called, called.partition(":")[2], finding.file)
        return any(
            rule == finding.rule and any(fnmatch.fnmatchcase(name, pattern) for name in names)
            for rule, pattern in self._patterns
        )
