"""``ckstore.toml``: what the user wants.

::

    requires = ["program:cbench-automotive-susan"]

    [groups]                  # optional: more requirements, by what they are for
    dev = ["dataset[text,small]"]

    [sources]                 # optional: earlier wins where two sources offer the same
    ctuning-programs = "https://github.com/ctuning/ctuning-programs"

    [store]                   # optional
    path = "../our-store"

"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ckstore.errors import InvalidInput
from ckstore.model.names import did_you_mean
from ckstore.model.requirements import Requirement
from ckstore.model.tomltext import read_toml

FILE = "ckstore.toml"
LOCK_FILE = "ckstore.lock"
_KEYS = ("requires", "groups", "sources", "store")
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_STORE_KEYS = ("path",)


@dataclass(frozen=True, slots=True)
class Manifest:
    """``sources`` keeps the order of the file: it is the order of precedence."""

    requires: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    store: str = ""

    @classmethod
    def parse(cls, text: str, where: str = FILE) -> Manifest:
        """Read a manifest; :class:`InvalidInput` names the key that is wrong."""
        try:
            table = read_toml(text)
        except ValueError as error:
            raise InvalidInput(f"{where}: not valid TOML: {error}.", code="bad-manifest") from error
        _check_keys(table, _KEYS, where)
        store = _texts(table, "store", where, 'path = "../our-store"')
        _check_keys(store, _STORE_KEYS, f"{where}: in [store]")
        return cls(
            requires=_requirements(table.get("requires", []), "'requires'", where),
            groups=_groups(table, where),
            sources=_texts(table, "sources", where, 'name = "https://host/owner/repo"'),
            store=store.get("path", ""),
        )

    @property
    def everything(self) -> tuple[str, ...]:
        """The requirements of all groups after those of no group, each once: what a lock is made for."""
        return tuple(dict.fromkeys([*self.requires, *(ask for asks in self.groups.values() for ask in asks)]))


def check_group(name: str, where: str = "") -> str:
    """The name of a group; :class:`InvalidInput` when it cannot be one."""
    if _GROUP.fullmatch(name):
        return name
    raise InvalidInput(
        f"{where}{': ' if where else ''}{name!r} cannot be the name of a group.",
        code="bad-group",
        hints=["a group has a name of letters, digits, - and _: dev, paper-2"],
    )


def _requirements(found: object, what: str, where: str) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise InvalidInput(f"{where}: {what} must be a list of texts.", code="bad-manifest")
    return tuple(str(Requirement.parse(item)) for item in found)


def _groups(table: Mapping[str, object], where: str) -> dict[str, tuple[str, ...]]:
    found = table.get("groups", {})
    if not isinstance(found, dict):
        raise InvalidInput(
            f"{where}: 'groups' must be a table.",
            code="bad-manifest",
            hints=['write [groups] on a line of its own, and below it dev = ["dataset[text]"]'],
        )
    return {
        check_group(name, where): _requirements(asks, f"{name!r} in [groups]", where)
        for name, asks in found.items()
    }


def _check_keys(table: Mapping[str, object], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise InvalidInput(
                f"{where}: unknown key {key!r}.",
                code="unknown-key",
                hints=did_you_mean(key, known) or [f"known are {', '.join(known)}"],
            )


def _texts(table: Mapping[str, object], key: str, where: str, example: str) -> dict[str, str]:
    """The table ``[key]`` of texts; empty when there is none."""
    found = table.get(key, {})
    hints = [f"write [{key}] on a line of its own, and below it {example}"]
    if not isinstance(found, dict):
        raise InvalidInput(f"{where}: {key!r} must be a table.", code="bad-manifest", hints=hints)
    for name, text in found.items():
        if not isinstance(text, str):
            raise InvalidInput(
                f"{where}: {name!r} in [{key}] must be a text, found {text!r}.",
                code="bad-manifest",
                hints=hints,
            )
    return dict(found)
