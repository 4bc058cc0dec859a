"""``component.toml``, the metadata of ckstore itself.

::

    kind = "program"              # required, unless the folder's place says it
    name = "matmul-c"             # likewise
    uid = "0123456789abcdef"      # optional: keeps the line of versions through a rename
    version = "1.2.0"             # optional: else derived
    title = "..."                 # optional
    tags = ["matmul", "lang-c"]
    [needs]                       # role = requirement
    compiler = "soft[compiler,lang-c]"
    timer = {any = "soft[timer]", when = "on Windows"}
    [program]                     # whatever the kind defines, under the kind's name

"""

from __future__ import annotations

from collections.abc import Mapping

from ckstore.errors import InvalidInput
from ckstore.model.metadata import Metadata, Need, Place, Written, check_called, checked_uid
from ckstore.model.names import check_tags
from ckstore.model.occasions import line_of
from ckstore.model.plain import MAX_DEPTH, Plain, as_map, as_text, as_texts, check_size, deeper_than
from ckstore.model.requirements import Requirement
from ckstore.model.tomltext import read_toml
from ckstore.model.versions import read_version

NATIVE_FILE = "component.toml"
_KEYS = frozenset(["kind", "name", "uid", "version", "title", "description", "tags", "needs"])


def read_native(files: Mapping[str, bytes], where: str) -> Written:
    """The file as a value; :class:`InvalidInput` names it, the line and the reason."""
    path = f"{where}/{NATIVE_FILE}"
    check_size(files[NATIVE_FILE], path)
    try:
        body = read_toml(files[NATIVE_FILE].decode("utf-8-sig"))
    except ValueError as error:
        raise InvalidInput(f"{path}: not valid TOML: {error}.", code="bad-toml") from error
    if deeper_than(body, MAX_DEPTH):
        raise InvalidInput(f"{path}: nested deeper than {MAX_DEPTH} levels.", code="bad-toml")
    return Written(body)


def describe_native(written: Written, place: Place, where: str) -> Metadata:
    """What the file says of a component at this place."""
    path, body = f"{where}/{NATIVE_FILE}", written.body
    kind, name = as_text(body.get("kind")) or place.kind, as_text(body.get("name")) or place.name
    check_called(kind, name, path)
    unknown = sorted(key for key in body if key not in _KEYS and key != kind)
    if unknown:
        raise InvalidInput(
            f"{path}: unknown key {unknown[0]!r}; what belongs to the kind goes under [{kind}].",
            code="unknown-key",
            details={"keys": unknown},
        )
    return Metadata(
        kind=kind,
        name=name,
        uid=checked_uid(body.get("uid"), place, kind, name, path),
        format="ckstore",
        title=as_text(body.get("title")),
        description=as_text(body.get("description")),
        version=_version(body, path),
        tags=_tags(body.get("tags"), path),
        needs=tuple(_need(role, ask, path) for role, ask in as_map(body.get("needs")).items()),
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


def _tags(value: object, where: str) -> tuple[str, ...]:
    try:
        return check_tags(as_texts(value))
    except InvalidInput as error:
        raise InvalidInput(
            f"{where}: {error.message}", code=error.code, hints=error.hints, details=error.details
        ) from error


def _need(role: str, ask: object, where: str) -> Need:
    """``role = "requirement"``, or a table: ``{every = "dataset[…]"}`` for a choice at run time,
    ``{any = "soft[…]", when = "…"}`` for what is needed under a condition.
    """  # fmt: skip
    if not isinstance(ask, dict):
        requirement = _requirement(role, as_text(ask), where)
        return Need(role, str(requirement), "any" if requirement.tags else "one")
    table = as_map(ask)
    key = next((key for key in ("every", "any") if key in table), "")
    when = line_of(as_text(table.get("when")))
    if set(table) - {key, "when"} or not key or (key == "any") != bool(when):
        raise InvalidInput(
            f"{where}: the need {role!r} is wrong: {table!r} does not say what is needed.",
            code="bad-need",
            hints=[
                f'{role} = {{every = "dataset[text]"}}',
                f'{role} = {{any = "soft[x]", when = "on Windows"}}',
            ],
        )
    requirement = _requirement(role, as_text(table[key]), where)
    if when and not requirement.tags:
        raise InvalidInput(
            f"{where}: the need {role!r} is wrong: what is needed under a condition is asked for by tags.",
            code="bad-need",
            hints=[f'{role} = {{any = "soft[x]", when = "{when}"}}'],
        )
    return Need(role, str(requirement), "maybe" if when else "every", when)


def _requirement(role: str, text: str, where: str) -> Requirement:
    try:
        return Requirement.parse(text)
    except InvalidInput as error:
        raise InvalidInput(
            f"{where}: the need {role!r} is wrong: {error.message}", code="bad-need", hints=error.hints
        ) from error
