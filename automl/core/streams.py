"""Independent random streams, named by what they are for."""

from __future__ import annotations

import zlib

import numpy as np

__all__ = ["stream", "stream_seed"]


def stream(seed: int, name: str, *indices: int) -> np.random.Generator:
    """Return the generator for (seed, name, indices): the same on every machine, independent of every other one."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), *indices])


def stream_seed(seed: int, name: str, *indices: int) -> int:
    """Return a seed below 2**31 for libraries that take integers only."""
    return int(stream(seed, name, *indices).integers(2**31 - 1))
