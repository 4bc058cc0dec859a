"""The tour: mirror a repository, lock, run, let the repository change underneath, run again.

python examples/tour.py [--folder PATH]

Everything happens in one folder (default: a temporary one, deleted at the end) and without network. The
repository is made of the components beside this file. Where no C compiler is found, the C programs
are passed over with a word, and the Python one runs.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pygit2

from ckstore import Store
from ckstore.errors import CkstoreError, Unavailable

HERE = Path(__file__).resolve().parent
RUNS = [  # program, command, data set
    ("heat-stencil", "diffuse", "image-pgm-rings"),
    ("heat-stencil", "diffuse", "image-pgm-speckle"),
    ("word-frequency", "count", "text-rain-gauge"),
    ("image-histogram", "histogram", "image-pgm-slope"),
]
Row = tuple[str, str, str, str, str]


def main() -> int:
    """Walk the tour; 0 when every output was the same before and after."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="an empty or new folder to work in, and to keep")
    with work_folder(parser.parse_args().folder) as folder:
        origin, store = folder / "shared.git", Store(folder / "store")
        commit(origin, dict(component_files()), "share the examples")

        report = store.mirror(str(origin), name="shared")
        print(f"mirrored {origin.name}: {report.total} components, {report.releases} releases")
        lock = store.lock([f"program:{name}" for name in dict.fromkeys(name for name, *_ in RUNS)])
        lock.write(folder / "ckstore.lock")
        print(f"locked {len(lock.lock.roots)} programs: {len(lock.lock.pins)} components pinned\n")
        before = run_all(store, folder)

        commit(origin, dict(spoiled(component_files())), "rename, retag, break")
        report = store.mirror(str(origin), name="shared")
        print("\nupstream renamed a program, dropped the tags of its data sets and broke a metadata file:")
        for name in ("heat-stencil", "heat-equation"):
            hits = store.find(f"program:{name}", all_versions=True)
            print(f"  find program:{name:14} {', '.join(hit.reference for hit in hits) or 'nothing'}")
        print(f"  find dataset --tags pgm     {len(store.find(kind='dataset', tags='pgm'))} components")
        print(*(f"  skipped {problem}" for problem in report.problems), sep="\n")
        print("\nthe same lock again:\n")
        after = run_all(store, folder)
    return (
        0 if before and [row[:3] for row in before] == [row[:3] for row in after if row[4] == "same"] else 1
    )


def run_all(store: Store, folder: Path) -> list[Row]:
    """Run what is in the lock, print the table of results, give its rows."""
    lock = store.read_lock(folder / "ckstore.lock")
    rows: list[Row] = []
    for name, command, dataset in RUNS:
        try:
            report = store.run(f"program:{name}", lock=lock, cmd=command, dataset=dataset, repeat=3)
        except Unavailable as error:
            if error.code != "no-compiler":
                raise
            print(f"no C compiler here: {name} on {dataset} is passed over")
            continue
        times = [float(text) for text in report.run.measurements["execution_time"]]
        outputs = ", ".join(sorted({item.result for item in report.comparisons})) or "none"
        rows.append((name, command, dataset, f"{statistics.median(times) * 1000:.1f} ms", outputs))
    show([("program", "command", "data set", "time", "outputs"), *rows])
    return rows


def show(rows: list[Row]) -> None:
    """A table; the first row is its head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def component_files() -> Iterator[tuple[str, bytes]]:
    """Path and bytes of every file of every component beside this file."""
    for metadata in sorted(HERE.glob("*/*/component.toml")):
        for path in sorted(metadata.parent.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(HERE).as_posix(), path.read_bytes()


def spoiled(files: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """What upstream may do to its files at any time."""
    for name, data in files:
        if name == "dataset/text-workshop/component.toml":
            data = b"title = \n"
        elif name.startswith("dataset/image-") and name.endswith(".toml"):
            data = data.replace(b'"image", "pgm", ', b'"picture", ')
        yield name.replace("program/heat-stencil/", "program/heat-equation/"), data


def commit(origin: Path, files: dict[str, bytes], message: str) -> None:
    """One more commit with exactly these files in a bare repository; no git binary is needed."""
    if not origin.exists():
        pygit2.init_repository(origin, bare=True, initial_head="main")
    repository = pygit2.Repository(origin)
    index = pygit2.Index()
    for name, data in files.items():
        index.add(pygit2.IndexEntry(name, repository.create_blob(data), pygit2.enums.FileMode.BLOB))
    who = pygit2.Signature("tour", "tour@example.org", 1_700_000_000, 0)
    parents = [] if repository.head_is_unborn else [repository.head.target]
    repository.create_commit("refs/heads/main", who, who, message, index.write_tree(repository), parents)


@contextmanager
def work_folder(given: Path | None) -> Iterator[Path]:
    """The folder that was asked for, or a temporary one that is deleted, read-only parts included."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given.absolute()
        return
    folder = Path(tempfile.mkdtemp(prefix="ckstore-tour-"))
    try:
        yield folder
    finally:
        for path in [folder, *folder.rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CkstoreError as error:
        sys.exit(f"tour: {error.message}\n" + "\n".join(f"  hint: {hint}" for hint in error.hints))
