"""Names and identities of components.

A component is ``source : kind : name`` plus a UID of 16 hexadecimal digits. Names come from strangers'
repositories and become folder names, so they are checked here, once, with the rules that hold on
every file system that ckstore may be used on.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable

from ckstore.errors import InvalidInput
from ckstore.model.limits import MAX_LINK_BYTES

UID_DIGITS = 16
_UID = re.compile(r"[0-9a-f]{16}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "123456789¹²³")]
)
# Spellings that some file system takes for ".git": case, NTFS short names, trailing dots and blanks.
_GIT_LIKE = re.compile(r"(\.git|git~[0-9]+)[ .]*(:.*)?", re.IGNORECASE)
_GITMODULES = re.compile(r"(\.gitmodules|gitmod~[0-9]+|gi7eba~[0-9]+)[ .]*(:.*)?", re.IGNORECASE)
_NOT_ON_WINDOWS = re.compile(r'[:*?<>"|]')
_NOT_IN_TAGS = re.compile(
    rf"[,|*?\"\[\]]|: |{_CONTROL.pattern}"
)  # what separates and ends tags where they are asked for
MAX_NAME_BYTES = 255


def is_uid(text: str) -> bool:
    """True for 16 lower-case hexadecimal digits."""
    return _UID.fullmatch(text) is not None


def derive_uid(kind: str, name: str) -> str:
    """The UID of a component that carries none: stable for the same kind and name everywhere."""
    return hashlib.sha256(f"{kind}:{name}".encode()).hexdigest()[:UID_DIGITS]


def unsafe_file_name(name: str) -> str | None:
    """Why one path component must not be written to disk; None when it may.

    The rules of git's own fsck (dot names, ``.git`` in every spelling of HFS+ and NTFS), plus names
    that break on Windows or hide what they are (control and bidirectional characters).
    """
    if not name:
        return "an empty name"
    if name in (".", ".."):
        return "it leaves its folder"
    if "/" in name or "\\" in name:
        return "it contains a path separator"
    if _CONTROL.search(name):
        return "it contains control characters"
    if _GIT_LIKE.fullmatch(name):
        return "git keeps its own data under this name"
    try:
        too_long = len(name.encode("utf-8", "surrogateescape")) > MAX_NAME_BYTES
    except UnicodeEncodeError:
        return "it is not text"
    return f"it is longer than {MAX_NAME_BYTES} bytes" if too_long else None


def unsafe_link_name(name: str) -> str | None:
    """Why a symlink must not have this name; None when it may.

    git reads its own settings through such links in some versions; NTFS has short names for them.
    """
    if _GITMODULES.fullmatch(name):
        return "git reads a file of this name"
    return None


def link_target_rule(target: bytes) -> tuple[str | None, int]:
    """(why a symlink must not lead there, how many folders it climbs), judged by the text alone.

    ``..`` may stand at the beginning only, so that no link, not even through another one, leads further
    up than it says.
    """
    text = os.fsdecode(target)
    steps = [step for step in text.split("/") if step not in ("", ".")]
    climb = next((n for n, step in enumerate(steps) if step != ".."), len(steps))
    if not text or len(target) > MAX_LINK_BYTES:
        return "its target is empty or overlong", climb
    if text.startswith("/") or text[1:2] == ":":
        return "it leads to an absolute path", climb
    if any(unsafe_file_name(step) for step in steps[climb:]):
        return "it leads through a name that is not allowed", climb
    return None, climb


def unportable_file_name(name: str) -> str | None:
    """Why a name that may be written to disk cannot be on Windows; None when it can.

    https://learn.microsoft.com/windows/win32/fileio/naming-a-file
    """
    if _NOT_ON_WINDOWS.search(name):
        return 'Windows has no names with : * ? < > " |'
    if name.rstrip(" .") != name:
        return "Windows has no names that end with a blank or a dot"
    if name.split(".")[0].rstrip().lower() in _RESERVED:
        return "it is a device name on Windows"
    return None


def unfit_tag(tag: str) -> str | None:
    """Why a tag could not be asked for in a requirement; None when it can."""
    if not tag:
        return "it is empty"
    if tag[0] in "-!":
        return f"it begins with {tag[0]!r}, which refuses a tag"
    found = _NOT_IN_TAGS.search(tag)
    if found is None:
        return None
    return "it contains a control character" if _CONTROL.search(found[0]) else f"it contains {found[0]!r}"


def fit_tag(tag: str) -> str:
    """The tag without what :func:`unfit_tag` refuses; perhaps nothing is left."""
    return _NOT_IN_TAGS.sub("", tag).strip().lstrip("-!").strip()


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags, sorted, without duplicates; :class:`InvalidInput` for one that could not be asked for."""
    found = tuple(sorted(set(tags)))
    for tag in found:
        reason = unfit_tag(tag)
        if reason is not None:
            raise InvalidInput(
                f"{tag!r} cannot be a tag: {reason}.",
                code="bad-tag",
                hints=["write tags with commas between them: image,pgm"],
                details={"tag": tag, "reason": reason},
            )
    return found


def unsafe_component_name(name: str) -> str | None:
    """Why a text cannot be the kind or name of a component; None when it can."""
    reason = unsafe_file_name(name)
    if reason is not None:
        return reason
    if re.search(r"[\udc80-\udcff]", name):
        return "it is not UTF-8"
    if re.search(r"[:@\[\]*?<>\"|]", name):
        return 'it contains one of : @ [ ] * ? < > " |'
    if name.startswith("-"):
        return "it begins with a dash"
    if name.rstrip(" .") != name:
        return "it ends with a blank or a dot"
    if name.split(".")[0].rstrip().lower() in _RESERVED:
        return "it is a device name on Windows"
    return None


def check_name(name: str, what: str, *, blanks: bool = False) -> str:
    """Return ``name``; raise :class:`InvalidInput` when it cannot be a ``what`` of a component.

    ``blanks`` are for what others have named already: a command line needs quotes around them.
    """
    reason = unsafe_component_name(name)
    if reason is None and not blanks and re.search(r"\s", name):
        reason = "it contains a blank"
    if reason is not None:
        raise InvalidInput(
            f"{name!r} cannot be a {what}: {reason}.",
            code="unsafe-name",
            details={"name": name, "what": what, "reason": reason},
        )
    return name


def near_misses(word: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """The known words nearest to ``word``, best first, for "did you mean"."""
    import difflib  # costs start-up time and is needed only where something went wrong

    return difflib.get_close_matches(word, list(known), n=limit, cutoff=0.6)


def did_you_mean(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """One hint line naming the near misses, or nothing."""
    near = near_misses(word, known)
    return (f"did you mean {', '.join(near)}?",) if near else ()
