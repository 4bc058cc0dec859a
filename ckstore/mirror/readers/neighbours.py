"""Which other repositories a repository says that it needs: for bringing them in as well.

::

    .ckr.json          dict.repo_deps: [{repo_uoa, repo_uid, repo_url}]  or at the top; or names alone
    cmr.yaml, .json    deps: [{alias, uid, url, conflict}]
    meta.yaml, .json   deps: [{url, alias, uid}]      at the root of a repository of MLC

A need without an address says one by its name where that is ``owner@repo``, which is short for a repository
on GitHub; a plain name (``ck-env``) says none, and whoever follows it has to know where its neighbours live.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ckstore.errors import CkstoreError
from ckstore.mirror.trees import Trees
from ckstore.model.limits import MAX_METADATA_BYTES
from ckstore.model.names import is_uid
from ckstore.model.plain import Plain, as_flag, as_list, as_map, as_text, parse_json
from ckstore.model.yamltext import parse_yaml

_OWNER_AND_NAME = re.compile(r"([A-Za-z0-9][\w.-]*)@([A-Za-z0-9_.][\w.-]*)", re.ASCII)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|git@")


@dataclass(frozen=True, slots=True)
class RepositoryNeed:
    """One repository that another one names.

    ``name`` is its alias, ``uid`` 16 hexadecimal digits, ``url`` an address as it is written or follows from
    the name; each may be empty, but not all of them. ``ref``: a branch, tag or commit that is asked for.
    ``conflict``: the two must not be used together, so it is not to be brought in.
    """

    name: str
    uid: str = ""
    url: str = ""
    ref: str = ""
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What the descriptors of a root say: ``needs`` in their order, ``problems`` as ``path: reason``."""

    needs: tuple[RepositoryNeed, ...] = ()
    problems: tuple[str, ...] = ()


def neighbours(trees: Trees, root: str) -> Neighbours:
    """What every descriptor at the root names, without repetitions; never raises for what it holds.

    A broken descriptor names none, and is among the problems.
    """
    reading = _Reading()
    for name, (parse, needs) in _DESCRIPTORS.items():
        entry = trees.child(root, name) if root else None
        if entry is not None and not entry.is_tree:
            try:
                reading.add(name, needs(parse(trees.read_small(entry.oid, MAX_METADATA_BYTES), name)))
            except CkstoreError as error:
                reading.problems.append(
                    error.message if name in error.message else f"{name}: {error.message}"
                )
    return Neighbours(tuple(reading.needs), tuple(reading.problems))


@dataclass(slots=True)
class _Reading:
    needs: dict[RepositoryNeed, None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, descriptor: str, found: Iterator[RepositoryNeed]) -> None:
        for need in found:
            if need.name or need.uid or need.url:
                self.needs[need] = None
            else:
                self.problems.append(f"{descriptor}: a repository is needed, but not named")


def _need(item: object, name: str, uid: str, url: str) -> RepositoryNeed:
    """``name``, ``uid`` and ``url`` are the keys under which an item says them; an item may be mere text."""
    table = {name: item} if isinstance(item, str) else as_map(item)
    called, address = as_text(table.get(name)).strip(), as_text(table.get(url)).strip()
    called, _, stated = called.partition(",")  # alias,uid
    identity = (as_text(table.get(uid)).strip() or stated.strip()).lower()
    if _ADDRESS.match(called):
        called, address = "", address or called
    elif is_uid(called.lower()) and not identity:
        called, identity = "", called.lower()
    ref = as_text(table.get("checkout")).strip() or as_text(table.get("branch")).strip()
    uid_or_none = identity if is_uid(identity) else ""
    return RepositoryNeed(
        called, uid_or_none, _address(address or called), ref, as_flag(table.get("conflict"))
    )


def _address(text: str) -> str:
    """An address as it is; ``owner@repo`` is one on GitHub; a mere name is none."""
    if _ADDRESS.match(text):
        return text
    short = _OWNER_AND_NAME.fullmatch(text)
    return f"https://github.com/{short[1]}/{short[2]}" if short else ""


def _of_ck(body: Plain) -> Iterator[RepositoryNeed]:
    found = as_map(body.get("dict")).get("repo_deps") or body.get("repo_deps")
    return (_need(item, "repo_uoa", "repo_uid", "repo_url") for item in as_list(found))


def _of_cm(body: Plain) -> Iterator[RepositoryNeed]:
    return (_need(item, "alias", "uid", "url") for item in as_list(body.get("deps")))


def _yaml(data: bytes, where: str) -> Plain:
    return parse_yaml(data, where)


def _json(data: bytes, where: str) -> Plain:
    return parse_json(data, where)


_DESCRIPTORS: dict[str, tuple[Callable[[bytes, str], Plain], Callable[[Plain], Iterator[RepositoryNeed]]]] = {
    "cmr.yaml": (_yaml, _of_cm),
    "cmr.json": (_json, _of_cm),
    "meta.yaml": (_yaml, _of_cm),
    "meta.json": (_json, _of_cm),
    ".ckr.json": (_json, _of_ck),
}
