"""What a run record says about the machine: facts that explain results, never who or where it is."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path


def host_facts() -> dict[str, str]:
    """OS, kernel, machine, processor, logical CPUs, memory (bytes) and Python version, as text.

    Host and user names, addresses and folders are left out on purpose: records are shared.
    """
    facts = {
        "os": _os_name(),
        "kernel": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cpu": _cpu_model(),
        "cpus": str(os.cpu_count() or ""),
        "memory_bytes": _memory(),
        "python": platform.python_version(),
    }
    return {name: value for name, value in facts.items() if value}


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return f"{platform.system()} {platform.mac_ver()[0] or platform.version()}".strip()


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(errors="replace") if cpuinfo.is_file() else ""
    match = re.search(r"^(?:model name|Model|cpu model)\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1].strip() if match else platform.processor()


def _memory() -> str:
    try:
        return str(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return ""  # Windows has no sysconf
