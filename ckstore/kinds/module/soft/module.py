"""The action of software: ``detect``."""

from __future__ import annotations

import os

from ckstore.actions import tools
from ckstore.actions.context import Context
from ckstore.actions.looseversion import split_version
from ckstore.actions.plan import Outcome


def detect(context: Context, *, version_from: str = "", version_to: str = "", name: str = "") -> Outcome:
    """Find the software on this machine: the one that would be taken, and all others.

    Args:
        version_from: the lowest loose version that will do (12.2)
        version_to: the highest loose version that will do
        name: the program to take (gcc-12)
    """
    wish = tools.Wish(split_version(version_from), split_version(version_to), (), name)
    soft = context.component
    found = list(tools.detect(soft, os.environ, wish))
    if not found:
        tools.choose([soft], os.environ, wish, soft.pin.name)  # raises what explains it best
    first = found[0]
    return Outcome(
        message=f"{soft.pin.name} {first.version}: {first.path}",
        details={"found": [tool.as_plain() for tool in found]},
        environment=dict(first.environment),
    )
