"""``ckstore.toml``: what the user wants.

::

    requires = ["program:cbench-automotive-susan"]

    [sources]                 # optional: earlier wins where two sources offer the same
    ctuning-programs = "https://github.com/ctuning/ctuning-programs"

    [store]                   # optional
    path = "../our-store"

"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ckstore.errors import InvalidInput
from ckstore.model.names import did_you_mean
from ckstore.model.plain import as_map, as_text
from ckstore.model.requirements import Requirement

FILE = "ckstore.toml"
LOCK_FILE = "ckstore.lock"
_KEYS = ("requires", "sources", "store")


@dataclass(frozen=True, slots=True)
class Manifest:
    """``sources`` keeps the order of the file: it is the order of precedence."""

    requires: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    store: str = ""

    @classmethod
    def parse(cls, text: str, where: str = FILE) -> Manifest:
        """Read a manifest; :class:`InvalidInput` names the key that is wrong."""
        try:
            table = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"{where}: not valid TOML: {error}.", code="bad-manifest") from error
        for key in table:
            if key not in _KEYS:
                raise InvalidInput(
                    f"{where}: unknown key {key!r}.", code="unknown-key", hints=did_you_mean(key, _KEYS)
                )
        requires = table.get("requires", [])
        if not isinstance(requires, list) or not all(isinstance(item, str) for item in requires):
            raise InvalidInput(f"{where}: 'requires' must be a list of texts.", code="bad-manifest")
        sources = as_map(table.get("sources"))
        return cls(
            requires=tuple(str(Requirement.parse(item)) for item in requires),
            sources={name: as_text(url) for name, url in sources.items()},
            store=as_text(as_map(table.get("store")).get("path")),
        )
