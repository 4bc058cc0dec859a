"""ckstore: share research components across git repositories so that what worked keeps working."""

__version__ = "0.1.0"
