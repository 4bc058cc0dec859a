"""The text of tag queries: ``image,pgm|png,lib-*,-gray``. Light: the quick path of ``find`` uses it.

Between commas stands what must hold: a tag, ``a|b`` one of several, ``-a`` or ``!a`` not this one, ``-a|b``
none of these. ``*`` and ``?`` in a tag are wildcards.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

_HINT = "write tags with commas between them: image,pgm|png,lib-*,-gray"
Tags = tuple[str, ...]


def read_tags(text: str) -> tuple[Tags, Tags, tuple[Tags, ...]]:
    """(all of, none of, groups of which one each) that a tag query asks for, each sorted.

    Raises :class:`~ckstore.errors.InvalidInput` for an empty tag, for one that is wanted and refused, and for
    a group of which only a part is refused.
    """
    wanted: list[str] = []
    refused: list[str] = []
    groups: list[list[str]] = []
    for part in text.split(","):
        part = part.strip()
        no = part[:1] in ("!", "-")
        tags = [tag.strip() for tag in (part[1:] if no else part).split("|")]
        if not all(tags):
            _refuse(f"The tag query {text!r} contains an empty tag.", "empty-tag")
        if len(tags) > 1 and any(tag[0] in "!-" for tag in tags):
            _refuse(f"In {text!r}, only a whole group can be refused: -a|b.", "tag-in-group-refused")
        if no:
            refused += tags
        elif len(tags) > 1:
            groups.append(tags)
        else:
            wanted += tags
    both = sorted(set(wanted) & set(refused))
    if both:
        _refuse(f"The tag query {text!r} asks for {both[0]!r} and refuses it.", "tag-both-ways")
    return normal(wanted, refused, groups)


def normal(
    all_of: Iterable[str], none_of: Iterable[str], groups: Iterable[Iterable[str]]
) -> tuple[Tags, Tags, tuple[Tags, ...]]:
    """The parts of a query sorted and without duplicates; a group of one tag is that tag."""
    sets = [set(group) for group in groups]
    wanted = {*all_of, *(tag for group in sets if len(group) == 1 for tag in group)}
    several = {tuple(sorted(group)) for group in sets if len(group) > 1}
    return tuple(sorted(wanted)), tuple(sorted(set(none_of))), tuple(sorted(several))


def _refuse(message: str, code: str) -> NoReturn:
    from ckstore.errors import InvalidInput  # only where something went wrong

    raise InvalidInput(message, code=code, hints=[_HINT])
