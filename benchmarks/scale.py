"""Questions to an index of any size, beside reads by primary key in the same run; and making such an index.

``python -m benchmarks.scale RELEASES FOLDER`` writes a store there that holds nothing but the index of a
made-up catalogue, and prints what that cost.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.catalogue import Catalogue, tag_name
from benchmarks.measure import Sample, call
from ckstore.index.answer import Form, answer
from ckstore.index.catchup import build_anew, build_in_memory
from ckstore.index.files import FILE, open_current
from ckstore.index.suggest import knows
from ckstore.model.metadata_formats import BY_NAME
from ckstore.objects.described import file_of
from ckstore.objects.head import GIT_FOLDER, LOG_REF
from ckstore.objects.store import ObjectStore
from ckstore.operations.words import Words, read_words

HEAD = "1" * 40
_READS = 500  # by primary key, for the cost of one
PEER = "a read by primary key"
# Aimed at, in ms at a million releases where a read by primary key takes 9 µs; here as a ratio to such a read
SELECTIVE, ALL_OF_COMMON, SOME_OF_COMMON = 0.5 / 0.009, 25 / 0.009, 3 / 0.009


@dataclass(frozen=True)
class Question:
    """``most``: the ratio to a read by primary key that it shall not exceed, where there is a promise."""

    name: str
    words: Words
    form: Form
    most: float | None = None


def make(releases: int, folder: Path) -> dict[str, float]:
    """A store whose log is a made-up catalogue; gives CPU seconds, releases for each, bytes, peak in MiB."""
    ref = folder / GIT_FOLDER / LOG_REF
    ref.parent.mkdir(parents=True)
    ref.write_text(f"{HEAD}\n")
    view = Catalogue(releases).publish(HEAD)
    begun = time.process_time()
    build_anew(folder, view)
    spent = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 2**20)
    size = (folder / FILE).stat().st_size
    return {"cpu": spent, "per_second": releases / spent, "bytes": size, "peak": peak}


def made(releases: int, folder: Path) -> dict[str, float]:
    """What :func:`make` gives, done by a process of its own."""
    argv = [sys.executable, "-m", "benchmarks.scale", str(releases), str(folder)]
    root = Path(__file__).resolve().parent.parent
    found: dict[str, float] = json.loads(
        subprocess.run(argv, cwd=root, check=True, capture_output=True).stdout
    )
    return found


def opened(store: Path) -> sqlite3.Connection:
    """The index of a store that :func:`make` made."""
    connection = open_current(store, HEAD)
    if connection is None:
        raise RuntimeError(f"there is no index in {store}")
    return connection


def questions(connection: sqlite3.Connection) -> Iterator[Question]:
    """What people ask, with tags of this catalogue: common ones, and one that is rare."""
    first, second, third, fourth = (tag_name(rank) for rank in range(4))
    # two tags that a fortieth of all components have together, as 4,900 of 200,000
    pair = f"{first},{_with(connection, first, 40)}"
    rare = f"{first},{_rare(connection)}"
    uncounted = Form(counted=0)

    def asked(
        name: str, most: float | None = None, form: Form = uncounted, words: str = "", **how: object
    ) -> Question:
        terms = Words([words] if words else [], **how)  # type: ignore[arg-type]  # the names of Words
        return Question(name, terms, form, most)

    yield asked("a common and a rare tag", SELECTIVE, tags=[rare])
    yield asked("two common tags", ALL_OF_COMMON, tags=[pair])
    yield asked("two common tags, 50 of them", SOME_OF_COMMON, tags=[pair], limit=50)
    yield asked("two common tags, how many", form=Form(count=True), tags=[pair])
    yield asked("three common tags", tags=[f"{first},{second},{third}"])
    yield asked("four common tags", tags=[f"{first},{second},{third},{fourth}"])
    yield asked("two tags, not a third, 50", tags=[f"{first},{second},-{third}"], limit=50)
    yield asked("a tag and a prefix, 50", tags=[f"{first},{second[:4]}*"], limit=50)
    yield asked("one of two tags, 50", tags=[f"{second}|{third}"], limit=50)
    yield asked("two words of text, 50", words="speech onnx", limit=50)
    yield asked("a condition on metadata, 50", words="program program.language=c", limit=50)
    yield asked("all releases with two rare tags", tags=[rare], all_versions=True)
    yield asked("how often each tag is there", form=Form(facets=["tags"]), limit=50)
    yield asked("kinds of what has two common tags", form=Form(facets=["kind"]), tags=[pair], limit=50)


def _with(connection: sqlite3.Connection, tag: str, share: int) -> str:
    """The tag that, together with another, about one in ``share`` of all components have."""
    (shown,) = connection.execute("SELECT count(*) FROM entries").fetchone()
    both = (
        "SELECT count(*) FROM newest_tags a CROSS JOIN newest_tags b ON b.place = a.place "
        "WHERE a.tag = (SELECT id FROM tags WHERE tag = ?) AND b.tag = (SELECT id FROM tags WHERE tag = ?)"
    )
    names = [tag_name(rank) for rank in range(1, 16)]
    found = {name: connection.execute(both, (name, tag)).fetchone()[0] for name in names}
    return min(names, key=lambda name: abs(found[name] - shown // share))


def _rare(connection: sqlite3.Connection) -> str:
    """A tag that about fifty newest releases have."""
    row = connection.execute(
        "SELECT tag FROM tags WHERE newest > 0 ORDER BY abs(newest - 50), tag"
    ).fetchone()
    return str(row[0])


def asking(connection: sqlite3.Connection, question: Question) -> Sample:
    """A sample that asks it, from words to rows; often, where it takes next to nothing."""

    def ask() -> None:
        terms = read_words(question.words, lambda word: knows(connection, word, "kind"))
        answer(connection, terms, question.form)

    return _mean(ask)


def reading(connection: sqlite3.Connection) -> Sample:
    """One release by its primary key, all fields of it."""
    step = max(1, connection.execute("SELECT max(id) FROM releases").fetchone()[0] // _READS)

    def read() -> None:
        for number in range(_READS):
            connection.execute("SELECT * FROM releases WHERE id = ?", (number * step + 1,)).fetchone()

    whole = call(read)
    return lambda: whole() / _READS


def _mean(work: Callable[[], object], least: float = 0.01) -> Sample:
    """Seconds of one call, from as many as can be measured."""

    def sample() -> float:
        begun, calls = time.process_time(), 0
        while (spent := time.process_time() - begun) < least:
            work()
            calls += 1
        return spent / calls

    return sample


def rebuilding(store: Path) -> tuple[Sample, Sample]:
    """(making the index of a store from its log, in memory; reading every record and metadata file once)."""

    def rebuild() -> None:
        build_in_memory(ObjectStore(store, create=False).view()).close()

    def read() -> None:
        view = ObjectStore(store, create=False).view()
        for source in view.sources():
            for component in view.components(source.name):
                for version in component.versions:
                    release = view.release(source.name, component.uid, version)
                    for path in BY_NAME[release.format].files if release.format in BY_NAME else ():
                        file_of(view, release.tree, path)

    return call(rebuild), call(read)


if __name__ == "__main__":
    print(json.dumps(make(int(sys.argv[1]), Path(sys.argv[2]))))
