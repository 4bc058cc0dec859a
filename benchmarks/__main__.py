"""``python -m benchmarks``: one table of ratios. How to read it: docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.cases import CASES, QUERY, Setting
from benchmarks.folders import remove_all
from benchmarks.generate import FULL, QUICK
from benchmarks.measure import Row, table
from ckstore.errors import CkstoreError


def parser() -> argparse.ArgumentParser:
    """The options."""
    what = "; ".join(f"{name}: {case.__doc__}" for name, case in CASES.items())
    found = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, epilog=what)
    found.add_argument(
        "names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(CASES)} (default: all)"
    )
    found.add_argument("--quick", action="store_true", help="less material, fewer repetitions")
    found.add_argument(
        "--repetitions", type=int, default=0, help="per contestant (default: 9, with --quick 3)"
    )
    found.add_argument("--store", type=Path, help="an existing store for `find`, instead of a generated one")
    found.add_argument("--tags", default=QUERY, help="what `find` is asked (default: %(default)s)")
    found.add_argument("--ck", default=shutil.which("ck"), help="the program `ck` of Collective Knowledge")
    found.add_argument("--repository", type=Path, help="a git repository for `history`")
    found.add_argument("--releases", type=int, default=0, help="of the catalogue that `scale` makes up")
    found.add_argument("--json", action="store_true", help="every sample, in seconds, as JSON")
    return found


def main() -> int:
    """Measure, print, delete what was generated; gives 1 when a case failed, after all others."""
    options = parser().parse_args()
    unknown = sorted(set(options.names) - set(CASES))
    if unknown:
        parser().error(f"unknown: {', '.join(unknown)}; known: {', '.join(CASES)}")
    folder = Path(tempfile.mkdtemp(prefix="ckstore-benchmarks-"))
    rows: list[Row] = []
    failures: list[str] = []
    try:
        for name in [name for name in CASES if not options.names or name in options.names]:
            print(f"measuring: {name}", file=sys.stderr)
            try:
                rows += CASES[name](setting(options, folder / name))
            except (RuntimeError, CkstoreError) as error:
                failures.append(f"{name} failed: {error}")
    finally:
        remove_all(folder)
    print(json.dumps([row.as_plain() for row in rows], indent=2) if options.json else table(rows))
    print("\n".join(failures), file=sys.stderr, end="\n" if failures else "")
    return 1 if failures else 0


def setting(options: argparse.Namespace, folder: Path) -> Setting:
    """What a case is given, with a new folder of its own."""
    folder.mkdir()
    size, repetitions = (QUICK, 3) if options.quick else (FULL, 9)
    return Setting(
        folder, size, options.repetitions or repetitions, options.store, options.tags, options.ck,
        options.repository, options.releases or (20_000 if options.quick else 1_000_000),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
