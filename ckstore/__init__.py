"""ckstore: share research components across git repositories so that what worked keeps working."""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would add half to the start-up of `ckstore find`
if TYPE_CHECKING:
    from ckstore.api import Locked, Store

__version__ = "0.1.0"
__all__ = ["Locked", "Store", "__version__"]


def __getattr__(name: str) -> object:
    """``Store`` on first use: ``import ckstore`` itself stays light."""
    if name in ("Locked", "Store"):
        from ckstore import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
