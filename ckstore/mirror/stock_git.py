"""Fetching with the stock git program: several times quicker than the libraries on large histories.

The child gets a clean environment and settings that silence whatever could run programs or wait for a
person. The user's own configuration file is kept on purpose: credential helpers, proxies, certificates,
``insteadOf`` and the SSH command are how users reach their hosts, and they are theirs. What is never
read is configuration from the working directory or from the repository that is mirrored.

``transfer.fsckObjects`` stays off: many honest old repositories would fail it. Trees are judged by our
own rules before anything is released, and git itself checks ids and connectivity of all that arrives.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import IO
from urllib.parse import urlsplit

from ckstore.errors import CkstoreError, Unavailable
from ckstore.mirror.failures import failure
from ckstore.mirror.remote import Progress
from ckstore.mirror.tokens import CONFIGURING, Secrets, token_for
from ckstore.mirror.urls import RemoteUrl
from ckstore.model.limits import MAX_CHILD_BYTES, MAX_PACK_BYTES, MAX_SAID_BYTES
from ckstore.objects.head import LOG_REF
from ckstore.objects.sharing import lease

try:
    import resource
except ImportError:  # Windows
    resource = ModuleType("resource")

_IDLE_SECONDS = 300
_LINE_CHARACTERS = 10_000
_TOO_LARGE = getattr(signal, "SIGXFSZ", 0)
_OLDEST = (2, 29)  # the first with `fetch --stdin`
_KEPT = CONFIGURING | {
    "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_SSL_CAINFO", "GIT_SSL_NO_VERIFY",
    "GIT_PROXY_COMMAND", "GIT_PROXY_SSL_CAINFO", "GIT_HTTP_PROXY_AUTHMETHOD",
}  # fmt: skip
# Run by git's shell when a host asks for a password: git sends it to that very host and to no other, as a
# header field of ours (http.extraHeader) would not be: that one goes along with redirects.
_HELPER = (
    '!f() { test "$1" = get && '
    """printf 'username=x-access-token\\npassword=%s\\n' "$CKSTORE_GIT_TOKEN"; }; f"""
)
_SETTINGS = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.askPass=", "core.fsync=none",
    "gc.auto=0", "maintenance.auto=false", "submodule.recurse=false", "fetch.recurseSubmodules=false",
    "fetch.unpackLimit=1", "transfer.unpackLimit=1", "fetch.fsckObjects=false", "transfer.fsckObjects=false",
    "fetch.writeCommitGraph=false", "fetch.prune=false", "fetch.pruneTags=false", "transfer.bundleURI=false",
    # A large file is passed on in pieces, and no more of a pack is mapped at a time: memory is bounded.
    "core.bigFileThreshold=64m", "core.packedGitWindowSize=32m", "core.packedGitLimit=256m",
    "http.followRedirects=false",  # see redirects.py
    "http.lowSpeedLimit=1000", "http.lowSpeedTime=60", "protocol.ext.allow=never",
)  # fmt: skip
# Redirects and rewritten addresses may leave a protocol for a safer one, never for a local one.
_PROTOCOLS = {
    "https": "https:ssh",
    "http": "http:https:ssh",
    "ssh": "ssh:https",
    "git": "git",
    "file": "file",
}
_FETCH_OPTIONS = ("--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-maintenance",
    "--progress", "--force", "--update-shallow", "--stdin")  # fmt: skip
_PROGRESS = re.compile(r"(?:remote: )?([A-Z][a-z]+ objects|Resolving deltas):\s+(\d+)%")


@dataclass(frozen=True, slots=True)
class _Call:
    """One run of git: ``given`` on its standard input, no file of it larger than ``file_bytes``."""

    url: RemoteUrl
    arguments: Sequence[str]
    given: str | IO[bytes]
    progress: Progress
    file_bytes: int
    failed: Callable[[str, str], CkstoreError]


class StockGit:
    """The engine that runs ``git``."""

    checks_arrivals = True

    def __init__(self, program: str) -> None:
        self._program = program
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    @staticmethod
    def find() -> StockGit | None:
        """The engine, where there is a git program that is not too old."""
        program = shutil.which("git")
        return StockGit(program) if program and _version(program) >= _OLDEST else None

    def list_refs(self, git: Path, url: RemoteUrl, spelling: str) -> list[tuple[str, str]]:
        """(ref, id) of what the remote has; ``HEAD`` may come twice, with an id and as ``ref: …``."""
        patterns = ["HEAD", "refs/heads/*", "refs/tags/*", LOG_REF]
        command = ["ls-remote", "--symref", "--", spelling, *patterns]
        lines = self._run(git, url, command, file_bytes=MAX_SAID_BYTES).splitlines()
        pairs = (line.partition("\t") for line in lines)
        return [(name, oid) for oid, _, name in pairs if name]

    def fetch(
        self,
        git: Path,
        url: RemoteUrl,
        spelling: str,
        refspecs: Sequence[str],
        progress: Progress,
    ) -> None:
        """Bring these refs, with all they reach, into the repository ``git``, as one pack."""
        given = "".join(f"{spec}\n" for spec in refspecs)
        self._run(git, url, ["fetch", *_FETCH_OPTIONS, "--", spelling], given, progress)

    def fetch_recent(
        self, git: Path, url: RemoteUrl, spelling: str, refspec: str, depth: int, progress: Progress
    ) -> None:
        """Bring one ref with its newest ``depth`` commits, or deepen what is there to so many."""
        options = [*_FETCH_OPTIONS, f"--depth={depth}"]
        self._run(git, url, ["fetch", *options, "--", spelling], f"{refspec}\n", progress)

    def push(self, git: Path, url: RemoteUrl, spelling: str, refspec: str) -> str:
        """Move a ref of the remote forward; what git said when that failed, else nothing."""
        options = ["--no-verify", "--no-follow-tags", "--no-recurse-submodules", "--no-progress"]
        said: list[str] = []

        def failed(where: str, words: str) -> CkstoreError:
            said.append(words)
            return failure(where, words)

        try:
            self._run(git, url, ["push", *options, "--", spelling, refspec], failed=failed)
        except CkstoreError:
            if not said:
                raise
            return said[-1]
        return ""

    def is_connected(self, git: Path, url: RemoteUrl, commits: Iterable[str]) -> bool:
        """True when nothing is missing that these commits reach."""
        given = "".join(f"{commit}\n" for commit in commits)
        try:
            self._run(git, url, ["rev-list", "--objects", "--quiet", "--stdin"], given)
        except CkstoreError:
            return False
        return True

    def index_pack(self, git: Path, url: RemoteUrl, pack: IO[bytes]) -> None:
        """Take a pack, from where the file is read now, into the repository; it may lean on what is there."""
        os.lseek(pack.fileno(), pack.tell(), os.SEEK_SET)
        self._run(git, url, ["index-pack", "--stdin", "--fix-thin"], pack)

    def stop(self) -> None:
        """End the programs that are under way."""
        self._stopped = True
        for process in list(self._running):
            _end(process)

    def _run(
        self, git: Path, url: RemoteUrl, arguments: Sequence[str], given: str | IO[bytes] = "",
        progress: Progress = lambda line: None, file_bytes: int = MAX_PACK_BYTES,
        failed: Callable[[str, str], CkstoreError] = failure,
    ) -> str:  # fmt: skip
        """Standard output. Git asks the user's credential helpers by itself; the keyring is for us to ask."""
        call = _Call(url, arguments, given, progress, file_bytes, failed)
        try:
            return self._once(git, call, environment(url))
        except Unavailable as error:
            token = Secrets(url.text).kept() if error.code == "authentication-needed" else ""
            if not token:
                raise
        return self._once(git, call, environment(url, token=token))

    def _once(self, git: Path, call: _Call, variables: Mapping[str, str]) -> str:
        settings = [item for setting in _SETTINGS for item in ("-c", setting)]
        command = [self._program, f"--git-dir={git}", *settings, *call.arguments]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as text:
            if isinstance(call.given, str):
                text.write(call.given.encode("utf-8", "surrogateescape"))
                text.seek(0)
            stdin = text if isinstance(call.given, str) else call.given
            with lease(git) as lent:  # which the child keeps if this process is killed: see quarantine.py
                process = subprocess.Popen(
                    command, stdin=stdin, stdout=out, stderr=subprocess.PIPE, env=variables, pass_fds=lent,
                    start_new_session=True,  # no terminal: nothing can ask; all can be stopped at once
                )  # fmt: skip
                words, code = self._watch(process, call)
            if code:
                raise call.failed(call.url.text, words)
            out.seek(0)
            return out.read().decode("utf-8", "surrogateescape")

    def _watch(self, process: subprocess.Popen[bytes], call: _Call) -> tuple[str, int]:
        """What the child says and its exit code; whatever happens here, it does not stay behind."""
        self._running.add(process)
        try:
            if self._stopped:
                raise KeyboardInterrupt
            _bound(process.pid, call.file_bytes)
            words, code = _follow(process, call.url, call.progress), process.wait()
        finally:
            self._running.discard(process)
            _stop(process)
        return (f"fatal: file too large\n{words}" if -code == _TOO_LARGE else words), code


