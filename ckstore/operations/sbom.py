"""A lock as a CycloneDX bill of materials, through the library of that project (``ckstore[sbom]``)."""

from __future__ import annotations

import datetime
import uuid
from typing import TYPE_CHECKING

from ckstore.errors import Unsupported
from ckstore.model.lockgraph import LockGraph
from ckstore.model.locks import SWHID, Lock, Pin, SourcePin
from ckstore.operations.lock_formats import is_from_git

if TYPE_CHECKING:
    from cyclonedx.model.component import Component

_KINDS = {
    "program": "application", "script": "application", "dataset": "data", "model": "machine-learning-model",
}  # fmt: skip
# The form wants a time and a number of the document; equal locks give equal documents nevertheless.
_NO_TIME = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_NAMESPACE = uuid.UUID("8b1f3bf6-3f0a-5f0e-9a4c-6b0c7c1d9d52")


def bill_of_materials(lock: Lock) -> str:
    """CycloneDX 1.6 as JSON; :class:`Unsupported` when the library is not installed."""
    try:
        from cyclonedx.model.bom import Bom
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError as error:
        raise Unsupported(
            "CycloneDX is written by the library cyclonedx-python-lib, which is not installed.",
            code="no-cyclonedx",
            hints=["pip install 'ckstore[sbom]'", "`ckstore export --format json` needs nothing"],
        ) from error
    bom = Bom(serial_number=uuid.uuid5(_NAMESPACE, lock.digest))
    bom.metadata.timestamp = _NO_TIME
    sources = {source.name: source for source in lock.sources}
    components = {pin.component: _component(sources[pin.source], pin) for pin in lock.pins}
    root = _root(lock)
    bom.metadata.component = root
    bom.components.update(components.values())
    graph = LockGraph(lock)
    bom.register_dependency(root, [components[got] for got in dict.fromkeys(got for _, got in lock.roots)])
    for name, component in components.items():
        others = {asked.got for asked in graph.needs(name)} - {name}
        bom.register_dependency(component, [components[other] for other in sorted(others)])
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _root(lock: Lock) -> Component:
    from cyclonedx.model.component import Component, ComponentType

    name = "ckstore.lock"
    return Component(type=ComponentType.APPLICATION, name=name, version=lock.digest, bom_ref=name)


def _component(source: SourcePin, pin: Pin) -> Component:
    from cyclonedx.model import ExternalReference, ExternalReferenceType, Property, XsUri
    from cyclonedx.model.component import Component, ComponentType, Swhid

    where = []
    if is_from_git(source, pin):
        at = f"commit {pin.commit}, path {pin.path or '.'}"
        where = [ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(source.url), comment=at)]
    facts = {"ckstore:digest": pin.digest, "ckstore:uid": pin.uid}
    return Component(
        type=ComponentType(_KINDS.get(pin.kind, "library")), group=f"{pin.source}:{pin.kind}",
        name=pin.name, version=pin.version, bom_ref=pin.component, swhids=[Swhid(SWHID + pin.tree)],
        external_references=where, properties=[Property(name=n, value=v) for n, v in facts.items()],
    )  # fmt: skip
