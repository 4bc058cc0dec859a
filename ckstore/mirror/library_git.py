"""Fetching with libgit2, where there is no git program: slower, with the same result."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pygit2

from ckstore.mirror.failures import failure
from ckstore.mirror.remote import Progress
from ckstore.mirror.tokens import Secrets
from ckstore.mirror.urls import RemoteUrl
from ckstore.model.limits import MAX_PACK_BYTES, MAX_SAID_BYTES
from ckstore.objects.head import wait_for_lock

_PUSHED = "refs/pushed"
_PROXY: Final = True  # found as git finds it: https_proxy, no_proxy and the like in the environment
_CONNECT_MILLISECONDS, _SILENCE_MILLISECONDS = 30_000, 60_000
_SILENT_SECONDS, _LEAST_PER_SECOND = 60, 1000  # bytes; as for stock git


class LibraryGit:
    """The engine that needs no program."""

    checks_arrivals = False

    def list_refs(self, git: Path, url: RemoteUrl, spelling: str) -> list[tuple[str, str]]:
        """(ref, id) of what the remote has; ``HEAD`` may come twice, with an id and as ``ref: …``."""
        with _told(url):
            heads = _remote(git, spelling).list_heads(
                callbacks=_Callbacks(url, lambda line: None), proxy=_PROXY
            )
        pairs = [(head.name or "", str(head.oid)) for head in heads]
        return pairs + [(h.name or "", f"ref: {h.symref_target}") for h in heads if h.symref_target]

    def fetch(
        self,
        git: Path,
        url: RemoteUrl,
        spelling: str,
        refspecs: Sequence[str],
        progress: Progress,
    ) -> None:
        """Bring these refs, with all they reach, into the repository ``git``."""
        with _told(url):
            _remote(git, spelling).fetch(list(refspecs), callbacks=_Callbacks(url, progress), proxy=_PROXY)

    def push(self, git: Path, url: RemoteUrl, spelling: str, refspec: str) -> str:
        """Move a ref of the remote forward; what was said when that failed, else nothing."""
        oid, _, name = refspec.partition(":")
        repository = pygit2.Repository(str(git))
        repository.references.create(_PUSHED, oid, force=True)  # libgit2 pushes refs, not ids
        callbacks = _Callbacks(url, lambda line: None)
        try:
            repository.remotes.create_anonymous(spelling).push(
                [f"{_PUSHED}:{name}"], callbacks=callbacks, proxy=_PROXY
            )
        except (pygit2.GitError, OSError, KeyError, ValueError) as error:
            return str(error) or "the push failed"
        finally:
            repository.references.delete(_PUSHED)
        return callbacks.rejected

    def is_connected(self, git: Path, url: RemoteUrl, commits: Iterable[str]) -> bool:
        """Seen later: whoever uses this engine checks everything that arrived."""
        return True

    def stop(self) -> None:
        """Nothing to do: whoever listens to the progress raises there, and silence has an end."""


def _remote(git: Path, spelling: str) -> pygit2.Remote:
    if not pygit2.settings.server_timeout:  # else silence is waited for without end
        pygit2.settings.server_connect_timeout = _CONNECT_MILLISECONDS
        pygit2.settings.server_timeout = _SILENCE_MILLISECONDS
    repo = pygit2.Repository(str(git))
    if "http.followRedirects" not in repo.config:  # a store of an older version; see redirects.py
        wait_for_lock(git / "config.lock")
        repo.config["http.followRedirects"] = "false"
    return repo.remotes.create_anonymous(spelling)


@contextlib.contextmanager
def _told(url: RemoteUrl) -> Iterator[None]:
    try:
        yield
    except (pygit2.GitError, OSError, KeyError, ValueError) as error:
        raise failure(url.text, str(error)) from error


class _Callbacks(pygit2.RemoteCallbacks):
    """Progress, and the one token that is meant for this host."""

    def __init__(self, url: RemoteUrl, progress: Progress) -> None:
        super().__init__()
        self._url, self._progress = url, progress
        self.rejected = ""
        self._asked = 0
        self._last = -1
        self._said = 0
        self._since, self._bytes = time.monotonic(), 0

    def sideband_progress(self, string: str) -> None:
        """What the remote says beside its data is counted, not shown."""
        self._said += len(string)
        if self._said > MAX_SAID_BYTES:
            raise failure(self._url.text, "it talks without end: file too large")

    def _check(self, stats: pygit2.remotes.TransferProgress) -> None:
        """Not too much, and not too slow."""
        if stats.received_bytes > MAX_PACK_BYTES:
            raise failure(self._url.text, "file too large")
        now = time.monotonic()
        if now - self._since > _SILENT_SECONDS and stats.received_objects < stats.total_objects:
            if stats.received_bytes - self._bytes < _LEAST_PER_SECOND * (now - self._since):
                raise failure(self._url.text, "operation too slow")
            self._since, self._bytes = now, stats.received_bytes

    def push_update_reference(self, refname: str, message: str | None) -> None:
        """A ref was moved, or (with a message) it was not."""
        if message:
            self.rejected = f"[remote rejected] {message}"

    def transfer_progress(self, stats: pygit2.remotes.TransferProgress) -> None:
        """A line for each percent."""
        self._check(stats)
        percent = 100 * stats.received_objects // max(stats.total_objects, 1)
        if percent != self._last:
            self._last = percent
            self._progress(f"receiving objects {percent} %")

    def credentials(
        self, url: str, username_from_url: str | None, allowed_types: pygit2.enums.CredentialType
    ) -> pygit2.UserPass | pygit2.Keypair:
        """A token or the SSH agent, once: asking again means that it was refused.

        ``url`` is where a redirect may have led; no other host gets a token that is not its own.
        """
        self._asked += 1
        if self._asked == 1 and allowed_types & pygit2.enums.CredentialType.USERPASS_PLAINTEXT:
            secrets = Secrets(url)
            token = secrets.given() or secrets.stored()
            if token:
                return pygit2.UserPass("x-access-token", token)
        if self._asked == 1 and allowed_types & pygit2.enums.CredentialType.SSH_KEY:
            return pygit2.KeypairFromAgent(username_from_url or "git")
        raise failure(self._url.text, "authentication required")
