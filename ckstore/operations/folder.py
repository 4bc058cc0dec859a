"""What a folder on disk is: one component or many, and what its place and the user say about it."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import pygit2

from ckstore.errors import InvalidInput
from ckstore.mirror.readers import Found, Listed, Listing, metadata_at
from ckstore.mirror.readers.safety import Safety
from ckstore.mirror.trees import Trees
from ckstore.model.limits import MAX_METADATA_BYTES
from ckstore.model.metadata import Metadata, Place
from ckstore.model.metadata_ck import CK_FILE, CK_REPOSITORY, ck_repository_name
from ckstore.model.metadata_formats import METADATA_FILES, format_of
from ckstore.model.metadata_native import NATIVE_FILE
from ckstore.model.names import check_name, check_tags, is_uid, unsafe_file_name
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

    def checked(self) -> Stated:
        """The same; :class:`InvalidInput` names the option that cannot be."""
        for option, text in (("kind", self.kind), ("name", self.name)):
            if text:
                check_option(text, option)
        check_tags(self.tags)
        return self


def check_option(text: str, option: str) -> str:
    """Return the name that an option of this name gives."""
    try:
        return check_name(text, option)
    except InvalidInput as error:
        raise InvalidInput(
            error.message, code=error.code, hints=[f"give another one with --{option}"], details=error.details
        ) from error


def is_single(path: Path, stated: Stated) -> bool:
    """True when the folder is one component: it has metadata of its own, or the user names its kind."""
    if own_format(path):
        return True
    return bool(stated.kind) and not (path / CK_REPOSITORY).is_file()


def own_format(path: Path) -> str:
    """The name of the format of the metadata in a folder; empty when there is none, or not of a component."""
    present = (file for file in METADATA_FILES if (path / file).is_file())
    form = format_of({file: _beginning(path / file) for file in present})
    return form.name if form else ""


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_METADATA_BYTES)


def repository_name(path: Path, alone: bool) -> str:
    """The name of the repository of components that the folder is, or (``alone``) belongs to; or empty."""
    root = path.parent.parent if alone else path
    described = root / CK_REPOSITORY
    if described.is_file():
        return ck_repository_name(described.read_bytes(), str(described)) or root.name
    return "" if alone else root.name


def ignored_by_git(path: Path) -> Callable[[str], bool]:
    """Whether the git working tree around a folder ignores a path in it; never, outside of one.

    A folder that is ignored itself was named on purpose: then nothing in it is left out.
    """
    found = pygit2.discover_repository(str(path))
    if found is None:
        return lambda item: False
    repository = pygit2.Repository(found)
    if repository.is_bare or repository.workdir is None:
        return lambda item: False
    root = Path(repository.workdir).resolve()
    own = path.resolve().relative_to(root).as_posix()
    if own != "." and repository.path_is_ignored(f"{own}/"):
        return lambda item: False
    tracked = {entry.path for entry in repository.index}  # git keeps these whatever its rules say
    tracked |= {parent.as_posix() for file in tuple(tracked) for parent in PurePosixPath(file).parents}

    def ignored(item: str) -> bool:
        name = Path(item).relative_to(root).as_posix()
        return bool(repository.path_is_ignored(name)) and name not in tracked

    return ignored


def outside_of(path: Path) -> list[str]:
    """What outside of a folder decides what is added: git's rules for it, and what names it in a repository.

    Paths, of which some may not be there: as long as all look the same, the same is left out.
    """
    above = [path, *path.parents]
    rules = [str(folder / name) for folder in above for name in (".git", ".gitignore")]
    found = pygit2.discover_repository(str(path))
    if found is not None:
        rules += [str(Path(found) / name) for name in ("index", "info/exclude", "config", "commondir")]
    named = [path.parent.parent / CK_REPOSITORY, path.parent / ".cm" / f"alias-a-{path.name}"]
    return ["/etc/gitconfig", *rules, *map(str, named)]


@dataclass(slots=True)
class Unsafe:
    """Leaves out what no tree can hold, and with it the components that it lies in.

    Called with absolute paths, like ``ignored``, which it asks first.
    """

    root: Path
    ignored: Callable[[str], bool]
    reasons: dict[str, str] = field(default_factory=dict)  # path below the root → why

    def __call__(self, item: str) -> bool:
        """True when the path is left out."""
        if self.ignored(item):
            return True
        path = Path(item)
        mode = path.lstat().st_mode
        reason = unsafe_file_name(path.name)
        if reason is None and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)):
            reason = "it is neither a file, a folder nor a symlink"
        if reason is not None:
            self.reasons[path.relative_to(self.root).as_posix()] = reason
        return reason is not None

    def without(self, listing: Listing) -> Listing:
        """The listing without the components that lost a file, with a problem for each thing left out."""
        kept, problems = [], list(listing.problems)
        for listed in listing.components:
            place = listed.found.path
            below = f"{place}/" if place else ""
            inside = {p[len(below) :]: why for p, why in self.reasons.items() if p.startswith(below)}
            if not inside:
                kept.append(listed)
            problems += [f"{place or '.'}: {ascii(path)[1:-1]}: {why}" for path, why in inside.items()]
        return Listing(tuple(kept), tuple(sorted(problems)), listing.warnings)


def single(staged: Staged, path: Path, tree: str, stated: Stated) -> Listing:
    """The one component that a folder is; :class:`InvalidInput` when something is missing or unsafe."""
    verdict = Safety(Trees(staged)).check(tree)
    if verdict.refusal:
        raise InvalidInput(f"{path} cannot be added: {verdict.refusal}.", code="unsafe-path")
    form = own_format(path)
    if not form:
        tree, form = _with_metadata(staged, path, tree, stated), "ckstore"
    found = Found(str(path), _place(path, stated, form == "ck"), tree, form)
    metadata = _metadata(staged, found)
    found = replace(found, path=_path_in_repository(path))
    _check_stated(path, metadata, stated)
    tags = tuple(sorted({*metadata.tags, *stated.tags}))
    warnings = [f"{found.path or '.'}: {verdict.warning}"] if verdict.warning else []
    listed = Listed(metadata.uid, found, replace(metadata, tags=tags))
    return Listing((listed,), metadata.problems, tuple(warnings))


def no_metadata(path: Path) -> InvalidInput:
    """The error for a folder that does not say what it is."""
    return InvalidInput(
        f"{path} has no metadata that says what it is ({NATIVE_FILE} or {CK_FILE}), nor has a folder in it.",
        code="no-metadata",
        hints=[
            "say --kind KIND, and --name NAME if the folder's name will not do, e.g. --kind dataset",
            f'or write a {NATIVE_FILE} into it: kind = "dataset"',
        ],
    )


def _metadata(staged: Staged, found: Found) -> Metadata:
    try:
        return metadata_at(Trees(staged), found)
    except InvalidInput as error:
        if error.code != "unsafe-name":
            raise
        what = error.details.get("what", "name")
        raise InvalidInput(
            error.message, code=error.code, hints=[f"give another one with --{what}"], details=error.details
        ) from error


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
    in_repository = aliases.is_dir() or _path_in_repository(path)
    kind = stated.kind or (path.parent.name if in_repository else "")
    alias = aliases / f"alias-a-{path.name}"
    uid = alias.read_text("utf-8", "replace").strip() if alias.is_file() else ""
    return Place(kind, stated.name or path.name, uid if is_uid(uid) else "")


def _path_in_repository(path: Path) -> str:
    """``kind/name`` of a component in a repository of CK; empty elsewhere."""
    return f"{path.parent.name}/{path.name}" if (path.parent.parent / CK_REPOSITORY).is_file() else ""


def _check_stated(path: Path, metadata: Metadata, stated: Stated) -> None:
    for what, ours, theirs in (("kind", metadata.kind, stated.kind), ("name", metadata.name, stated.name)):
        if theirs and ours != theirs:
            raise InvalidInput(
                f"The metadata of {path} says that its {what} is {ours!r}, not {theirs!r}.",
                code="stated-otherwise",
                hints=[f"leave --{what} out, or change the metadata"],
            )
