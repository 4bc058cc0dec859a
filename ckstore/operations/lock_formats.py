"""A lock in forms for other tools: JSON after the model of PEP 751, and a list for git alone.

Both are made of the lock itself, and equal locks give equal bytes: no time, no version of a tool.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

from ckstore.model.lockgraph import Asked, LockGraph
from ckstore.model.locks import SWHID, Lock, Pin, SourcePin

# What git fetches from without running a program that an address names.
_ADDRESS = re.compile(r"(?:https?|ssh|git|file)://[^\s\x00-\x1f\x7f]+")


def written_lock(lock: Lock, form: str) -> str:
    """The lock as ``json``, ``sources`` or ``cyclonedx``; Unsupported where a library is missing for it."""
    if form == "cyclonedx":
        from ckstore.operations.sbom import bill_of_materials

        return bill_of_materials(lock)
    return for_tools(lock) if form == "json" else for_git(lock)


def for_tools(lock: Lock) -> str:
    """JSON, with the words of PEP 751 (``pylock.toml``) where it has one for the same thing.

    ``packages`` have ``name`` (the component), ``version``, ``vcs`` (``type``, ``url``, ``commit-id``,
    ``subdirectory``) where they come from git, ``hashes`` (of the tree: see docs/lock-format.md), ``swhid``,
    ``dependencies`` and ``required-by``.
    """
    graph = LockGraph(lock)
    sources = {source.name: source for source in lock.sources}
    value = {
        "lock-version": "1.0", "created-by": "ckstore", "digest": f"sha256:{lock.digest}",
        "requires": [{"ask": asked.ask, "name": asked.got} for asked in graph.roots],
        "sources": [
            {"name": source.name, "url": source.url, "commit-id": source.commit, "rank": source.rank}
            for source in lock.sources
        ],
        "packages": [_package(graph, sources[pin.source], pin) for pin in lock.pins],
    }  # fmt: skip
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _package(graph: LockGraph, source: SourcePin, pin: Pin) -> dict[str, object]:
    found: dict[str, object] = {
        "name": pin.component, "version": pin.version, "kind": pin.kind, "uid": pin.uid,
        "source": pin.source, "swhid": SWHID + pin.tree,
        "hashes": {"ckstore-tree-sha256": pin.digest.removeprefix("sha256:")},
    }  # fmt: skip
    if is_from_git(source, pin):
        found["vcs"] = {
            "type": "git", "url": source.url, "commit-id": pin.commit, "subdirectory": pin.path,
        }  # fmt: skip
    found["dependencies"] = [_edge(asked, asked.got) for asked in graph.needs(pin.component)]
    found["required-by"] = [_edge(asked, asked.asker) for asked in graph.required_by(pin.component)]
    return found


def _edge(asked: Asked, name: str) -> dict[str, str]:
    """``name`` is empty where the user asks."""
    return {"name": name, "role": asked.role, "ask": asked.ask}


def is_from_git(source: SourcePin, pin: Pin) -> bool:
    """True when git can fetch the release: it has a commit, and its source an address that git may open."""
    return bool(pin.commit and _ADDRESS.fullmatch(source.url))


_SCRIPT = """\
#!/bin/sh
# What a ckstore.lock names, from git alone: sh THIS-FILE [FOLDER]
# fetches every commit below and writes the files as FOLDER/source/kind/name; git checks each tree.
# The lock is the one whose canonical text has the SHA-256 {digest}.
set -eu
to=${{1:-components}}
mkdir -p "$to/.git-sources"
to=$(cd "$to" && pwd)
failed=0

get() {{ # source, address, commit
    git init -q --bare "$to/.git-sources/$1"
    cd "$to/.git-sources/$1"
    printf '* -text -eol -ident -filter -working-tree-encoding\\n' >info/attributes
    git cat-file -e "$3^{{commit}}" 2>/dev/null || git fetch -q --depth 1 "$2" "$3" 2>/dev/null ||
        git fetch -q "$2" '+refs/*:refs/upstream/*'
}}

put() {{ # source, commit, path, tree, where to
    cd "$to/.git-sources/$1"
    if [ "$(git rev-parse --verify -q "$2:$3")" != "$4" ]; then
        echo "$5: the commit $2 does not have the tree $4 at '$3'" >&2
        failed=1
        return
    fi
    mkdir -p "$to/$5"
    GIT_INDEX_FILE="$PWD/ckstore-index" git --work-tree="$to/$5" read-tree "$4"
    GIT_INDEX_FILE="$PWD/ckstore-index" git --work-tree="$to/$5" checkout-index -q -a -f
}}
"""


def for_git(lock: Lock) -> str:
    """A list of addresses, commits and paths that is a shell script: it needs git and nothing else.

    What has no address in git (components of folders) is named in it, and has to come from elsewhere.
    """
    return "\n".join([_SCRIPT.format(digest=lock.digest), *_lines(lock), "exit $failed", ""])


def _lines(lock: Lock) -> Iterator[str]:
    for source in lock.sources:
        pins = [pin for pin in lock.pins if pin.source == source.name]
        yield f"# {source.name}: {_plain(source.url)}"
        commits = sorted({pin.commit for pin in pins if is_from_git(source, pin)})
        yield from (f"get {_words(source.name, source.url, commit)}" for commit in commits)
        for pin in pins:
            place = "/".join((pin.source, pin.kind, pin.name))
            if is_from_git(source, pin):
                yield f"put {_words(pin.source, pin.commit, pin.path, pin.tree, place)}  # {pin.version}"
            else:
                yield f"# not in git: {_plain(place)} {_plain(pin.version)} tree {pin.tree}"
        yield ""


def _words(*words: str) -> str:
    return " ".join(map(shlex.quote, words))


def _plain(text: str) -> str:
    """Text that stays in its comment."""
    return "".join(char if char.isprintable() else "?" for char in text)
