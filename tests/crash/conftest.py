"""A world for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckstore.objects import head as heads
from tests.crash.scenes import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """An empty one; what was left locked by the dead is recognised at once."""
    monkeypatch.setattr(heads, "_STALE_SECONDS", 0.02)
    return World(tmp_path)
