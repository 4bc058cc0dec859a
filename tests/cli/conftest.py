from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.session import Session


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Session:
    """A prompt in an empty folder, with a store of its own that does not exist yet."""
    monkeypatch.setenv("CKSTORE_STORE", str(tmp_path / "store"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Session(folder, capsys)
