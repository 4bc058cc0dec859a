"""Reading the head of the log with nothing imported: for commands that must start at once."""

from __future__ import annotations

_LOG_FILE = "objects.git/refs/ckstore/log"


def peek_head(store: str) -> str:
    """The commit id that the log is at; empty when there is none, and when it takes more than a look to know.

    That is so after ``git pack-refs``; :func:`ckstore.objects.head.read_head` reads what this one does not.
    """
    try:
        with open(f"{store}/{_LOG_FILE}", "rb") as file:  # noqa: PTH123  # pathlib takes as long as the rest
            text = file.read(64).decode("ascii").strip()
    except (OSError, ValueError):
        return ""
    return text if len(text) == 40 and text.isalnum() else ""
