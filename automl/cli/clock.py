"""When this process began: the command line's budget includes the interpreter's start and the imports."""

from __future__ import annotations

import time

__all__ = ["process_start"]


def process_start() -> float:
    """Return the moment this process began, on the clock of ``time.monotonic``."""
    import psutil

    # Both follow the system's clock, which somebody may set; the processor time spent is less than the age in any case.
    age = time.time() - float(psutil.Process().create_time())
    return time.monotonic() - max(age, time.process_time())
