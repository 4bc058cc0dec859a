"""``ckstore fsck``."""

from __future__ import annotations

from pathlib import Path

import click

from ckstore.cli.common import (
    Progress,
    json_option,
    note,
    open_store,
    plural,
    print_json,
    say,
    store_option,
)
from ckstore.errors import CorruptData
from ckstore.objects.verify import Damage, Health
from ckstore.operations.repair import Repair

_SIGNERS = (
    "whom you trust belongs into the list of allowed signers; what nobody signed can be checked by hand "
    "(`ckstore log`), and taken back by `ckstore undo`"
)


@click.command("fsck")
@click.option("--repair", is_flag=True, help="Mend what can be mended; damaged files are kept aside.")
@click.option(
    "--from",
    "others",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="With --repair: another store, or a git repository, to take good copies from.",
)
@click.option(
    "--back-to",
    default="",
    metavar="OPERATION",
    help="With --repair, for a log that cannot be mended: go back to its newest whole operation.",
)
@click.option(
    "--signers",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Judge the signatures of the log by this list of allowed signers (see ssh-keygen).",
)
@store_option
@json_option
def command(
    repair: bool, others: tuple[Path, ...], back_to: str, signers: Path | None, store_path: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Check every object, record, digest and extracted tree of the store, and its index.

    --repair brings good copies in, from laid-out trees, from folders that were added, from --from and from
    where sources were mirrored, and makes anew what is derived. It deletes nothing that it did not replace.
    """
    from ckstore.objects.shape import mend_shape
    from ckstore.operations.fsck import fsck, fsck_and_repair
    from ckstore.operations.place import store_path as place_of_store

    if (others or back_to) and not repair:
        raise click.UsageError("--from and --back-to go with --repair.")
    if signers and repair:
        raise click.UsageError("--signers goes without --repair: no repair mends a signature.")
    mended = mend_shape(Path(place_of_store(store_path or ""))) if repair else []
    store = open_store(store_path, create=False)
    done = None
    with Progress() as progress:
        if repair:
            done, health = fsck_and_repair(store, others, back_to=back_to, progress=progress)
            done.done[:0] = mended
        else:
            health = fsck(store, progress, signers=signers)
    broken = [damage for damage in health.damage if not damage.repaired]
    if as_json:
        print_json(_plain(done, health))
    else:
        _show(done, health, broken)
    if broken:
        raise _error(done, broken)


def _error(done: Repair | None, broken: list[Damage]) -> CorruptData:
    """Signatures apart: what they tell is no fault of the bytes, and no copy from elsewhere mends it."""
    signatures = [damage for damage in broken if damage.code.startswith("signature-")]
    damaged = len(broken) - len(signatures)
    said = f"The store is damaged in {plural(damaged, 'place')}." if damaged else ""
    hints = _hints(done) if damaged else []
    if signatures:
        said += f" {plural(len(signatures), 'operation')} of the log lack a signature that counts."
        hints += ["`ckstore log --verify` says who signed what", _SIGNERS]
    return CorruptData(said.strip(), code="store-damaged" if damaged else "bad-signatures", hints=hints)


def _plain(done: Repair | None, health: Health) -> dict[str, object]:
    return {
        **health.as_plain(),
        "mended": done.done if done else [],
        "lost": sorted(done.lost) if done else [],
        "notes": done.notes if done else [],
        "back_to": done.back_to if done else "",
    }


def _show(done: Repair | None, health: Health, broken: list[Damage]) -> None:
    for text in done.done if done else ():
        say(f"mended  {text}")
    for text in done.notes if done else ():
        note(text)
    for damage in health.damage:
        say(f"{damage.code}  {damage.what}: {damage.message}")
    say(
        f"checked {plural(health.objects, 'object')}, {plural(health.releases, 'release')}, "
        f"{plural(health.trees, 'extracted tree')}: "
        + (plural(len(broken), "problem") if broken else "all well")
    )


def _hints(done: Repair | None) -> list[str]:
    if done is None:
        return ["`ckstore fsck --repair` mends what it can", "adding the same content again heals objects"]
    if done.back_to:
        return [
            f"the newest whole operation is {done.back_to[:12]}, {done.back_summary}; "
            f"{plural(done.behind, 'operation')} after it would be lost",
            f"`ckstore fsck --repair --back-to {done.back_to[:12]}` goes back to it",
        ]
    return ["`ckstore fsck --repair --from FOLDER` takes good copies from another store or repository"]
