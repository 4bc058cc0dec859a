"""The quick door of ``add``: says that there is nothing to do, when nothing changed since it was last said.

No click and no object database: a folder of twenty thousand files is looked at, and that is all. Whatever
is not exactly as it was is left to the other door.
"""

from __future__ import annotations

import os
import sys

from ckstore.cli.options import ADD_OPTIONS, parse, split_tags
from ckstore.cli.output import emit, visible
from ckstore.cli.render_add import render, skipped
from ckstore.objects.peek import peek_head
from ckstore.operations.place import store_path
from ckstore.operations.settled import Memory

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    from ckstore.operations.settled import Settled


def try_add(argv: list[str]) -> int | None:
    """Do ``ckstore add <argv>`` and give the exit code; None, and nothing printed, if there is more to it."""
    try:
        values, words = parse(ADD_OPTIONS, argv)
        [path] = words
        settled = None if values["rehash"] else _settled(path, values)
    except Exception:  # whatever is wrong here, the other door meets it again and says it well
        return None
    if settled is None:
        return None
    emit(
        _json(settled)
        if values["json"]
        else "".join(f"{_clean(line)}\n" for line in render((), settled.unchanged))
    )
    if not values["json"]:
        sys.stderr.write("".join(f"ckstore: {_clean(line)}\n" for line in skipped(settled.problems)))
    return 0


def _settled(path: str, values: dict[str, object]) -> Settled | None:
    store = store_path(str(values["store"]))
    tags = ",".join(sorted(set(split_tags(str(values["tags"])))))
    kind, name, version, source = (str(values[key]) for key in ("kind", "name", "version", "source"))
    folder = os.path.realpath(path)
    return Memory(store, folder, (kind, name, version, tags, source)).answer(peek_head(store))


def _clean(line: str) -> str:
    return visible(line.expandtabs())


def _json(settled: Settled) -> str:
    import json

    plain = {
        "source": settled.source, "added": [], "unchanged": settled.unchanged, "withdrawn": [],
        "returned": [], "problems": list(settled.problems),
    }  # fmt: skip
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
