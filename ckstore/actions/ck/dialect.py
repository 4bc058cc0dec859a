"""The dict dialect of Collective Knowledge: requests and answers, translated without touching a store.

A request is a dict with ``action``, ``repo_uoa``, ``module_uoa``, ``data_uoa`` (each a name or a UID) or
a ``cid`` (``[repo:]module:data``); an answer is a dict with ``return``: 0, or an error number with
``error``. Facts: the kernel's documentation and behaviour, versions 1.55 and 2.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ckstore.actions.ck.match import is_pattern
from ckstore.actions.ck.modules import KIND_OF_UID
from ckstore.actions.ck.words import HERE, parts_of
from ckstore.errors import CkstoreError, InvalidInput, NotFound
from ckstore.model.names import is_uid
from ckstore.model.plain import Plain, as_flag, as_int, as_map, as_text, as_texts

NOT_FOUND, FAILED = 16, 1
# what the number of these is 1 for, though something was not found
_FAILURES = frozenset(["no-action", "no-actions", "no-repository"])
_COMMON = frozenset(
    [
        "action", "repo_uoa", "module_uoa", "data_uoa", "cid", "cids", "xcids", "tags", "out", "quiet",
        "search_string", "limit_size", "common_func", "common",
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """A request in our own words; ``given`` is all of it, ``options`` what is left for the action itself.

    ``tags`` may hold an empty one, which nothing has. ``here`` tells that the name depends on the folder.
    """

    action: str
    source: str = ""
    kind: str = ""
    name: str = ""
    tags: tuple[str, ...] = ()
    limit: int = 0
    given: Mapping[str, object] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """``[source:]kind:name`` of the one component that is meant."""
        if not self.name or not self.kind:
            raise InvalidInput("data UOA is not defined", code="no-data")
        return ":".join(part for part in (self.source, self.kind, self.name) if part)

    @property
    def many(self) -> bool:
        """True when the name may mean several: there is none, or a pattern."""
        return not self.name or is_pattern(self.name) or is_pattern(self.kind)

    def flag(self, key: str) -> bool:
        """True for an option that is ``yes``."""
        return as_flag(self.given.get(key))

    def text(self, key: str) -> str:
        """The text of an option."""
        return as_text(self.given.get(key))


def names_folder(value: Mapping[str, object]) -> bool:
    """True when a request names something by the folder of its caller."""
    return as_text(value.get("cid")).startswith(HERE)


def read_request(value: Mapping[str, object], here: Mapping[str, str] | None = None) -> Request:
    """Read a request; :class:`InvalidInput` when it has no action or a malformed ``cid``.

    ``here`` are the names of the entry in the folder of the caller, for those that begin with ``^``.
    """
    action = as_text(value.get("action"))
    if not action:
        raise InvalidInput("action is not defined", code="no-action")
    named = named_parts(value, here)
    limit = as_text(value.get("limit_size"))
    return Request(
        action=action,
        source=named.get("repo_uoa", ""),
        kind=KIND_OF_UID.get(named.get("module_uoa", ""), named.get("module_uoa", "")),
        name=named.get("data_uoa", ""),
        tags=_tags(value.get("tags")),
        limit=max(0, as_int(limit, 0)) if limit.isdecimal() else 0,
        given=value,
        options=_options({key: item for key, item in value.items() if key not in _COMMON}),
    )


def named_parts(value: Mapping[str, object], here: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a request names: parts of its ``cid`` count more than keys, but for ``module_uoa``."""
    cid = as_text(value.get("cid"))
    keys = {key: as_text(value.get(key)) for key in ("repo_uoa", "module_uoa", "data_uoa")}
    said = parts_of(cid, here) if ":" in cid or cid.startswith(HERE) else {"module_uoa": cid}
    if keys["module_uoa"]:
        said.pop("module_uoa", None)
    return {**keys, **{key: part for key, part in said.items() if part}}


def _tags(value: object) -> tuple[str, ...]:
    if isinstance(value, str) and value.strip():
        return tuple(tag.strip() for tag in value.split(","))
    return tuple(as_texts(value))


def _options(rest: Mapping[str, object]) -> dict[str, object]:
    """CK's names of options for programs, in ours."""
    renamed = {"cmd_key": "cmd", "dataset_uoa": "dataset", "run_timeout": "timeout"}
    options = {renamed.get(key, key): item for key, item in rest.items() if not key.startswith("env.")}
    env = {key[4:]: item for key, item in rest.items() if key.startswith("env.")}
    if env or "env" in options:
        options["env"] = {**as_map(options.get("env")), **env}
    if as_text(options.get("speed")) == "yes":
        options["speed"] = True
    return options


def completed(value: Mapping[str, object], here: Mapping[str, str] | None = None) -> Plain:
    """The request as modules are given it: with the parts of every name in it."""
    named = named_parts(value, here)
    whole: Plain = {"cids": [], **value, "module_uoa": named["module_uoa"]}
    whole |= {key: part for key, part in named.items() if part}
    others = [as_text(cid) for cid in as_texts(whole["cids"])]
    whole["xcids"] = [{"return": 0, **(parts_of(cid, here) if ":" in cid else {})} for cid in others]
    return whole


def identity(
    source: str, kind: str, name: str, uid: str, kind_uid: str, source_uid: str
) -> dict[str, object]:
    """The naming keys that every answer about a component has."""
    alias = "" if is_uid(name) else name
    return {
        "repo_uoa": source, "repo_uid": source_uid, "repo_alias": source,
        "module_uoa": kind, "module_uid": kind_uid, "module_alias": kind,
        "data_uoa": name, "data_uid": uid, "data_alias": alias,
    }  # fmt: skip


def no_entry(kind: str, name: str, kind_uid: str) -> NotFound:
    """The error for an entry that is not there, in the words of the kernel."""
    return NotFound(f'can\'t find path to CK entry "{kind}:{name}" (?:{kind_uid or "?"}:?)', code="no-hits")


def no_repository(name: str) -> NotFound:
    """The error for a repository that is not there."""
    return NotFound(
        f'repository "{name}" was not found in the cache. '
        'Check if repository exists or try "ck recache repo"',
        code="no-repository",
    )


def answer_to(error: CkstoreError) -> dict[str, object]:
    """An error as an answer."""
    missing = isinstance(error, NotFound) and error.code not in _FAILURES
    return {"return": NOT_FOUND if missing else FAILED, "error": error.message}
