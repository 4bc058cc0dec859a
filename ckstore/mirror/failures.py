"""What went wrong with a remote, from the words of git or libgit2: one error of ours for each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ckstore.errors import CkstoreError, NotFound, Unavailable

_AGAIN = "the same command continues where it stopped"


@dataclass(frozen=True, slots=True)
class _Sign:
    """``pattern`` in the words of a tool means this; ``{where}`` in the sentence is the address."""

    pattern: str
    code: str
    sentence: str
    hints: tuple[str, ...]
    kind: type[CkstoreError] = Unavailable


def _status(codes: str) -> str:
    """A pattern of HTTP statuses, not of a count ("error: 3018 bytes of body are still expected")."""
    return rf"(error|status code): {codes}\b(?! bytes)"


# The first that matches counts: git says "could not read from remote repository" after most of them.
_SIGNS = (
    _Sign(
        r"remote: (fatal|error): (unable to (read|parse)|bad tree object|missing (blob|tree|commit|tag)"
        r"|(loose|packed) object [0-9a-f]+ .*corrupt)|possible repository corruption on the remote",
        "damaged-source", "The repository at {where} is damaged: its host cannot read all of it.",
        ("whoever runs the host can mend it: `git fsck` there says what is missing",),
    ),
    _Sign(
        _status("30[12378]") + "|redirect", "redirected",
        "{where} is said to be elsewhere.", ("give the new address",),
    ),
    _Sign(
        r"could not resolve|failed to resolve (address|host)|name or service not known|nodename nor servname",
        "unknown-host", "The host of {where} is unknown.",
        ("check the spelling of the address and the network",),
    ),
    _Sign(
        r"dubious ownership|not owned by current user|safe\.directory",
        "foreign-owner", "The repository at {where} belongs to another user, so git does not read it.",
        ("if you trust it: git config --global --add safe.directory <its path>",),
    ),
    _Sign(
        r"authentication failed|authentication required|could not read (username|password)"
        r"|permission denied|host key verification failed|no (auth|credentials?)"
        r"|too many redirects or authentication replays|requires authentication|" + _status("40[13]"),
        "authentication-needed",
        "{where} asks for authentication (some hosts say so of repositories that do not exist).",
        (
            "check the spelling of the address",
            "set up a git credential helper, an SSH key, or CKSTORE_TOKEN / GITHUB_TOKEN in the environment",
        ),
    ),
    _Sign(
        r"file too large|died of signal 25|out of memory|cannot allocate memory|malloc failed|mmap failed",
        "remote-too-large", "What {where} sends is too large for the limits of a mirror.",
        ("docs/limits.md says what they are",),
    ),
    _Sign(
        r"code 407|" + _status("407"), "proxy-refused",
        "The proxy on the way to {where} asks for a name and a password.",
        ("git's http.proxy and http.proxyAuthMethod hold them: `git config --global http.proxy …`",),
    ),
    _Sign(
        _status("429") + "|too many requests", "rate-limited", "{where} is asked too often, and says: later.",
        ("wait for some minutes, then repeat the command", _AGAIN),
    ),
    _Sign(  # a connection that breaks off is no less trusted for having been encrypted
        r"SSL_(connect|read|write|ERROR_SYSCALL).*(reset|SYSCALL|timed out|closed)|non-properly terminated"
        r"|unexpected eof while reading|(pull|push) function|ssl.*reset by peer|HTTP/2 stream|goaway",
        "transfer-cut", "The transfer from {where} was cut off.", (_AGAIN,),
    ),
    _Sign(
        r"certificate|SSL|TLS", "bad-certificate", "The encrypted connection to {where} cannot be trusted.",
        ("a proxy's certificate goes into git's http.sslCAInfo",),
    ),
    _Sign(
        r"no space left|disk quota", "disk-full", "The disk is full.", ("make room, then repeat", _AGAIN)
    ),
    _Sign(
        r"early eof|hung up|unexpected disconnect|rpc failed|connection (was )?reset|too slow"
        r"|premature end|incomplete pack|unexpected eof|invalid index-pack|fetch-pack: invalid"
        r"|bytes of body are still expected|operation too slow|invalid eof|entire buffer",
        "transfer-cut", "The transfer from {where} was cut off.", (_AGAIN,),
    ),
    _Sign(
        r"connection refused|failed to connect|couldn't connect|could not connect|unable to connect|timed out"
        r"|unreachable|no route to host|" + _status(r"5\d\d"),
        "host-unreachable", "{where} does not answer.", ("check the network and the address, then repeat",),
    ),
    _Sign(
        r"repository ('[^']*' )?not found|404 not found|could not find repository"
        r"|does not exist|no such file|failed to resolve path|" + _status("404"),
        "no-repository", "There is no repository at {where}.", ("check the spelling of the address",),
        NotFound,
    ),
    _Sign(
        r"not appear to be a git repo|not a git repo|not valid: is this a git|invalid (ref|server) (adv|resp)"
        r"|smart http|unexpected (pkt|content-type)|protocol error|bad line length|unsupported url protocol"
        r"|invalid content-type",
        "not-a-repository", "What answers at {where} is not a git repository.",
        ("check the address: it is that for `git clone`",), NotFound,
    ),
)  # fmt: skip


def failure(where: str, words: str) -> CkstoreError:
    """The error for a tool that failed with these words about the address ``where``."""
    said = last_words(words)
    told = _without_names(words)
    for sign in _SIGNS:
        if re.search(sign.pattern, told, re.IGNORECASE):
            return sign.kind(
                sign.sentence.format(where=where),
                code=sign.code,
                hints=sign.hints,
                details={"url": where, "said": said},
            )
    return Unavailable(
        f"Fetching from {where} failed: {said}.",
        code="fetch-failed",
        hints=["repeat the command; finished parts are kept"],
        details={"url": where, "said": said},
    )


def _without_names(words: str) -> str:
    """The words without addresses, paths and hosts: a repository "openssl" says nothing of certificates."""
    return re.sub(r"[\w+.-]+://[^\s']+|'[^'\s]*[/:][^'\s]*'|\b[\w-]+(\.[\w-]+)+", "'…'", words)


def last_words(words: str) -> str:
    """The one line of a tool's output that says why it failed."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", words) if line.strip()]
    fatal = [line for line in lines if re.match(r"(fatal|error|ERROR|remote: fatal)", line)]
    chosen = fatal or lines[-1:]
    text = re.sub(r"^(fatal|error|ERROR): ", "", chosen[0]) if chosen else "it gave no reason"
    return re.sub(r"//[^/@\s]+@", "//", text).rstrip(".")  # never repeat credentials
