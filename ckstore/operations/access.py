"""``access``: the dict protocol of Collective Knowledge over a store.

``find``, ``load``, ``info``, ``search``, ``list`` and ``list_tags`` answer from the index and the log; any
other action is carried out by the component's kind, against a lock as everywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ckstore.actions.ck.dialect import KIND_UIDS, Request, answer_to, identity, read_request
from ckstore.actions.options import to_words
from ckstore.errors import CkstoreError, InvalidInput, NotFound
from ckstore.model.metadata_ck import CK_FILE, CK_INFO
from ckstore.model.names import derive_uid, is_uid
from ckstore.model.plain import as_text, parse_json
from ckstore.model.query import Hit, Query
from ckstore.model.tags import TagQuery
from ckstore.objects.layout import lay_out
from ckstore.objects.store import ObjectStore
from ckstore.operations.find import find
from ckstore.operations.keep import kept_lock
from ckstore.operations.origins import KINDS_SOURCE
from ckstore.operations.run import run

Answer = dict[str, object]


def access(store: ObjectStore, request: Mapping[str, object], environment: Mapping[str, str]) -> Answer:
    """Answer a request; errors become ``return`` numbers (16: not found, 1: everything else).

    Never raises for what a request holds.
    """
    try:
        asked = _read(request)
        answers: dict[str, Callable[[ObjectStore, Request], Answer]] = {
            "find": _find, "load": _load, "info": _load, "search": _search, "list": _search, "ls": _search,
            "list_tags": _tags,
        }  # fmt: skip
        if asked.action in answers:
            return {"return": 0, **answers[asked.action](store, asked)}
        return _act(store, asked, environment)
    except CkstoreError as error:
        return answer_to(error)


def _read(request: Mapping[str, object]) -> Request:
    if not isinstance(request, Mapping):
        raise InvalidInput("a request is a dict", code="no-dict")
    try:
        return read_request(request)
    except (
        ValueError,
        TypeError,
        AttributeError,
    ) as error:  # what no JSON holds
        raise InvalidInput(f"the request cannot be read: {error}", code="bad-request") from error


def _hits(store: ObjectStore, asked: Request) -> list[Hit]:
    query = Query(
        source=asked.source, kind=_kind(store, asked.kind), name=asked.name, tags=TagQuery.of(asked.tags),
        text=asked.text,
    )  # fmt: skip
    hits = [hit for hit in find(store.path, query).hits if hit.source != KINDS_SOURCE or asked.source]
    return hits[: asked.limit] if asked.limit else hits


def _kind(store: ObjectStore, kind: str) -> str:
    """The name of a kind given by the UID of its module."""
    if not is_uid(kind):
        return "" if kind == "*" else kind
    modules = find(store.path, Query(kind="module", name=kind)).hits
    return modules[0].name if modules else kind


def _kind_uid(store: ObjectStore, kind: str) -> str:
    """The UID that CK, or a module in the store, gives to a kind."""
    modules = find(store.path, Query(kind="module", name=kind)).hits if kind not in KIND_UIDS else ()
    known = [module.uid for module in modules if module.source != KINDS_SOURCE]
    return KIND_UIDS.get(kind) or (known[0] if known else derive_uid("module", kind))


def _identity(store: ObjectStore, hit: Hit, kind_uid: str) -> Answer:
    path = lay_out(store, hit.tree, hit.digest)
    names = identity(hit.source, hit.kind, hit.name, hit.uid, kind_uid, derive_uid("repo", hit.source))
    return {**names, "data_name": hit.title or hit.name, "path": str(path)}


def _one(store: ObjectStore, asked: Request) -> list[Hit]:
    hits = _hits(store, asked)
    if not hits:
        raise NotFound(
            f'can\'t find path to CK entry "{asked.kind}:{asked.name}"', code="no-hits"
        )  # fmt: skip
    return hits


def _find(store: ObjectStore, asked: Request) -> Answer:
    hits = _one(store, asked)
    return {**_identity(store, hits[0], _kind_uid(store, hits[0].kind)), "number_of_entries": len(hits)}


def _load(store: ObjectStore, asked: Request) -> Answer:
    if not asked.reference:
        raise InvalidInput("data UOA is not defined", code="no-data")
    hit = _one(store, asked)[0]
    named = _identity(store, hit, _kind_uid(store, hit.kind))
    folder = Path(str(named["path"]))
    return {
        **named,
        "dict": _json(folder, CK_FILE),
        "info": _json(folder, CK_INFO),
        "desc": _json(folder, ".cm/desc.json"),
    }


def _json(folder: Path, name: str) -> dict[str, object]:
    path = folder / name
    return parse_json(path.read_bytes(), name) if path.is_file() else {}


def _search(store: ObjectStore, asked: Request) -> Answer:
    hits = _hits(store, asked)
    uids = {kind: _kind_uid(store, kind) for kind in {hit.kind for hit in hits}}
    return {"lst": [_identity(store, hit, uids[hit.kind]) for hit in hits]}


def _tags(store: ObjectStore, asked: Request) -> Answer:
    return {"tags": sorted({tag for hit in _hits(store, asked) for tag in hit.tags})}


def _act(store: ObjectStore, asked: Request, environment: Mapping[str, str]) -> Answer:
    """Any other action: locked (the lock is kept), carried out, recorded."""
    reference = asked.reference
    report = run(
        store, kept_lock(store, reference).lock, reference, action=asked.action,
        words=to_words(asked.options), environment=environment,
    )  # fmt: skip
    reason = "" if report.ok else report.message or report.run.status
    answer: Answer = {
        "return": 0 if report.ok else 1, "run": report.id,
        "characteristics": {name: _number(value) for name, value in report.run.measurements.items()},
        "misc": {"run_success": "yes" if report.ok else "no", "fail_reason": reason},
    }  # fmt: skip
    return answer if report.ok else {**answer, "error": reason}


def _number(value: object) -> object:
    """A measurement as a number, or the list of several."""
    if isinstance(value, (list, tuple)):
        return [_number(item) for item in value] if len(value) != 1 else _number(value[0])
    try:
        return float(as_text(value))
    except ValueError:
        return value
