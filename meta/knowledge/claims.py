"""One folder, any number of processes: who does what, what is done, and when to stand aside."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psutil

__all__ = ["LOCK", "Claim", "held", "holding", "take", "wait_while_held", "write_whole"]

LOCK = Path(tempfile.gettempdir()) / "automl-benchmark.lock"


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(content.encode() if isinstance(content, str) else content)
    os.replace(part, path)


class Claim:
    """The right to do one piece of work; it ends with :meth:`release` or with the process, however that ends."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def release(self) -> None:
        self._file.close()


def take(path: Path, result: Path) -> Claim | None:
    """Claim a piece of work, unless another process has it or its result is there.

    The file stays: the claim is the kernel's lock on it. The result is looked for after the lock is ours, because the
    process that had it before may just have written it.
    """
    if result.exists():
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    if result.exists():
        file.close()
        return None
    return Claim(file)


# ---- timed benchmarks come first


def held(path: Path = LOCK) -> bool:
    """Whether a timed benchmark runs: the file is there, and the process whose number is in it lives."""
    try:
        holder = json.loads(path.read_text())
        process = psutil.Process(int(holder["pid"]))
        return bool(process.is_running() and abs(process.create_time() - float(holder["created"])) < 1.0)
    except FileNotFoundError:
        return False
    except (ValueError, KeyError, TypeError, psutil.Error):
        return False


@contextmanager
def holding(path: Path = LOCK) -> Iterator[None]:
    """Keep the workshop away while this process measures time."""
    process = psutil.Process()
    write_whole(path, json.dumps({"pid": process.pid, "created": process.create_time()}))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def wait_while_held(path: Path = LOCK, pause: Callable[[float], Any] = time.sleep) -> bool:
    """Wait as long as a timed benchmark runs; return whether there was one."""
    waited = False
    while held(path):
        waited = True
        pause(5.0)
    return waited
