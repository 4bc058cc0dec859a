"""Large made-up catalogues: windows of versions, virtual requirements, conflicts, a hidden solution."""

from __future__ import annotations

import random
from dataclasses import dataclass

from ckstore.model.metadata import Need
from tests.resolve.world import Made


@dataclass(frozen=True)
class Level:
    """How hard: the windows of versions that requirements admit, and how many pairs exclude each other."""

    narrow: int
    wide: int
    conflicts: int


LEVELS = {"easy": Level(8, 16, 60), "medium": Level(5, 12, 200), "hard": Level(3, 9, 400)}
_SPAN = 120  # how far on a component looks for what it needs
_TAGS = 12


@dataclass(frozen=True)
class Problem:
    """``hidden`` is a solution: the version of each component, by name."""

    made: tuple[Made, ...]
    roots: tuple[Need, ...]
    hidden: dict[str, str]


def problem(
    level: Level, seed: int, components: int = 500, versions: int = 20, contradiction: bool = False
) -> Problem:
    """One problem; with ``contradiction``, two roots ask in the end for the same, at versions that differ."""
    rng = random.Random(seed)
    hidden = [rng.randrange(versions) for _ in range(components)]
    tags: dict[int, list[str]] = {}
    for tag in range(_TAGS):
        for n in rng.sample(range(components // 3, components), min(rng.randint(6, 14), components // 2)):
            tags.setdefault(n, []).append(f"tag{tag}")
    needs: dict[tuple[int, int], list[Need]] = {}
    for n in range(components):
        for version in range(versions):
            needs[n, version] = _needs(rng, level, n, version, components, versions, hidden)
    for number in range(level.conflicts):
        _exclude(rng, needs, hidden, number, components, versions)
    made = [
        Made(name(n), _version(v), tuple(tags.get(n, ())), tuple(needs[n, v]))
        for n in range(components) for v in range(versions)
    ]  # fmt: skip
    made += [Made(f"s:x:not{n}", v) for n in range(level.conflicts) for v in ("1.0.0", "2.0.0")]
    first = rng.sample(range(min(_SPAN, components)), 12 if components > 100 else 4)
    roots = [Need("root", f"{name(n)}@{_window(rng, level, hidden[n], versions)}") for n in first]
    roots += [
        Need("root", f"p[tag{tag}]", "any")
        for tag in rng.sample(range(_TAGS), 3)
        if any(f"tag{tag}" in held for held in tags.values())
    ]
    if contradiction:
        made += _contradiction()
        roots += [Need("root", "s:c:left"), Need("root", "s:c:right")]
    return Problem(tuple(made), tuple(roots), {name(n): _version(v) for n, v in enumerate(hidden)})


def name(number: int) -> str:
    return f"s:p:c{number:03}"


def _version(number: int) -> str:
    return f"1.{number}.0"


def _window(rng: random.Random, level: Level, within: int, versions: int) -> str:
    width = rng.randint(level.narrow, level.wide)
    low = max(0, within - rng.randrange(width))
    return f">={_version(low)},<{_version(min(low + width, versions))}"


def _needs(
    rng: random.Random, level: Level, n: int, version: int, components: int, versions: int, hidden: list[int]
) -> list[Need]:
    """Two to four; those of a hidden version admit what is hidden, others what they like."""
    later = range(n + 1, min(n + 1 + _SPAN, components))
    targets = rng.sample(later, min(len(later), rng.randint(2, 4)))
    found = []
    for target in targets:
        about = hidden[target] if version == hidden[n] else rng.randrange(versions)
        found.append(Need(f"n{target:03}", f"{name(target)}@{_window(rng, level, about, versions)}"))
    return found


def _exclude(
    rng: random.Random, needs: dict[tuple[int, int], list[Need]], hidden: list[int], number: int,
    components: int, versions: int,
) -> None:  # fmt: skip
    """Two releases that cannot be had together: they want different versions of a third."""
    first = rng.randrange(components), rng.randrange(versions)
    second = rng.randrange(components), rng.randrange(versions)
    if first[0] == second[0] or (hidden[first[0]] == first[1] and hidden[second[0]] == second[1]):
        return
    needs[first].append(Need(f"x{number}", f"s:x:not{number}@^1"))
    needs[second].append(Need(f"x{number}", f"s:x:not{number}@^2"))


def _contradiction() -> list[Made]:
    """Five statements: two of the user, two on the ways, and both ends."""
    versions = [_version(n) for n in range(20)]
    made = [Made("s:c:end", v) for v in versions]
    for v in versions:
        made.append(Made("s:c:left", v, needs=(Need("mid", "s:c:middle"),)))
        made.append(Made("s:c:middle", v, needs=(Need("end", "s:c:end@<1.10"),)))
        made.append(Made("s:c:right", v, needs=(Need("end", "s:c:end@>=1.10"),)))
    return made
