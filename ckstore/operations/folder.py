"""What a folder on disk is: one component or many, and what its place and the user say about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pygit2

from ckstore.errors import InvalidInput
from ckstore.mirror.readers import Found, Listed, Listing, metadata_at
from ckstore.mirror.readers.safety import Safety
from ckstore.mirror.trees import Trees
from ckstore.model.metadata import CK_FILE, CK_REPOSITORY, NATIVE_FILE, Metadata, Place, ck_repository_name
from ckstore.model.names import is_uid
from ckstore.model.tomltext import quote
from ckstore.objects.folders import Staged
from ckstore.objects.trees import FILE, TreeEntry


@dataclass(frozen=True, slots=True)
class Stated:
    """What the user says where the metadata does not."""

    kind: str = ""
    name: str = ""
    version: str = ""
    tags: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.kind or self.name or self.version or self.tags)


def is_single(path: Path, stated: Stated) -> bool:
    """True when the folder is one component: it has metadata of its own, or the user names its kind."""
    if (path / NATIVE_FILE).is_file() or (path / CK_FILE).is_file():
        return True
    return bool(stated.kind) and not (path / CK_REPOSITORY).is_file()


def repository_name(path: Path, alone: bool) -> str:
    """The name of the repository of components that the folder is, or (``alone``) belongs to; or empty."""
    root = path.parent.parent if alone else path
    described = root / CK_REPOSITORY
    if described.is_file():
        return ck_repository_name(described.read_bytes(), str(described)) or root.name
    return "" if alone else root.name


def ignored_by_git(path: Path) -> Callable[[str], bool]:
    """Whether the git working tree around a folder ignores a path in it; never, outside of one."""
    found = pygit2.discover_repository(str(path))
    if found is None:
        return lambda item: False
    repository = pygit2.Repository(found)
    if repository.is_bare or repository.workdir is None:
        return lambda item: False
    root = Path(repository.workdir)
    return lambda item: bool(repository.path_is_ignored(Path(item).relative_to(root).as_posix()))


def single(staged: Staged, path: Path, tree: str, stated: Stated) -> Listing:
    """The one component that a folder is; :class:`InvalidInput` when something is missing or unsafe."""
    trees = Trees(staged)
    refusal = Safety(trees).check(tree).refusal
    if refusal:
        raise InvalidInput(f"{path} cannot be added: {refusal}.", code="unsafe-path")
    if not (path / NATIVE_FILE).is_file() and not (path / CK_FILE).is_file():
        tree = _with_metadata(staged, path, tree, stated)
    is_ck = not (path / NATIVE_FILE).is_file() and (path / CK_FILE).is_file()
    found = Found("", _place(path, stated, is_ck), tree, "ck" if is_ck else "native")
    metadata = metadata_at(Trees(staged), found)
    _check_stated(path, metadata, stated)
    tags = tuple(sorted({*metadata.tags, *stated.tags}))
    return Listing((Listed(metadata.uid, found, replace(metadata, tags=tags)),), ())


def _with_metadata(staged: Staged, path: Path, tree: str, stated: Stated) -> str:
    """The tree with a ``component.toml`` that says what the user said; the folder itself is not touched."""
    if not stated.kind:
        raise InvalidInput(f"{path} says no kind.", code="no-kind", hints=["say --kind"])
    tags = ", ".join(quote(tag) for tag in stated.tags)
    text = f"kind = {quote(stated.kind)}\nname = {quote(stated.name or path.name)}\ntags = [{tags}]\n"
    entry = TreeEntry(FILE, NATIVE_FILE, staged.writer.add("blob", text.encode()))
    return staged.writer.add_tree([*staged.read_tree(tree), entry])


def _place(path: Path, stated: Stated, is_ck: bool) -> Place:
    """In a CK repository the folders above say the kind and, through the alias file, the UID."""
    if not is_ck:
        return Place(stated.kind, stated.name or path.name)
    aliases = path.parent / ".cm"
    kind = stated.kind or (path.parent.name if aliases.is_dir() else "")
    alias = aliases / f"alias-a-{path.name}"
    uid = alias.read_text("utf-8", "replace").strip() if alias.is_file() else ""
    return Place(kind, stated.name or path.name, uid if is_uid(uid) else "")


def _check_stated(path: Path, metadata: Metadata, stated: Stated) -> None:
    for what, ours, theirs in (("kind", metadata.kind, stated.kind), ("name", metadata.name, stated.name)):
        if theirs and ours != theirs:
            raise InvalidInput(
                f"The metadata of {path} says that its {what} is {ours!r}, not {theirs!r}.",
                code="stated-otherwise",
                hints=[f"leave --{what} out, or change the metadata"],
            )
