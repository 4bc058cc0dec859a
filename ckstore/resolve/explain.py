"""Why something cannot be resolved, in sentences: who asked for what, by which path, and what would help."""

from __future__ import annotations

from collections.abc import Sequence

from ckstore.errors import CkstoreError, Conflict, NotFound
from ckstore.model.requirements import Requirement
from ckstore.resolve.problem import Asked, Candidate

_SHOWN = 5


def told_by(asked: Asked, error: CkstoreError) -> CkstoreError:
    """An error of the catalogue, with who asked."""
    if not asked.path:
        return error
    return type(error)(f"{asked}: {error.message}", code=error.code, hints=error.hints, details=error.details)


def nothing(asked: Asked, requirement: Requirement, hints: Sequence[str]) -> NotFound:
    """No component has the name or the tags."""
    what = "has these tags" if requirement.tags else "has this name"
    return NotFound(
        f"{begin(asked)}, but no component {what}.",
        code="nothing-provides",
        hints=(*hints, "mirror the repository that has it: `ckstore mirror URL`"),
        details=details(asked),
    )


def no_version(asked: Asked, candidate: Candidate) -> NotFound:
    """The component is there, but the range admits none of its versions."""
    count = len(candidate.versions)
    has = f"has only {_versions(candidate.versions)}" if count else "has none to choose"
    return NotFound(
        f"{begin(asked)}, but {candidate.component} {has}{_yanked(candidate)}.",
        code="no-version",
        hints=[
            *(["widen the range"] if count else []),
            f"`ckstore show {candidate.component}` lists its versions and why each",
            *(["`ckstore unyank` lets a yanked release be chosen again"] if candidate.yanked else []),
        ],
        details={**details(asked), "versions": list(candidate.versions)},
    )


def what_there_is(candidate: Candidate) -> str:
    """``s:p:lib has 2.0.0, 1.0.0``, and what became of others."""
    return f"{candidate.component} has {_versions(candidate.versions)}{_yanked(candidate)}"


def _versions(versions: Sequence[str]) -> str:
    more = f" and {len(versions) - _SHOWN} more" if len(versions) > _SHOWN else ""
    return f"{', '.join(versions[:_SHOWN])}{more}"


def _yanked(candidate: Candidate) -> str:
    """``; 1.2.0 was yanked: it loses data``."""
    told = [f"{v} was yanked" + (f": {why}" if why else "") for v, why in candidate.yanked.items()]
    told += [f"{v} came from elsewhere, and the mirror here has not derived it" for v in candidate.claimed]
    more = f"; {len(told) - _SHOWN} more are not for new locks" if len(told) > _SHOWN else ""
    return "".join(f"; {text.rstrip('.')}" for text in told[:_SHOWN]) + more


def clash(asked: Asked, candidate: Candidate, version: str, others: Sequence[Asked]) -> Conflict:
    """The component has another version already, because of ``others``."""
    return Conflict(
        f"{begin(asked)}, but {candidate.component} is already at {version} because "
        f"{'; '.join(str(other) for other in others)}.",
        code="no-common-version",
        hints=["ask for ranges that overlap"],
        details={
            **details(asked), "component": candidate.component, "version": version,
            "others": [details(other) for other in others],
        },
    )  # fmt: skip


def same_name(asked: Asked, component: str, others: Sequence[Asked]) -> Conflict:
    """Two components would have the same name in one lock: one of them was renamed since."""
    return Conflict(
        f"{begin(asked)}, which was called {component}, the name that another component in this lock has "
        f"because {'; '.join(str(other) for other in others)}.",
        code="same-name",
        hints=["ask for a version after the rename"],
        details=details(asked),
    )


def begin(asked: Asked) -> str:
    """Who asked for what, at the beginning of a sentence."""
    text = str(asked)
    return text[0].upper() + text[1:] if not asked.path else text


def details(asked: Asked) -> dict[str, object]:
    """The same as values."""
    versions = {"versions": list(asked.versions)} if asked.versions else {}
    return {
        "ask": asked.need.ask, "role": asked.need.role, "by": asked.by, "path": list(asked.path), **versions,
    }  # fmt: skip
