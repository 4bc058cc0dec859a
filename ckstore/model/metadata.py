"""What the metadata of one component says, in one shape for every format.

Two formats are read here: ``component.toml`` (our own) and the ``.cm`` folder of Collective Knowledge
(https://doi.org/10.1098/rsta.2020.0211). Reading is pure: bytes in, :class:`Metadata` out.

``component.toml``::

    kind = "program"              # required, unless the folder's place says it
    name = "matmul-c"             # likewise
    uid = "0123456789abcdef"      # optional: keeps the line of versions through a rename
    version = "1.2.0"             # optional: else derived
    title = "..."                 # optional
    tags = ["matmul", "lang-c"]
    [needs]                       # role = requirement
    compiler = "soft[compiler,lang-c]"
    [program]                     # whatever the kind defines, under the kind's name

"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ckstore.errors import InvalidInput
from ckstore.model.names import check_name, check_tags, derive_uid, fit_tag, is_uid, unfit_tag
from ckstore.model.plain import Plain, as_flag, as_map, as_text, as_texts, parse_json
from ckstore.model.requirements import Requirement
from ckstore.model.tags import TagQuery
from ckstore.model.versions import read_version

NATIVE_FILE = "component.toml"
CK_FILE = ".cm/meta.json"
CK_INFO = ".cm/info.json"
CK_REPOSITORY = ".ckr.json"  # at the root of a repository of components
METADATA_FILES = (NATIVE_FILE, CK_FILE, CK_INFO)

Scope = Literal["one", "any", "every"]
_NATIVE_KEYS = frozenset(["kind", "name", "uid", "version", "title", "description", "tags", "needs"])


@dataclass(frozen=True, slots=True)
class Need:
    """One requirement of a component, with the ``role`` under which its action asks for it.

    ``scope``: *one* component, by name; *any* of the components with these tags (which of them is
    used depends on the host, so a lock pins all that qualify); *every* component with these tags
    (a choice at run time, like datasets; none at all is not an error of the lock).
    """

    role: str
    ask: str
    scope: Scope = "one"


@dataclass(frozen=True, slots=True)
class Metadata:
    """``body`` holds the metadata as found, whatever its format; the rest is its common part.

    ``problems`` are reasons why something in it was read otherwise than it is written.
    """

    kind: str
    name: str
    uid: str
    format: Literal["ckstore", "ck"]
    title: str = ""
    description: str = ""
    version: str = ""
    tags: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    body: Mapping[str, object] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """What the place of a folder says about its component: used where the metadata is silent."""

    kind: str = ""
    name: str = ""
    uid: str = ""


def parse_metadata(files: Mapping[str, bytes], place: Place, where: str) -> Metadata:
    """The metadata in ``files`` (paths of :data:`METADATA_FILES` to bytes) of the folder ``where``.

    Raises :class:`InvalidInput` naming the file, the line and the reason.
    """
    if NATIVE_FILE in files:
        return _native(files[NATIVE_FILE], place, f"{where}/{NATIVE_FILE}")
    if CK_FILE in files:
        return _ck(files, place, where)
    raise InvalidInput(
        f"{where}: no metadata ({NATIVE_FILE} or {CK_FILE}).",
        code="no-metadata",
        hints=["say --kind and --name, or write a component.toml"],
    )


def ck_repository_name(data: bytes, where: str) -> str:
    """The name that a :data:`CK_REPOSITORY` file gives its repository; empty when it gives none."""
    return as_text(parse_json(data, where).get("data_uoa"))


def _native(data: bytes, place: Place, where: str) -> Metadata:
    try:
        body = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{where}: not valid TOML: {error}.", code="bad-toml") from error
    kind, name = as_text(body.get("kind")) or place.kind, as_text(body.get("name")) or place.name
    _check(kind, name, where)
    unknown = sorted(key for key in body if key not in _NATIVE_KEYS and key != kind)
    if unknown:
        raise InvalidInput(
            f"{where}: unknown key {unknown[0]!r}; what belongs to the kind goes under [{kind}].",
            code="unknown-key",
            details={"keys": unknown},
        )
    return Metadata(
        kind=kind,
        name=name,
        uid=_uid(body.get("uid"), place, kind, name, where),
        format="ckstore",
        title=as_text(body.get("title")),
        description=as_text(body.get("description")),
        version=_version(body, where),
        tags=_native_tags(body.get("tags"), where),
        needs=tuple(_native_need(role, ask, where) for role, ask in as_map(body.get("needs")).items()),
        body=body,
    )


def _version(body: Plain, where: str) -> str:
    text = as_text(body.get("version"))
    if "version" in body and read_version(text) is None:
        raise InvalidInput(
            f"{where}: {body['version']!r} is not a semantic version.",
            code="bad-version",
            hints=["write three numbers, for example 1.4.0, or leave it out: it is derived"],
        )
    return text


def _native_tags(value: object, where: str) -> tuple[str, ...]:
    try:
        return check_tags(as_texts(value))
    except InvalidInput as error:
        raise InvalidInput(
            f"{where}: {error.message}", code=error.code, hints=error.hints, details=error.details
        ) from error


def _native_need(role: str, ask: object, where: str) -> Need:
    """``role = "requirement"``, or ``role = {every = "dataset[…]"}`` for a choice at run time."""
    table = as_map(ask)
    text = as_text(table.get("every")) if table else as_text(ask)
    try:
        requirement = Requirement.parse(text)
    except InvalidInput as error:
        raise InvalidInput(
            f"{where}: the need {role!r} is wrong: {error.message}", code="bad-need", hints=error.hints
        ) from error
    if table:
        return Need(role, str(requirement), "every")
    return Need(role, str(requirement), "any" if requirement.tags else "one")


def _ck(files: Mapping[str, bytes], place: Place, where: str) -> Metadata:
    body = parse_json(files[CK_FILE], f"{where}/{CK_FILE}")
    info = parse_json(files[CK_INFO], f"{where}/{CK_INFO}") if CK_INFO in files else {}
    name = place.name or as_text(body.get("data_name"))
    _check(place.kind, name, where, blanks=True)
    control = as_map(info.get("control"))
    told: dict[str, None] = {}
    return Metadata(
        kind=place.kind,
        name=name,
        uid=_uid(place.uid or info.get("backup_data_uid"), place, place.kind, name, where),
        format="ck",
        title=as_text(info.get("data_name")) or as_text(body.get("data_name")),
        description=as_text(info.get("description")) or as_text(control.get("description")),
        tags=tuple(sorted(set(_ck_tags(body.get("tags"), "", told)))),
        needs=tuple(_ck_needs(place.kind, body, told)),
        body=body,
        problems=tuple(f"{where}/{CK_FILE}: {line}" for line in told),
    )


def _check(kind: str, name: str, where: str, *, blanks: bool = False) -> None:
    if not kind or not name:
        raise InvalidInput(
            f"{where}: the metadata does not say the {'kind' if not kind else 'name'}.",
            code="no-kind" if not kind else "no-name",
            hints=["say --kind and --name, or write them into component.toml"],
        )
    check_name(kind, "kind", blanks=blanks)
    check_name(name, "name", blanks=blanks)


def _uid(stated: object, place: Place, kind: str, name: str, where: str) -> str:
    uid = as_text(stated) or place.uid
    if not uid:
        return derive_uid(kind, name)
    if not is_uid(uid):
        raise InvalidInput(
            f"{where}: the UID {uid!r} is not 16 lower-case hexadecimal digits.", code="bad-uid"
        )
    return uid


def _ck_needs(kind: str, body: Plain, told: dict[str, None]) -> list[Need]:
    """Needs that CK metadata declares: dependency sets, and the dataset tags of every command.

    ``told`` gets a line for each tag that had to be changed.
    """
    compiling = body.get("compile_deps") or (body.get("deps") if kind == "program" else None)
    needs = _ck_deps("compile", compiling, told)
    needs += _ck_deps("run", body.get("run_deps"), told)
    if kind in ("soft", "package"):
        needs += _ck_deps("", body.get("deps"), told)
    for command, value in as_map(body.get("run_cmds")).items():
        table = as_map(value)
        needs += _ck_deps(f"run.{command}", table.get("run_deps"), told)
        role = f"dataset.{command}"
        tags = _ck_tags(table.get("dataset_tags"), role, told)
        if tags:
            needs.append(Need(role, f"dataset[{TagQuery.of(tags)}]", "every"))
    return needs


def _ck_deps(prefix: str, value: object, told: dict[str, None]) -> list[Need]:
    needs = []
    for key, entry in as_map(value).items():
        table = as_map(entry)
        if as_flag(table.get("skipped")):
            continue
        role = f"{prefix}.{key}" if prefix else key
        tags, refused = (_ck_tags(table.get(what), role, told) for what in ("tags", "no_tags"))
        for tag in sorted(set(tags) & set(refused)):
            told[f"{role} asks for the tag {tag!r} and refuses it; it is asked for"] = None
        if tags:
            asked = TagQuery.of(tags, set(refused) - set(tags))
            needs.append(Need(role, f"soft|package[{asked}]", "any"))
    return needs


def _ck_tags(value: object, role: str, told: dict[str, None]) -> list[str]:
    """Tags as the kernel splits them, at commas, each as a requirement can ask for it."""
    written = [tag for text in as_texts(value) for part in text.split(",") if (tag := part.strip())]
    for tag in written:
        reason = unfit_tag(tag)
        if reason is not None:
            instead = f"it is read as {fit_tag(tag)!r}" if fit_tag(tag) else "it is left out"
            told[f"{role}{': ' if role else ''}the tag {tag!r}: {reason}; {instead}"] = None
    return [fit for tag in written if (fit := tag if unfit_tag(tag) is None else fit_tag(tag))]
