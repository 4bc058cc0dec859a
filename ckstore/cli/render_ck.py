"""Answers in the dialect of Collective Knowledge as the text that CK prints."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from ckstore.model.plain import as_flag, as_list, as_map, as_text

Given = Mapping[str, object]
_LOADED = (
    "data_alias", "data_name", "data_uid", "data_uoa", "desc", "dict", "info", "module_alias", "module_uid",
    "module_uoa", "path", "path_desc", "path_info", "path_module", "path_repo", "repo_alias", "repo_uid",
    "repo_uoa", "updates",
)  # fmt: skip


def text_of(request: Given, answer: Given) -> Iterator[str]:
    """The lines for an answer without error; none for an action that prints for itself."""
    action = as_text(request.get("action"))
    return _TEXTS.get(action, _other)(request, answer)


def _paths(request: Given, answer: Given) -> Iterator[str]:
    yield from map(as_text, as_list(answer.get("paths")) or [answer.get("path")])


def _loaded(request: Given, answer: Given) -> Iterator[str]:
    keys = ("desc", "dict") if as_flag(request.get("min")) else _LOADED
    told = {key: answer[key] for key in keys if key in answer}
    yield json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False)


def _info(request: Given, answer: Given) -> Iterator[str]:
    yield from (
        f"Path  =        {as_text(answer.get('path'))}", "",
        f"Data alias =   {as_text(answer.get('data_alias'))}",
        f"Data UID   =   {as_text(answer.get('data_uid'))}", "",
        f"Module alias = {as_text(answer.get('module_alias'))}",
        f"Module UID   = {as_text(answer.get('module_uid'))}",
    )  # fmt: skip


def _full(request: Given, answer: Given) -> Iterator[str]:
    yield from _listed(request, answer, full=as_text(request.get("print_full")) != "no")


def _short(request: Given, answer: Given) -> Iterator[str]:
    yield from _listed(request, answer, full=any(as_flag(request.get(key)) for key in ("all", "print_full")))


def _listed(request: Given, answer: Given, full: bool) -> Iterator[str]:
    for item in map(as_map, as_list(answer.get("lst"))):
        names = [as_text(item.get(key)) for key in ("repo_uoa", "module_uoa", "data_uoa")]
        line = ":".join(names if full else names[2:])
        if as_flag(request.get("print_uid")):
            line = f"{line} ({as_text(item.get('data_uid'))})"
        if any(as_flag(request.get(key)) for key in ("print_name", "name")):
            named = as_text(as_map(item.get("info")).get("data_name")) or names[2]
            line = f"{named} ({line})"
        yield line
    if as_flag(request.get("print_time")):
        yield f"Elapsed time: {as_text(answer.get('elapsed_time'))}"


def _tags(request: Given, answer: Given) -> Iterator[str]:
    yield from map(as_text, as_list(answer.get("tags")))


def _files(request: Given, answer: Given) -> Iterator[str]:
    yield from as_map(answer.get("list"))


def _here(request: Given, answer: Given) -> Iterator[str]:
    """Names and UIDs, without and with the repository; what is not known is a question mark."""
    for keys in (("module", "data"), ("repo", "module", "data")):
        for kind in ("uoa", "uid"):
            yield ":".join(as_text(answer.get(f"{key}_{kind}")) or "?" for key in keys)


def _uids(request: Given, answer: Given) -> Iterator[str]:
    yield f"{as_text(answer.get('module_uid')) or '?'}:{as_text(answer.get('data_uid')) or '?'}"


def _needs(request: Given, answer: Given) -> Iterator[str]:
    yield from (as_text(as_map(need).get("repo_uoa")) for need in as_list(answer.get("repo_deps")))


def _printed(request: Given, answer: Given) -> Iterator[str]:
    yield as_text(answer.get("html"))


def _uid(request: Given, answer: Given) -> Iterator[str]:
    yield as_text(answer.get("data_uid"))


def _other(request: Given, answer: Given) -> Iterator[str]:
    yield json.dumps(answer, indent=2, sort_keys=True, ensure_ascii=False)


_TEXTS: dict[str, Callable[[Given, Given], Iterator[str]]] = {
    "find": _paths, "where": _paths, "load": _loaded, "info": _info, "search": _full, "list": _short,
    "ls": _short, "list_tags": _tags, "list_files": _files, "path": _here, "cid": _uids,
    "print_deps": _needs, "print_input": _printed, "uid": _uid,
}  # fmt: skip
