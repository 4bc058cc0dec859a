"""Where in the metadata of a release something stands, as far as it can be told without a parser's help."""

from __future__ import annotations

from collections.abc import Sequence

from ckstore.errors import CkstoreError
from ckstore.model.metadata_formats import BY_NAME
from ckstore.model.records import Release
from ckstore.objects.described import Files, file_of


def place_of(files: Files, release: Release, words: Sequence[str]) -> tuple[str, int]:
    """(file relative to the source, line from 1 or 0) of the words, looked for one behind the other.

    A word that is not written so (a tag that was split from others, a role that was derived) is skipped.
    """
    best: tuple[int, str, int] = (0, "", 0)
    for name in BY_NAME[release.format].files if release.format in BY_NAME else ():
        try:
            data = file_of(files, release.tree, name)
        except CkstoreError:
            continue
        if data is not None:
            found, line = _search(data.decode("utf-8", "replace").split("\n"), words)
            path = f"{release.path}/{name}" if release.path else name
            best = max(best, (found, path, line), key=lambda one: one[0]) if best[1] else (found, path, line)
    return best[1:] if best[1] else (release.path, 0)


def _search(lines: Sequence[str], words: Sequence[str]) -> tuple[int, int]:
    """(how many words were found, line of the last one); words stand alone, not within longer ones."""
    found, at = 0, 0
    for word in words:
        line = next((n for n in range(at, len(lines)) if _has(lines[n], word)), None)
        if line is not None:
            found, at = found + 1, line
    return found, at + 1 if found else 0


def _has(line: str, word: str) -> bool:
    start = line.find(word)
    while start >= 0:
        around = line[start - 1 : start] + line[start + len(word) : start + len(word) + 1]
        if not any(c.isalnum() or c in "-_." for c in around):
            return True
        start = line.find(word, start + 1)
    return False
