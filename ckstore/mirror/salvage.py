"""What can be had from a damaged host: tags one by one, and as much of the branch as it can still read."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ckstore.errors import Unavailable
from ckstore.mirror.listing import Listing
from ckstore.mirror.quarantine import HEAD, Quarantine
from ckstore.mirror.remote import Progress, RecentEngine

_MOST_COMMITS = 1 << 20
_MOST_TAGS = 50
_OBJECT = re.compile(r"\b[0-9a-f]{40}\b")


@contextlib.contextmanager
def whole_packs_only(folder: Path) -> Iterator[None]:
    """Keep what arrived whole, and nothing else: no tool goes on with half a pack; the disk may be full."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            files = list(folder.iterdir())
            whole = {
                file.stem for file in files if file.suffix == ".idx" and file.with_suffix(".pack") in files
            }
            for file in files:
                if file.stem not in whole:
                    file.unlink(missing_ok=True)
        raise


@dataclass(slots=True)
class Salvage:
    """One damaged remote, asked in smaller parts; ``quarantine.damage`` says what is not to be had."""

    engine: RecentEngine
    quarantine: Quarantine
    listing: Listing
    progress: Progress

    def bring(self, batch: Sequence[str], error: Unavailable) -> None:
        """The refs of a batch that could not be fetched. Raises ``error`` when the head itself is lost."""
        found = _OBJECT.search(str(error.details.get("said", "")))
        lost = f"the host cannot read {f'the object {found[0]}' if found else 'all of its objects'}"
        if lost not in self.quarantine.damage:
            self.quarantine.damage.append(lost)
        for refspec in batch[-_MOST_TAGS:]:
            depth = self._deepest(refspec)
            if not depth and refspec.endswith(f":{HEAD}"):
                raise error

    def _deepest(self, refspec: str) -> int:
        """How many commits of a ref can be had: doubled until it fails, then narrowed down."""
        had, failed = 0, _MOST_COMMITS
        depth = 1
        while had < depth < failed:
            if self._fetch(refspec, depth):
                had = depth
                depth = depth * 2 if failed == _MOST_COMMITS else (had + failed) // 2
            else:
                failed = depth
                depth = (had + failed) // 2
        return had

    def _fetch(self, refspec: str, depth: int) -> bool:
        self.progress(f"the host is damaged: trying its newest {depth} commits")
        at, spelling = self.listing.at, self.listing.spelling
        try:
            with whole_packs_only(self.quarantine.git / "objects" / "pack"):
                self.engine.fetch_recent(self.quarantine.git, at, spelling, refspec, depth, self.progress)
        except Unavailable as error:
            if error.code != "damaged-source":
                raise
            return False
        return True
