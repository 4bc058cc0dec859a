"""``access``: the dict protocol of Collective Knowledge over a store.

What only reads (``find``, ``load``, ``info``, ``search``, ``list``, ``list_tags``, ``list_files``, ``path``,
``cid``; ``find``, ``load``, ``list`` and ``print_deps`` of repositories) answers from the index and the log;
any other action is carried out by the component's kind, against a lock as everywhere else.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence

from ckstore.actions.ck.dialect import Request, answer_to, completed, names_folder, read_request
from ckstore.actions.ck.words import read_command
from ckstore.actions.options import to_words
from ckstore.errors import CkstoreError, InvalidInput, NotFound
from ckstore.model.plain import as_text
from ckstore.objects.store import ObjectStore
from ckstore.operations.ck.answers import ENTRY_ACTIONS, REPOSITORY_ACTIONS, Session
from ckstore.operations.ck.files import ask_nothing, read_mapping
from ckstore.operations.ck.places import here

Answer = dict[str, object]


def access(
    store: ObjectStore, request: Mapping[str, object] | Sequence[str], environment: Mapping[str, str],
    folder: str = "",
) -> Answer:  # fmt: skip
    """Answer a request; errors become ``return`` numbers (16: not found, 1: everything else).

    A request is a dict, or the words of a command line. ``folder`` is what ``^`` in a name refers to. Never
    raises for what a request holds.
    """
    try:
        given = _request(request)
        return answer_alone(given) or _answer(store, given, environment, folder)
    except CkstoreError as error:
        return answer_to(error)
    except (ValueError, TypeError, AttributeError) as error:  # what no JSON holds
        return answer_to(InvalidInput(f"the request cannot be read: {error}", code="bad-request"))


def answer_alone(given: Mapping[str, object]) -> Answer | None:
    """The answer to what needs no store; None for everything else. Raises what :func:`access` catches."""
    if given.get("action") == "print_input" and not names_folder(given):
        return _printed(completed(given))
    if given.get("action") == "uid" and not (given.get("cid") or given.get("module_uoa")):
        return {"return": 0, "data_uid": secrets.token_hex(8)}
    return None


def _printed(whole: Mapping[str, object]) -> Answer:
    return {"return": 0, "html": json.dumps(whole, indent=2, sort_keys=True, ensure_ascii=False)}


def _request(request: Mapping[str, object] | Sequence[str]) -> Mapping[str, object]:
    if isinstance(request, (list, tuple)) and request and all(isinstance(word, str) for word in request):
        return read_command(request, read_mapping, ask_nothing)
    if not isinstance(request, Mapping):
        raise InvalidInput("a request is a dict", code="no-dict")
    return request


def _answer(
    store: ObjectStore, given: Mapping[str, object], environment: Mapping[str, str], folder: str
) -> Answer:
    session = Session(store, folder)
    at = here(store, session.repositories, folder) if names_folder(given) else None
    asked = read_request(given, at)
    if asked.action == "print_input":
        return _printed(completed(given, at))
    actions: Mapping[str, Callable[[Session, Request], Answer]] = ENTRY_ACTIONS
    if asked.kind == "repo":
        actions = {**ENTRY_ACTIONS, **REPOSITORY_ACTIONS}
    if asked.action in actions:
        return {"return": 0, **actions[asked.action](session, asked)}
    return _act(session, asked, environment)


def _act(session: Session, asked: Request, environment: Mapping[str, str]) -> Answer:
    """Any other action: locked (the lock is kept), carried out, recorded."""
    from ckstore.operations.keep import kept_lock  # what only reads shall not wait for this
    from ckstore.operations.run import run

    if not asked.kind:
        raise NotFound(f'action "{asked.action}" not found in kernel', code="no-action")
    session.entries.place(asked)
    reference, store = asked.reference, session.store
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
