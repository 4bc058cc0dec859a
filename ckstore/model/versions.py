"""Semantic versions, ranges of them, and the bump that a change asks for.

Precedence is that of SemVer 2.0 (https://semver.org), computed by the ``semver`` package. A range is
a union of half-open intervals, written as cargo users write it: ``^1.2``, ``~1.2``, ``>=1,<3``,
``=1.2.3``, ``1.*``, ``*``, alternatives with ``||``. A pre-release is admitted only by a range that
names a pre-release of the same major.minor.patch.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Literal

from semver import Version

from ckstore.errors import InvalidInput

Bump = Literal["first", "major", "minor", "patch", "explicit"]
FIRST = Version(1, 0, 0)
_MAX_DIGITS = 9  # a larger number is an accident or an attack, never a version
_N = rf"(0|[1-9][0-9]{{0,{_MAX_DIGITS - 1}}})"
_PARTIAL = re.compile(  # 1 | 1.* | 1.*.* | 1.2 | 1.2.* | 1.2.3 | 1.2.3-pre | 1.2.3+build
    rf"{_N}(?:\.(?:[*x](?:\.[*x])?|{_N}(?:\.(?:[*x]|{_N}(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?))?))?"
)
_COMPARATOR = re.compile(r"(\^|~|>=|<=|>|<|=)?(.+)")
_BLANKS = re.compile(r"^\s*([\^~<>=]*)\s*|\s+$")  # around a comparator; inside a number they are a mistake


@functools.lru_cache(maxsize=4096)
def parse_version(text: str) -> Version:
    """A strict semantic version; raise :class:`InvalidInput` otherwise."""
    try:
        if any(len(digits) > _MAX_DIGITS for digits in re.findall(r"\d+", text)):
            raise ValueError("a number with too many digits")
        return Version.parse(text)
    except (ValueError, TypeError) as error:
        raise InvalidInput(
            f"{text!r} is not a semantic version.",
            code="bad-version",
            hints=["write three numbers, for example 1.4.0 or 2.0.0-rc.1"],
        ) from error


def read_version(value: object) -> Version | None:
    """The version that metadata states, tolerating ``v1.2`` and ``1.2``; None when it states none."""
    if not isinstance(value, str) or not value:
        return None
    match = re.fullmatch(r"v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?", value.strip(), re.ASCII)
    if match:
        return Version(*(int(part or 0) for part in match.groups()))
    try:
        return parse_version(value.strip().removeprefix("v"))
    except InvalidInput:
        return None


def next_version(current: Version, bump: Bump) -> Version:
    """The version after ``current`` for a bump of this size."""
    steps = {"major": current.bump_major, "minor": current.bump_minor, "patch": current.bump_patch}
    return steps[bump]()


@dataclass(frozen=True, slots=True)
class _Interval:
    """``low <= version < high``; a bound of None is open. ``pre`` holds versions named with a pre-release."""

    low: Version | None
    high: Version | None
    pre: tuple[Version, ...] = ()

    def admits(self, version: Version) -> bool:
        if self.low is not None and version < self.low:
            return False
        if self.high is not None and version >= self.high:
            return False
        if version.prerelease is None:
            return True
        core = version.finalize_version()
        return any(named.finalize_version() == core for named in self.pre)


@dataclass(frozen=True, slots=True)
class VersionRange:
    """A set of versions; ``str()`` gives back the text it was parsed from, with blanks removed."""

    text: str
    _intervals: tuple[_Interval, ...]

    @classmethod
    def parse(cls, text: str) -> VersionRange:
        """Read a range; raise :class:`InvalidInput` with the piece that is wrong."""
        canonical = "||".join(
            ",".join(_BLANKS.sub(r"\1", piece) for piece in part.split(",")) for part in text.split("||")
        )
        return cls(canonical or "*", tuple(_conjunction(part) for part in (canonical or "*").split("||")))

    def admits(self, version: Version) -> bool:
        """True when the version lies in the range."""
        return any(interval.admits(version) for interval in self._intervals)

    def __str__(self) -> str:
        return self.text


def _conjunction(text: str) -> _Interval:
    low: Version | None = None
    high: Version | None = None
    pre: list[Version] = []
    for piece in text.split(","):
        interval = _comparator(piece)
        pre.extend(interval.pre)
        if interval.low is not None and (low is None or interval.low > low):
            low = interval.low
        if interval.high is not None and (high is None or interval.high < high):
            high = interval.high
    return _Interval(low, high, tuple(pre))


def _comparator(piece: str) -> _Interval:
    if piece in ("*", "x"):
        return _Interval(None, None)
    match = _COMPARATOR.fullmatch(piece)
    numbers = _PARTIAL.fullmatch(match.group(2)) if match else None
    if match is None or numbers is None:
        raise InvalidInput(
            f"{piece!r} is not a version range.",
            code="bad-range",
            hints=[*_advice(piece), "ranges look like ^1.2, ~1.2.3, >=1,<3, 1.*, ^1||^3 or *"],
        )
    given = [int(part) for part in numbers.groups()[:3] if part is not None]
    major, minor, patch = [*given, 0, 0][:3]
    base = parse_version(f"{major}.{minor}.{patch}{numbers.group(4) or ''}")
    default = "=" if len(given) < 3 and piece.endswith(("*", "x")) else "^"
    named = (base,) if base.prerelease else ()
    return _bounds(match.group(1) or default, base, len(given), named)


_MISTAKES = (  # what others write, and what it is here
    (r"", "nothing stands on one side of a comma or ||"),
    (r"[\^~<>=]+", "a version must stand after {0!r}"),
    (r"==.*|===.*", "one = is enough"),
    (r"~>.*|~=.*", "write ~1.2"),
    (r"=[<>].*", "write >= or <="),
    (r"!=?.*", "nothing is left out of a range but by two: <1.2||>1.2"),
    (r"[\^~<>=]*[vV]\d.*", "write versions without a v"),
    (r"\S+\s+-\s+\S+|[\d.]+-[\d]+(\.[\d]+)+", "write both ends: >=1.2,<2"),
    (r".*\s.*", "write a comma between two conditions: >=1,<3"),
    (r"[\^~<>=]*\d+(\.\d+)?-.*", "only a version of three numbers has a pre-release: 1.2.0-rc.1"),
    (r"[\^~<>=]*\d+(\.\d+){3,}.*", "a version has three numbers"),
    (r"[\^~<>=]*(\d+\.)*0\d.*", "numbers have no zeros before them"),
    (r"[\^~<>=]*(\d+\.)?[*x]\.\d.*", "only what follows may be left open: 1.*, not *.1"),
)


def _advice(piece: str) -> list[str]:
    """What was probably meant; nothing for what looks like nothing."""
    fitting = (told for pattern, told in _MISTAKES if re.fullmatch(pattern, piece, re.ASCII | re.DOTALL))
    return [told.format(piece) for told in fitting][:1]


def _bounds(operator: str, base: Version, given: int, named: tuple[Version, ...]) -> _Interval:
    after = _after(base, given)
    if operator == "^":
        significant = 1 if base.major or given == 1 else 2 if base.minor or given == 2 else 3
        return _Interval(base, _after(base.finalize_version(), significant), named)
    if operator == "~":
        return _Interval(base, _after(base, min(given, 2)), named)
    if operator == ">=":
        return _Interval(base, None, named)
    if operator == ">":
        return _Interval(after, None, named)
    if operator == "<":
        return _Interval(None, base, named)
    if operator == "<=":
        return _Interval(None, after, named)
    return _Interval(base, after, named)


def _after(base: Version, significant: int) -> Version:
    """The first version beyond all that share ``significant`` leading numbers with ``base``.

    The result carries the lowest pre-release (``-0``), so that ``<2`` in ``^1`` excludes ``2.0.0-rc.1``.
    """
    if significant == 1:
        core = Version(base.major + 1)
    elif significant == 2:
        core = Version(base.major, base.minor + 1)
    elif base.prerelease:
        return Version(base.major, base.minor, base.patch, prerelease=f"{base.prerelease}.0")
    else:
        core = Version(base.major, base.minor, base.patch + 1)
    return core.replace(prerelease="0")
