"""What ``find`` is asked and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from ckstore.model.tags import TagQuery


@dataclass(frozen=True, slots=True)
class Query:
    """All given parts must hold; ``source``, ``kind`` and ``name`` may have wildcards.

    ``where``: conditions on metadata, as :mod:`ckstore.model.conditions` reads them. ``needs``: a reference,
    or tags that are asked for; ``provides``: entries of the interface; both of the newest release. ``sort``:
    fields or keys of metadata, each with a ``-`` before it for falling order.
    """

    source: str = ""
    kind: str = ""
    name: str = ""  # also a UID
    range: str = "*"
    tags: TagQuery = TagQuery()
    text: str = ""  # words; in quotes, a phrase
    where: tuple[str, ...] = ()
    needs: str = ""
    provides: tuple[str, ...] = ()
    all_versions: bool = False
    withdrawn: bool = False
    yanked: bool = False  # only releases that were yanked
    sort: tuple[str, ...] = ()
    limit: int = 0  # 0: no limit


@dataclass(frozen=True, slots=True)
class Hit:
    """One release that answers a query. ``newest`` tells whether its component has no later one."""

    source: str
    kind: str
    name: str
    uid: str
    version: str
    tree: str
    digest: str
    tags: tuple[str, ...]
    title: str
    newest: bool
    withdrawn: bool
    yanked: bool = False

    @property
    def reference(self) -> str:
        """``source:kind:name@=version``, the text that names exactly this release."""
        return f"{self.source}:{self.kind}:{self.name}@={self.version}"

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {
            "source": self.source, "kind": self.kind, "name": self.name, "uid": self.uid,
            "version": self.version, "tree": self.tree, "digest": self.digest,
            "tags": list(self.tags), "title": self.title, "newest": self.newest,
            "withdrawn": self.withdrawn, "yanked": self.yanked,
        }  # fmt: skip
