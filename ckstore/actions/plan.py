"""What a run is asked (:class:`Plan`) and what came of it (:class:`Outcome`).

Both cross the border between two processes as JSON, so both are made of text, numbers, lists and maps.
The outcome comes from a process that ran foreign code: reading one checks every field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Literal, cast, get_args

from ckstore.errors import InvalidInput

Status = Literal["ok", "failed", "timeout", "interrupted"]
Measurements = Mapping[str, list[str] | str]


@dataclass(frozen=True, slots=True)
class Plan:
    """One action on one component.

    ``component`` and ``module`` are ``source:kind:name``; ``module`` is the component of kind ``module``
    that provides the action. ``snapshot`` is never written to, ``workspace`` is fresh and belongs to this
    run alone. ``lock`` is the text of the lock that the snapshot was laid out from.
    """

    action: str
    component: str
    module: str
    snapshot: Path
    lock: str
    workspace: Path
    options: Mapping[str, object] = field(default_factory=dict)

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        plain: dict[str, object] = {f.name: getattr(self, f.name) for f in fields(self)}
        return plain | {
            "snapshot": str(self.snapshot), "workspace": str(self.workspace), "options": dict(self.options),
        }  # fmt: skip

    @classmethod
    def from_plain(cls, value: Mapping[str, object]) -> Plan:
        """Read what :meth:`as_plain` gave; :class:`InvalidInput` when a part is missing."""
        parts = {name: _text(value, name) for name in ("action", "component", "module", "lock")}
        return cls(
            **parts,
            snapshot=Path(_text(value, "snapshot")),
            workspace=Path(_text(value, "workspace")),
            options=_map(value, "options"),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action did.

    ``measurements``: numbers as text, times in seconds; a list has one item per repetition.
    ``environment``: the variables that the action set. ``outputs``: name to path inside the workspace.
    ``checked``: those outputs that must be equal in every run with the same ``key``. ``touched``:
    the components (``source:kind:name``) that were looked up or read.
    """

    status: Status = "ok"
    exit_code: int = 0
    message: str = ""
    hints: tuple[str, ...] = ()
    error_code: str = ""
    measurements: Measurements = field(default_factory=dict)
    details: Mapping[str, object] = field(default_factory=dict)
    host: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    checked: tuple[str, ...] = ()
    key: str = ""
    touched: tuple[str, ...] = ()

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return asdict(self)

    @classmethod
    def from_plain(cls, value: Mapping[str, object]) -> Outcome:
        """Read what :meth:`as_plain` gave; :class:`InvalidInput` names the first field that is wrong."""
        status, exit_code = _text(value, "status"), value.get("exit_code")
        if status not in get_args(Status):
            raise _bad("status", f"found {status!r}")
        if not isinstance(exit_code, int) or isinstance(exit_code, bool):
            raise _bad("exit_code", "it must be a whole number")
        details = _map(value, "details")
        _check_plain(details)
        outcome = cls(
            status=cast(Status, status), exit_code=exit_code, message=_text(value, "message"),
            hints=_texts(value, "hints"), error_code=_text(value, "error_code"),
            measurements=_measurements(value), details=details, host=_text_map(value, "host"),
            environment=_text_map(value, "environment"), outputs=_text_map(value, "outputs"),
            checked=_texts(value, "checked"), key=_text(value, "key"), touched=_texts(value, "touched"),
        )  # fmt: skip
        outcome._check_outputs()
        return outcome

    def _check_outputs(self) -> None:
        for name, path in self.outputs.items():
            parts = PurePosixPath(path)
            if parts.is_absolute() or ".." in parts.parts:
                raise _bad("outputs", f"{name!r} leads out of the workspace ({path})")
        if not set(self.checked) <= set(self.outputs):
            raise _bad("checked", "it names what is not an output")


def _bad(name: str, reason: str) -> InvalidInput:
    return InvalidInput(f"The field {name!r} of a plan or outcome is wrong: {reason}.", code="bad-outcome")


def _text(value: Mapping[str, object], name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        raise _bad(name, "it must be text")
    return found


def _texts(value: Mapping[str, object], name: str) -> tuple[str, ...]:
    found = value.get(name)
    if not isinstance(found, (list, tuple)) or not all(isinstance(item, str) for item in found):
        raise _bad(name, "it must be a list of texts")
    return tuple(found)


def _map(value: Mapping[str, object], name: str) -> dict[str, object]:
    found = value.get(name)
    if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
        raise _bad(name, "it must be a map with text keys")
    return dict(found)


def _text_map(value: Mapping[str, object], name: str) -> dict[str, str]:
    found = _map(value, name)
    if not all(isinstance(item, str) for item in found.values()):
        raise _bad(name, "its values must be text")
    return cast(dict[str, str], found)


def _measurements(value: Mapping[str, object]) -> Measurements:
    found = _map(value, "measurements")
    for name, item in found.items():
        items = item if isinstance(item, list) else [item]
        if not all(isinstance(number, str) for number in items):
            raise _bad("measurements", f"{name!r} must be a number as text, or a list of such")
    return cast(Measurements, found)


def _check_plain(value: object) -> None:
    """Run records hold text, whole numbers, lists and maps; say so here rather than at the end of a run."""
    if isinstance(value, Mapping):
        for item in value.values():
            _check_plain(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_plain(item)
    elif not isinstance(value, (str, int)) or isinstance(value, bool):
        raise _bad("details", f"{type(value).__name__} is neither text, whole number, list nor map")
