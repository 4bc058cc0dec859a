"""The answers to what only reads, one function for each action."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ckstore.actions.ck.dialect import Request, identity, no_repository
from ckstore.actions.ck.match import matches
from ckstore.errors import InvalidInput, NotFound
from ckstore.model.metadata_ck import CK_BASE, CK_FILE, CK_INFO
from ckstore.model.plain import Plain, as_map, as_text
from ckstore.model.query import Hit
from ckstore.model.records import Source
from ckstore.objects.store import ObjectStore
from ckstore.operations.ck.entries import Entries
from ckstore.operations.ck.files import files_of
from ckstore.operations.ck.inheritance import inherited
from ckstore.operations.ck.places import here, lay_out_all, lay_out_source
from ckstore.operations.ck.repositories import Repositories

Answer = dict[str, object]
_DESC = ".cm/desc.json"


@dataclass(slots=True)
class Session:
    """One request to one store; ``folder`` is that of its caller."""

    store: ObjectStore
    folder: str
    repositories: Repositories = field(init=False)
    entries: Entries = field(init=False)

    def __post_init__(self) -> None:
        self.repositories = Repositories(self.store)
        self.entries = Entries(self.store, self.repositories)

    def identity(self, hit: Hit) -> Answer:
        """The names and UIDs of an entry."""
        kind_uid = self.repositories.kind_uid(hit.kind)
        return identity(hit.source, hit.kind, hit.name, hit.uid, kind_uid, self.repositories.uid(hit.source))

    def item(self, hit: Hit) -> Answer:
        """An entry in a list."""
        whole = self.identity(hit)
        return {key: value for key, value in whole.items() if not key.endswith("_alias")}

    def located(self, hit: Hit, path: Path) -> Answer:
        """An entry that was named, with its folder."""
        above = {"path": str(path), "path_module": str(path.parent), "path_repo": str(path.parent.parent)}
        return {**above, **self.identity(hit), "data_name": self._title(hit)}

    def _title(self, hit: Hit) -> str:
        return as_text(self.entries.info(hit).get("data_name")) or hit.title or hit.name


def find(session: Session, asked: Request) -> Answer:
    """Where an entry is; with a pattern, where the first of them is, and all ``paths``."""
    if not asked.kind:
        raise InvalidInput("module UOA is not defined", code="no-data")
    if not asked.many:
        hits = session.entries.one(asked)
        (path,) = lay_out_all(session.store, hits[:1])
        return {**session.located(hits[0], path), "number_of_entries": 1, **_also(hits)}
    session.entries.place(asked)
    if not asked.name and not asked.tags:
        raise InvalidInput("data UOA is not defined", code="no-data")
    hits = session.entries.search(asked)
    if not hits:
        raise NotFound("entry was not found", code="no-hits")
    paths = lay_out_all(session.store, hits)
    first = {**session.item(hits[0]), "path": str(paths[0])}
    return {**first, "number_of_entries": len(hits), "paths": [str(path) for path in paths]}


def load(session: Session, asked: Request) -> Answer:
    """The metadata of one entry, and what it inherits."""
    hits = _named(session, asked)
    (path,), entries, files = lay_out_all(session.store, hits[:1]), session.entries, session.repositories
    own = files.file(hits[0], CK_FILE) or entries.written(hits[0])
    whole = own if asked.flag("ignore_inheritance") else inherited(entries, hits[0], own)
    base = {"dict_orig": own} if CK_BASE in own and whole is not own else {}
    beside = {"path_info": str(path / CK_INFO), "path_desc": str(path / _DESC)}
    return {
        **session.located(hits[0], path), "dict": whole, **base, "info": entries.info(hits[0]),
        "desc": files.file(hits[0], _DESC), **_also(hits),
        **{key: place for key, place in beside.items() if Path(place).is_file()},
    }  # fmt: skip


def _named(session: Session, asked: Request) -> list[Hit]:
    session.entries.place(asked)
    _ = asked.reference  # raises when there is no name
    return session.entries.one(asked)


def _also(hits: list[Hit]) -> Answer:
    """Others with the same name, which the kernel would never mention."""
    return {"also": [f"{hit.source}:{hit.kind}:{hit.name}" for hit in hits[1:]]} if hits[1:] else {}


def search(session: Session, asked: Request) -> Answer:
    """All entries that a request means; with ``add_meta``, ``add_info`` what they say."""
    begun = time.monotonic()
    hits = session.entries.search(asked)
    plain = asked.text("out") == "con" or asked.flag("do_not_add_path")
    paths = [] if plain else lay_out_all(session.store, hits)
    found = [session.item(hit) for hit in hits]
    for item, path in zip(found, paths, strict=False):
        item["path"] = str(path)
    about = any(asked.text(key) for key in ("add_info", "search_by_name", "print_name", "name"))
    for item, hit in zip(found, hits, strict=True):
        item |= {"info": session.entries.info(hit)} if about else {}
        item |= {"meta": session.entries.meta(hit)} if asked.flag("add_meta") else {}
    timed_out = {"timed_out": "yes"} if asked.limit and len(hits) >= asked.limit else {}
    return {"lst": found, "elapsed_time": str(time.monotonic() - begun), **timed_out}


def list_tags(session: Session, asked: Request) -> Answer:
    """The tags of all that a search finds."""
    return {"tags": sorted({tag for hit in session.entries.search(asked) for tag in hit.tags})}


def list_files(session: Session, asked: Request) -> Answer:
    """The files of an entry, with their sizes."""
    hit = _named(session, asked)[0]
    found = files_of(session.store, hit.tree, all_of_them=asked.flag("all"))
    listed = {path: {"size": size} for path, size in found}
    return {"list": listed, "number": str(len(listed))}


def path(session: Session, asked: Request) -> Answer:
    """What the caller's folder belongs to."""
    names = here(session.store, session.repositories, asked.text("path") or session.folder)
    source, kind, name = (names.get(key, "") for key in ("repo_uoa", "module_uoa", "data_uoa"))
    answer: Answer = {"repo_uoa": source, "repo_uid": session.repositories.uid(source), "repo_alias": source}
    if kind:
        uid = session.repositories.kind_uid(kind)
        answer |= {"module_uoa": kind, "module_uid": uid, "module_alias": kind}
    if name:
        one = Request(action="find", source=source, kind=kind, name=name)
        answer |= session.identity(session.entries.one(one)[0])
    return answer


