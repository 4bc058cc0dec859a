"""Metadata of the Collective Mind framework (CM) and of its successor MLC, which share one vocabulary.

::

    CM    <automation>/<alias>/_cm.yaml and _cm.json     of keys in both, those of the JSON file count
    MLC   <automation>/<alias>/meta.yaml, else meta.json

Automation, alias and UID are in the file; the folders speak where it is silent. A dependency is a query of
tags, met by one of the scripts that have them. What depends on the run (``enable_if_env`` and its like,
``<<<…>>>`` in tags, the dependencies of a variation, of a version, of a container) is a need that says when.
Variations that are asked for (tags with ``_``) choose no other script; bounds of versions are those of
software that a script detects or installs, not of the script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ckstore.errors import InvalidInput
from ckstore.model.metadata import Metadata, Need, Place, Written, check_called, fit_tags, split_tags
from ckstore.model.names import derive_uid, is_uid, unsafe_component_name
from ckstore.model.occasions import all_of, any_of, bounds, unless, variables
from ckstore.model.plain import Plain, Twice, as_flag, as_list, as_map, as_text, as_texts, parse_json
from ckstore.model.tags import TagQuery
from ckstore.model.versions import parse_version
from ckstore.model.yamltext import parse_yaml

CM_FILES = ("_cm.yaml", "_cm.json")
MLC_FILES = ("meta.yaml", "meta.json")
CM_BASE = "_base"  # names the component whose metadata one inherits
_SETS = {"deps": "deps", "prehook_deps": "prehook", "posthook_deps": "posthook", "post_deps": "post"}
_IDENTITY = frozenset(["alias", "uid"])
_VERSION = re.compile(r"v?\d+\.\d+\.\d+([-+].*)?", re.ASCII)


def read_cm(files: Mapping[str, bytes], where: str) -> Written:
    """The files of CM as one value, key by key; :class:`InvalidInput` names file, line and reason."""
    return _read(files, CM_FILES, where)


def read_mlc(files: Mapping[str, bytes], where: str) -> Written:
    """The file of MLC as a value; :class:`InvalidInput` names file, line and reason."""
    return _read(files, next(((name,) for name in MLC_FILES if name in files), ()), where)


def _read(files: Mapping[str, bytes], names: tuple[str, ...], where: str) -> Written:
    body: Plain = {}
    told: list[str] = []
    for name in names:
        if name in files:
            twice = Twice()
            parse = parse_yaml if name.endswith(".yaml") else parse_json
            body.update(parse(files[name], f"{where}/{name}", twice))
            told += twice.told(f"{where}/{name}")
    return Written(body, told=tuple(told))


def inherit_cm(base: Plain, own: Plain) -> Plain:
    """The metadata of a component with a base: mappings are merged, lists follow those of the base.

    What a component is called is never inherited.
    """
    return _over({key: value for key, value in base.items() if key not in _IDENTITY}, own)


def _over(base: Plain, own: Plain) -> Plain:
    merged = dict(base)
    for key, value in own.items():
        before = base.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            merged[key] = _over(before, value)
        elif isinstance(value, list) and isinstance(before, list):
            merged[key] = [*before, *value]
        else:
            merged[key] = value
    return merged


def describe_cm(written: Written, place: Place, where: str) -> Metadata:
    """What the files of CM say of a component at this place."""
    return _describe("cm", written, place, where)


def describe_mlc(written: Written, place: Place, where: str) -> Metadata:
    """What the file of MLC says of a component at this place."""
    return _describe("mlc", written, place, where)


def _describe(format_name: str, written: Written, place: Place, where: str) -> Metadata:
    body = written.body
    told: dict[str, None] = {}
    kind = as_text(body.get("automation_alias")).strip() or place.kind
    uid = _uid(body, told)
    name = _name(body, place, uid, told)
    check_called(kind, name, where, blanks=True)
    return Metadata(
        kind=kind,
        name=name,
        uid=uid or place.uid or derive_uid(kind, name),
        format=format_name,
        title=as_text(body.get("title")) or as_text(body.get("name")),
        description=as_text(body.get("desc")) or as_text(body.get("description")),
        version=_version(as_text(body.get("version")).strip()),
        tags=tuple(sorted(set(fit_tags(split_tags(body.get("tags")), "", told)))),
        needs=tuple(_needs(body, told)),
        body=body,
        problems=(*written.told, *(f"{where}: {line}" for line in told)),
    )


def _uid(body: Plain, told: dict[str, None]) -> str:
    """The UID, which counts in any case of letters; empty when there is none, or it is none."""
    stated = as_text(body.get("uid")).strip()
    if stated and not is_uid(stated.lower()):
        told[f"the UID {stated!r} is not 16 hexadecimal digits; one is derived from kind and name"] = None
        return ""
    return stated.lower()


def _name(body: Plain, place: Place, uid: str, told: dict[str, None]) -> str:
    """The alias, else the folder's name; the UID where that cannot be the name of a component."""
    name = as_text(body.get("alias")).strip() or place.name
    reason = unsafe_component_name(name) if name else None
    if reason is None or not uid:
        return name
    told[f"{name!r} cannot be a name: {reason}; it is named by its UID"] = None
    return uid


