"""Repositories in which one rename broke others, in the shape of a real one."""

from __future__ import annotations

import json
from pathlib import Path

from tests.mirror.upstream import Upstream, ck

BLAS, FAST, SOLVER, PLOT, BENCH = (f"{n:016x}" for n in range(0xA1, 0xA6))
_FIRST = ["lib", "linear", "fast", "fast-linear"]


def _soft(tags: list[str], env: str) -> str:
    return json.dumps({"tags": tags, "customize": {"env_prefix": env}}, indent=2)


def _asks(**deps: str) -> str:
    return json.dumps(
        {"tags": ["demo"], "compile_deps": {role: {"tags": tags} for role, tags in deps.items()}}, indent=2
    )


def tools(path: Path) -> Upstream:
    """``soft:lib.fl`` becomes ``soft:lib.fastlin``; on the way its metadata is broken for one commit."""
    up = Upstream(path)
    up.commit({".ckr.json": '{"data_uoa": "tools"}', **ck("soft", "lib.fl", FAST, _soft(_FIRST, "CK_FL")),
               **ck("soft", "lib.blas", BLAS, _soft(["lib", "linear", "blas"], "CK_BLAS"))})  # fmt: skip
    broken = _soft(["lib", "linear", "fastlin", "fast-linear-library"], "CK_FASTLIN").replace(
        '"fastlin",', '"fastlin"'
    )
    up.commit({"soft/lib.fl/": None, "soft/.cm/alias-a-lib.fl": None,
               **ck("soft", "lib.fastlin", FAST, broken)})  # fmt: skip
    up.commit(
        ck(
            "soft",
            "lib.fastlin",
            FAST,
            _soft(["lib", "linear", "fastlin", "fast-linear-library"], "CK_FASTLIN"),
        )
    )
    return up


def users(path: Path) -> Upstream:
    """Programs that ask for the library by its former tags, by its new ones, and for any of its sort."""
    up = Upstream(path)
    up.commit({
        ".ckr.json": '{"data_uoa": "users"}',
        **ck("program", "solver", SOLVER, _asks(library="lib,fast-linear", math="lib,linear")),
        **ck("program", "plot", PLOT, _asks(library="lib,fast-linear-library")),
        **ck("program", "bench", BENCH, _asks(library="linear,fast")),
    })  # fmt: skip
    return up
