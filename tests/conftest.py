"""Settings that all tests share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pygit2
import pytest
from hypothesis import HealthCheck, settings

from ckstore.objects.store import ObjectStore

# Derandomized, without deadlines: a test is red because of a change, never because of luck or a busy machine.
settings.register_profile(
    "ckstore", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ckstore")


@pytest.fixture(autouse=True)
def hermetic(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, no settings of the user's, one git identity. Gives the home."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(("CKSTORE_", "XDG_", "GIT_", "CK_")):
            monkeypatch.delenv(name)
    folders = {"HOME": "", "XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data", "XDG_CACHE_HOME": "cache"}
    identity = {"NAME": "A Tester", "EMAIL": "tester@example.org", "DATE": "2024-01-01T00:00:00Z"}
    settings = {
        **{name: str(home / below) for name, below in folders.items()},
        **{f"GIT_{who}_{what}": text for who in ("AUTHOR", "COMMITTER") for what, text in identity.items()},
        "GIT_CONFIG_NOSYSTEM": "1",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    for level in (
        pygit2.enums.ConfigLevel.GLOBAL,
        pygit2.enums.ConfigLevel.XDG,
        pygit2.enums.ConfigLevel.SYSTEM,
    ):
        pygit2.settings.search_path[level] = str(home)
    return home


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    """A new, empty store."""
    return ObjectStore(tmp_path / "store", who="A Tester")


@pytest.fixture
def have_git() -> str:
    """The path of git; the test is skipped where there is none."""
    path = shutil.which("git")
    if path is None:
        pytest.skip("git is not installed")
    return path
