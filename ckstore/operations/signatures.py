"""Who signed what was published: the whole log against a list of allowed signers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ckstore.errors import CkstoreError, CorruptData, InvalidInput
from ckstore.model.counting import plural
from ckstore.objects.head import read_head
from ckstore.objects.litter import temporary_folder
from ckstore.objects.merge import OPERATION
from ckstore.objects.signing import CONFIG, Verdict, Verifier, read_signing
from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import Damage

_SAID = {
    "bad": "Its signature is not valid.",
    "unknown": "It is signed by nobody in the list of allowed signers",
    "unsigned": "It is not signed.",
}
Progress = Callable[[str], None]


def verdicts(store: ObjectStore, signers: Path | None = None) -> Iterator[tuple[str, Verdict]]:
    """(id, verdict) of every operation, joined logs included, the newest first.

    The commit of an imported file is no operation; that of the import is.
    ``signers`` is a file as ssh-keygen(1) describes it, else the one of the store's settings. Raises
    InvalidInput ``no-signers-named`` when neither says one, and the errors of
    :class:`~ckstore.objects.signing.Verifier`.
    """
    listed = _listed(store, signers)
    with temporary_folder(store.path, "tmp-") as work:
        verifier = Verifier(listed, work)
        pending, seen = [read_head(store.path)], set[str]()
        while pending:
            oid = pending.pop()
            if not oid or oid in seen:
                continue
            seen.add(oid)
            if not _is_of_a_file(store, oid):
                yield oid, verifier.judge(store.read(oid)[1])
            pending += reversed(store.read_commit(oid).parents)


def _listed(store: ObjectStore, signers: Path | None) -> Path:
    listed = signers or read_signing(store.path).signers
    if listed is None:
        raise InvalidInput(
            "No list of allowed signers is named.",
            code="no-signers-named",
            hints=["--signers FILE", f"or allowed_signers under [sign] in {store.path / CONFIG}"],
        )
    return listed


def _is_of_a_file(objects: ObjectStore, oid: str) -> bool:
    """True for the commit of an exported lock: it follows none, and publishes nothing by itself."""
    commit = objects.read_commit(oid)
    return not commit.parents and all(e.name != OPERATION for e in objects.read_tree(commit.tree))


def check_arrivals(store: ObjectStore, objects: ObjectStore, commits: Iterable[str]) -> None:
    """Raise unless ``store`` may take these operations (read from ``objects``), by what its settings say.

    What was taken stays: `fsck` would find it damaged for ever. CorruptData ``signature-bad``,
    ``signature-unknown`` or ``signature-unsigned``.
    """
    settings = read_signing(store.path)
    if settings.signers is None and not settings.required:
        return
    with temporary_folder(store.path, "tmp-") as work:
        verifier = Verifier(_listed(store, None), work)
        for oid in commits:
            if _is_of_a_file(objects, oid):
                continue
            verdict = verifier.judge(objects.read(oid)[1])
            if is_refused(store, verdict):
                raise _not_allowed(store, oid, verdict)


def _not_allowed(store: ObjectStore, oid: str, verdict: Verdict) -> CorruptData:
    hints = ["nothing was published"]
    if verdict.status != "bad":
        hints = [
            f"[sign] in {store.path / CONFIG} demands signatures of the allowed signers",
            "who is to be trusted, too, gets a line in their list",
            *hints,
        ]
    return CorruptData(
        f"The operation {oid} there cannot be taken. {_SAID[verdict.status]}{_who(verdict)}",
        code=f"signature-{verdict.status}",
        hints=hints,
        details={"operation": oid, "status": verdict.status, "who": verdict.who},
    )


def _who(verdict: Verdict) -> str:
    return f" (the key is {verdict.who})." if verdict.status == "unknown" else ""


def is_refused(store: ObjectStore, verdict: Verdict) -> bool:
    """A bad signature always; none, or one by somebody unknown, where the store says it is ``required``."""
    return verdict.status == "bad" or (verdict.status != "good" and read_signing(store.path).required)


def check_signatures(store: ObjectStore, signers: Path | None, progress: Progress) -> Iterator[Damage]:
    """What is wrong with the signatures of the log, if there is a list of signers or a need for them.

    A bad signature is damage always; none, or one by somebody unknown, where the store says that they are
    ``required``.
    """
    settings = read_signing(store.path)
    if signers is None and settings.signers is None and not settings.required:
        return
    try:
        for number, (oid, verdict) in enumerate(verdicts(store, signers), 1):
            progress(f"checked {plural(number, 'signature')}")
            if verdict.status == "bad" or (settings.required and verdict.status != "good"):
                said = _SAID[verdict.status] + _who(verdict)
                yield Damage(f"signature-{verdict.status}", f"log {oid}", said)
    except CkstoreError as error:
        if error.code in ("no-signers", "no-signers-named", "no-ssh-keygen"):
            raise
        yield Damage(error.code, "log", error.message)
