"""What locked releases may need and nothing answers: no reason to fail, but one to say what is nearest."""

from __future__ import annotations

from collections.abc import Iterator

from ckstore.model.requirements import Requirement
from ckstore.operations.catalogue import StoreCatalogue
from ckstore.resolve.problem import Resolution

_SHOWN = 3


def near_misses(resolution: Resolution, catalogue: StoreCatalogue) -> Iterator[str]:
    """A line for each requirement that is conditional and that nothing here can ever meet."""
    asks: dict[str, None] = {}
    for name, choice in resolution.chosen.items():
        met = {edge.ask for edge in resolution.edges.get(name, ())}
        needs = catalogue.release(choice.candidate, choice.version).needs
        asks |= dict.fromkeys(need.ask for need in needs if need.when and need.ask not in met)
    for ask in sorted(asks):
        requirement = Requirement.parse(ask)
        hints = catalogue.hints(requirement)[:_SHOWN]
        if hints and not catalogue.tagged(requirement):
            yield f"nearest to {ask}: {'; '.join(hints)}"
