"""The action of modules: ``describe``."""

from __future__ import annotations

from ckstore.actions import signature
from ckstore.actions.context import Context
from ckstore.actions.plan import Outcome
from ckstore.errors import NotFound, Unsupported
from ckstore.model.names import did_you_mean


def describe(context: Context, *, action: str = "") -> Outcome:
    """List the actions of a module with their options, as a JSON schema; nothing of it is run.

    Args:
        action: describe this one alone
    """
    module = context.component
    if module.format != "ckstore":
        raise Unsupported(
            f"{module.name} is a module of CK, whose actions have no signatures.", code="ck-module"
        )
    source = (module.path / signature.MODULE_FILE).read_text("utf-8")
    actions = signature.read_actions(source, f"{module.name}/{signature.MODULE_FILE}")
    if action and action not in actions:
        raise NotFound(
            f"{module.name} has no action {action!r}.", code="no-action", hints=did_you_mean(action, actions)
        )
    chosen = {name: spec for name, spec in actions.items() if action in ("", name)}
    lines = [f"{name}: {spec.help}" for name, spec in chosen.items()]
    details = {name: _recordable(signature.describe(spec)) for name, spec in chosen.items()}
    return Outcome(message="\n".join(lines), details={"actions": details})


def _recordable(value: object) -> object:
    """The schema with its flags and fractions as JSON text: records hold neither."""
    if isinstance(value, dict):
        return {name: _recordable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_recordable(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, float) else value
