"""Prepared rows, kept in files: trials that prepare the same rows in the same way do it once, in whatever worker.

A pipeline is a prefix (all steps but the model) and a model. What the first steps make of a fold depends on these
steps, unfitted, and on the rows alone, so that is the key; pipelines that differ in a later step share the earlier
ones. An entry is one file: sizes, a pickle, then the raw buffers of the matrices (pickle protocol 5), each at a
multiple of 64 bytes. The matrices of a hit are maps of that file, private to the process: a model may write into them,
and nobody else sees it.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import pickle
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from automl.core import Array
from automl.data import Dataset

__all__ = ["Entry", "Preparations", "Prepared", "Preparer"]

_ALIGNED = 64
_LARGEST = 0.25  # share of the cap that one entry may take


@dataclass(frozen=True)
class Entry:
    """What some steps made of some rows, the fitted steps (none with rows that are only scored), and the seconds."""

    steps: tuple[Any, ...]
    matrices: tuple[Any, ...]
    seconds: float


@dataclass
class Preparations:
    """Files of prepared rows in one folder, which several processes share; the least recently used go first.

    Nothing here ever fails a fold: whatever cannot be read is prepared again, and after an error of the disk this
    process stores nothing more.

    Parameters
    ----------
    folder : Path
        Of one fit alone, made by whoever owns it; without it nothing is kept.
    cap_mb : float
        Size of all files together (10^6 bytes).
    least_seconds : float
        What is prepared faster is not worth a file.
    write_mb_per_second : float
        What is prepared faster than it is written, at this cautious speed, is not worth a file either.
    """

    folder: Path
    cap_mb: float
    least_seconds: float = 0.005
    write_mb_per_second: float = 300.0
    broken: bool = False

    def load(self, key: str) -> Entry | None:
        """Return an entry, or None where there is none."""
        path = self.folder / key
        try:
            with open(path, "rb") as file:
                whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
            with suppress(OSError):
                os.utime(path)
            body, *buffers = _parts(whole)
            steps, matrices, seconds = pickle.loads(body, buffers=buffers)
            return Entry(pickle.loads(steps), matrices, seconds)
        except Exception:  # not there, or not readable
            return None

    def store(self, key: str, entry: Entry, seconds: float) -> None:
        """Keep an entry whose last step took some seconds, if that is worth its place."""
        if self.broken or seconds < self.least_seconds or not all(map(_is_mappable, entry.matrices)):
            return
        try:
            parts = _pickled(entry)
            megabytes = sum(len(part) for part in parts) / 1e6
            if megabytes > min(_LARGEST * self.cap_mb, self.write_mb_per_second * seconds):
                return
            self._make_room(megabytes)
            self._write(self.folder / key, parts)
        except FileNotFoundError:  # another process was tidying up
            return
        except OSError:
            self.broken = True
        except Exception:  # a part that cannot be pickled once it is fitted
            return

    def _make_room(self, megabytes: float) -> None:
        """Delete what was not used for the longest time, leftovers of killed workers included."""
        files = []
        with os.scandir(self.folder) as entries:
            for file in entries:
                with suppress(FileNotFoundError):
                    status = file.stat()
                    files.append((status.st_mtime, status.st_size / 1e6, file.path))
        excess = sum(size for _, size, _ in files) + megabytes - self.cap_mb
        for _, size, path in sorted(files):
            if excess <= 0:
                return
            with suppress(OSError):  # gone already; or mapped, which counts on Windows only
                os.unlink(path)
                excess -= size

    def _write(self, path: Path, parts: list[Any]) -> None:
        """Write a file so that it is there whole or not at all."""
        sizes = np.array([len(parts), *map(len, parts)], dtype="<i8").tobytes()
        handle, scratch = tempfile.mkstemp(dir=self.folder, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                for part in (sizes, *parts):
                    file.write(part)
                    file.write(b"\0" * (-len(part) % _ALIGNED))
            os.replace(scratch, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(scratch)
            raise


@dataclass(frozen=True)
class Prepared:
    """A fitted prefix, with what it makes of the rows it was fitted on and of those that tell the model to stop."""

    prefix: Any
    fit: Any
    stop: Any
    keys: tuple[str, ...]


class Preparer:
    """Prepares the rows of one job, and keeps account of it.

    Parameters
    ----------
    cache : Preparations, optional
    rows : str
        Name of the training rows of this job, among all jobs that share the cache.

    Attributes
    ----------
    seconds : float
        Spent on preparation by this job.
    saved : float
        Seconds that the job would have taken longer without the cache; negative where storing took time.
    hits, misses : int
        How often something was found, and nothing.
    """

    def __init__(self, cache: Preparations | None = None, rows: str = "") -> None:
        self._cache = cache
        self._rows = rows
        self.seconds = self.saved = 0.0
        self.hits = self.misses = 0

    def fit(self, prefix: Any, train: Dataset, split: tuple[Array, Array] | None = None, name: str = "") -> Prepared:
        """Fit a prefix on training rows and transform them.

        Parameters
        ----------
        prefix : Pipeline
            Unfitted.
        split : (fit, stop) row positions, optional
            Fitted on the first alone; both are transformed. By default on all rows.
        name : str
            Of the split, among all those of these training rows.
        """
        from sklearn.pipeline import Pipeline

        keys = () if self._cache is None else _keys(prefix, f"{self._rows} {name}")
        y = train.y if split is None else train.y[split[0]]

        def take() -> tuple[Any, ...]:
            return (train.X, None) if split is None else tuple(train.rows(part).X for part in split)

        def run(step: Any, fit: Any, stop: Any) -> tuple[Any, ...]:
            return step.fit_transform(fit, y), None if stop is None else step.transform(stop)

        entry = self._run(prefix, keys, take, run, fitted=True)
        fit, stop = entry.matrices
        return Prepared(Pipeline(list(entry.steps)), fit, stop, keys)

    def transform(self, prefix: Any, keys: Sequence[str], test: Dataset) -> Any:
        """Return scored rows as the model sees them; ``keys`` are those of the Prepared with this prefix."""
        keys = [f"{key}.scored" for key in keys]
        entry = self._run(prefix, keys, lambda: (test.X,), lambda step, X: (step.transform(X),), fitted=False)
        return entry.matrices[0]

    def _run(
        self,
        prefix: Any,
        keys: Sequence[str],
        take: Callable[[], tuple[Any, ...]],
        run: Callable[..., tuple[Any, ...]],
        *,
        fitted: bool,
    ) -> Entry:
        """Begin with the most steps that are in the cache, else with the rows; do the rest and keep that."""
        started = time.perf_counter()
        done, entry = self._find(keys)
        begun = time.perf_counter()
        entry = entry or Entry((), take(), 0.0)
        for level in range(done, len(prefix)):
            matrices = tuple(map(_compact, run(prefix[level : level + 1], *entry.matrices)))
            seconds = time.perf_counter() - begun
            steps = (*entry.steps, prefix.steps[level]) if fitted else ()
            entry = Entry(steps, matrices, entry.seconds + seconds)
            if self._cache is not None and level < len(keys):
                self._cache.store(keys[level], entry, seconds)
            begun = time.perf_counter()
        spent = time.perf_counter() - started
        self.seconds += spent
        self.saved += entry.seconds - spent
        return entry

    def _find(self, keys: Sequence[str]) -> tuple[int, Entry | None]:
        """Return the entry of the most steps, and their number."""
        if self._cache is None or not keys:
            return 0, None
        for level in range(len(keys), 0, -1):
            entry = self._cache.load(keys[level - 1])
            if entry is not None:
                self.hits += 1
                return level, entry
        self.misses += 1
        return 0, None


def _keys(prefix: Any, rows: str) -> tuple[str, ...]:
    """Return a name for the first step on these rows, for the first two, ...: every parameter of the steps counts.

    It ends before a step that cannot be pickled, which only one of the user's own can be.
    """
    keys, digest = [], rows.encode()
    for step in prefix.steps:
        try:
            digest = hashlib.blake2b(digest + pickle.dumps(step, protocol=5), digest_size=20).digest()
        except Exception:
            break
        keys.append(digest.hex())
    return tuple(keys)


def _compact(X: Any) -> Any:
    """Return a matrix in a layout that a file preserves; done without a cache too, so that no model sees another."""
    return np.ascontiguousarray(X) if isinstance(X, np.ndarray) and not X.flags.forc else X


def _is_mappable(X: Any) -> bool:
    from scipy.sparse import issparse

    return X is None or issparse(X) or (type(X) is np.ndarray and not X.dtype.hasobject)


def _pickled(entry: Entry) -> list[Any]:
    """Return the pickle, which holds the fitted steps whole, and the buffers of the matrices."""
    buffers: list[pickle.PickleBuffer] = []
    content = (pickle.dumps(entry.steps, protocol=5), entry.matrices, entry.seconds)
    return [pickle.dumps(content, protocol=5, buffer_callback=buffers.append), *(buffer.raw() for buffer in buffers)]


def _parts(whole: memoryview) -> list[memoryview]:
    (count,) = np.frombuffer(whole, "<i8", 1).tolist()
    sizes = np.frombuffer(whole, "<i8", 1 + count).tolist()
    parts, start = [], 0
    for size in (8 * len(sizes), *sizes[1:]):
        parts.append(whole[start : start + size])
        start += size + (-size % _ALIGNED)
    return parts[1:]
