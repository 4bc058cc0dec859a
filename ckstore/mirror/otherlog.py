"""The log of another store: brought into the quarantine, and moved forward there by a push."""

from __future__ import annotations

from ckstore.errors import CkstoreError, NotFound, Unavailable
from ckstore.mirror.failures import failure, last_words
from ckstore.mirror.library_git import LibraryGit
from ckstore.mirror.quarantine import KNOWN, Quarantine
from ckstore.mirror.remote import Engine, Progress, PushingEngine
from ckstore.mirror.transport import check_arrivals
from ckstore.mirror.urls import RemoteUrl
from ckstore.objects.head import LOG_REF, LogMoved

QUARANTINE = "@exchange"  # no source can have this name
_ANSWER = "remote error: "
_ARRIVED = "refs/arrived/log"
# What git and libgit2 say when somebody else moved the ref first.
_MOVED = ("fetch first", "non-fast-forward", "stale info", "cannot lock ref", "incorrect old value",
          "failed to update ref", "non-fastforward", "cannot push because a reference")  # fmt: skip


def bring_log(
    engine: Engine, quarantine: Quarantine, url: RemoteUrl, ours: str, progress: Progress
) -> tuple[str, str]:
    """Fetch the log of the store at ``url``; gives (its head, the spelling of the address that answered).

    ``ours`` is the head of the log here (empty: there is none): a fetch brings only what is new. The head
    is empty when the repository there has no log yet. Raises what fetching raises, and
    :class:`Unavailable` when something beyond the limits of a mirror came.
    """
    references = quarantine.objects.repo.references
    if _ARRIVED in references:
        references.delete(_ARRIVED)
    if ours:
        references.create(KNOWN + ours, ours, force=True)
    spelling = _fetch(engine, quarantine, url, progress)
    quarantine.reopen()
    if not engine.checks_arrivals:
        check_arrivals(quarantine)
    if not quarantine.whole:
        raise Unavailable(
            f"The log at {url.text} holds objects beyond the limits, or is not whole.",
            code="log-not-whole",
            hints=["docs/limits.md says what the limits are", "`ckstore fsck` there says what is missing"],
        )
    return quarantine.arrived(_ARRIVED), spelling


def _fetch(engine: Engine, quarantine: Quarantine, url: RemoteUrl, progress: Progress) -> str:
    first: CkstoreError | None = None
    for spelling in url.spellings:
        try:
            _fetch_log(engine, quarantine, url, spelling, progress)
        except NotFound as error:
            first = first or error
        else:
            return spelling
    assert first is not None
    raise first


def _fetch_log(
    engine: Engine, quarantine: Quarantine, url: RemoteUrl, spelling: str, progress: Progress
) -> None:
    spec = [f"+{LOG_REF}:{_ARRIVED}"]
    try:
        engine.fetch(quarantine.git, url, spelling, spec, progress)
    except CkstoreError as error:
        if "find remote ref" in str(error.details.get("said", "")):
            return  # nothing was published there yet
        if url.kind != "folder" or error.code != "foreign-owner":
            raise
        LibraryGit().fetch(quarantine.git, url, spelling, spec, progress)


def push_log(engine: PushingEngine, quarantine: Quarantine, url: RemoteUrl, spelling: str, head: str) -> None:
    """Move the log at ``url`` to ``head``, which follows it; nothing is ever forced.

    ``quarantine`` borrows the objects of the store. :class:`LogMoved` when somebody published
    there meanwhile, :class:`Unavailable` when the host refuses.
    """
    words = engine.push(quarantine.git, url, spelling, f"{head}:{LOG_REF}")
    if not words:
        return
    if any(sign in words for sign in _MOVED):
        raise LogMoved(f"Somebody published at {url.text} meanwhile.")
    said = last_words(words)
    if "[remote rejected]" in words or "declined" in words:
        reason = next(
            (line.partition("remote:")[2].strip() for line in words.splitlines() if "remote: " in line), said
        )
        raise _refused(url, reason, "may you write there? `ckstore serve --git --writable` lets others push")
    if said.startswith(_ANSWER):  # the host's own sentence, before anything was sent
        raise _refused(url, said.removeprefix(_ANSWER), "the other side can `ckstore pull` from here instead")
    error = failure(url.text, words)
    if error.code == "fetch-failed":
        raise Unavailable(
            f"Pushing to {url.text} failed: {said}.",
            code="push-failed",
            hints=["repeat the command; nothing was changed there"],
            details=error.details,
        )
    raise error


def _refused(url: RemoteUrl, reason: str, hint: str) -> Unavailable:
    return Unavailable(
        f"{url.text} refuses the push: {reason}.",
        code="push-refused",
        hints=[hint],
        details={"url": url.text, "said": reason},
    )
