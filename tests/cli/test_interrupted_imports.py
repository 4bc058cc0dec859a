"""Ctrl-C before the command is there: said as later on, without a traceback."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import pytest

from ckstore.cli.main import main


class Interrupted(ModuleType):
    """A module at whose import somebody presses Ctrl-C."""

    def __getattr__(self, name: str) -> object:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("ckstore.cli.quick", ["find", "x"]),
        ("ckstore.cli.quick_add", ["add", "x"]),
        ("ckstore.cli.app", ["log", "--", "--json"]),
    ],
)
def test_an_interrupted_import_is_no_traceback(
    module: str, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, module, Interrupted(module))
    assert main(words) == 130
    assert capsys.readouterr().err == "ckstore: interrupted; nothing half-made was left\n"
    assert main([words[0], "--json"]) == 130
    assert json.loads(capsys.readouterr().err)["error"] == "interrupted"
