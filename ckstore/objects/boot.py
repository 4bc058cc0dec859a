"""Since when the machine is up: what was written without syncing since then is whole, unless it was changed.

A process that dies takes nothing with it that it had written; a machine that stops does. So what is too
much to be synced, and can be made again, is trusted until the next start of the machine.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path


@cache
def boot_id() -> str:
    """A name for this start of the machine; empty where the system gives none."""
    try:
        if sys.platform == "darwin":
            done = subprocess.run(
                ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"],
                capture_output=True,
                text=True,
                check=False,
            )
            return done.stdout.strip()
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
