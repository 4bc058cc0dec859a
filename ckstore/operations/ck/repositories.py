"""Sources as repositories of Collective Knowledge: their descriptors, and the UIDs of their kinds."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from ckstore.actions.ck.dialect import no_repository
from ckstore.actions.ck.match import is_pattern
from ckstore.actions.ck.modules import KIND_OF_UID, MODULE_UIDS
from ckstore.errors import CkstoreError
from ckstore.model.metadata_ck import CK_INFO, CK_REPOSITORY
from ckstore.model.names import derive_uid, is_uid
from ckstore.model.plain import Plain, as_list, as_map, as_text, parse_json
from ckstore.model.query import Hit, Query
from ckstore.model.records import Source
from ckstore.objects.described import file_of
from ckstore.objects.store import ObjectStore
from ckstore.operations.find import find
from ckstore.operations.origins import FOLDER, KINDS_SOURCE


class Repositories:
    """The repositories of a store; what was read of them is remembered, so make one for each request."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._view = store.view()
        self._said: dict[str, Plain] = {}
        self._kinds: dict[str, str] = {}

    def all(self) -> list[Source]:
        """All, by name, but for the one with the kinds that ship with ckstore."""
        return [source for source in self._view.sources() if source.name != KINDS_SOURCE]

    def called(self, name: str) -> Source:
        """The one with this name or UID; NotFound ``no-repository``."""
        source = self._view.source(name) if name else None
        if source is None and is_uid(name):
            source = next((one for one in self.all() if self.uid(one.name) == name), None)
        if source is None:
            raise no_repository(name)
        return source

    def name_of(self, name: str) -> str:
        """The name of the source that a name, a UID or a pattern means; a pattern as it is."""
        return "" if name == "*" else name if is_pattern(name) or not name else self.called(name).name

    def descriptor(self, name: str) -> Plain:
        """What the repository says of itself; empty where that is not known."""
        if name not in self._said:
            self._said[name] = self._read(name)
        return self._said[name]

    def uid(self, name: str) -> str:
        """The UID that its descriptor states, or one made of its name."""
        stated = as_text(self.descriptor(name).get("data_uid"))
        return stated if is_uid(stated) else derive_uid("repo", name)

    def needs(self, name: str) -> list[Plain]:
        """The repositories that it says it needs."""
        said = self.descriptor(name)
        found = as_map(said.get("dict")).get("repo_deps") or said.get("repo_deps")
        return [
            {"repo_uoa": need} if isinstance(need, str) else as_map(need) for need in as_list(found) if need
        ]

    # -- kinds -------------------------------------------------------------------------------------------

    def kind_named(self, kind: str) -> str:
        """The name of a kind, perhaps given by the UID of its module."""
        if not is_uid(kind):
            return "" if kind == "*" else kind
        modules = find(self._store.path, Query(kind="module", name=kind, limit=1)).hits
        return KIND_OF_UID.get(kind) or (modules[0].name if modules else self._kind_in_use(kind))

    def knows_kind(self, kind: str) -> bool:
        """True when a module defines the kind, or a component has it."""
        queries = (Query(kind="module", name=kind, limit=1), Query(kind=kind, limit=1))
        return kind in MODULE_UIDS or any(find(self._store.path, query).hits for query in queries)

    def has_kind(self, source: str, kind: str) -> bool:
        """True when a source, or any, has components of a kind."""
        return not source or bool(find(self._store.path, Query(source=source, kind=kind, limit=1)).hits)

    def kind_uid(self, kind: str) -> str:
        """The UID of a kind's module: the kernel's, or of a module in the store, or what entries state."""
        if kind not in self._kinds:
            self._kinds[kind] = MODULE_UIDS.get(kind) or self._defined(kind) or self._stated(kind)
        return self._kinds[kind] or derive_uid("module", kind)

    def _defined(self, kind: str) -> str:
        modules = find(self._store.path, Query(kind="module", name=kind)).hits
        return next((hit.uid for hit in modules if hit.source != KINDS_SOURCE), "")

    def _stated(self, kind: str) -> str:
        """What an entry of the kind says of the UID of its module."""
        for hit in find(self._store.path, Query(kind=kind, limit=3)).hits:
            stated = as_text(self.file(hit, CK_INFO).get("backup_module_uid"))
            if is_uid(stated):
                return stated
        return ""

    def _kind_in_use(self, uid: str) -> str:
        modules = find(self._store.path, Query()).hits if uid else ()
        kinds = {hit.kind for hit in modules} - MODULE_UIDS.keys()
        return next((kind for kind in sorted(kinds) if self.kind_uid(kind) == uid), uid)

    # -- files -------------------------------------------------------------------------------------------

    def file(self, hit: Hit, name: str) -> Plain:
        """A JSON file of a release; empty when there is none. :class:`InvalidInput` for a broken one."""
        data = file_of(self._view, hit.tree, name)
        return parse_json(data, f"{hit.kind}/{hit.name}/{name}") if data else {}

    def _read(self, name: str) -> Plain:
        source = self._view.source(name)
        try:
            data = self._data(source) if source else None
            return parse_json(data, CK_REPOSITORY) if data else {}
        except (CkstoreError, OSError):  # whoever wants to know what is wrong with it mirrors it again
            return {}

    def _data(self, source: Source) -> bytes | None:
        """The descriptor's bytes: from the history in the store, or from the folder that it came from."""
        if source.head and self._store.has(source.head):
            return file_of(self._store, self._store.root_of(source.head), CK_REPOSITORY)
        folder = folder_of(source)
        if folder and source.kind == FOLDER:
            path = folder / CK_REPOSITORY
            return path.read_bytes() if path.is_file() else None
        return _upstream(folder, source.head) if folder else None


def folder_of(source: Source) -> Path | None:
    """The folder on this machine that a source came from, if it came from one."""
    place = urlsplit(source.url)
    if place.scheme == "file" and place.netloc in ("", "localhost"):
        return Path(unquote(place.path))
    return Path(source.url) if source.url.startswith("/") else None


def _upstream(folder: Path, commit: str) -> bytes | None:
    """The descriptor in a repository of this machine whose history lacks objects, and is not kept."""
    import pygit2

    try:
        entry = pygit2.Repository(str(folder))[commit].peel(pygit2.Tree)[CK_REPOSITORY]
    except (pygit2.GitError, KeyError, ValueError):
        return None
    return bytes(entry.data) if isinstance(entry, pygit2.Blob) else None
