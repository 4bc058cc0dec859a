"""How ``show`` prints a component. Both doors of ``show`` print through here, so they print the same."""

from __future__ import annotations

from ckstore.cli.output import clean
from ckstore.index.cards import CHANGES, COMMIT_DIGITS, VERSIONS
from ckstore.model.counting import plural

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckstore.cli.quick_show import Shown
    from ckstore.index.cards import Line
    from ckstore.operations.show import ComponentView, VersionView


def render(view: ComponentView | Shown, needs: Sequence[tuple[str, str]], versions: int) -> str:
    """The text for standard output; ``needs`` are (role, what is asked), ``versions`` how many there are."""
    lines = [f"{view.source}:{view.kind}:{view.name}  {view.version}"]
    lines += _columns([(what, value) for what, value in _facts(view) if value], "  ")
    if view.elsewhere:
        lines += ["  elsewhere", *(f"    {line}" for line in view.elsewhere)]
    if needs:
        lines += ["  needs", *_columns(needs, "    ")]
    lines += ["  versions", *_columns([_version(line) for line in view.versions[:VERSIONS]], "    ")]
    if versions > VERSIONS:
        lines.append(f"    … and {plural(versions - VERSIONS, 'older one')} (--json lists them all)")
    return "".join(f"{clean(line)}\n" for line in lines)


def _facts(view: ComponentView | Shown) -> list[tuple[str, str]]:
    place = view.url or view.source
    newest = view.versions[0].version
    return [
        ("title", view.title if view.title != view.name else ""),
        ("about", view.description),
        ("tags", ", ".join(view.tags)),
        ("uid", view.uid),
        ("source", f"{place} at {view.commit[:COMMIT_DIGITS]}" if view.commit else place),
        ("path", view.path),
        ("files", view.swhid),
        ("digest", view.digest),
        ("withdrawn", view.withdrawn),
        ("yanked", view.yanked),
        ("now called", f"{view.called_now}, newest {newest}" if view.called_now else ""),
        ("former names", ", ".join(name for name in view.names[:-1] if name != f"{view.kind}:{view.name}")),
        ("commands", ", ".join(view.commands)),
        ("actions", ", ".join(view.actions)),
        ("run it", view.run),
    ]


def _version(line: VersionView | Line) -> tuple[str, str, str, str]:
    why = " ".join(line.changes[:CHANGES]) + (" …" if len(line.changes) > CHANGES else "")
    labels = f"[{', '.join(line.labels)}] " if line.labels else ""
    if line.yanked:
        labels = f"(yanked{': ' if line.yank_reason else ''}{line.yank_reason}) {labels}"
    return line.version, line.commit[:COMMIT_DIGITS] or "-", line.bump, f"{labels}{why}"


def _columns(rows: Sequence[tuple[str, ...]], indent: str) -> Iterable[str]:
    """Aligned; the last column is not padded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for *cells, last in rows:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        yield f"{indent}{'  '.join([*padded, last])}".rstrip()
