"""Boosted trees as plain arrays: read without a library's own file format, and evaluated with NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from automl.core import Array

__all__ = ["Trees"]


@dataclass(frozen=True)
class Trees:
    """A sum of regression trees.

    Parameters
    ----------
    feature, threshold, left, right, value : ndarray of shape (nodes,)
        Of all trees one after another. A row goes left where its feature is at most the threshold. A leaf is its own
        child on both sides; only values of leaves count.
    roots : ndarray of shape (trees,)
    depth : int
        Steps from a root to the deepest leaf.
    """

    feature: Array
    threshold: Array
    left: Array
    right: Array
    value: Array
    roots: Array
    depth: int

    def predict(self, rows: Array) -> Array:
        """Return the sum over all trees for each row, shape (n,)."""
        node = np.repeat(self.roots[None], len(rows), axis=0)
        line = np.arange(len(rows))[:, None]
        for _ in range(self.depth):
            goes_left = rows[line, self.feature[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        return np.asarray(self.value[node].sum(axis=1), dtype=np.float64)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], prefix: str) -> Trees:
        """Return the trees that :meth:`to_arrays` wrote under this prefix."""
        names = ("feature", "threshold", "left", "right", "value", "roots")
        parts = {name: arrays[f"{prefix}{name}"] for name in names}
        parts = {name: part.astype(np.intp) if part.dtype.kind in "iu" else part for name, part in parts.items()}
        return cls(**parts, depth=int(arrays[f"{prefix}depth"]))

    def to_arrays(self, prefix: str) -> dict[str, Array]:
        """Return small arrays that hold everything, their names with this prefix."""
        types = {"feature": np.int16, "left": np.int32, "right": np.int32, "roots": np.int32}
        named = {name: getattr(self, name) for name in ("feature", "threshold", "left", "right", "value", "roots")}
        small = {f"{prefix}{name}": part.astype(types.get(name, np.float64)) for name, part in named.items()}
        return small | {f"{prefix}depth": np.array(self.depth, dtype=np.int16)}