def _version(program: str) -> tuple[int, ...]:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ()
    return tuple(int(number) for number in re.findall(r"\d+", said)[:2])


def environment(url: RemoteUrl, given: Mapping[str, str] | None = None, token: str = "") -> dict[str, str]:
    """The child's environment: that of the user (``given``) without what steers git elsewhere.

    ``token`` is what the host gets instead of what the environment has for it.
    """
    source = os.environ if given is None else given
    clean = {k: v for k, v in source.items() if not k.startswith("GIT_") or k in _KEPT}
    clean.pop("SSH_ASKPASS", None)
    clean |= {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": _PROTOCOLS[url.scheme], "LC_ALL": "C",
              "GIT_NO_LAZY_FETCH": "1", "GIT_NO_REPLACE_OBJECTS": "1"}  # fmt: skip
    clean.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=30 -oServerAliveInterval=30")
    token = token or token_for(url, source)
    if token:  # through the environment: a command line can be read by every user of the machine
        key = f"credential.{url.scheme}://{urlsplit(url.text).netloc}.helper"
        # the empty one first: the user's own helpers are not to store a token that is not theirs
        clean |= {
            "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": key, "GIT_CONFIG_VALUE_0": "",
            "GIT_CONFIG_KEY_1": key, "GIT_CONFIG_VALUE_1": _HELPER, "CKSTORE_GIT_TOKEN": token,
        }  # fmt: skip
    return clean


