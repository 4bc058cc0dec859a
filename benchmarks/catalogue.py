"""Catalogues of any size, made up: the same records every time, none of them held in memory.

What is asked of the log when an index is filled is answered by computing it: a component is a number, its UID
tells the number, and everything else is drawn from a generator seeded by it. So five million releases take
no more memory than a thousand, and the index is filled by the code that fills it from a real log.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import cast

from ckstore.errors import NotFound
from ckstore.model.metadata import Need
from ckstore.model.metadata_native import NATIVE_FILE
from ckstore.model.records import Component, Release, Retired, Source, Yank
from ckstore.objects.log import LogView
from ckstore.objects.trees import FILE, TreeEntry

# How many releases the components have, in turn: most have few, some have many, five on average.
_LENGTHS = (1, 2, 1, 4, 2, 20)
RELEASES_PER_COMPONENT = sum(_LENGTHS) // len(_LENGTHS)
_WITHDRAWN, _RENAMED, _YANKED = 20, 30, 50  # one in so many components; of yanked ones the first release
_TAGS = 20_000
_TAGS_PER_RELEASE = 6
_SPACE = 1 << 63
_PER_COMPONENT = 1_000_003  # trees have numbers, too
_KINDS = (
    "program", "dataset", "package", "soft", "script", "experiment", "module", "platform", "cache", "docker",
    "workflow", "env",
)  # fmt: skip
_SUBJECTS = (
    "image", "audio", "video", "lib", "compiler", "tool", "model", "cbench", "polybench", "get", "run", "app",
    "install", "process", "build", "detect", "benchmark", "dataset", "nlp", "speech", "graph", "solver",
)  # fmt: skip
_OBJECTS = (
    "jpeg", "susan", "corners", "edges", "resnet50", "bert", "tensorflow", "pytorch", "onnx", "opencl",
    "cuda", "llvm", "gcc", "armcl", "caffe", "mobilenet", "ssd", "imagenet", "coco", "squad", "librispeech",
    "openimages", "gemm", "fft", "lu", "cholesky", "blas", "lapack", "boost", "protobuf", "python", "java",
    "android", "rpi",
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
        body = self._body(number)
        names: tuple[str, ...] = (f"{body.kind}:{body.name}",)
        if number % _RENAMED == 0:
            names = (f"{body.kind}:{body.name}-old", *names)
        withdrawn = "d" * 40 if number % _WITHDRAWN == 0 else ""
        return Component(
            self.key(number)[1], body.kind, body.name, names, self.versions(number, head), withdrawn
        )

    def release(self, number: int, version: str) -> Release:
        """The first of several may bear the former name; later ones have a tag more."""
        body, first = self._body(number), version == "1.0.0"
        renamed = number % _RENAMED == 0 and first and _LENGTHS[number % len(_LENGTHS)] > 1
        name = f"{body.name}-old" if renamed else body.name
        digest = f"{number * _PER_COMPONENT + int(version.replace('.', '')):064x}"
        return Release(
            self.key(number)[1], body.kind, name, version, digest[-40:], f"sha256:{digest}", "c" * 40,
            f"{body.kind}/{name}", "ckstore", "first" if first else "minor", title=body.title,
            description=body.text, tags=body.tags[:-1] if first else body.tags,
            interface=tuple(f"tag:{tag}" for tag in body.tags),
            needs=tuple(Need(f"role-{n}", ask) for n, ask in enumerate(body.needs)),
        )  # fmt: skip

    def metadata(self, tree: str) -> bytes:
        """The metadata file in the tree of a release."""
        body = self._body(int(tree, 16) // _PER_COMPONENT)
        return (
            f'title = "{body.title}"\ndescription = "{body.text}"\ntags = {list(body.tags)}\n'
            f'[{body.kind}]\nlanguage = "{body.language}"\nthreads = {len(body.name) % 9}\n'
            f'files = ["{body.name}.dat", "README.md"]\n'
        ).encode()

    def _draw(self, number: int) -> _Body:
        chance = random.Random(self._seed * _SPACE + number)
        (kind,) = chance.choices(_KINDS, cum_weights=self._kinds)
        subject, thing, other = chance.choice(_SUBJECTS), chance.choice(_OBJECTS), chance.choice(_OBJECTS)
        count = chance.randint(_TAGS_PER_RELEASE - 3, _TAGS_PER_RELEASE + 3)
        tags = chance.choices(self._names, cum_weights=self._tags, k=count + 2)
        words = " ".join(chance.choices(_OBJECTS + _SUBJECTS, k=8))
        return _Body(
            kind, f"{subject}-{thing}-{other}-{number % 1999}",
            f"{subject.capitalize()} {thing} with {other}",
            f"It is about {words}.", tuple(dict.fromkeys(tags[2:])), chance.choice(_LANGUAGES),
            tuple(f"soft[{tag}]" for tag in tags[: number % 3]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Body:
    kind: str
    name: str
    title: str
    text: str
    tags: tuple[str, ...]
    language: str
    needs: tuple[str, ...]


class _View:
    """The part of :class:`~ckstore.objects.log.LogView` that the index reads."""

    def __init__(self, catalogue: Catalogue, head: str) -> None:
        self._catalogue, self.head = catalogue, head

    def component(self, source: str, uid: str) -> Component:
        return self._catalogue.component(self._catalogue.number(uid), self.head)

    def release(self, source: str, uid: str, version: str) -> Release:
        return self._catalogue.release(self._catalogue.number(uid), version)

    def source(self, name: str) -> Source:
        return Source(name, f"https://example.org/{name}", "git")

    def version_entries(self, source: str, uid: str) -> dict[str, str]:
        versions = self._catalogue.versions(self._catalogue.number(uid), self.head)
        return {version: f"{version} of {uid}" for version in versions}

    def yanks(self, source: str, uid: str) -> dict[str, Yank]:
        return {"1.0.0": Yank("broken")} if self._catalogue.number(uid) % _YANKED == 1 else {}

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        return (TreeEntry(FILE, NATIVE_FILE, oid),)

    def read_blob(self, oid: str) -> bytes:
        return self._catalogue.metadata(oid)

    def retired(self, source: str, uid: str) -> dict[str, Retired]:
        return {}

    def changed_since(self, old: str) -> Iterator[tuple[str, str]]:
        return self._catalogue.changed(old, self.head)
