"""Where entries lie as files: ``<store>/cache/entries/<source>/<kind>/<name>`` leads to the laid-out tree.

These paths stay the same while releases come and go, as those of a working copy do, so that what was told by
path is found again by path.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ckstore.errors import NotFound
from ckstore.model.query import Hit, Query
from ckstore.objects.layout import Layout
from ckstore.objects.sharing import shared
from ckstore.objects.store import ObjectStore
from ckstore.operations.ck.repositories import Repositories, folder_of
from ckstore.operations.find import find

_KEYS = ("repo_uoa", "module_uoa", "data_uoa")


def root_of(store: ObjectStore) -> Path:
    """The folder with one folder for each source."""
    return store.path / "cache" / "entries"


def lay_out_all(store: ObjectStore, hits: list[Hit]) -> list[Path]:
    """The folders of these entries, written now where they are missing."""
    with shared(store.path), Layout(store) as layout:
        return [_linked(root_of(store), hit, layout.tree(hit.tree, hit.digest)) for hit in hits]


def lay_out_source(store: ObjectStore, source: str) -> Path:
    """The folder of a source with all of its entries."""
    root = root_of(store) / source
    lay_out_all(store, list(find(store.path, Query(source=source)).hits))
    root.mkdir(parents=True, exist_ok=True)
    return root


def _linked(root: Path, hit: Hit, tree: Path) -> Path:
    place = root / hit.source / hit.kind / hit.name
    target = os.path.relpath(tree, place.parent)
    if place.is_symlink() and os.readlink(place) == target:  # noqa: PTH115 - the text as it is
        return place
    new = place.with_name(f".{hit.name}.{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            new.unlink()
        new.symlink_to(target, target_is_directory=True)
        new.replace(place)
    except OSError:  # a system without links, a disk without room, a store that is read-only
        return tree
    return place


def here(store: ObjectStore, repositories: Repositories, folder: str) -> dict[str, str]:
    """The names of what the folder belongs to: a repository, perhaps a kind, perhaps an entry.

    The folder is one of those above, one that a source came from, or a working copy of such a repository.
    Raises NotFound ``no-repository-here``, which is 16.
    """
    path = Path(os.path.abspath(folder)) if folder else None  # noqa: PTH100 - links must stay as they are
    found = path and (_laid_out(store, path) or _origin(repositories, path))
    if not found:
        raise NotFound("repository is not detected in the current path", code="no-repository-here")
    return {key: part for key, part in zip(_KEYS, found, strict=False) if part}


def _laid_out(store: ObjectStore, path: Path) -> tuple[str, ...]:
    root = root_of(store)
    with contextlib.suppress(ValueError):
        return path.relative_to(root).parts[:3]
    real, trees = path.resolve(), (store.path / "trees").resolve()
    with contextlib.suppress(ValueError):
        return real.relative_to(root.resolve()).parts[:3]
    with contextlib.suppress(ValueError):
        tree = real.relative_to(trees).parts[:1]
        links = (link for link in root.glob("*/*/*") if tree and link.resolve().name == tree[0])
        return next((link.relative_to(root).parts for link in links), ())
    return ()


def _origin(repositories: Repositories, path: Path) -> tuple[str, ...]:
    """The source that came from a folder above, or whose descriptor lies in one."""
    real = path.resolve()
    for source in repositories.all():
        folder = folder_of(source)
        if folder is not None:
            with contextlib.suppress(ValueError, OSError):
                return (source.name, *real.relative_to(folder.resolve()).parts[:2])
    return _described(repositories, real)


def _described(repositories: Repositories, path: Path) -> tuple[str, ...]:
    from ckstore.errors import CkstoreError
    from ckstore.model.metadata_ck import CK_REPOSITORY, ck_repository_name

    for folder in (path, *path.parents):
        descriptor = folder / CK_REPOSITORY
        with contextlib.suppress(CkstoreError, OSError):
            if descriptor.is_file():
                name = ck_repository_name(descriptor.read_bytes(), CK_REPOSITORY)
                return (repositories.called(name).name, *path.relative_to(folder).parts[:2])
    return ()
