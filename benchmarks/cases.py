"""What is compared with what. Each case makes what it needs in a folder of its own and gives rows."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import bringing, generate, scale
from benchmarks.folders import Fresh
from benchmarks.generate import GIT, git
from benchmarks.history import history
from benchmarks.measure import Row, Sample, compare, process
from benchmarks.objects import add, large, memory, readd, snapshot

QUERY = ",".join(generate.COMMON)
_HOT = 2.2  # of starting Python: what is typed most shall cost so much at most


@dataclass(frozen=True)
class Setting:
    """``store`` is one to use for ``find`` (None: a generated one), ``ck`` Collective Knowledge's program.

    ``repository`` is one whose history is read (None: a generated one).
    """

    folder: Path
    size: generate.Size
    repetitions: int
    store: Path | None
    tags: str
    ck: str | None
    repository: Path | None = None
    releases: int = 1_000_000

    @property
    def ckstore(self) -> str:
        """The console script beside this Python, as a user would start it."""
        found = shutil.which("ckstore", path=str(Path(sys.executable).parent))
        if found is None:
            raise RuntimeError("the command `ckstore` is not installed beside this Python")
        return found

    def filled(self, name: str) -> Path:
        """The store to ask, with an index that is up to date."""
        store = self.store
        if store is None:
            store = self.folder / f"{name}-store"
            folder = generate.write_folder(self.folder / name, self.size)
            process([self.ckstore, "add", folder, "--store", store])()
        process([self.ckstore, "find", "--count", "--store", store])()
        return store

    @property
    def python(self) -> Sample:
        """The least that a process of this Python costs."""
        return process([sys.executable, "-c", "pass"])

    def compare(
        self, name: str, peer: str, ours: Sample, theirs: Sample, note: str = "",
        target: float | None = None, most: int = 99,
    ) -> Row:  # fmt: skip
        """One row; at ``most`` so many repetitions."""
        return compare(name, peer, ours, theirs, min(self.repetitions, most), note, target)


def start(setting: Setting) -> Iterator[Row]:
    """Starting up: what is typed most, and what completes it."""
    ours = process([setting.ckstore, "--version"])
    yield setting.compare("ckstore --version", "python -c pass", ours, setting.python)
    store = setting.filled("start")
    shown = subprocess.run(
        [setting.ckstore, "find", "--ids", "--limit", "1", "--store", store],
        capture_output=True, text=True, check=True,
    ).stdout.partition("@")[0]  # fmt: skip
    show = process([setting.ckstore, "show", shown, "--store", store])
    yield setting.compare("ckstore show", "python -c pass", show, setting.python, target=_HOT)
    find = process([setting.ckstore, "find", "--tags", setting.tags, "--limit", "20", "--store", store])
    yield setting.compare("ckstore find --limit 20", "python -c pass", find, setting.python, target=_HOT)
    line = f"ckstore show --store {store} {shown[:-1]}"
    completed = process([setting.ckstore, "__complete", "bash", line, ":"])
    yield setting.compare("completing a name", "python -c pass", completed, setting.python, target=_HOT)
    yield setting.compare("completing a name", "ckstore find --limit 20", completed, find, target=1.0)
    if setting.ck:
        yield setting.compare("ckstore --version", "ck version", ours, process([setting.ck, "version"]))


def find(setting: Setting) -> Iterator[Row]:
    """A question by tags over everything, as a whole process."""
    store = setting.filled("find")
    ours = process([setting.ckstore, "find", "--tags", setting.tags, "--store", store])
    name = f"ckstore find --tags {setting.tags}"
    yield setting.compare(name, "python -c pass", ours, setting.python)
    counted = process([setting.ckstore, "find", "--tags", setting.tags, "--count", "--store", store])
    yield setting.compare(f"{name} --count", "python -c pass", counted, setting.python)
    if setting.ck:
        theirs = process([setting.ck, "search", f"--tags={setting.tags}"])
        yield setting.compare(name, "ck search --tags, all kinds", ours, theirs)


def mirror(setting: Setting) -> Iterator[Row]:
    """Bringing a repository in with its history, and asking again when nothing is new."""
    url = f"file://{generate.write_history(setting.folder / 'history.git', setting.size)}"
    store, clone = Fresh(setting.folder / "mirror-stores"), Fresh(setting.folder / "clones")
    ours = process([setting.ckstore, "mirror", url], prepare=lambda: {"CKSTORE_STORE": str(store.renew())})
    theirs = process(
        ["sh", "-c", 'git clone --quiet --mirror "$0" "$CLONE"', url],
        env=GIT, prepare=lambda: {"CLONE": str(clone.renew())},
    )  # fmt: skip
    note = f"{setting.size.commits} commits; ours derives releases as well"
    yield setting.compare("ckstore mirror", "git clone --mirror", ours, theirs, note)
    again = process([setting.ckstore, "mirror", url, "--store", store.path])
    fetch = process(["git", "-C", clone.path, "fetch", "--quiet", "origin"], env=GIT)
    yield setting.compare("ckstore mirror, nothing new", "git fetch", again, fetch)


def bring(setting: Setting) -> Iterator[Row]:
    """Fetching, or copying, a packed repository from a folder; no releases are derived."""
    source = generate.write_history(setting.folder / "bring.git", setting.size)
    git("--git-dir", source, "repack", "-adq")
    store, clone = Fresh(setting.folder / "bring-stores"), Fresh(setting.folder / "bring-clones")
    theirs = process(
        ["sh", "-c", 'git clone --quiet --mirror "$0" "$CLONE"', f"file://{source}"],
        env=GIT, prepare=lambda: {"CLONE": str(clone.renew())},
    )  # fmt: skip
    for name, copied in (("bringing by a fetch", False), ("bringing by copies of packs", True)):
        ours = bringing.bring(source, store.renew, copied=copied)
        yield setting.compare(name, "git clone --mirror", ours, theirs)


def scaled(setting: Setting) -> Iterator[Row]:
    """A made-up catalogue of ``--releases``: making its index (or ``--store``), questions to it."""
    store = setting.store or setting.folder / "scale"
    made = [] if setting.store else [scale.made(setting.releases // part, place) for part, place in
                                     ((1, store), (10, setting.folder / "10"))]  # fmt: skip
    connection = scale.opened(store)
    one = scale.reading(connection)
    if made:
        yield from _made(setting, made, one)
    for question in scale.questions(connection):
        ours = scale.asking(connection, question)
        yield setting.compare(question.name, scale.PEER, ours, one, target=question.most)
    connection.close()
    name = "ckstore find --tags jpeg,susan --limit 20"  # the most common tags there
    find = process([setting.ckstore, *name.split()[1:], "--store", store])
    yield setting.compare(name, "python -c pass", find, setting.python, target=_HOT)
    if setting.ck:
        theirs = process([setting.ck, "search", "soft", "--tags=compiler"])
        yield setting.compare(name, "ck search soft --tags, its own entries", find, theirs, target=0.5)


def _made(setting: Setting, costs: list[dict[str, float]], one: Sample) -> Iterator[Row]:
    whole, tenth = costs
    note = f"{whole['per_second']:.0f} releases a second; the file: {whole['bytes'] / 2**20:.0f} MiB"
    row = setting.compare("making the index, each release", scale.PEER, one, one, note)
    yield replace(row, ours=(whole["cpu"] / setting.releases,) * len(row.theirs))
    yield Row("memory of that", "of a tenth", (whole["peak"],), (tenth["peak"],), target=1.5, unit="MiB")


def rebuild(setting: Setting) -> Iterator[Row]:
    """Making the index of a store from its log, beside reading every record and metadata file once."""
    ours, theirs = scale.rebuilding(setting.filled("rebuild"))
    yield setting.compare(
        "rebuilding the index", "reading records and metadata", ours, theirs, target=2.0, most=3
    )


CASES: dict[str, Callable[[Setting], Iterator[Row]]] = {
    "start": start, "find": find, "add": add, "readd": readd, "large": large, "memory": memory,
    "mirror": mirror, "bring": bring, "history": history, "snapshot": snapshot, "scale": scaled,
    "rebuild": rebuild,
}  # fmt: skip
