"""Stock git has nothing to say about a store, whatever was mirrored into it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pygit2
import pytest

from ckstore.objects.store import HISTORY_REFS, ObjectStore
from ckstore.operations.mirror import mirror
from tests.mirror.upstream import Upstream

WHO = pygit2.Signature("Tester", "t@example.org", 1_600_000_000, 0)


@pytest.mark.parametrize("address", ["path", "url"])
def test_annotated_tags_side_branches_and_odd_time_zones_leave_git_silent(
    tmp_path: Path, have_git: str, address: str
) -> None:
    upstream = Upstream(tmp_path / "up")
    first = upstream.commit({"program/a/component.toml": 'kind = "program"\n', "program/a/f": "1"})
    data = (
        f"tree {upstream.root(first)}\nparent {first}\nauthor A <a@b> 1600000100 +51800\n"
        "committer A <a@b> 1600000100 +51800\n\nodd\n"
    ).encode()
    odd = str(upstream.repo.odb.write(pygit2.enums.ObjectType.COMMIT, data))
    upstream.repo.references.create("refs/heads/main", odd, force=True)
    upstream.repo.references.create("refs/heads/side", first)
    tag = str(upstream.repo.create_tag("v1", first, pygit2.enums.ObjectType.COMMIT, WHO, "one"))

    store = ObjectStore(tmp_path / "store")
    report = mirror(store, str(upstream.path) if address == "path" else upstream.url, name="up")
    assert report.releases == 1
    assert f"{HISTORY_REFS}up/tag/{tag}" in store.repo.references

    said = subprocess.run(
        [have_git, f"--git-dir={store.git}", "fsck", "--full"], capture_output=True, text=True, check=True
    )
    assert (said.stdout, said.stderr) == ("", "")
