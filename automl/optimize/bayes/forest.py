"""A forest that predicts a loss with its uncertainty, and takes in further values without being grown again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl.core import Array

__all__ = ["Forest", "Leaves", "grow"]

TREES = 30
LEAST_DEVIATION = 1e-6


@dataclass
class Leaves:
    """Sums of one tree's leaves: number, sum and sum of squares of the values in each node."""

    count: Array
    total: Array
    squares: Array

    def add(self, nodes: Array, values: Array) -> None:
        np.add.at(self.count, nodes, 1.0)
        np.add.at(self.total, nodes, values)
        np.add.at(self.squares, nodes, values**2)

    def moments(self, nodes: Array) -> tuple[Array, Array]:
        """Return mean and variance of the leaves that rows fall into."""
        count = self.count[nodes]
        mean = self.total[nodes] / count
        return mean, np.maximum(self.squares[nodes] / count - mean**2, 0.0)


class Forest:
    """Trees and what their leaves hold.

    Parameters
    ----------
    trees : sequence of fitted scikit-learn trees (``tree_`` attributes)
    leaves : sequence of Leaves, one per tree
    """

    def __init__(self, trees: list[object], leaves: list[Leaves]) -> None:
        self._trees = trees
        self._leaves = leaves

    def add(self, rows: Array, values: Array) -> Forest:
        """Return a forest whose leaves hold these values too; the trees stay as they are."""
        if not len(rows):
            return self
        small = rows.astype(np.float32)
        extended = []
        for tree, leaves in zip(self._trees, self._leaves, strict=True):
            copy = Leaves(leaves.count.copy(), leaves.total.copy(), leaves.squares.copy())
            copy.add(tree.apply(small), values)  # type: ignore[attr-defined]
            extended.append(copy)
        return Forest(self._trees, extended)

    def predict(self, rows: Array) -> tuple[Array, Array]:
        """Return mean and standard deviation for each row.

        The variance is the mean of the trees' variances plus the variance of their means (law of total variance;
        Hutter et al., Algorithm runtime prediction, AIJ 2014, section 4.3).
        """
        small = rows.astype(np.float32)
        means, variances = [], []
        for tree, leaves in zip(self._trees, self._leaves, strict=True):
            mean, variance = leaves.moments(tree.apply(small))  # type: ignore[attr-defined]
            means.append(mean)
            variances.append(variance)
        total = np.mean(variances, axis=0) + np.var(means, axis=0)
        return np.mean(means, axis=0), np.sqrt(np.maximum(total, LEAST_DEVIATION**2))


def grow(rows: Array, values: Array, rng: np.random.Generator, *, trees: int = TREES) -> Forest:
    """Return a forest grown on bootstrap samples of the rows.

    Each column is split at random and the best of the columns is taken, down to single rows (extremely randomised
    trees; Geurts, Ernst and Wehenkel 2006): the trees then differ where nothing is known.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
    values : ndarray of shape (n,)
    """
    from sklearn.tree import DecisionTreeRegressor

    small = rows.astype(np.float32)
    grown, sums = [], []
    for _ in range(trees):
        drawn = rng.integers(0, len(rows), len(rows))
        model = DecisionTreeRegressor(splitter="random", random_state=int(rng.integers(2**31 - 1)))
        model.fit(small[drawn], values[drawn])
        n_nodes = model.tree_.node_count
        leaves = Leaves(np.zeros(n_nodes), np.zeros(n_nodes), np.zeros(n_nodes))
        leaves.add(model.tree_.apply(small[drawn]), values[drawn])
        grown.append(model.tree_)
        sums.append(leaves)
    return Forest(grown, sums)
