"""What this process may use: cores and memory, from affinity, container limits and the machine."""

from __future__ import annotations

import math
import os
from pathlib import Path

__all__ = ["available_cores", "available_memory_mb"]

CGROUP = Path("/sys/fs/cgroup")


def _read(name: str, root: Path) -> str | None:
    """Return a control-group file's text, or None where there is no such file (other systems, old kernels)."""
    try:
        return (root / name).read_text().strip()
    except OSError:
        return None


def available_cores(root: Path = CGROUP) -> int:
    """Return the cores this process may use: the least of affinity and container quota, at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    quota = _read("cpu.max", root)  # version 2: "200000 100000" or "max 100000"
    if quota and not quota.startswith("max"):
        limit, period = quota.split()
        cores = min(cores, math.ceil(int(limit) / int(period)))
    old = _read("cpu/cpu.cfs_quota_us", root)
    if old and int(old) > 0:
        cores = min(cores, math.ceil(int(old) / int(_read("cpu/cpu.cfs_period_us", root) or 100_000)))
    return max(1, cores)


def available_memory_mb(root: Path = CGROUP) -> float:
    """Return the memory that the machine and the container leave free, in MB."""
    import psutil

    free = float(psutil.virtual_memory().available)
    for limit_name, used_name in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        limit, used = _read(limit_name, root), _read(used_name, root)
        if limit and limit.isdigit() and used:
            free = min(free, max(0.0, float(limit) - float(used)))
    return free / 1e6
