"""Files: those of an entry, and those that a command line names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ckstore.errors import InvalidInput, NotFound
from ckstore.model.limits import MAX_METADATA_BYTES
from ckstore.model.plain import parse_json
from ckstore.model.yamltext import parse_yaml
from ckstore.objects.store import ObjectStore

_SKIPPED = frozenset([".cm", ".svn", ".git"])


def files_of(
    store: ObjectStore, tree: str, *, all_of_them: bool = False, path: str = ""
) -> Iterator[tuple[str, int]]:
    """(path, size) of every file below a tree, without what frameworks keep there unless it is asked for."""
    for entry in store.read_tree(tree):
        if entry.name in _SKIPPED and not all_of_them:
            continue
        if entry.is_tree:
            yield from files_of(store, entry.oid, all_of_them=all_of_them, path=f"{path}{entry.name}/")
        elif store.has(entry.oid):
            yield f"{path}{entry.name}", store.size_of(entry.oid)


def read_mapping(name: str) -> Mapping[str, object]:
    """What a JSON or YAML file holds; NotFound when there is none."""
    path = Path(name)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_METADATA_BYTES + 1)
    except (OSError, ValueError) as error:
        raise NotFound(f"can't open file {name} ({error})", code="no-file") from error
    return (parse_yaml if path.suffix == ".yaml" else parse_json)(data, name)


def ask_nothing(key: str) -> Mapping[str, object]:
    """Nobody is there to type what ``@@key`` asks for."""
    raise InvalidInput(f"nobody can type what @@{key} asks for", code="bad-request")
