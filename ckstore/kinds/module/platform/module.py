"""The action of platforms: ``detect``."""

from __future__ import annotations

from ckstore.actions.context import Context
from ckstore.actions.hostfacts import host_facts
from ckstore.actions.plan import Outcome


def detect(context: Context) -> Outcome:
    """Say what this machine is: system, processor, memory."""
    facts = host_facts()
    context.progress("looking at this machine")
    return Outcome(
        message=f"{facts.get('cpu', '?')}, {facts.get('os', '?')}", details=dict(facts), host=facts
    )
