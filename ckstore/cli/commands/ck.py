"""``ckstore ck``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from ckstore.cli.common import clean, open_store, store_option

_HELP = ("-h", "--help")
_SEPARATOR = "*** ### --- CK JSON SEPARATOR --- ### ***"


class CkCommand(click.Command):
    """A command whose words are read in CK's manner; only ``--store`` is ours."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take ``--store`` out, and leave everything else as it is."""
        if not args or args[0] in _HELP:
            return super().parse_args(ctx, args or list(_HELP[1:]))
        words, place = _without_store(args)
        ctx.params = {"words": tuple(words), "store_path": place or os.environ.get("CKSTORE_STORE")}
        return []


def _without_store(args: list[str]) -> tuple[list[str], str]:
    """(the other words, the store that is named, if any); what comes after ``--`` is not looked at."""
    end = args.index("--") if "--" in args else len(args)
    words, place = [], ""
    queue = args[:end]
    while queue:
        word = queue.pop(0)
        if word == "--store" and queue:
            place = queue.pop(0)
        elif word.startswith("--store="):
            place = word.partition("=")[2]
        else:
            words.append(word)
    return words + args[end:], place


@click.command("ck", cls=CkCommand, options_metavar="", add_help_option=True)
@click.argument(
    "words", nargs=-1, type=click.UNPROCESSED, metavar="ACTION [KIND[:NAME]] [KEY=VALUE]... [@FILE]..."
)
@store_option
def command(words: tuple[str, ...], store_path: str | None) -> int:
    """Answer a command line of Collective Knowledge (CK) from the store.

    \b
    ckstore ck search soft --tags=compiler,lang-c
    ckstore ck load program:cbench-automotive-susan --min
    ckstore ck find program:*susan* --out=json
    ckstore ck run program:cbench-automotive-susan --cmd_key=edges

    Read from the index and the log: find, load, info, search, list, list_tags, list_files, path, cid, and
    find, load, list and print_deps of repositories. Any other action is carried out by the kind of the
    component. KEY=VALUE, --KEY=VALUE, --KEY (yes), @FILE (JSON or YAML) and @@@{'key':'value'} are read as
    CK does. The exit code is CK's: 0, 16 for what is not found, 1 for everything else; errors go to stderr.
    """
    from ckstore.actions.ck.words import read_command
    from ckstore.cli.render_ck import text_of
    from ckstore.errors import CkstoreError
    from ckstore.operations.ck.files import read_mapping

    try:
        request = read_command(words, read_mapping, _typed)
        answer = _answer(request, store_path)
    except CkstoreError as error:
        if error.code == "no-store":  # that is for people, whatever they asked
            raise
        from ckstore.actions.ck.dialect import answer_to

        request, answer = {}, answer_to(error)
    out = str(request.get("out", "con"))
    if out == "json_file":
        answer = _saved(answer, str(request.get("out_file", "")))
    code = answer.get("return")
    if out in ("json", "json_with_sep"):
        click.echo(f"{_SEPARATOR}\n" if out != "json" else "", nl=False)
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    elif out == "con" and not code:
        for line in text_of(request, answer):
            click.echo(clean(line))
    if code:
        click.echo(f"CK error: {_of_module(request)}{clean(str(answer.get('error')))}!", err=True)
    return code if isinstance(code, int) else 0


def _answer(request: Mapping[str, object], store_path: str | None) -> dict[str, object]:
    from ckstore.operations.access import access, answer_alone

    alone = answer_alone(request)
    if alone is not None:
        return alone
    return access(open_store(store_path, create=False), request, os.environ, _folder())


def _saved(answer: dict[str, object], name: str) -> dict[str, object]:
    """The answer, written to a file as JSON; an error where there is no name for it."""
    if not name:
        return {"return": 1, "error": "out==json_file but out_file is not defined in kernel access function"}
    Path(name).write_text(json.dumps(answer, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return answer


def _folder() -> str:
    """The folder as the shell names it, where it is that: links are then as they were typed."""
    named = os.environ.get("PWD", "")
    try:
        return named if os.path.samefile(named, os.curdir) else os.getcwd()  # noqa: PTH121, PTH109 - texts
    except OSError:
        return os.getcwd()  # noqa: PTH109 - a text


def _typed(key: str) -> Mapping[str, object]:
    """An object typed for ``@@key``, up to an empty line; braces around it may be left out."""
    from ckstore.model.plain import parse_json

    lines = []
    for line in sys.stdin:
        if not line.strip():
            break
        lines.append(line)
    text = "".join(lines).strip()
    return parse_json((text if text.startswith("{") else f"{{{text}}}").encode(), f"@@{key}")


def _of_module(request: Mapping[str, object]) -> str:
    from ckstore.actions.ck.dialect import named_parts
    from ckstore.errors import CkstoreError

    try:
        module = named_parts(request).get("module_uoa", "")
    except CkstoreError:
        return ""
    return f"[{clean(module)}] " if module else ""
