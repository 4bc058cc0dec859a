"""What is interrupted in these tests: command lines, each with the state of the world that it finds.

A new path that writes is one more line in ``SCENES``.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pygit2

from ckstore.cli.main import main
from ckstore.errors import Conflict, NotFound
from ckstore.objects.history import is_elsewhere
from ckstore.objects.layout import lay_out
from ckstore.objects.store import HISTORY_REFS, ObjectStore
from ckstore.objects.verify import check
from tests.crash.syscalls import Event, traced
from tests.mirror.upstream import Upstream, native
from tests.objects.helpers import git
from tests.operations.folders import component, workshop

State = tuple[frozenset[str], int, str]  # releases as source:kind:name@version, runs, what find finds


@dataclass
class World:
    """A folder ``place`` with a store and a project, which a command changes, beside what it reads."""

    base: Path
    operation: str = ""  # the newest one, where a command line names it
    _upstreams: dict[str, Upstream] = field(default_factory=dict)

    @property
    def place(self) -> Path:
        return self.base / "place"

    @property
    def store(self) -> Path:
        return self.place / "store"

    @property
    def here(self) -> Path:
        """Where commands are typed: in the project, once it is there."""
        return self.project if self.project.is_dir() else self.base

    @property
    def project(self) -> Path:
        return self.place / "project"

    @property
    def words(self) -> dict[str, str]:
        """What stands for what in a command line."""
        return {"base": str(self.base), "operation": self.operation, "place": str(self.place)}

    def line(self, text: str) -> list[str]:
        """A command line as words."""
        return [*text.format(**self.words).split(), "--store", str(self.store)]

    def do(self, text: str, *codes: int) -> str:
        """Run a command line in this process, with one of these exit codes (0); gives what it printed."""
        return self._run(text, codes or (0,))[0]

    def told(self, text: str, *codes: int) -> str:
        """The same; gives what it said on stderr."""
        return self._run(text, codes or (0,))[1]

    def _run(self, text: str, codes: tuple[int, ...]) -> tuple[str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.chdir(self.here):
            found = main(self.line(text))
        assert found in codes, f"exit {found} of {text}:\n{out.getvalue()}\n{err.getvalue()}"
        return out.getvalue(), err.getvalue()

    def upstream(self, name: str) -> Upstream:
        """A repository to mirror, with two components, three commits and a tag."""
        if name not in self._upstreams:
            up = self._upstreams[name] = Upstream(self.base / f"{name}.git")
            up.commit({**native("program/a", tags="one"), **native("program/b", tags="two")})
            up.tag("v1.0.0")
            up.commit(native("program/a", tags="one more", body="y"))
            up.commit(native("program/b", tags="two", body="z"))
        return self._upstreams[name]

    def path_without_git(self) -> str:
        """Where programs are on a machine that has no git."""
        empty = self.base / "bin"
        empty.mkdir(exist_ok=True)
        return str(empty)

    def lay_aside(self, name: str) -> Path:
        """A copy of the place as it is now."""
        copy = self.base / name
        shutil.copytree(self.place, copy, symlinks=True)
        return copy

    def put_back(self, copy: Path) -> None:
        """Make the place what the copy is."""
        self.clear()
        shutil.copytree(copy, self.place, symlinks=True)

    def clear(self) -> None:
        if self.place.exists():
            for folder, _, _ in os.walk(self.place):
                Path(folder).chmod(0o755)
            shutil.rmtree(self.place)

    def state(self) -> State:
        """What is published."""
        if not (self.store / "objects.git").exists():
            return frozenset(), 0, "[]"
        store = ObjectStore(self.store, create=False)
        found = self.do("find --json", NotFound.exit_code, 0).strip()
        return _published(store), sum(1 for _ in store.view().runs()), found


def same(one: State, other: State) -> bool:
    """Equal; of runs, which are never equal, there may be more."""
    return (one[0], one[2]) == (other[0], other[2]) and one[1] >= other[1]


def _published(store: ObjectStore) -> frozenset[str]:
    view = store.view()
    found = set()
    for source in view.sources():
        for one in view.components(source.name):
            mark = " withdrawn" if one.withdrawn else ""
            found |= {f"{source.name}:{one.kind}:{one.name}@{version}{mark}" for version in one.versions}
    return frozenset(found)


def damage(path: Path) -> list[str]:
    """What is wrong with a store that does not mend itself; upstream histories must be held, too."""
    store = ObjectStore(path, create=False)
    found = [f"{each.what}: {each.message}" for each in check(store).damage if not each.repaired]
    refs = store.repo.references
    tips = [str(refs[name].target) for name in refs if name.startswith(HISTORY_REFS)]
    heads = {
        source.name: source.head
        for source in store.view().sources()
        if source.head and source.history and not is_elsewhere(store.repo, source.name)
    }
    lost = [name for name, head in heads.items() if not any(_reaches(store.repo, tip, head) for tip in tips)]
    return found + [f"no ref holds the history of {name}" for name in lost]


def _reaches(repo: pygit2.Repository, tip: str, commit: str) -> bool:
    return tip == commit or (tip in repo and commit in repo and repo.descendant_of(tip, commit))


def git_errors(path: Path) -> list[str]:
    """What stock git has to say; unreachable objects are no fault."""
    if shutil.which("git") is None:
        return []
    lines = git("fsck", "--full", "--strict", at=path / "objects.git").splitlines()
    return [line for line in lines if not line.startswith(("dangling", "notice:"))]


def litter(place: Path) -> list[str]:
    """What should not be there when no command is running."""
    return sorted({*_litter(place), *half_packs(place)})


def half_packs(place: Path) -> list[str]:
    """Packs without an index, and the other way."""
    return [
        str(path.relative_to(place))
        for path in place.rglob("pack/pack-*")
        if path.suffix in (".pack", ".idx", ".rev")
        and not path.with_suffix(".pack" if path.suffix == ".idx" else ".idx").exists()
    ]


def _litter(place: Path) -> Iterator[str]:
    for path in place.rglob("*"):
        name = str(path.relative_to(place))
        if path.name.startswith(("tmp", ".ckstore.", "run-")) or ".new" in path.name:
            yield name
        if path.suffix == ".lock" and "objects.git" in name:
            yield name
    yield from (str(path) for path in (place / "store" / "incoming").glob("*"))


@dataclass(frozen=True)
class Scene:
    """``command`` is interrupted in the world that ``prepare`` makes."""

    name: str
    command: str
    prepare: Callable[[World], None]
    without_git: bool = False
    when_done: int = 0  # the exit code of doing again what was done
    damaged: bool = False  # to begin with
    fewest_changes: int = 5  # of which a test that finds less has gone blind

    def __str__(self) -> str:
        return self.name


def trace_scene(world: World, scene: Scene) -> list[Event]:
    """What the command changes, as the kernel sees it; the world is prepared already."""
    settings = {"PATH": world.path_without_git()} if scene.without_git else {}
    lines, log = [world.line(scene.command)], world.base / "trace"
    return traced(lines, log, below=world.place, here=world.here, environment=settings)[0]


def _nothing(world: World) -> None:
    component(world.base / "one", "program", "one", tags="first", files={"x.c": "1"})
    world.place.mkdir()


def _one(world: World) -> None:
    _nothing(world)
    component(world.base / "two", "program", "two", tags="second", files={"y.c": "2", "sub/z.c": "3"})
    world.do("add {base}/one --source lab")


def _upstream(world: World) -> None:
    _one(world)
    world.upstream("up")


def _mirrored(world: World) -> None:
    _upstream(world)
    world.do(f"mirror {world.upstream('up').url}")
    up = world.upstream("up")
    up.commit(native("program/c", tags="new"))
    up.tag("v2.0.0")
    up.commit({"program/b/": None})


def _rewritten(world: World) -> None:
    """Upstream abandons what was mirrored: refs of the old history come, and others go."""
    _upstream(world)
    up = world.upstream("up")
    first = str(up.repo.revparse_single("main~2").id)
    up.tag("v9.0.0")
    world.do(f"mirror {up.url}")
    up.reset(first, {})
    up.commit(native("program/d", tags="other"))


def _damaged(world: World) -> None:
    """A power cut emptied a loose object that is added again."""
    _one(world)
    store = ObjectStore(world.store)
    blob = pygit2.hash(b"2")
    loose = store.git / "objects" / str(blob)[:2] / str(blob)[2:]
    loose.parent.mkdir()
    loose.write_bytes(b"")


def _many_packs(world: World) -> None:
    _one(world)
    for number in range(48):  # the next pack is one too many
        component(world.base / "many" / f"c{number}", "program", f"c{number}", files={"x": str(number)})
        world.do(f"add {{base}}/many/c{number} --source many")


def _shop(world: World) -> None:
    world.project.mkdir(parents=True)
    workshop(world.base / "shop")
    world.do("add {base}/shop")


def _locked(world: World) -> None:
    _shop(world)
    world.do("lock program:count")


def _two_operations(world: World) -> None:
    _one(world)
    world.do("add {base}/two --source lab")
    world.operation = next(ObjectStore(world.store).operations())[0]


def _exported(world: World) -> None:
    """What was exported is imported into a store that has something else."""
    _locked(world)
    world.do("export {base}/shop.bundle")
    world.clear()
    component(world.base / "one", "program", "one", tags="first", files={"x.c": "1"})
    world.place.mkdir()
    world.do("add {base}/one --source lab")


def _other_store(world: World) -> None:
    """Another store published something, and mirrored; this one follows its log."""
    _nothing(world)
    other = ["--store", str(world.base / "other")]
    for line in (["add", str(world.base / "one"), "--source", "lab"], ["mirror", world.upstream("up").url]):
        with contextlib.redirect_stdout(io.StringIO()):
            assert main([*line, *other]) == 0


def _two_stores(world: World) -> None:
    """Both stores published something that the other one lacks."""
    _other_store(world)
    component(world.base / "two", "program", "two", tags="second", files={"y.c": "2"})
    world.do("add {base}/two --source lab")


def _garbage(world: World) -> None:
    """Unreached objects: in packs of their own, in one with others, and loose; trees that nobody uses."""
    _one(world)
    world.do("add {base}/two --source lab")
    store = ObjectStore(world.store)
    for number in range(2):
        with store.writer() as writer:
            writer.add("blob", b"reached by nothing %d" % number)
            writer.finish()
    git("hash-object", "-w", "--stdin", at=store.git, given=b"loose")
    for release in (
        store.view().release("lab", one.uid, one.newest) for one in store.view().components("lab")
    ):
        lay_out(store, release.tree, release.digest)


ADD = Scene("add", "add {base}/two --source lab", _one)
CREATE = Scene("create", "add {base}/one --source lab", _nothing)
MIRROR = Scene("mirror", "mirror file://{base}/up.git", _upstream)
MIRROR_LIBRARY = Scene("mirror without git", MIRROR.command, _upstream, without_git=True)
MIRROR_UPDATE = Scene("mirror again", MIRROR.command, _mirrored)
MIRROR_REWRITTEN = Scene("mirror a rewritten history", MIRROR.command, _rewritten)
HEAL = Scene("heal", "add {base}/two --source lab", _damaged, damaged=True)
FOLD = Scene("fold", "add {base}/two --source lab", _many_packs)
FIND = Scene("find", "find program", _one)
LOCK = Scene("lock", "lock program:count", _shop)
RUN = Scene("run", "run program:count", _locked)
YANK = Scene("yank", "yank lab:program:one@1.0.0 --reason wrong", _one)
UNDO = Scene("undo", "undo {operation}", _two_operations, when_done=Conflict.exit_code)
EXPORT = Scene("export", "export {place}/shop.bundle", _locked)
IMPORT = Scene("import", "import {base}/shop.bundle", _exported)
PULL = Scene("pull", "pull {base}/other", _other_store)
JOIN = Scene("pull from a store with another log", "pull {base}/other", _two_stores)
GC = Scene("gc", "gc --grace 0", _garbage)
