"""One fit of the workshop, in a worker: seconds are those of the processor, so that other work does not matter."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from automl.core import Config, Fidelity
from automl.evaluate import FoldOutput, run_fold

__all__ = ["measure_fold", "processor_clock", "processor_limit"]

OVERRUN = 1.25  # of the cap, then the kernel ends the process
BOOSTING = 0.8  # of the cap, then boosting and networks stop by themselves


@contextmanager
def processor_clock() -> Iterator[None]:
    """Let Python code that looks at the clock see the seconds of this process.

    A fit that shares its processor with other work takes twice as long by the wall clock; boosting would stop early,
    and the losses would depend on what else the machine did.
    """
    real = time.monotonic, time.perf_counter
    time.monotonic = time.perf_counter = time.process_time
    try:
        yield
    finally:
        time.monotonic, time.perf_counter = real


@contextmanager
def processor_limit(seconds: float) -> Iterator[None]:
    """Let the kernel kill this process (SIGXCPU) when it has used so many seconds more than now."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))


def measure_fold(path: str, config: Config, fold: int, artifact: str, cap: float) -> FoldOutput:
    """Fit and score one fold within ``cap`` seconds of the processor; the fitted model is not kept."""
    try:
        with processor_limit(OVERRUN * cap), processor_clock():
            return run_fold(path, config, fold, Fidelity(), artifact, BOOSTING * cap)
    finally:
        with suppress(OSError):
            Path(artifact).unlink()