def cid(session: Session, asked: Request) -> Answer:
    """The UIDs of an entry that is named, or of what the folder belongs to."""
    return find(session, asked) if asked.kind or asked.name else path(session, asked)


# -- repositories ----------------------------------------------------------------------------------------


def find_repository(session: Session, asked: Request) -> Answer:
    """Where the files of a repository are."""
    try:
        source = session.repositories.called(asked.name)
    except NotFound as error:
        raise NotFound(f'repository "{asked.name}" was not found in cache', code="no-repository") from error
    root = lay_out_source(session.store, source.name)
    return {"path": str(root), **_repository(session, source)}


def load_repository(session: Session, asked: Request) -> Answer:
    """What a repository says of itself."""
    source = session.repositories.called(asked.name)
    said = session.repositories.descriptor(source.name)
    names = identity(
        "local", "repo", source.name, session.repositories.uid(source.name),
        session.repositories.kind_uid("repo"), "9a3280b14a4285c9",
    )  # fmt: skip
    about: Plain = {"dict": as_map(said.get("dict")), "info": {}, "desc": {}}
    return {**names, "data_name": as_text(said.get("data_name")) or source.name, **about}


def _repository(session: Session, source: Source) -> Answer:
    said = as_map(session.repositories.descriptor(source.name).get("dict"))
    uid = session.repositories.uid(source.name)
    return {"repo_uoa": source.name, "repo_uid": uid, "repo_alias": source.name, "dict": said}


def list_repositories(session: Session, asked: Request) -> Answer:
    """The repositories of the store."""
    found = []
    for source in session.repositories.all():
        if matches(source.name, asked.name or "*"):
            whole = load_repository(session, Request(action="load", kind="repo", name=source.name))
            found.append({key: whole[key] for key in whole if key.endswith(("_uoa", "_uid"))})
    return {"lst": found, "elapsed_time": "0"}


def needs(session: Session, asked: Request) -> Answer:
    """The repositories that one says it needs."""
    if not asked.name:
        raise no_repository(asked.name)
    return {"repo_deps": session.repositories.needs(session.repositories.called(asked.name).name)}


Action = Callable[[Session, Request], Answer]
ENTRY_ACTIONS: Mapping[str, Action] = {
    "find": find, "load": load, "info": load, "search": search, "list": search, "ls": search,
    "list_tags": list_tags, "list_files": list_files, "path": path, "cid": cid,
}  # fmt: skip
REPOSITORY_ACTIONS: Mapping[str, Action] = {
    "find": find_repository, "where": find_repository, "load": load_repository, "info": load_repository,
    "list": list_repositories, "ls": list_repositories, "search": list_repositories, "print_deps": needs,
}  # fmt: skip
