"""A lock for other tools: JSON, CycloneDX, and a script that needs git alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ckstore.errors import Unsupported
from ckstore.model.locks import Lock, Pin, SourcePin
from ckstore.objects.digests import digest_of_folder
from ckstore.objects.store import ObjectStore
from ckstore.operations.lock import make_lock
from ckstore.operations.lock_formats import for_git, for_tools
from ckstore.operations.mirror import mirror
from ckstore.operations.sbom import bill_of_materials
from tests.mirror.upstream import Upstream, native

NEEDS = '[needs]\nlib = "soft:lib@^1"\n'


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    up = Upstream(tmp_path / "upstream.git")
    app = native("soft/app")
    app["soft/app/component.toml"] += NEEDS
    odd = {
        "soft/lib/crlf.txt": "one\r\ntwo\r\n", "soft/lib/ident.txt": "$Id$\n",
        "soft/lib/.gitattributes": "* text=auto eol=crlf ident\n",
    }  # fmt: skip
    up.commit({**app, **native("soft/lib"), **odd})
    return up


@pytest.fixture
def lock(store: ObjectStore, upstream: Upstream) -> Lock:
    """A lock of what upstream was once; it went on since."""
    mirror(store, upstream.url, name="up")
    lock = make_lock(store, ["soft:app"])[0]
    upstream.commit({"soft/lib/ident.txt": "changed\n"})
    mirror(store, upstream.url, name="up")
    return lock


class TestForGit:
    def run(self, script: str, folder: Path) -> subprocess.CompletedProcess[str]:
        folder.mkdir()
        (folder / "get.sh").write_text(script)
        return subprocess.run(
            ["sh", "get.sh", "all of it"], cwd=folder, capture_output=True, text=True, check=False,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"},
        )  # fmt: skip

    def test_git_alone_brings_the_very_files(self, lock: Lock, tmp_path: Path, have_git: str) -> None:
        done = self.run(for_git(lock), tmp_path / "elsewhere")
        assert (done.returncode, done.stderr) == (0, "")
        for name in ("up:soft:app", "up:soft:lib"):
            place = tmp_path.joinpath("elsewhere", "all of it", *name.split(":"))
            assert digest_of_folder(place) == lock.pin(name).digest

    def test_what_is_not_in_git_is_named(self, lock: Lock) -> None:
        names = {line.split()[4] for line in for_git(lock).splitlines() if line.startswith("# not in git:")}
        assert names == {p.component.replace(":", "/") for p in lock.pins if p.source == "ckstore"}

    def test_a_tree_that_a_commit_does_not_have_fails_and_the_rest_is_there(
        self, lock: Lock, tmp_path: Path, have_git: str
    ) -> None:
        script = for_git(lock).replace(lock.pin("up:soft:app").tree, "1" * 40)
        done = self.run(script, tmp_path / "elsewhere")
        assert done.returncode == 1 and "up/soft/app: the commit" in done.stderr
        assert (tmp_path / "elsewhere" / "all of it" / "up" / "soft" / "lib").is_dir()

    @pytest.mark.parametrize(
        "url", ["ext::sh -c touch% pwned", "--upload-pack=touch pwned", "$(touch pwned)", "x://y", "a\n b"]
    )
    def test_an_address_that_would_run_something_is_no_address(
        self, url: str, tmp_path: Path, have_git: str
    ) -> None:
        done = self.run(for_git(strange(url=url)), tmp_path / "elsewhere")
        assert done.returncode == 0
        assert not list(tmp_path.rglob("pwned"))

    def test_what_a_lock_says_is_never_code(self, tmp_path: Path, have_git: str) -> None:
        lock = strange(
            url="file:///nowhere/$(touch${IFS}pwned)';touch${IFS}pwned;'", path="$(touch pwned)\n touch pwned"
        )
        self.run(for_git(lock), tmp_path / "elsewhere")
        assert not list(tmp_path.rglob("pwned"))


def strange(url: str, path: str = "x") -> Lock:
    pin = Pin("s", "soft", "a", "0" * 16, "1.0.0", "1" * 40, "sha256:" + "2" * 64, "3" * 40, path)
    return Lock((("soft:a", "s:soft:a"),), (SourcePin("s", url, "3" * 40, 1),), (pin,))


class TestForTools:
    def test_every_pin_says_where_it_is_from_what_it_is_and_who_requires_it(
        self, lock: Lock, upstream: Upstream
    ) -> None:
        plain = json.loads(for_tools(lock))
        lib = next(p for p in plain["packages"] if p["name"] == "up:soft:lib")
        pin = lock.pin("up:soft:lib")
        source = next(source for source in lock.sources if source.name == "up")
        assert lib["vcs"] == {
            "type": "git", "url": source.url, "commit-id": pin.commit, "subdirectory": "soft/lib"
        }  # fmt: skip
        assert lib["swhid"] == f"swh:1:dir:{pin.tree}"
        assert lib["hashes"] == {"ckstore-tree-sha256": pin.digest.removeprefix("sha256:")}
        assert lib["required-by"] == [{"name": "up:soft:app", "role": "lib", "ask": "soft:lib@^1"}]
        app = next(p for p in plain["packages"] if p["name"] == "up:soft:app")
        assert {"name": "up:soft:lib", "role": "lib", "ask": "soft:lib@^1"} in app["dependencies"]
        assert app["required-by"] == [{"name": "", "role": "", "ask": "soft:app"}]
        assert all("vcs" not in p for p in plain["packages"] if p["source"] == "ckstore")


class TestCycloneDX:
    def test_the_library_reads_it_back_with_every_pin_and_who_needs_whom(self, lock: Lock) -> None:
        from cyclonedx.model.bom import Bom

        plain = json.loads(bill_of_materials(lock))
        bom = Bom.from_json(plain)  # type: ignore[attr-defined]  # the library's decorator adds it
        assert {c.bom_ref.value for c in bom.components} == {p.component for p in lock.pins}
        needs = {d["ref"]: d.get("dependsOn", []) for d in plain["dependencies"]}
        assert needs["ckstore.lock"] == ["up:soft:app"]
        assert "up:soft:lib" in needs["up:soft:app"]
        lib = next(c for c in plain["components"] if c["name"] == "lib")
        assert lib["swhid"] == [f"swh:1:dir:{lock.pin('up:soft:lib').tree}"]
        assert lib["externalReferences"][0]["type"] == "vcs"

    def test_equal_locks_give_equal_bytes_in_every_process(self, lock: Lock, tmp_path: Path) -> None:
        path = tmp_path / "a.lock"
        path.write_text(lock.emit())
        code = (
            "import sys; from ckstore.model.locks import Lock\n"
            "from ckstore.operations.lock_formats import written_lock\n"
            "lock = Lock.parse(open(sys.argv[1]).read())\n"
            "print([written_lock(lock, form) for form in ('json', 'sources', 'cyclonedx')])"
        )
        outs = {
            subprocess.run(
                [sys.executable, "-c", code, str(path)], capture_output=True, check=True,
                cwd=Path(__file__).resolve().parents[2], env={**os.environ, "PYTHONHASHSEED": seed},
            ).stdout
            for seed in ("1", "2")
        }  # fmt: skip
        assert len(outs) == 1

    def test_without_the_library_it_is_said_what_to_install(
        self, lock: Lock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "cyclonedx.model.bom", None)
        with pytest.raises(Unsupported, match="not installed") as caught:
            bill_of_materials(lock)
        assert caught.value.hints[0] == "pip install 'ckstore[sbom]'"
