"""The process in which an action runs: ``python -m ckstore.actions.host``.

It reads one line of JSON from standard input, ``{"plan": …, "result": "<file>"}``, and writes
``{"outcome": …}`` or ``{"error": …}`` into that file, never to standard output: what foreign code prints
there joins the progress lines on standard error. Standard input stays open: its end is the end of the run
(see :mod:`ckstore.actions.guard`).
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import cast

from ckstore.actions import guard, strays
from ckstore.actions.component import ComponentView
from ckstore.actions.context import Context
from ckstore.actions.hostfacts import host_facts
from ckstore.actions.options import check_options
from ckstore.actions.plan import Outcome, Plan
from ckstore.actions.signature import MODULE_FILE, ActionSpec, read_actions
from ckstore.actions.wire import NO_ROOM, error_as_plain, is_disk_full
from ckstore.errors import ActionFailed, InvalidInput, NotFound
from ckstore.model.limits import MAX_LOCK_BYTES
from ckstore.model.locks import Lock
from ckstore.model.names import did_you_mean
from ckstore.model.plain import as_map, as_text, parse_json

_LIFELINE = 0  # standard input


def main() -> int:
    """Carry out the plan on standard input; the exit code is 0 when a result was written."""
    os.environ.pop("PYTHONPATH", None)  # it served to find ckstore; the programs we start shall not see it
    sys.dont_write_bytecode = True  # the snapshot is read-only
    payload = parse_json(_first_line(_LIFELINE), "the plan", most=MAX_LOCK_BYTES, finite=False)
    result = Path(as_text(payload.get("result")))

    def work() -> int:
        os.dup2(2, 1)
        try:
            write_result(result, as_map(payload.get("plan")))
        except OSError as error:
            if not is_disk_full(error):
                raise
            return NO_ROOM
        with contextlib.suppress(OSError, ValueError):  # nobody listens any more, or foreign code closed it
            sys.stdout.flush()
        return 0

    if os.name == "nt":
        threading.Thread(target=_end_with_lifeline, daemon=True).start()
        return work()
    return abs(guard.run_guarded(_LIFELINE, work))


def write_result(result: Path, plan: dict[str, object]) -> None:
    """Carry out a plan and write its outcome, or its error, into a file, whole or not at all."""
    try:
        answer: dict[str, object] = {"outcome": perform(Plan.from_plain(plan)).as_plain()}
    except (Exception, SystemExit) as error:  # foreign code may raise anything; the parent gets it
        answer = {"error": error_as_plain(error, as_text(plan.get("action")), as_text(plan.get("workspace")))}
    written = result.with_suffix(".part")
    written.write_text(json.dumps(answer, default=str))
    written.replace(result)


def perform(plan: Plan) -> Outcome:
    """Load the module component and call the action, in this process."""
    lock = Lock.parse(plan.lock)
    context = Context(plan.component, lock, plan.snapshot, plan.workspace, _progress, strays.end_descendants)
    provider = context.view(plan.module)
    spec = _spec(provider, plan.action)
    options = check_options(spec, plan.options)
    function = cast(Callable[..., object], getattr(_load(provider), spec.name))
    outcome = function(context, **options)
    if not isinstance(outcome, Outcome):
        raise ActionFailed(
            f"The action {plan.action!r} of {plan.module} gave {type(outcome).__name__}, not an Outcome.",
            code="no-outcome",
        )
    return replace(
        outcome,
        host=dict(outcome.host) or host_facts(),
        touched=tuple(sorted({*outcome.touched, *context.touched})),
    )


def _spec(provider: ComponentView, action: str) -> ActionSpec:
    file = provider.path / MODULE_FILE
    if not file.is_file():
        raise InvalidInput(f"{provider.name} has no {MODULE_FILE}.", code="no-actions")
    actions = read_actions(file.read_text(encoding="utf-8"), f"{provider.name}/{MODULE_FILE}")
    spec = actions.get(action.replace("-", "_"))
    if spec is None:
        raise NotFound(
            f"{provider.name} has no action {action!r}.",
            code="no-action",
            hints=[*did_you_mean(action, actions), f"it has {', '.join(actions) or 'none'}"],
        )
    return spec


def _load(provider: ComponentView) -> ModuleType:
    """Import the component's folder as a package, so that its files can import each other."""
    name = f"ckstore_component_{provider.pin.uid}_{provider.pin.tree[:12]}"
    spec = importlib.util.spec_from_file_location(
        name, provider.path / MODULE_FILE, submodule_search_locations=[str(provider.path)]
    )
    assert spec is not None and spec.loader is not None, "a .py file always has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _first_line(descriptor: int) -> bytes:
    data = b""
    while not data.endswith(b"\n"):
        piece = os.read(descriptor, 1 << 16)
        if not piece:
            break
        data += piece
    return data


def _end_with_lifeline() -> None:
    while os.read(_LIFELINE, 4096):
        pass
    strays.end_tree(os.getpid())


if __name__ == "__main__":
    sys.exit(main())
