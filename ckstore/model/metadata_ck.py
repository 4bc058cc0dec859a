"""The ``.cm`` folder of an entry of Collective Knowledge (https://doi.org/10.1098/rsta.2020.0211).

``.cm/meta.json`` is free-form but for its tags, its dependency sets and the commands of programs;
``.cm/info.json`` says a title, a description and, as a backup, the UID. Kind, name and UID are those of
the place: they are written in the folders above.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product

from ckstore.model.metadata import (
    Metadata,
    Need,
    Place,
    Written,
    check_called,
    checked_uid,
    fit_tags,
    split_tags,
)
from ckstore.model.occasions import all_of, alternatives, bounds, unless
from ckstore.model.plain import Plain, Twice, as_flag, as_list, as_map, as_text, parse_json
from ckstore.model.tags import TagQuery

CK_FILE = ".cm/meta.json"
CK_INFO = ".cm/info.json"
CK_REPOSITORY = ".ckr.json"  # at the root of a repository of components
CK_BASE = "_base_entry"  # names the entry whose metadata an entry inherits
_MOST_GROUPS = 100  # that one or_tags may become
_FOR_TAGS = ("soft", "package")  # the kinds that a dependency set asks for


def ck_repository_name(data: bytes, where: str) -> str:
    """The name that a :data:`CK_REPOSITORY` file gives its repository; empty when it gives none."""
    return as_text(parse_json(data, where).get("data_uoa"))


def read_ck(files: Mapping[str, bytes], where: str) -> Written:
    """The files as values; :class:`InvalidInput` names the file, the line and the reason."""
    body, told = _json(files, CK_FILE, where)
    about, more = _json(files, CK_INFO, where) if CK_INFO in files else ({}, ())
    return Written(body, about, (*told, *more))


def _json(files: Mapping[str, bytes], name: str, where: str) -> tuple[Plain, tuple[str, ...]]:
    body = parse_json(files[name], f"{where}/{name}", twice := Twice())
    return body, twice.told(f"{where}/{name}")


def inherit_ck(base: Plain, own: Plain) -> Plain:
    """The metadata of an entry with a base: mappings are merged, everything else is the entry's own."""
    merged = dict(base)
    for key, value in own.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            value = inherit_ck(as_map(base[key]), value)
        merged[key] = value
    return merged


def describe_ck(written: Written, place: Place, where: str) -> Metadata:
    """What the files say of a component at this place."""
    body, about = written.body, written.about
    name = place.name or as_text(body.get("data_name"))
    check_called(place.kind, name, where, blanks=True)
    control = as_map(about.get("control"))
    told: dict[str, None] = {}
    return Metadata(
        kind=place.kind,
        name=name,
        uid=checked_uid(place.uid or about.get("backup_data_uid"), place, place.kind, name, where),
        format="ck",
        title=as_text(about.get("data_name")) or as_text(body.get("data_name")),
        description=as_text(about.get("description")) or as_text(control.get("description")),
        tags=tuple(sorted(set(_tags(body.get("tags"), "", told)))),
        needs=tuple(_needs(place.kind, body, told)),
        body=body,
        problems=(*written.told, *(f"{where}/{CK_FILE}: {line}" for line in told)),
    )


def _needs(kind: str, body: Plain, told: dict[str, None]) -> list[Need]:
    """Needs that the metadata declares: dependency sets, and the dataset tags of every command.

    ``told`` gets a line for each tag that had to be changed.
    """
    compiling = body.get("compile_deps") or (body.get("deps") if kind == "program" else None)
    needs = _deps("compile", compiling, told)
    needs += _deps("run", body.get("run_deps"), told)
    if kind in _FOR_TAGS:
        needs += _deps("", body.get("deps"), told)
    for command, value in as_map(body.get("run_cmds")).items():
        table = as_map(value)
        needs += _deps(f"run.{command}", table.get("run_deps"), told)
        role = f"dataset.{command}"
        tags = _tags(table.get("dataset_tags"), role, told)
        if tags:
            needs.append(Need(role, f"dataset[{TagQuery.of(tags)}]", "every"))
    return needs


def _deps(prefix: str, value: object, told: dict[str, None]) -> list[Need]:
    """The needs of one dependency set. Its ``local`` and ``sort`` decide nothing when a lock is made."""
    needs = []
    for key, entry in as_map(value).items():
        table = as_map(entry)
        role = f"{prefix}.{key}" if prefix else key
        asked = None if as_flag(table.get("skipped")) else _query(table, role, told)
        if asked is not None:
            ask, when = f"{'|'.join(_FOR_TAGS)}[{asked}]", _when(table)
            needs.append(Need(role, ask, "maybe" if when else "any", when, _bounds(table)))
    return needs


def _query(table: Plain, role: str, told: dict[str, None]) -> TagQuery | None:
    """``tags``, ``no_tags`` and ``or_tags``; None when nothing is asked for."""
    tags, refused = (_tags(table.get(what), role, told) for what in ("tags", "no_tags"))
    groups, more = _groups(table.get("or_tags"), role, told)
    tags += [group[0] for group in groups if len(group) == 1]
    refused += more
    for tag in sorted(set(tags) & set(refused)):
        told[f"{role} asks for the tag {tag!r} and refuses it; it is asked for"] = None
    if not tags and not groups:
        return None
    return TagQuery.of(tags, set(refused) - set(tags), [group for group in groups if len(group) > 1])


def _groups(value: object, role: str, told: dict[str, None]) -> tuple[list[list[str]], list[str]]:
    """``a,b;~c``: (a and b) or not c, as groups of which one tag each must be there, and tags that must not.

    Every way of taking one from each alternative is such a group. What a requirement cannot say is told and
    left out: then more is offered than was asked for, never less.
    """
    words = [split_tags(part) for part in as_text(value).split(";") if part.strip(" ,")]
    if math.prod(map(len, words)) > _MOST_GROUPS:
        told[f"{role}: or_tags are too many to be asked for; they are left out"] = None
        return [], []
    every = {frozenset(taken) for taken in product(*words)} if words else set()
    wanted, refused = [], []
    for group in sorted(map(sorted, (one for one in every if not any(other < one for other in every)))):
        if not any(tag.startswith("~") for tag in group):
            wanted.append(fit_tags(group, role, told))
        elif len(group) == 1:
            refused += fit_tags([group[0].removeprefix("~")], role, told)
        elif not any(f"~{tag}" in group for tag in group):
            told[f"{role}: or_tags {'; '.join(group)!r} cannot be asked for; it is left out"] = None
    return [group for group in wanted if group], refused


def _when(table: Plain) -> str:
    """Under which condition a dependency is one, in words; empty when it always is."""
    systems = [
        f"{side} OS {'|'.join(names)}"
        for side in ("target", "host")
        for key in (f"only_for_{side}_os_tags", f"only_for_{side}_os")
        if (names := split_tags(table.get(key)))
    ]
    commands = split_tags(table.get("only_for_cmd"))
    return all_of([
        *systems,
        f"command {'|'.join(commands)}" if commands else "",
        alternatives(table.get("enable_if_env")),
        unless(alternatives(table.get("disable_if_env"))),
    ])  # fmt: skip


def _bounds(table: Plain) -> str:
    low, high = (".".join(map(as_text, as_list(table.get(f"version_{end}")))) for end in ("from", "to"))
    return bounds(low, high)


def _tags(value: object, role: str, told: dict[str, None]) -> list[str]:
    """Tags as the kernel splits them, at commas, each as a requirement can ask for it."""
    return fit_tags(split_tags(value), role, told)
