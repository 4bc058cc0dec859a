"""Which entries a request means, by the rules of Collective Knowledge.

The index narrows down; what it does not know the way the kernel does (patterns with brackets, values of
metadata as texts, subsets) is judged by the files of each release. Entries are the newest releases of
what is there now: neither withdrawn nor yanked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from ckstore.actions.ck.dialect import Request, no_entry
from ckstore.actions.ck.match import holds, holds_flat, is_pattern, matches, says
from ckstore.errors import CkstoreError, InvalidInput
from ckstore.model.metadata_ck import CK_FILE, CK_INFO
from ckstore.model.names import is_uid
from ckstore.model.plain import Plain, as_map, as_text, as_texts
from ckstore.model.query import Hit, Query
from ckstore.model.tags import TagQuery
from ckstore.objects.described import metadata_of
from ckstore.objects.store import ObjectStore
from ckstore.operations.ck.repositories import Repositories
from ckstore.operations.find import find
from ckstore.operations.origins import KINDS_SOURCE

_DATES = (
    "%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
)  # fmt: skip
_KIND_OF_MODULES = "032630d041b4fd8a"


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of a store, for one request."""

    store: ObjectStore
    repositories: Repositories

    def place(self, asked: Request) -> tuple[str, str]:
        """(source, kind) that a request means, perhaps patterns, empty for any.

        Raises NotFound for a repository or a kind that is not there.
        """
        source = self.repositories.name_of(asked.source)
        kind = self.repositories.kind_named(asked.kind)
        bypassed = asked.flag("common_func") or asked.flag("common")
        if kind and not (is_pattern(kind) or bypassed or self.repositories.knows_kind(kind)):
            raise no_entry("module", kind, _KIND_OF_MODULES)
        return source, kind

    def one(self, asked: Request) -> list[Hit]:
        """The entry with exactly this name or UID, the first source's first; NotFound when there is none."""
        source, kind = self.place(asked)
        named = self._in_scope(source, kind, asked.name) if asked.name and not is_pattern(asked.name) else []
        if not named:
            uid = self.repositories.kind_uid(kind) if self.repositories.has_kind(source, kind) else ""
            raise no_entry(kind, asked.name, uid)
        return named

    def search(self, asked: Request) -> list[Hit]:
        """All that a request means, by source, kind and name, no more than it wants."""
        source, kind = self.place(asked)
        wanted = self._filters(asked)
        tags = () if asked.text("search_string") else asked.tags
        name = "" if asked.name == "*" else asked.name
        found: list[Hit] = []
        for hit in self._in_scope(source, kind, name, tags):
            if all(test(hit) for test in wanted):
                found.append(hit)
                if asked.limit and len(found) >= asked.limit:
                    break
        return found

    def _in_scope(self, source: str, kind: str, name: str, tags: tuple[str, ...] = ()) -> list[Hit]:
        if any(not tag or is_pattern(tag) for tag in tags):
            return []  # the kernel knows no patterns in tags
        query = Query(
            source=_askable(source), kind=_askable(kind), name=_askable(name), tags=TagQuery.of(tags)
        )
        uid = is_uid(name)
        return [
            hit
            for hit in find(self.store.path, query).hits
            if hit.newest and not hit.withdrawn and not hit.yanked and (hit.source != KINDS_SOURCE or source)
            and (not source or matches(hit.source, source))
            and (not kind or matches(hit.kind, kind))
            and (not name or matches(hit.name, name) or (uid and hit.uid == name))
            and set(tags) <= set(hit.tags)
        ]  # fmt: skip

    # -- filters -----------------------------------------------------------------------------------------

    def _filters(self, asked: Request) -> list[Callable[[Hit], bool]]:
        any_case = asked.flag("ignore_case")
        tests = [*self._lists(asked), *self._dates(asked)]
        text, name = asked.text("search_string"), asked.text("search_by_name")
        wanted, flat = (_object(asked, key) for key in ("search_dict", "search_flat_dict"))
        if text:
            return [*tests, lambda hit: says(self.written(hit), text, any_case)]
        if wanted:
            tests.append(lambda hit: holds(self.meta(hit), wanted, any_case))
        if flat:
            tests.append(lambda hit: holds_flat(self.meta(hit), flat, any_case))
        if name:
            tests.append(lambda hit: says(self.info(hit).get("data_name", ""), name, any_case))
        return tests

    def _lists(self, asked: Request) -> Iterator[Callable[[Hit], bool]]:
        """``data_uoa_list`` and its like: names or UIDs, one of which it is, where no exact one is given."""
        listed = {key: as_texts(asked.given.get(f"{key}_uoa_list")) for key in ("repo", "module", "data")}
        if listed["data"]:
            yield lambda hit: hit.name in listed["data"] or hit.uid in listed["data"]
        if listed["module"] and (not asked.kind or is_pattern(asked.kind)):
            kinds = {self.repositories.kind_named(kind) for kind in listed["module"]}
            yield lambda hit: hit.kind in kinds
        if listed["repo"] and (not asked.source or is_pattern(asked.source)):
            yield (
                lambda hit: (
                    hit.source in listed["repo"] or self.repositories.uid(hit.source) in listed["repo"]
                )
            )

    def _dates(self, asked: Request) -> Iterator[Callable[[Hit], bool]]:
        """When an entry was made; one that does not say so passes."""
        before, after, at = (
            _date(asked.text(f"add_if_date{end}"), strict=True) for end in ("_before", "_after", "")
        )
        if not (before or after or at):
            return

        def fits(hit: Hit) -> bool:
            made = _date(as_text(as_map(self.info(hit).get("control")).get("iso_datetime")))
            if made is None:
                return True
            return (not before or made <= before) and (not after or made >= after) and (not at or made == at)

        yield fits

    # -- files -------------------------------------------------------------------------------------------

    def written(self, hit: Hit) -> Plain:
        """The metadata as its author wrote it, in whatever format; empty when it cannot be read."""
        try:
            found = self.repositories.file(hit, CK_FILE)
            if found:
                return found
            view = self.store.view()
            return as_map(metadata_of(view, view.release(hit.source, hit.uid, hit.version)))
        except CkstoreError:
            return {}

    def meta(self, hit: Hit) -> Plain:
        """The same with what it inherits."""
        from ckstore.operations.ck.inheritance import inherited

        try:
            return inherited(self, hit, self.written(hit))
        except CkstoreError:  # the kernel leaves such entries out, too
            return {}

    def info(self, hit: Hit) -> Plain:
        """What the entry says of itself; empty when it cannot be read."""
        try:
            return self.repositories.file(hit, CK_INFO)
        except CkstoreError:
            return {}


def _askable(pattern: str) -> str:
    """A pattern for the index, which knows no brackets: there they match any one character."""
    if not is_pattern(pattern) or "[" not in pattern:
        return pattern
    return pattern.partition("[")[0] + "*"


def _object(asked: Request, key: str) -> Mapping[str, object]:
    value = asked.given.get(key)
    if value and not isinstance(value, Mapping):
        raise InvalidInput(f"{key} is no dictionary", code="bad-request")
    return as_map(value)


def _date(text: str, *, strict: bool = False) -> datetime | None:
    for form in _DATES:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    if strict and text:
        raise InvalidInput(f"can't parse ISO date {text!r}", code="bad-date")
    return None
