"""Histories made up from a seed: what happens to repositories over years, in a few commits."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.mirror.upstream import Upstream, ck, native

_UIDS = [f"{number:016x}" for number in (0xA, 0xB, 0xC)]
_NAMES = ["one", "two", "three"]
_TAGS = ["fast", "slow", "gpu", "v2"]


def grow(up: Upstream, seed: int, commits: int = 14) -> Iterator[None]:
    """Commit, branch, merge and tag; yields after every step, so that the caller may look at it then."""
    chance = random.Random(seed)
    ours = _Native(up, chance) if chance.random() < 0.5 else _Ck(up, chance)
    side = ""
    ours.write()
    for number in range(commits):
        what = chance.choice([
            "write", "write", "write", "rename", "remove", "remove", "back", "break", "other", "branch",
            "merge", "tag", "tag",
        ])  # fmt: skip
        if what == "branch":
            side = up.commit_tree(
                up.write_tree(), f"branch {number}", branch="side", parents=[side or up.head]
            )
        elif what == "merge" and side:
            ours.edit()
            up.commit_tree(up.write_tree(), f"merge {number}", parents=[up.head, side])
        elif what == "tag":
            up.tag(
                f"v0.{number}", side if side and chance.random() < 0.3 else up.head, annotated=number % 2 == 0
            )
        elif what in ("rename", "remove", "back", "break"):
            getattr(ours, "break_" if what == "break" else what)()
        elif what == "other":
            up.commit({"README.md": str(number)})
        else:
            ours.write()
        yield


class _Native:
    """Components with ``component.toml``, three UIDs under three names."""

    def __init__(self, up: Upstream, chance: random.Random) -> None:
        self.up, self.chance = up, chance
        self.lost: list[dict[str, str | None]] = []

    def _folder(self) -> str:
        return f"program/{self.chance.choice(_NAMES)}"

    def _files(self, folder: str, uid: str) -> dict[str, str | None]:
        tags = " ".join(self.chance.sample(_TAGS, self.chance.randrange(3)))
        version = self.chance.choice(["", "", "", "1.5.0", "3.0"])
        return {**native(folder, tags=tags, uid=uid, version=version, body=str(self.chance.randrange(4)))}

    def _present(self) -> list[str]:
        return sorted(
            {"/".join(p.split("/")[:2]) for p in self.up.files if p.startswith("program/")} - self._hidden
        )

    _hidden = frozenset(["program/.cm"])

    def edit(self) -> None:
        """Change the files without a commit."""
        for path, text in self._files(self._folder(), self.chance.choice(_UIDS)).items():
            if text is not None:
                self.up.files[path] = (0o100644, self.up.blob(text.encode()))

    def write(self) -> None:
        self.up.commit(self._files(self._folder(), self.chance.choice(_UIDS)))

    def rename(self) -> None:
        if not self._present():
            return self.write()
        old, new = self.chance.choice(self._present()), self._folder()
        moved = {
            f"{new}{path.removeprefix(old)}": entry
            for path, entry in self.up.files.items()
            if path.startswith(f"{old}/")
        }
        for path in [path for path in self.up.files if path.startswith((f"{old}/", f"{new}/"))]:
            del self.up.files[path]
        self.up.files |= moved
        self._moved(old, new)
        self.up.commit({})
        return None

    def _moved(self, old: str, new: str) -> None:
        """Files outside of the folder that tell its name."""

    def remove(self) -> None:
        if self._present():
            self.up.commit({f"{self.chance.choice(self._present())}/": None})

    def back(self) -> None:
        self.up.commit(native(self._folder(), uid=self.chance.choice(_UIDS)))

    def break_(self) -> None:
        self.up.commit({f"{self._folder()}/component.toml": f"broken = [{self.chance.randrange(2)}"})


class _Ck(_Native):
    """Entries of a CK repository; their UIDs lie in alias files."""

    def _files(self, folder: str, uid: str) -> dict[str, str | None]:
        tags = ", ".join(f'"{tag}"' for tag in self.chance.sample(_TAGS, self.chance.randrange(3)))
        text = f'{{"tags": [{tags}]}}'
        return {**ck("program", folder.split("/")[1], uid, text, **{"main.c": str(self.chance.randrange(4))})}

    def _moved(self, old: str, new: str) -> None:
        before, after = (f"program/.cm/alias-a-{path.split('/')[1]}" for path in (old, new))
        if before in self.up.files:
            self.up.files[after] = self.up.files.pop(before)

    def back(self) -> None:
        self.up.commit(ck("program", self.chance.choice(_NAMES), self.chance.choice(_UIDS)))

    def break_(self) -> None:
        self.up.commit({f"{self._folder()}/.cm/meta.json": f"{{{self.chance.randrange(2)}"})
