"""The dict dialect of Collective Knowledge: requests and answers, translated without touching a store.

A request is a dict with ``action``, ``repo_uoa``, ``module_uoa``, ``data_uoa`` (each a name or a UID) or
a ``cid`` (``[repo:]module:data``); an answer is a dict with ``return``: 0, or an error number with
``error``. Facts: the kernel's documentation and behaviour, versions 1.55 and 2.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ckstore.errors import CkstoreError, InvalidInput, NotFound
from ckstore.model.names import is_uid
from ckstore.model.plain import as_map, as_text, as_texts

NOT_FOUND, FAILED = 16, 1
# UIDs that CK itself gives to kinds whose module need not be in any repository
KIND_UIDS = {
    "module": "032630d041b4fd8a", "repo": "befd7892b0d469e9", "program": "b0ac08fe1d3c2615",
    "soft": "5e1100048ab875d7", "package": "1dc07ee0f4742028", "env": "9b9b3208ac44b891",
}  # fmt: skip
_KINDS_BY_UID = {uid: kind for kind, uid in KIND_UIDS.items()}
_COMMON = frozenset(
    [
        "action", "repo_uoa", "module_uoa", "data_uoa", "cid", "tags", "out", "quiet", "search_string",
        "limit_size",
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """A request in our own words; ``options`` are what is left for the action itself."""

    action: str
    source: str = ""
    kind: str = ""
    name: str = ""
    tags: tuple[str, ...] = ()
    text: str = ""
    limit: int = 0
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """``[source:]kind:name`` of the one component that is meant."""
        if not self.name or not self.kind:
            raise InvalidInput("data UOA is not defined", code="no-data")
        return ":".join(part for part in (self.source, self.kind, self.name) if part)


def read_request(value: Mapping[str, object]) -> Request:
    """Read a request; :class:`InvalidInput` when it has no action or a malformed ``cid``."""
    action = as_text(value.get("action"))
    if not action:
        raise InvalidInput("action is not defined", code="no-action")
    source, kind, name = _parts(as_text(value.get("cid")))
    kind = as_text(value.get("module_uoa")) or kind
    limit = as_text(value.get("limit_size"))
    return Request(
        action=action,
        source=as_text(value.get("repo_uoa")) or source,
        kind=_KINDS_BY_UID.get(kind, kind),
        name=as_text(value.get("data_uoa")) or name,
        tags=tuple(as_texts(value.get("tags"))),
        text=as_text(value.get("search_string")).strip("*"),
        limit=int(limit) if limit.isdecimal() else 0,
        options=_options({key: item for key, item in value.items() if key not in _COMMON}),
    )


def _parts(cid: str) -> tuple[str, str, str]:
    parts = cid.split(":") if cid else []
    if len(parts) > 3:
        raise InvalidInput(f"unknown CID format ({cid})", code="bad-cid")
    source, kind, name = ["", *parts][-3:] if len(parts) > 1 else ("", "".join(parts), "")
    return source, kind, name


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


def answer_to(error: CkstoreError) -> dict[str, object]:
    """An error as an answer."""
    number = NOT_FOUND if isinstance(error, NotFound) else FAILED
    return {"return": number, "error": error.message}
