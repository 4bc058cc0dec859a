"""Material to work on, generated: the same bytes every time, on every machine."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_WHO = {"NAME": "b", "EMAIL": "b@example.org", "DATE": "1700000000 +0000"}
GIT = {  # no settings of the user or the machine
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0",
    **{f"GIT_{role}_{what}": text for role in ("AUTHOR", "COMMITTER") for what, text in _WHO.items()},
}  # fmt: skip
WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta")
TAGS = [f"tag-{number:02}" for number in range(40)]
_MEBIBYTE = 1024 * 1024
COMMON = ("bench", "even")  # every second component has both


@dataclass(frozen=True)
class Size:
    """How much is generated."""

    components: int
    files: int  # per component, besides its metadata
    commits: int


FULL, QUICK = Size(300, 12, 1500), Size(60, 8, 200)


def component_files(number: int, files: int, revision: int = 0) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of every file of a component of kind dataset."""
    chance = random.Random(f"{number}:{revision}")
    tags = [*(COMMON if number % 2 == 0 else COMMON[:1]), *chance.sample(TAGS, 5)]
    quoted = ", ".join(f'"{tag}"' for tag in tags)
    folder = f"dataset/bench-{number:04}"
    yield f"{folder}/component.toml", f'title = "Number {number}"\ntags = [{quoted}]\n'.encode()
    for index in range(files):
        steady = random.Random(f"{number}:{index}:{revision if index == 0 else 0}")
        words = " ".join(steady.choices(WORDS, k=150))
        yield f"{folder}/data/{index % 3}/file-{index:02}.txt", f"{words} {steady.random()}\n".encode()


def write_folder(root: Path, size: Size) -> Path:
    """A folder of components, ``<kind>/<name>/…``."""
    for number in range(size.components):
        for name, data in component_files(number, size.files):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return root


def write_large(root: Path, mebibytes: int, files: int = 8) -> Path:
    """A component of so many MiB in large files: measurements as text, and bytes that do not compress."""
    root.mkdir()
    (root / "component.toml").write_text('kind = "dataset"\nname = "large"\n')
    chance = random.Random(3)
    for number in range(files):
        with (root / f"file-{number}.bin").open("wb") as file:
            for block in range(mebibytes // files):
                noisy = number % 2 == 0 if files > 1 else block % 2 == 0
                file.write(chance.randbytes(_MEBIBYTE) if noisy else _measurements(chance))
    return root


def _measurements(chance: random.Random) -> bytes:
    """A MiB of lines of a table; few of its numbers are new, as generating them takes long."""
    lines = [f"{chance.random():.6f},{chance.gauss(10, 3):.4f},{chance.choice(WORDS)}\n" for _ in range(4000)]
    text = "".join(chance.choices(lines, k=50_000)).encode()
    return text[:_MEBIBYTE].ljust(_MEBIBYTE, b"\n")


def write_history(path: Path, size: Size) -> Path:
    """A bare repository: all components in the first commit, then one changed component per commit."""
    git("init", "--quiet", "--bare", "--initial-branch=main", path)
    stream = b"".join(_stream(size))
    git("-C", path, "fast-import", "--quiet", data=stream)
    return path


def _stream(size: Size) -> Iterator[bytes]:
    everything = [item for number in range(size.components) for item in component_files(number, size.files)]
    yield _commit(1, everything)
    for revision in range(2, size.commits + 1):
        number = (revision * 7) % size.components
        yield _commit(revision, list(component_files(number, 1, revision)))


def _commit(number: int, files: list[tuple[str, bytes]]) -> bytes:
    message = f"change {number}".encode()
    parts = [
        b"commit refs/heads/main\nmark :%d\n" % number,
        b"committer b <b@example.org> %d +0000\ndata %d\n%s\n"
        % (1_700_000_000 + number, len(message), message),
    ]
    parts += [b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(data), data) for name, data in files]
    return b"".join(parts)


def git(*words: str | Path, data: bytes | None = None) -> str:
    """What git says, without the last line end; raises CalledProcessError when it fails."""
    done = subprocess.run(
        ["git", *map(str, words)], input=data, env={**os.environ, **GIT}, check=True, capture_output=True
    )
    return done.stdout.decode().strip()
