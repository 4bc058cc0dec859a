"""CK's Python hooks (``ck_preprocess``, ``ck_postprocess``), without CK.

A hook is a function of a script beside the program. It takes one dictionary and gives one, in which
``return`` is 0 or the number of an error that ``error`` explains. It may call the CK kernel through
``i["ck_kernel"]``: the file helpers that hooks commonly use are here, everything else is refused by name.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from ckstore.actions.tools import Tool
from ckstore.actions.wire import is_disk_full
from ckstore.errors import ActionFailed, InvalidInput, NotFound, Unsupported
from ckstore.model.plain import as_flag, as_int, as_map, as_text

Dict = dict[str, Any]


class FileKernel:
    """The part of CK's kernel that reads and writes files, in its dictionary protocol."""

    cfg: Mapping[str, object] = {}

    def __init__(self, hook: str, progress: Callable[[str], None]) -> None:
        self._hook = hook
        self._progress = progress

    def out(self, text: object) -> Dict:
        """Show a line."""
        self._progress(str(text))
        return {"return": 0}

    def load_json_file(self, i: Mapping[str, object]) -> Dict:
        """``json_file`` → ``dict``."""
        return self._try(lambda: {"dict": json.loads(Path(as_text(i.get("json_file"))).read_text("utf-8"))})

    def save_json_to_file(self, i: Mapping[str, object]) -> Dict:
        """``dict`` → ``json_file``; ``sort_keys``."""
        text = json.dumps(i.get("dict"), indent=2, sort_keys=as_flag(i.get("sort_keys")))
        return self._try(lambda: _write(as_text(i.get("json_file")), text + "\n"))

    def load_text_file(self, i: Mapping[str, object]) -> Dict:
        """``text_file`` → ``string``, and ``lst`` when ``split_to_list`` asks for the lines."""

        def load() -> Dict:
            text = Path(as_text(i.get("text_file"))).read_text("utf-8", "replace")
            lines = text.replace("\r", "").split("\n")
            return {"string": text} | ({"lst": lines} if as_flag(i.get("split_to_list")) else {})

        return self._try(load)

    def save_text_file(self, i: Mapping[str, object]) -> Dict:
        """``string`` → ``text_file``; ``append``."""
        return self._try(
            lambda: _write(as_text(i.get("text_file")), as_text(i.get("string")), as_flag(i.get("append")))
        )

    def __getattr__(self, name: str) -> object:
        raise Unsupported(
            f"The hook {self._hook} calls ck.{name}, which this version does not offer.",
            code="ck-hook",
            hints=["run another command of the program, or rewrite the hook without the CK kernel"],
        )

    def _try(self, act: Callable[[], Dict | None]) -> Dict:
        try:
            return {"return": 0} | (act() or {})
        except (OSError, ValueError) as error:
            return {"return": 1, "error": str(error)}


def hook_input(
    body: Mapping[str, object], command: str, tools: Mapping[str, Tool], dataset: tuple[str, str]
) -> Dict:
    """What CK tells its hooks, as far as it has a meaning here; ``dataset`` is a name and a file."""
    run_time = as_map(as_map(as_map(body.get("run_cmds")).get(command)).get("run_time"))
    system = {"env_set": "set" if os.name == "nt" else "export", "remote": "no"}
    deps = {
        key: {"uoa": tool.component, "ver": tool.version, "dict": {"env": dict(tool.environment)}}
        for key, tool in tools.items()
    }
    return {
        "meta": dict(body), "run_time": run_time, "deps": deps, "misc": {}, "params": {}, "device_cfg": {},
        "host_os_dict": system, "target_os_dict": system,
        "dataset_uoa": dataset[0], "dataset_file": dataset[1],
    }  # fmt: skip


def call_hook(
    script: Path, function: str, given: Mapping[str, object], folder: Path, progress: Callable[[str], None]
) -> Dict | None:
    """Call ``function`` of ``script`` with ``given`` in ``folder``; None when the script lacks it.

    Raises :class:`NotFound` when there is no script, :class:`Unsupported` when the hook needs more of
    CK than there is, :class:`ActionFailed` when it reports an error or breaks.
    """
    hook = f"{script.name}:{function}"
    if not script.is_file():
        raise NotFound(f"The hook script {script.name} is not among the program's files.", code="no-hook")
    try:
        with contextlib.chdir(folder):
            target = getattr(_load(script), function, None)
            if target is None:
                return None
            answer = target({"ck_kernel": FileKernel(hook, progress), **given})
    except (Unsupported, InvalidInput):
        raise
    except ImportError as error:
        raise Unsupported(f"The hook {hook} needs a Python module: {error}.", code="ck-hook") from error
    except Exception as error:
        if is_disk_full(error):
            raise
        raise ActionFailed(
            f"The hook {hook} broke: {type(error).__name__}: {error}", code="hook-failed"
        ) from error
    return _checked(hook, answer)


def _checked(hook: str, answer: object) -> Dict:
    if not isinstance(answer, Mapping):
        raise ActionFailed(f"The hook {hook} gave no dictionary.", code="hook-failed")
    code = as_int(answer.get("return", 0), 1)
    if code > 0:
        raise ActionFailed(
            f"The hook {hook} failed ({code}): {as_text(answer.get('error')) or 'it does not say why'}",
            code="hook-failed",
        )
    return cast(Dict, as_map(answer))


def _load(script: Path) -> object:
    name = f"ckstore_hook_{script.stem}_{os.getpid()}"
    spec = importlib.util.spec_from_file_location(name, script)
    assert spec is not None and spec.loader is not None, "a .py file always has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(script.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(script.parent))
    return module


def _write(name: str, text: str, append: bool = False) -> None:
    with Path(name).open("a" if append else "w", encoding="utf-8") as file:
        file.write(text)
