"""What an action is given: the component, what the lock found for it, and a place to write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ckstore.actions.component import ComponentView, load_component
from ckstore.model.locks import Lock


class Context:
    """The world of one action. Everything outside ``workspace`` is read-only.

    Every component that is looked up through it is remembered in :attr:`touched`: after the run it is
    known what the action really needed.
    """

    def __init__(
        self,
        component: str,
        lock: Lock,
        snapshot: Path,
        workspace: Path,
        progress: Callable[[str], None],
        settle: Callable[[], None] = lambda: None,
    ) -> None:
        self.lock = lock
        self.snapshot = snapshot
        self.workspace = workspace
        self.progress = progress
        self.settle = settle  # ends whatever the last command left running in the background
        self._views: dict[str, ComponentView] = {}
        self.component = self.view(component)

    def view(self, name: str) -> ComponentView:
        """The component ``source:kind:name`` of the lock; NotFound when the lock has none."""
        if name not in self._views:
            self._views[name] = load_component(self.snapshot, self.lock, name)
        return self._views[name]

    def providers(self, role: str, component: str = "") -> list[ComponentView]:
        """What the lock found for the need ``role`` of a component (of this one), in order of the lock."""
        return [self.view(pin.component) for pin in self.lock.got(component or self.component.name, role)]

    @property
    def touched(self) -> tuple[str, ...]:
        """The components looked up so far, sorted."""
        return tuple(sorted(self._views))
