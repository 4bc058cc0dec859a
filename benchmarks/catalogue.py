"""Catalogues of any size, made up: the same records every time, none of them held in memory.

What is asked of the log when an index is filled is answered by computing it: a component is a number, its UID
tells the number, and everything else is drawn from a generator seeded by it. So five million releases take
no more memory than a thousand, and the index is filled by the code that fills it from a real log.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from typing import cast

from ckstore.errors import NotFound
from ckstore.model.records import Component, Release, Retired, Yank
from ckstore.objects.log import LogView

# How many releases the components have, in turn: most have few, some have many, five on average.
_LENGTHS = (1, 2, 1, 4, 2, 20)
RELEASES_PER_COMPONENT = sum(_LENGTHS) // len(_LENGTHS)
_TAGS = 20_000
_TAGS_PER_RELEASE = 6
_SPACE = 1 << 63
_KINDS = (
    "program", "dataset", "package", "soft", "script", "experiment", "module", "platform", "cache", "docker",
    "workflow", "env",
)  # fmt: skip
_SUBJECTS = (
    "image", "audio", "video", "lib", "compiler", "tool", "model", "cbench", "polybench", "get", "run", "app",
    "install", "process", "build", "detect", "benchmark", "dataset", "nlp", "speech", "graph", "solver",
)  # fmt: skip
_OBJECTS = (
    "jpeg", "susan", "corners", "edges", "resnet50", "bert", "tensorflow", "pytorch", "onnx", "opencl", "cuda",
    "llvm", "gcc", "armcl", "caffe", "mobilenet", "ssd", "imagenet", "coco", "squad", "librispeech", "openimages",
    "gemm", "fft", "lu", "cholesky", "blas", "lapack", "boost", "protobuf", "python", "java", "android", "rpi",
)  # fmt: skip
_LANGUAGES = ("c", "c++", "python", "fortran", "java", "rust")


def _zipf(count: int) -> list[float]:
    """Cumulative weights: the n-th is drawn n times more seldom than the first."""
    return list(accumulate(1 / rank for rank in range(1, count + 1)))


def tag_name(rank: int) -> str:
    """The tag that is used ``rank``-th most, from 0."""
    part, number = _OBJECTS[rank % len(_OBJECTS)], rank // len(_OBJECTS)
    return f"{part}-{_SUBJECTS[number % len(_SUBJECTS)]}-{number}" if number else part


class Catalogue:
    """About ``releases`` releases, five for each component; as many sources as a large site mirrors."""

    def __init__(self, releases: int, seed: int = 1, sources: int = 20) -> None:
        self.components = max(1, releases // RELEASES_PER_COMPONENT)
        self._seed = seed
        self._tags, self._kinds = _zipf(_TAGS), _zipf(len(_KINDS))
        self._names = [tag_name(rank) for rank in range(_TAGS)]
        shares = _zipf(sources)
        self._ends = [round(self.components * share / shares[-1]) for share in shares]
        self._stride = _SPACE // self.components
        self._body = lru_cache(maxsize=4)(self._draw)
        self._added: dict[str, list[int]] = {}  # head → numbers of components that got one more release
        self.heads = [""]

    def publish(self, head: str, *grown: int) -> LogView:
        """The log at ``head``: the first publishes everything, each further one a release of ``grown``."""
        self._added[head] = list(grown)
        self.heads.append(head)
        return cast(LogView, _View(self, head))

    def key(self, number: int) -> tuple[str, str]:
        """(source, UID); both rise with the number, as they do in a log."""
        place = next(place for place, end in enumerate(self._ends) if number < end)
        return f"source-{place:02}", f"{number * self._stride + self._stride // 3:016x}"

    def number(self, uid: str) -> int:
        """The number of the component with this UID."""
        return int(uid, 16) // self._stride

    def changed(self, old: str, new: str) -> Iterator[tuple[str, str]]:
        """What differs between two heads; everything since the empty one."""
        if old not in self.heads:
            raise NotFound("There is no such commit.", code="no-object")
        first, last = self.heads.index(old), self.heads.index(new)
        if not first:
            yield from map(self.key, range(self.components))
        else:
            grown = {number for head in self.heads[first + 1 : last + 1] for number in self._added[head]}
            yield from map(self.key, sorted(grown))

    def versions(self, number: int, head: str) -> tuple[str, ...]:
        """By rising precedence, from 1.0.0."""
        past = self.heads[1 : self.heads.index(head) + 1]
        grown = sum(self._added[one].count(number) for one in past)
        count = _LENGTHS[number % len(_LENGTHS)] + grown
        return tuple(f"{1 + n // 10}.{n % 10}.0" for n in range(count))

    def component(self, number: int, head: str) -> Component:
        """One in twenty is withdrawn, one in thirty had another name once."""
        kind, name, *_ = self._body(number)
        names = (f"{kind}:{name}",)
        if number % 30 == 0:
            names = (f"{kind}:{self._former(name)}", *names)
        withdrawn = "d" * 40 if number % 20 == 0 else ""
        return Component(self.key(number)[1], kind, name, names, self.versions(number, head), withdrawn)

    def release(self, number: int, version: str) -> Release:
        """The first one may bear the former name; later ones have a tag more."""
        kind, name, title, text, tags = self._body(number)
        first = version == "1.0.0"
        if number % 30 == 0 and first and len(self.versions(number, self.heads[1])) > 1:
            name = self._former(name)
        uid, digest = self.key(number)[1], f"{number * 1_000_003 + int(version.replace('.', '')):064x}"
        return Release(
            uid, kind, name, version, digest[-40:], f"sha256:{digest}", "c" * 40, f"{kind}/{name}", "ckstore",
            "first" if first else "minor", title=title, description=text, tags=tags[:-1] if first else tags,
        )  # fmt: skip

    def _former(self, name: str) -> str:
        return f"{name}-old"

    def _draw(self, number: int) -> tuple[str, str, str, str, tuple[str, ...]]:
        chance = random.Random(self._seed * _SPACE + number)
        (kind,) = chance.choices(_KINDS, cum_weights=self._kinds)
        subject, thing, other = chance.choice(_SUBJECTS), chance.choice(_OBJECTS), chance.choice(_OBJECTS)
        name = f"{subject}-{thing}-{other}-{number % 1999}"
        count = chance.randint(_TAGS_PER_RELEASE - 3, _TAGS_PER_RELEASE + 3)
        tags = tuple(dict.fromkeys(chance.choices(self._names, cum_weights=self._tags, k=count)))
        title = f"{subject.capitalize()} {thing} with {other}"
        words = " ".join(chance.choices(_OBJECTS + _SUBJECTS, k=8))
        text = f"Written in {chance.choice(_LANGUAGES)}; {words}."
        return kind, name, title, text, tags


class _View:
    """The part of :class:`~ckstore.objects.log.LogView` that the index reads."""

    def __init__(self, catalogue: Catalogue, head: str) -> None:
        self._catalogue, self.head = catalogue, head

    def component(self, source: str, uid: str) -> Component:
        return self._catalogue.component(self._catalogue.number(uid), self.head)

    def release(self, source: str, uid: str, version: str) -> Release:
        return self._catalogue.release(self._catalogue.number(uid), version)

    def yanks(self, source: str, uid: str) -> dict[str, Yank]:
        return {"1.0.0": Yank("broken")} if self._catalogue.number(uid) % 50 == 1 else {}

    def retired(self, source: str, uid: str) -> dict[str, Retired]:
        return {}

    def changed_since(self, old: str) -> Iterator[tuple[str, str]]:
        return self._catalogue.changed(old, self.head)
