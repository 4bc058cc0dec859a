"""The log signed with ssh keys: stock git agrees; forged, foreign and missing signatures are told apart."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ckstore.errors import CkstoreError, CorruptData
from ckstore.objects.signing import read_signing, split
from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import check
from ckstore.operations.exchange import pull
from ckstore.operations.export_lock import export_lock
from ckstore.operations.fsck import fsck
from ckstore.operations.import_bundle import import_bundle
from ckstore.operations.lock import make_lock
from ckstore.operations.signatures import verdicts
from tests.objects.helpers import add, git, make_folder

needs_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


def make_key(path: Path, passphrase: str = "") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)], check=True)
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path / "key")


@pytest.fixture
def signers(tmp_path: Path, key: Path) -> Path:
    path = tmp_path / "signers"
    path.write_text(f"me@example.org {key.with_suffix('.pub').read_text()}")
    return path


def settings(store: ObjectStore, **values: object) -> None:
    said = {True: "true", False: "false"}
    lines = [f"{name} = {said.get(value, repr(str(value)))}" for name, value in values.items()]  # type: ignore[call-overload]  # of a test
    (store.path / "config.toml").write_text("[sign]\n" + "\n".join(lines) + "\n")


def publish(store: ObjectStore, name: str) -> str:
    return add(store, name, make_folder(store.path.parent / name, {"x": name.encode()}))


def statuses(store: ObjectStore, signers: Path | None = None) -> list[str]:
    return [verdict.status for _, verdict in verdicts(store, signers)]


@needs_keygen
class TestSigned:
    def test_git_and_ckstore_agree_on_who_signed_an_operation(
        self, store: ObjectStore, key: Path, signers: Path, have_git: str
    ) -> None:
        settings(store, key=key, allowed_signers=signers)
        head = publish(store, "signed")
        arguments = ["-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={signers}"]
        said = git(*arguments, "verify-commit", head, at=store.git)
        assert 'Good "git" signature for me@example.org' in said
        assert [(verdict.status, verdict.who) for _, verdict in verdicts(store)] == [
            ("good", "me@example.org")
        ]
        assert fsck(store).damage == ()
        git("fsck", "--full", "--strict", at=store.git)

    def test_the_key_may_be_named_by_whoever_opens_the_store(
        self, store: ObjectStore, key: Path, signers: Path
    ) -> None:
        publish(ObjectStore(store.path, sign_key=key), "signed")
        publish(store, "plain")
        assert statuses(store, signers) == ["unsigned", "good"]

    def test_strangers_and_forgeries_are_told_apart(
        self, store: ObjectStore, key: Path, signers: Path, tmp_path: Path
    ) -> None:
        publish(ObjectStore(store.path, sign_key=make_key(tmp_path / "other")), "stranger")
        head = publish(ObjectStore(store.path, sign_key=key), "mine")
        data = store.read(head)[1].replace(b"ckstore add mine", b"ckstore add evil")
        assert split(data)[1]
        forged = git("hash-object", "-t", "commit", "-w", "--stdin", at=store.git, given=data).strip()
        git("update-ref", "refs/ckstore/log", forged, at=store.git)
        store.reopen()
        assert statuses(store, signers) == ["bad", "unknown"]
        unknown = list(verdicts(store, signers))[1][1]
        assert unknown.who.startswith("SHA256:")
        settings(store, allowed_signers=signers)
        assert {damage.code for damage in fsck(store).damage} == {"signature-bad"}
        settings(store, allowed_signers=signers, required=True)
        assert {damage.code for damage in fsck(store).damage} == {"signature-bad", "signature-unknown"}

    def test_unsigned_operations_are_damage_where_signatures_are_required(
        self, store: ObjectStore, signers: Path
    ) -> None:
        publish(store, "plain")
        assert fsck(store, signers=signers).damage == ()
        settings(store, allowed_signers=signers, required=True)
        assert [damage.code for damage in fsck(store).damage] == ["signature-unsigned"]

    @pytest.mark.parametrize("diverged", [False, True])
    def test_are_what_others_publish_if_it_is_to_be_taken_where_signatures_are_required(
        self, store: ObjectStore, key: Path, signers: Path, tmp_path: Path, diverged: bool
    ) -> None:
        other = ObjectStore(tmp_path / "other")
        settings(store, key=key, allowed_signers=signers, required=True)
        publish(other, "theirs")
        if diverged:
            publish(store, "ours")
        before = store.view().head
        with pytest.raises(CorruptData, match="not signed") as caught:
            pull(store, str(other.path))
        assert (caught.value.code, store.view().head) == ("signature-unsigned", before)
        pull(other, str(store.path))
        assert check(other).damage == ()

        signed = ObjectStore(tmp_path / "signed")
        settings(signed, key=key)
        publish(signed, "signed")
        assert pull(store, str(signed.path)).how == ("joined" if diverged else "followed")
        assert set(statuses(store)) == {"good"}
        assert fsck(store).damage == ()

    def test_of_a_stranger_are_refused_by_name(
        self, store: ObjectStore, key: Path, signers: Path, tmp_path: Path
    ) -> None:
        other = ObjectStore(tmp_path / "other")
        settings(store, key=key, allowed_signers=signers, required=True)
        settings(other, key=make_key(tmp_path / "stranger"))
        publish(other, "theirs")
        with pytest.raises(CorruptData, match="SHA256:") as caught:
            pull(store, str(other.path))
        assert caught.value.code == "signature-unknown"
        settings(store, key=key, allowed_signers=signers)
        assert pull(store, str(other.path)).how == "followed"

    def test_an_import_is_for_the_file_that_nobody_signed(
        self, store: ObjectStore, key: Path, signers: Path, tmp_path: Path
    ) -> None:
        maker = ObjectStore(tmp_path / "maker")
        publish(maker, "made")
        export_lock(maker, make_lock(maker, ["program:made"])[0], tmp_path / "made.bundle")
        settings(store, key=key, allowed_signers=signers, required=True)
        publish(store, "ours")
        import_bundle(store, tmp_path / "made.bundle")
        assert statuses(store) == ["good", "good"]
        assert fsck(store).damage == ()

    def test_a_key_with_a_passphrase_is_refused_before_anything_is_written(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        settings(store, key=make_key(tmp_path / "locked", "secret"))
        with pytest.raises(CkstoreError) as caught:
            publish(store, "x")
        assert caught.value.code == "cannot-sign"
        assert store.view().head == ""


@needs_keygen
def test_log_verify_names_the_signer_of_each_operation_and_fails_for_a_bad_one(
    store: ObjectStore,
    key: Path,
    signers: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from ckstore.cli.app import run_command_line

    publish(store, "plain")
    monkeypatch.setenv("CKSTORE_SIGN_KEY", str(key))
    folder = make_folder(
        store.path.parent / "c", {"component.toml": b"kind='dataset'\nname='c'\n", "x": b"1"}
    )
    assert run_command_line(["add", str(folder), "--store", str(store.path)]) == 0
    capsys.readouterr()
    asked = ["log", "--verify", "--signers", str(signers), "--store", str(store.path)]
    assert run_command_line(asked) == 0
    newest, oldest = capsys.readouterr().out.splitlines()
    assert "good me@example.org" in newest and "unsigned" in oldest
    settings(store, allowed_signers=signers, required=True)
    assert run_command_line(asked) == 12
    capsys.readouterr()
    assert run_command_line(["fsck", "--store", str(store.path)]) == 12
    said = capsys.readouterr()
    assert "signature-unsigned" in said.out
    assert "heals" not in said.err and "log --verify" in said.err


@needs_keygen
def test_log_verify_names_every_bad_operation_also_those_beyond_the_limit(
    store: ObjectStore, key: Path, signers: Path, have_git: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from ckstore.cli.main import main

    head = publish(ObjectStore(store.path, sign_key=key), "mine")
    data = store.read(head)[1].replace(b"ckstore add mine", b"ckstore add evil")
    forged = git("hash-object", "-t", "commit", "-w", "--stdin", at=store.git, given=data).strip()
    git("update-ref", "refs/ckstore/log", forged, at=store.git)
    store.reopen()
    newest = publish(store, "later")
    asked = ["log", "--verify", "--signers", str(signers), "--store", str(store.path), "--limit", "1"]
    assert main(asked) == CorruptData.exit_code
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == [newest[:12], forged[:12]]
    assert "  bad me@example.org  " in out.splitlines()[1]
    assert f"1 operation lacks a valid signature: {forged[:12]}." in err
    assert main([*asked, "--json"]) == CorruptData.exit_code
    out, err = capsys.readouterr()
    assert [entry["signature"]["status"] for entry in json.loads(out)] == ["unsigned", "bad"]
    assert json.loads(err)["details"] == {"operations": [forged]}


class TestSettings:
    def test_a_key_that_is_not_there_is_told_before_anything_is_written(self, store: ObjectStore) -> None:
        settings(store, key="~/.ssh/none")
        with pytest.raises(CkstoreError) as caught:
            publish(store, "x")
        assert caught.value.code == "no-sign-key"
        assert list((store.git / "objects" / "pack").iterdir()) == []

    @pytest.mark.parametrize(
        "text", ["[sign", "sign = 1", "[sign]\nkey = 1", "[sign]\nrequired = 'yes'", "[sign]\nkye = 'x'"]
    )
    def test_malformed_settings_are_refused(self, store: ObjectStore, text: str) -> None:
        (store.path / "config.toml").write_text(text)
        with pytest.raises(CkstoreError) as caught:
            read_signing(store.path)
        assert caught.value.code == "bad-config"

    def test_without_a_list_of_signers_nothing_can_be_judged(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        publish(store, "x")
        for signers, code in ((None, "no-signers-named"), (tmp_path / "none", "no-signers")):
            with pytest.raises(CkstoreError) as caught:
                statuses(store, signers)
            assert caught.value.code == code