def _bound(process: int, file_bytes: int) -> None:
    """Limit the files and the memory of git and whatever it starts: a remote decides how much it is sent."""
    if not hasattr(resource, "prlimit"):  # Linux has it
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended already
        for what, most in ((resource.RLIMIT_FSIZE, file_bytes), (resource.RLIMIT_DATA, MAX_CHILD_BYTES)):
            hard = resource.prlimit(process, what)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.prlimit(process, what, (most, hard))


def _follow(process: subprocess.Popen[bytes], url: RemoteUrl, progress: Progress) -> str:
    """Read what the child says until it ends; its progress is passed on, the rest is given back."""
    assert process.stderr is not None
    pending, words, said = "", "", 0
    descriptor = process.stderr.fileno()
    while True:
        if os.name != "nt" and not select.select([descriptor], [], [], _IDLE_SECONDS)[0]:
            raise Unavailable(
                f"{url.text} has not sent anything for {_IDLE_SECONDS} seconds.",
                code="transfer-stalled",
                hints=["the same command continues where it stopped"],
            )
        chunk = os.read(descriptor, 65536)
        said += len(chunk)
        if said > MAX_SAID_BYTES:
            raise Unavailable(
                f"{url.text} talks without end beside its data.",
                code="remote-too-large",
                details={"limit": MAX_SAID_BYTES},
            )
        *lines, pending = re.split(r"[\r\n]", pending + chunk.decode("utf-8", "replace"))
        pending = pending[-_LINE_CHARACTERS:]
        if not chunk:
            return words + pending
        for line in lines:
            step = _PROGRESS.match(line)
            if step:
                progress(f"{step[1].lower()} {step[2]} %")
            else:
                words = f"{words}{line}\n"[-20_000:]


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Leave no child behind, whatever happened; its own children (ssh, index-pack) are in its group."""
    if process.poll() is None:
        _end(process)
        process.wait()
    if process.stderr is not None:
        process.stderr.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGTERM)
