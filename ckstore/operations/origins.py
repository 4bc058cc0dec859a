"""Where components came from, when it was not a mirror."""

from __future__ import annotations

KINDS_SOURCE = "ckstore"  # the source of the kinds that ship with ckstore; nobody else's
FOLDER, BUILTIN = "folder", "builtin"  # the kind of a source
SHIPPED = "(shipped with ckstore)"  # the command of the operation that brings the kinds: nobody typed one
