"""Waiting for a forge, in the open and not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ckstore.mirror.remote import Progress


@dataclass(slots=True)
class Patience:
    """How long a limit is waited for, in seconds, for all requests together; ``pause`` sleeps."""

    left: float = 900
    progress: Progress = lambda line: None
    pause: Callable[[float], None] = time.sleep

    def wait(self, seconds: float, host: str, why: str) -> bool:
        """Wait, showing what is left, second by second; False, at once, when that would take too long."""
        if seconds > self.left:
            return False
        self.left -= seconds
        while seconds > 0:
            self.progress(f"{host}: {why}, waiting {seconds:.0f} s")
            self.pause(min(seconds, 1.0))
            seconds -= 1
        return True
