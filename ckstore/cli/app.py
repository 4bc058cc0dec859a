"""The click door: commands found by name and imported when used, errors rendered in one place."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import keyword
import os
import signal
import sys
from collections.abc import Sequence

import click

from ckstore import __version__
from ckstore.cli.common import clean
from ckstore.errors import CkstoreError, Unavailable
from ckstore.model.names import did_you_mean

INTERRUPTED, TERMINATED = 130, 143
# name → what `ckstore --help` says; the module ckstore.cli.commands.<name> holds the command
COMMANDS = {
    "add": "Add a folder of components to the store.",
    "mirror": "Mirror git repositories with all their releases.",
    "find": "Find components by name, tags or text.",
    "show": "Show a component or a run.",
    "lock": "Pin what a workflow needs in ckstore.lock.",
    "update": "Take newer releases into ckstore.lock.",
    "outdated": "List the pins of a lock that have newer releases.",
    "tree": "Show what a lock holds, and what asked for it.",
    "why": "Say why a lock pins a component.",
    "verify": "Check that everything a lock names is here, to the byte.",
    "run": "Run an action of a component against its lock.",
    "runs": "List what was run.",
    "replay": "Run a recorded run again and compare.",
    "bisect": "Name the release that broke what worked.",
    "sources": "List the sources in the store.",
    "log": "List what was published, or tell the story of a component.",
    "diff": "Show what changed between two releases, or two locks.",
    "needs": "Show what a component needs, and what answers it.",
    "needed-by": "Show who needs a component, in any source.",
    "impact": "Show who would lose what they need if a release became another.",
    "ck": "Answer a command of Collective Knowledge.",
    "check": "Check a source or a working folder, as a lint does.",
    "yank": "Hide a release from new locks; existing ones keep it.",
    "unyank": "Let a yanked release be chosen again.",
    "undo": "Take back what an operation published.",
    "export": "Write a lock with everything it names as one file.",
    "vendor": "Lay out what a lock names as plain files with digests.",
    "checkout": "Lay out what a lock names as a folder to work in.",
    "import": "Take a file of `ckstore export` into the store.",
    "pull": "Take over what another store published.",
    "push": "Let another store have what this one has.",
    "serve": "Serve the store as a git remote.",
    "fsck": "Check the store.",
    "gc": "Remove what nothing needs any more.",
    "merge-lock": "Merge two locks, as git asks its drivers to.",
    "completion": "Print the completion script of a shell.",
}


class LazyGroup(click.Group):
    """Imports a command when it is asked for, and reads CK's word order ``ckstore ACTION program:NAME``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of a first use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, if there is one."""
        if cmd_name not in COMMANDS:
            return None
        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name.replace("-", "_")
        module = importlib.import_module(f"ckstore.cli.commands.{name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """An unknown word before a component is an action: ``ckstore compile program:NAME``."""
        word = args[0]
        if word not in COMMANDS and any(":" in arg and not arg.startswith("-") for arg in args[1:]):
            return "run", self.get_command(ctx, "run"), args
        if word not in COMMANDS:
            hint = "".join(f" {text.capitalize()}" for text in did_you_mean(word, COMMANDS))
            raise click.UsageError(f"There is no command {word!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="ckstore", message="%(prog)s %(version)s")
def app() -> None:
    """Share research components across git repositories so that what worked keeps working.

    \b
    ckstore mirror github:ctuning/ctuning-programs
    ckstore find program --tags cbench
    ckstore run program:cbench-automotive-susan --cmd edges
    """


def run_command_line(words: Sequence[str]) -> int:
    """Run a command line; errors become text on stderr (JSON with ``--json``) and an exit code."""
    as_json = "--json" in itertools.takewhile("--".__ne__, words)
    code = INTERRUPTED

    def terminate(*_: object) -> None:
        """SIGTERM, as batch systems send it: everything ends as it does on Ctrl-C."""
        nonlocal code
        code = TERMINATED
        raise KeyboardInterrupt

    with contextlib.suppress(ValueError):  # not the main thread: whoever owns it handles signals
        signal.signal(signal.SIGTERM, terminate)
    try:
        result = app.main(list(words), prog_name="ckstore", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except CkstoreError as error:
        tell(error.as_plain(), as_json)
        return error.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hints = [f"`{context.command_path} --help` explains"] if context else []
        tell({"error": "usage", "message": error.format_message(), "hints": hints, "exit_code": 2}, as_json)
        return 2
    except (KeyboardInterrupt, click.Abort):
        message = "interrupted; nothing half-made was left"
        tell({"error": "interrupted", "message": message, "hints": [], "exit_code": code}, as_json)
        return code
    except (OSError, SystemExit) as error:  # click turns a closed pipe into an exit
        return _output_failed(error, as_json)


def _output_failed(error: OSError | SystemExit, as_json: bool) -> int:
    """Standard output cannot be written: no fault where its reader went away, as ``head`` does."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the last flush succeeds
    if isinstance(error, (BrokenPipeError, SystemExit)):
        return 0
    failure = Unavailable(f"Something could not be read or written: {error}.", code="io-error")
    tell(failure.as_plain(), as_json)
    return failure.exit_code


def tell(error: dict[str, object], as_json: bool) -> None:
    """An error on stderr: what was wanted, what was found, what to type next."""
    if as_json:
        click.echo(json.dumps(error, ensure_ascii=False), err=True)
        return
    click.echo(f"ckstore: {clean(str(error['message']))}", err=True)
    hints = error.get("hints")
    for hint in hints if isinstance(hints, list) else []:
        click.echo(f"  hint: {clean(str(hint))}", err=True)
