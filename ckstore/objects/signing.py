"""Signatures of the log with ssh keys, as stock git makes and checks them (``gpg.format=ssh``).

A signed commit has a ``gpgsig`` header: the SSH signature (namespace ``git``) of the same commit without
that header. ``ssh-keygen`` signs and verifies. It is never allowed to ask for a passphrase: a key that
has one is used through the ssh agent.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ckstore.errors import InvalidInput, NotFound, Unavailable
from ckstore.objects.litter import temporary_folder

CONFIG = "config.toml"
_NAMESPACE = "git"
_SECONDS = 60
_HEADER = b"gpgsig "
_PROBE = b"ckstore: may this key sign?\n"
Status = Literal["good", "unknown", "bad", "unsigned"]


@dataclass(frozen=True, slots=True)
class Signing:
    """What ``[sign]`` of a store's ``config.toml`` says; paths are absolute, None where nothing is said."""

    key: Path | None = None
    signers: Path | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """``good``: by ``who``; ``unknown``: valid, by nobody in the list (``who`` is the key's fingerprint)."""

    status: Status
    who: str = ""


def read_signing(store: Path) -> Signing:
    """The settings of a store; :class:`InvalidInput` (``bad-config``) when they are malformed."""
    path = store / CONFIG
    try:
        table = tomllib.loads(path.read_text("utf-8")).get("sign", {})
    except FileNotFoundError:
        return Signing()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _bad(path, str(error)) from error
    known = {"key": str, "allowed_signers": str, "required": bool}
    if not isinstance(table, dict):
        raise _bad(path, "[sign] is not a table")
    for name, value in table.items():
        if name not in known:
            raise _bad(path, f"[sign] has no setting {name!r}; there are {', '.join(known)}")
        if not isinstance(value, known[name]):
            raise _bad(path, f"[sign] {name} is {value!r}")
    key, signers = (_path(store, table.get(name, "")) for name in ("key", "allowed_signers"))
    return Signing(key, signers, table.get("required", False))


def _path(store: Path, text: str) -> Path | None:
    return store / Path(text).expanduser() if text else None


def _bad(path: Path, reason: str) -> InvalidInput:
    return InvalidInput(f"{path} cannot be used: {reason}.", code="bad-config", hints=["see docs/trust.md"])


class Signer:
    """Signs with one key; whether it can is tried at once, before anything is written.

    ``key`` is a private key, or a public one whose private half the ssh agent holds. Raises NotFound
    ``no-sign-key``, Unavailable ``no-ssh-keygen`` or ``cannot-sign``.
    """

    def __init__(self, key: Path) -> None:
        if not key.is_file():
            raise NotFound(
                f"The key to sign the log with, {key}, is not there.",
                code="no-sign-key",
                hints=[
                    "`ssh-keygen -t ed25519` makes one",
                    "or take [sign] key out of the store's config.toml",
                ],
            )
        self._key = key
        self.sign(_PROBE)

    def sign(self, payload: bytes) -> str:
        """The armoured signature of these bytes."""
        done = _run(["-Y", "sign", "-n", _NAMESPACE, "-f", str(self._key)], payload)
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise Unavailable(
                f"{self._key} cannot sign: {said[-1] if said else 'ssh-keygen failed'}.",
                code="cannot-sign",
                hints=[
                    "a key with a passphrase is used through the agent: `ssh-add`, and name its .pub file"
                ],
            )
        return done.stdout.decode("ascii")


def signed(commit: bytes, signer: Signer) -> bytes:
    """The commit with its signature."""
    header, _, message = commit.partition(b"\n\n")
    lines = signer.sign(commit).rstrip("\n").replace("\n", "\n ").encode("ascii")
    return header + b"\n" + _HEADER + lines + b"\n\n" + message


def split(commit: bytes) -> tuple[bytes, bytes]:
    """(what was signed, signature) of the bytes of a commit; no signature is empty."""
    header, _, message = commit.partition(b"\n\n")
    kept: list[bytes] = []
    signature: list[bytes] = []
    inside = False
    for line in header.split(b"\n"):
        inside = line.startswith(_HEADER) or (inside and line.startswith(b" "))
        if inside:
            signature.append(line.removeprefix(_HEADER) if line.startswith(_HEADER) else line[1:])
        else:
            kept.append(line)
    found = b"\n".join(signature) + b"\n" if signature else b""
    return b"\n".join(kept) + b"\n\n" + message, found


class Verifier:
    """Judges commits by a file of allowed signers (ssh-keygen(1)); ``work`` is a folder to write in."""

    def __init__(self, signers: Path, work: Path) -> None:
        if not signers.is_file():
            raise NotFound(
                f"The list of allowed signers, {signers}, is not there.", code="no-signers",
                hints=["a line of it: name@example.org ssh-ed25519 AAAA…"],
            )  # fmt: skip
        self._signers, self._work = signers, work

    def judge(self, commit: bytes) -> Verdict:
        """What is to be said of the bytes of a commit."""
        payload, signature = split(commit)
        if not signature:
            return Verdict("unsigned")
        with temporary_folder(self._work, "tmp-") as folder:
            path = folder / "signature"
            path.write_bytes(signature)
            names = _run(["-Y", "find-principals", "-f", str(self._signers), "-s", str(path)])
            who = names.stdout.decode("utf-8", "replace").splitlines()
            if names.returncode == 0 and who:
                arguments = ["-Y", "verify", "-n", _NAMESPACE, "-f", str(self._signers), "-I", who[0]]
                good = _run([*arguments, "-s", str(path)], payload).returncode == 0
                return Verdict("good" if good else "bad", who[0])
            valid = _run(["-Y", "check-novalidate", "-n", _NAMESPACE, "-s", str(path)], payload)
        if valid.returncode != 0:
            return Verdict("bad")
        return Verdict("unknown", next(_fingerprints(valid.stdout), ""))


def _fingerprints(said: bytes) -> Iterator[str]:
    return (word for word in said.decode("utf-8", "replace").split() if word.startswith("SHA256:"))


def _run(arguments: list[str], given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run ssh-keygen in a session without terminal, so that it cannot ask anybody."""
    program = shutil.which("ssh-keygen")
    if program is None:
        raise Unavailable(
            "Signatures need ssh-keygen, which is not installed.",
            code="no-ssh-keygen",
            hints=["install OpenSSH 8.2 or newer"],
        )
    environment = {**os.environ, "SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C"}
    try:
        return subprocess.run(
            [program, *arguments], input=given, capture_output=True, env=environment,
            start_new_session=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"ssh-keygen does not answer: {error}.", code="no-ssh-keygen") from error
