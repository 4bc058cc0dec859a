"""Every limit on what strangers may ask of this machine, in one place; ``docs/limits.md`` states them.

A limit stands far above what honest repositories hold, and is checked before the work that it bounds:
declared sizes before anything is inflated, counts before anything is walked. What is beyond one is
refused with a reason, and costs no more than the component that holds it.
"""

from __future__ import annotations

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

# -- objects: sizes as their headers declare them ------------------------------------------------------

MAX_OBJECT_BYTES = 16 * GIB  # a blob that is stored whole: it is read in pieces
MAX_DELTA_BYTES = 512 * MIB  # a blob that is stored as a difference: git makes none for larger files
MAX_TREE_BYTES = 8 * MIB  # one folder: about 200,000 entries
MAX_COMMIT_BYTES = 1 * MIB  # a commit or a tag
MAX_DELTA_CHAIN = 4095  # git makes none longer, whatever it is asked for
MAX_TAG_CHAIN = 16  # tags of tags
MAX_PACK_BYTES = 256 * GIB  # one fetched pack

# -- trees ---------------------------------------------------------------------------------------------

MAX_FILES = 1_000_000  # files and folders of one component, each place of a shared folder counted
MAX_DEPTH = 128  # folders within each other, wherever trees are read
MAX_COMPONENT_DEPTH = 64  # below the root of one component
MAX_PATH_BYTES = 4095  # one path below a component's root
MAX_LISTED_BYTES = 64 * MIB  # all paths of one component together
MAX_LINK_BYTES = 4095  # the target of a symlink
MAX_FOLDERS_READ = 200_000  # places that may hold components, looked at for one commit

# -- metadata ------------------------------------------------------------------------------------------

MAX_METADATA_BYTES = 4 * MIB  # one metadata file or manifest; the largest real one that was seen has 0.4
MAX_LOCK_BYTES = 64 * MIB
MAX_DATA_VALUES = 200_000  # in one YAML file, each alias counted with all that it stands for
MAX_BASES = 10  # components that one inherits from, one above the other
MAX_KEY_PARTS = 64  # a.b.c in TOML: reading such a key costs the square of its parts
MAX_FACTS = 1000  # pairs of key and value by which a component is found, the shallowest first
MAX_FACT_CHARACTERS = 500  # one value; what follows is not searched by conditions
MAX_KEY_CHARACTERS = 250  # a.b.c, with its escapes
MAX_SEARCHED_CHARACTERS = 50_000  # of the values of one component, as free text
MAX_DATA_DEPTH = 64  # lists and mappings within each other
MAX_PROBLEMS = 10_000  # reported lines of one source
MAX_PROBLEM_CHARACTERS = 1000  # one of them: it repeats strangers' words

# -- remotes -------------------------------------------------------------------------------------------

MAX_ALTERNATES = 32  # folders that a local repository borrows objects from
MAX_REFS = 200_000  # that a remote may announce
MAX_TAGS = 20_000  # that become labels: the newest ones
MAX_REF_BYTES = 1000  # one name
MAX_SAID_BYTES = 64 * MIB  # what a remote may say beside its data
MAX_CHILD_BYTES = 4 * GIB  # memory of a git program

_MOST = {
    "commit": MAX_COMMIT_BYTES,
    "tag": MAX_COMMIT_BYTES,
    "tree": MAX_TREE_BYTES,
    "blob": MAX_OBJECT_BYTES,
}
# No object up to this size is refused for its size, whatever it is.
NEVER_TOO_LARGE = min(_MOST.values())


def too_large(kind: str, size: int, *, delta: bool = False) -> str:
    """Why an object of this type and size (bytes) must not be read; empty when it may.

    ``delta``: it is stored as a difference from another one, so that both must fit into memory.
    """
    most = MAX_DELTA_BYTES if delta and kind == "blob" else _MOST.get(kind, 0)
    return f"it is a {kind} of {size} bytes, more than {most}" if size > most else ""
