"""Which store and which project a command is about."""

from __future__ import annotations

import os
import sys

APP = "ckstore"
VARIABLE = "CKSTORE_STORE"
PROJECT_FILE = "ckstore.toml"


def store_path(option: str = "", folder: str = "") -> str:
    """The absolute path of the store, which need not exist.

    The first that says one: ``option`` (``--store``), the variable ``CKSTORE_STORE``, ``[store] path`` in
    the ``ckstore.toml`` of the project around ``folder`` (empty: the working folder; the path is relative
    to that file), the platform's folder for user data. InvalidInput when that file is malformed.
    """
    asked = option or os.environ.get(VARIABLE, "")
    if asked:
        return os.path.abspath(asked)  # noqa: PTH100  # pathlib would double the start-up of the quick path
    project = project_folder(folder)
    said = _said_by(f"{project}/{PROJECT_FILE}") if project else ""
    if said:
        return os.path.abspath(os.path.join(project, os.path.expanduser(said)))  # noqa: PTH100, PTH111, PTH118  # likewise
    return default_store()


def project_folder(folder: str = "") -> str:
    """The nearest folder, from ``folder`` (empty: the working folder) up, with a ``ckstore.toml``, or ''."""
    try:
        at = os.path.abspath(folder or os.getcwd())  # noqa: PTH100, PTH109  # likewise
    except FileNotFoundError:  # the working folder was deleted
        return ""
    while not os.path.isfile(os.path.join(at, PROJECT_FILE)):  # noqa: PTH113, PTH118  # likewise
        above = os.path.dirname(at)  # noqa: PTH120  # likewise
        if above == at:
            return ""
        at = above
    return at


def default_store() -> str:
    """The folder for this user's data, as platformdirs has it; on Linux without importing it."""
    if sys.platform == "linux":
        base = os.environ.get("XDG_DATA_HOME", "")
        base = base if base.startswith("/") else os.path.expanduser("~/.local/share")  # noqa: PTH111  # likewise
        return f"{base.rstrip('/')}/{APP}"
    import platformdirs

    return platformdirs.user_data_dir(APP, appauthor=False)


def _said_by(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123  # likewise
            text = file.read()
    except (UnicodeDecodeError, OSError) as error:
        from ckstore.errors import InvalidInput

        raise InvalidInput(f"{path} cannot be read: {error}.", code="unreadable-file") from error
    if not any(_may_name_store(line) for line in text.splitlines()):
        return ""
    from ckstore.model.manifest import Manifest  # most files name no store, and start faster

    return Manifest.parse(text, path).store


def _may_name_store(line: str) -> bool:
    """False for lines that cannot hold the key ``store``: the TOML reader alone is slow to import."""
    key = line.partition("=")[0].strip()
    return not key.startswith("#") and ("store" in key or "\\" in key)
