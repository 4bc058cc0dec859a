"""Making an empty store: all of it synced before it has its name."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pygit2

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
