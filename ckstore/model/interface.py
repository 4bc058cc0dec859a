"""The interface of a component: the set of things others can depend on.

A release is compared with the one before it through this set alone (design, section 4): something left
it, major; something joined, minor; otherwise, patch. Each member is ``sort:value``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ckstore.model.metadata import Metadata
from ckstore.model.metadata_formats import BY_NAME
from ckstore.model.plain import as_flag, as_map, as_text, as_texts
from ckstore.model.records import storable
from ckstore.model.versions import Bump

# Kinds whose files are what others come for; elsewhere a file is an inner matter.
KINDS_OF_FILES = frozenset(["dataset", "model", "models"])
_SCRIPTED = frozenset(["cm", "mlc"])  # formats whose components are scripts that set variables for others
Interface = frozenset[str]


@dataclass(frozen=True, slots=True)
class InterfaceChange:
    """What joined and what left, both sorted."""

    added: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def bump(self) -> Bump:
        """The size of the step that this change asks for."""
        return "major" if self.removed else "minor" if self.added else "patch"

    def as_lines(self) -> list[str]:
        """``-tag:old`` and ``+tag:new``, losses first: they are what breaks others."""
        return [f"-{item}" for item in self.removed] + [f"+{item}" for item in self.added]


def compare(old: Interface, new: Interface) -> InterfaceChange:
    """The difference of two interfaces."""
    return InterfaceChange(tuple(sorted(new - old)), tuple(sorted(old - new)))


def interface_of(metadata: Metadata, files: Iterable[str]) -> Interface:
    """The interface that metadata and file names (paths relative to the component) give.

    CK's keys are read as its kernel reads them: ``actions`` of modules with their
    ``actions_redirect``, ``run_cmds`` of programs, ``variations``, and the variables that soft and
    package components promise (``env_prefix``, ``env``). Bytes of file names that are no UTF-8 are
    written as :func:`ckstore.model.records.storable` writes them.
    """
    members = {f"name:{metadata.name}", *(f"tag:{tag}" for tag in metadata.tags)}
    if metadata.format in _SCRIPTED:
        return frozenset(members | _of_scripts(metadata, files))
    body = metadata.body if metadata.format == "ck" else as_map(metadata.body.get(metadata.kind))
    redirect = as_map(body.get("actions_redirect"))
    for action in as_map(body.get("actions")):
        function = as_text(redirect.get(action)) or action
        members.add(f"action:{action}" + (f"={function}" if function != action else ""))
    members |= {f"cmd:{name}" for name in as_map(body.get("run_cmds") or body.get("commands"))}
    members |= {f"variation:{name}" for name in as_map(body.get("variations"))}
    members |= {f"env:{name}" for name in _promised_variables(body)}
    if metadata.kind in KINDS_OF_FILES:
        members |= {f"file:{storable(path)}" for path in files if not path.startswith(".cm/")}
    return frozenset(members)


def _of_scripts(metadata: Metadata, files: Iterable[str]) -> set[str]:
    """Variations, the variables that a script hands on to those that depend on it, files of data sets.

    Variables that it sets for itself (``env``, ``default_env``) are no promise; a promise may be a pattern.
    """
    variations = as_map(metadata.body.get("variations"))
    members = {f"variation:{name}" for name in variations}
    for table in (metadata.body, *map(as_map, variations.values())):
        members |= {f"env:{name}" for name in as_texts(table.get("new_env_keys"))}
    if metadata.kind in KINDS_OF_FILES:
        own = BY_NAME[metadata.format].files
        members |= {f"file:{storable(path)}" for path in files if path not in own}
    return members


def _promised_variables(body: dict[str, object] | object) -> set[str]:
    table = as_map(body)
    customize = as_map(table.get("customize"))
    names = set(as_map(table.get("env"))) | set(as_texts(table.get("new_env_keys")))
    prefix = as_text(customize.get("env_prefix"))
    if prefix:
        names.add(prefix)
    if as_flag(customize.get("soft_file_as_env")):
        names.add(f"{prefix}_FILE")
    return names
