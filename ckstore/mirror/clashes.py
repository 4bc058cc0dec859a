"""Versions that mean other files here than upstream's history gives: what they cost is their component.

A version that was imported, or published and taken back, keeps its meaning for ever. Where the history
derives other files for it, the component stays as it is from there on: going past that version would
number all later ones otherwise than every other mirror does. That it is left is said, and remembered, by
a line among the problems of its source; it goes when the mirror that wrote it is undone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ckstore.model.records import Release, Source
from ckstore.objects.log import LogView

_CLASH = re.compile(r"@[0-9a-f]{12}: clash of ([0-9a-f]+): ")


def left_components(problems: Iterable[str]) -> set[str]:
    """The UIDs of components that clashes have stopped, by the problems of their source."""
    return {found[1] for line in problems if (found := _CLASH.search(line))}


class Clashes:
    """Judges derived releases of one source by what a view of the log says of their versions."""

    def __init__(self, view: LogView, source: Source) -> None:
        self._view, self._source = view, source.name
        self.left = left_components(source.problems) if source.head else set()

    def explain(self, release: Release) -> str:
        """How a release contradicts what is known here; empty when it does not."""
        was = self._view.retired(self._source, release.uid).get(release.version)
        if was is not None and was.digest != release.digest:
            return self._sentence(release, "was taken back", was.digest)
        if self._view.has_release(self._source, release.uid, release.version):
            present = self._view.release(self._source, release.uid, release.version)
            if present.digest != release.digest:
                return self._sentence(release, "is released", present.digest)
        return ""

    def stop(self, release: Release) -> str:
        """The line about a component that a release stops, which is remembered; empty when it does not."""
        why = self.explain(release)
        if not why:
            return ""
        self.left.add(release.uid)
        return f"{release.path or '.'}@{release.commit[:12]}: clash of {release.uid}: {why}"

    def _sentence(self, release: Release, how: str, digest: str) -> str:
        undo = " or undo the undo (`ckstore log`)" if how == "was taken back" else ""
        return (
            f"{release.kind}:{release.name}@{release.version} {how} here with the digest {digest},"
            f" upstream has {release.digest}: nothing more of it is released;"
            f" mirror the repository under another --name{undo}"
        )
