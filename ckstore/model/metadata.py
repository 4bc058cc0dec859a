"""What the metadata of one component says, in one shape for every format.

Each format has a module of its own that turns bytes into :class:`Metadata` (``metadata_native``,
``metadata_ck``, ``metadata_cm``); ``metadata_formats`` lists them. Here are the values, and the checks that
all formats share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ckstore.errors import InvalidInput
from ckstore.model.names import check_name, derive_uid, fit_tag, is_uid, unfit_tag
from ckstore.model.plain import Plain, as_text, as_texts

Scope = Literal["one", "any", "every", "maybe"]


@dataclass(frozen=True, slots=True)
class Need:
    """One requirement of a component, with the ``role`` under which its action asks for it.

    ``scope``: *one* component, by name; *any* of the components with these tags (which of them is
    used depends on the host, so a lock pins all that qualify); *every* component with these tags
    (a choice at run time, like datasets; none at all is not an error of the lock); *maybe* is *any* under a
    condition that only the run knows: pinned all the same, and none at all is not an error of the lock.

    ``when`` says the condition of a need that has the scope *maybe*; ``host`` the bounds of the version that
    software found on the host must have (``>=3.5,<=3.9.99``, loose versions). Both are for people.
    """

    role: str
    ask: str
    scope: Scope = "one"
    when: str = ""
    host: str = ""

    @property
    def told(self) -> str:
        """What is asked, with bounds and condition, as people read it."""
        more = [f"of the host: {self.host}"] if self.host else []
        more += [f"when {self.when}"] if self.when else []
        return f"{self.ask} ({'; '.join(more)})" if more else self.ask


@dataclass(frozen=True, slots=True)
class Metadata:
    """``body`` holds the metadata as found, whatever its format; the rest is its common part.

    ``problems`` are reasons why something in it was read otherwise than it is written. ``inherits``: part of
    it comes from another component of the same commit.
    """

    kind: str
    name: str
    uid: str
    format: str
    title: str = ""
    description: str = ""
    version: str = ""
    tags: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    body: Mapping[str, object] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    inherits: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """The metadata files of a component as values, before anybody asked what they mean.

    ``about`` is what a second file says of the component, where a format has one; ``told`` what was read
    otherwise than it is written, each line with its file.
    """

    body: Plain
    about: Plain = field(default_factory=dict)
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """What the place of a folder says about its component: used where the metadata is silent."""

    kind: str = ""
    name: str = ""
    uid: str = ""


def check_called(kind: str, name: str, where: str, *, blanks: bool = False) -> None:
    """:class:`InvalidInput` when kind or name are missing, or cannot be those of a component."""
    if not kind or not name:
        raise InvalidInput(
            f"{where}: the metadata does not say the {'kind' if not kind else 'name'}.",
            code="no-kind" if not kind else "no-name",
            hints=["say --kind and --name, or write them into component.toml"],
        )
    check_name(kind, "kind", blanks=blanks)
    check_name(name, "name", blanks=blanks)


def checked_uid(stated: object, place: Place, kind: str, name: str, where: str) -> str:
    """The UID that is stated, else that of the place, else one derived from kind and name."""
    uid = as_text(stated) or place.uid
    if not uid:
        return derive_uid(kind, name)
    if not is_uid(uid):
        raise InvalidInput(
            f"{where}: the UID {uid!r} is not 16 lower-case hexadecimal digits.", code="bad-uid"
        )
    return uid


def split_tags(value: object) -> list[str]:
    """Tags as the frameworks split them: a list or a text, at commas in both."""
    return [tag for text in as_texts(value) for part in text.split(",") if (tag := part.strip())]


def fit_tags(written: Sequence[str], role: str, told: dict[str, None]) -> list[str]:
    """Tags, each as a requirement can ask for it; ``told`` gets a line for each that had to be changed."""
    for tag in written:
        reason = unfit_tag(tag)
        if reason is not None:
            instead = f"it is read as {fit_tag(tag)!r}" if fit_tag(tag) else "it is left out"
            told[f"{role}{': ' if role else ''}the tag {tag!r}: {reason}; {instead}"] = None
    return [fit for tag in written if (fit := tag if unfit_tag(tag) is None else fit_tag(tag))]
