"""``ckstore fsck``."""

from __future__ import annotations

import click

from ckstore.cli.common import Progress, json_option, open_store, plural, print_json, say, store_option
from ckstore.errors import CorruptData


@click.command("fsck")
@store_option
@json_option
def command(store_path: str | None, as_json: bool) -> None:
    """Check every object, record, digest and extracted tree of the store, and its index."""
    from ckstore.operations.fsck import fsck

    with Progress() as progress:
        health = fsck(open_store(store_path, create=False), progress)
    broken = [damage for damage in health.damage if not damage.repaired]
    if as_json:
        print_json(health.as_plain())
    else:
        for damage in health.damage:
            say(f"{damage.code}  {damage.what}: {damage.message}")
        say(
            f"checked {plural(health.objects, 'object')}, {plural(health.releases, 'release')}, "
            f"{plural(health.trees, 'extracted tree')}: "
            + (plural(len(broken), "problem") if broken else "all well")
        )
    if broken:
        raise CorruptData(
            f"The store is damaged in {plural(len(broken), 'place')}.",
            code="store-damaged",
            hints=["adding or mirroring the same content again heals objects"],
        )
