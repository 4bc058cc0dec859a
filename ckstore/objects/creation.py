"""Making an empty store: all of it synced before it has its name."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pygit2

from ckstore.errors import CorruptData
from ckstore.objects.disk import make_folders, not_writable, store_not_readable, sync_folder
from ckstore.objects.head import GIT_FOLDER
from ckstore.objects.litter import temporary_folder

# Old commits are as their authors' tools wrote them, and no fault of the store: `git fsck` is told so.
_OLD_WAYS = (
    "badTimezone", "badDate", "badDateOverflow", "missingNameBeforeEmail", "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail", "missingTaggerEntry", "multipleAuthors", "zeroPaddedDate",
    "zeroPaddedFilemode",
)  # fmt: skip


def is_store(path: Path) -> bool:
    """True when there is a store; raises :class:`Unavailable` when that cannot be seen."""
    try:
        return stat.S_ISDIR((path / GIT_FOLDER / "objects").stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise store_not_readable(path, error) from error


def fresh_config(path: Path) -> bytes:
    """The ``config`` that the repository of the store at ``path`` was made with."""
    with temporary_folder(path, "tmp-") as work:
        _init(work / GIT_FOLDER)
        return (work / GIT_FOLDER / "config").read_bytes()


def refuse_remains(path: Path) -> None:
    """Raise :class:`CorruptData` where a store was that lost its objects: no new one is begun upon it."""
    git, index = path / GIT_FOLDER, path / "index.sqlite"
    said = ""
    if os.path.lexists(git):
        said = f"{git} holds no folder of objects"
    elif index.exists():
        said = f"{path} holds the index of a store, but {GIT_FOLDER} is missing"
    if said:
        raise CorruptData(
            f"{said}: what was published is gone, or elsewhere.",
            code="bad-store",
            hints=[
                f"bring {git} back from a copy, or connect its disk",
                f"to begin anew, move {path} out of the way",
            ],
        )


def create_store(path: Path) -> None:
    """Made aside and renamed: whoever is killed here, or is second, leaves no half of a repository."""
    try:
        make_folders(path)
        with temporary_folder(path, "tmp-") as work:
            _init(work / GIT_FOLDER)
            if not (path / GIT_FOLDER).exists():
                (work / GIT_FOLDER).rename(path / GIT_FOLDER)
                sync_folder(path)
    except OSError as error:
        if not (path / GIT_FOLDER / "objects").is_dir():  # else another process was quicker
            raise not_writable(path, error) from error


def _init(git: Path) -> None:
    try:
        repo = pygit2.init_repository(str(git), bare=True)
        # Other programs' garbage collection must not be triggered by our packs, and keeps what we reach.
        repo.config["gc.auto"] = 0
        repo.config["core.logAllRefUpdates"] = "always"
        for oddity in _OLD_WAYS:
            repo.config[f"fsck.{oddity}"] = "ignore"
        repo.config["http.followRedirects"] = "false"  # libgit2 can be told nowhere else
        repo.free()
    except pygit2.GitError as error:
        raise OSError(str(error)) from error
    for name in ("HEAD", "config"):
        with (git / name).open("rb") as file:
            os.fsync(file.fileno())
    for folder, _, _ in os.walk(git, topdown=False):
        sync_folder(Path(folder))