def _version(text: str) -> str:
    """The version, if it is a whole semantic version; everything else speaks of something else."""
    try:
        return str(parse_version(text.removeprefix("v"))) if _VERSION.fullmatch(text) else ""
    except InvalidInput:
        return ""


@dataclass(slots=True)
class _Asked:
    """One need in the making; ``occasions`` of it are alternatives, and an empty one is: always."""

    role: str
    query: TagQuery
    host: str
    occasions: list[str]


def _needs(body: Plain, told: dict[str, None]) -> Iterator[Need]:
    """What a script needs always, then what it may need: in a variation, at a version, in a container.

    The same wish on several occasions is one need: of a script with a hundred variations hardly ten differ.
    """
    found: dict[tuple[TagQuery, str], _Asked] = {}
    always: dict[tuple[str, TagQuery, str], _Asked] = {}
    for occasion, table in _tables(body):
        for asked in _dependencies(table, occasion, told):
            if asked.occasions == [""]:
                always.setdefault((asked.role, asked.query, asked.host), asked)
            else:
                same = found.setdefault((asked.query, asked.host), asked)
                same.occasions += [one for one in asked.occasions if one not in same.occasions]
    certain = {(asked.query, host) for asked in always.values() for host in (asked.host, "")}
    perhaps = [asked for key, asked in found.items() if key not in certain]
    roles: dict[str, int] = {}
    for asked in (*always.values(), *perhaps):
        roles[asked.role] = number = roles.get(asked.role, 0) + 1
        role = asked.role + (f".{number}" if number > 1 else "")
        when = any_of(asked.occasions)
        yield Need(role, f"script[{asked.query}]", "maybe" if when else "any", when, asked.host)


def _tables(body: Plain) -> Iterator[tuple[str, Plain]]:
    """What states dependencies, each with the occasion on which it does; always comes first."""
    yield "", body
    for key, word in (("variations", "variation"), ("versions", "version")):
        for name, value in as_map(body.get(key)).items():
            table = as_map(value)
            default = " (the default)" if as_flag(table.get("default")) else ""
            yield f"{word} {name}{default}", table
    yield "in a container", as_map(body.get("docker"))


def _dependencies(table: Plain, occasion: str, told: dict[str, None]) -> Iterator[_Asked]:
    for key, prefix in _SETS.items():
        for value in as_list(table.get(key)):
            dep = as_map(value)
            asked = _query(dep, f"{prefix} {as_text(dep.get('tags'))!r}", told)
            if asked is not None:
                name = (as_texts(dep.get("names")) or ["-".join(asked.all_of)])[0]
                when = all_of([occasion, *_conditions(dep)])
                yield _Asked(f"{prefix}.{name}", asked, _bounds(dep), [when])


def _conditions(dep: Plain) -> list[str]:
    """What the environment of the run must be, in words."""
    return [
        variables(dep.get("enable_if_env")),
        variables(dep.get("enable_if_any_env"), any_of=True),
        unless(variables(dep.get("skip_if_env"))),
        unless(variables(dep.get("skip_if_any_env"), any_of=True)),
        f"state {variables(dep.get('run_if_state_all'))}" if dep.get("run_if_state_all") else "",
        f"{','.join(open_tags)} is set" if (open_tags := _open(dep)) else "",
    ]


def _open(dep: Plain) -> list[str]:
    """Tags that the environment completes (``<<<MODEL>>>``); those of variations ask for no other script."""
    return [tag for tag in split_tags(dep.get("tags")) if "<<<" in tag and tag.lstrip("-")[:1] != "_"]


def _bounds(dep: Plain) -> str:
    """Bounds of what the script of a dependency finds or installs, after the variation that names it."""
    names = ("version_min", "version_max", "version", "version_max_usable")
    told = bounds(*(as_text(dep.get(name)) for name in names))
    of = ",".join(tag for tag in split_tags(dep.get("tags")) if tag.startswith("_"))
    return f"{of} {told}" if told and of else told


def _query(dep: Plain, role: str, told: dict[str, None]) -> TagQuery | None:
    """The tags that are known beforehand; None when there are none."""
    written = [tag for tag in split_tags(dep.get("tags")) if "<<<" not in tag]
    plain = [tag for tag in written if tag[0] not in "_-"]
    refused = [tag[1:] for tag in written if tag[0] == "-" and tag[1:2] not in ("", "_")]
    wanted, unwanted = fit_tags(plain, role, told), fit_tags(refused, role, told)
    for tag in sorted(set(wanted) & set(unwanted)):
        told[f"{role} asks for the tag {tag!r} and refuses it; it is asked for"] = None
    return TagQuery.of(wanted, set(unwanted) - set(wanted)) if wanted else None
