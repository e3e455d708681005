"""What matters: how much a score falls when one column is shuffled, on rows that the model was not fitted on.

Breiman (2001), Random forests, section 10; Fisher, Rudin and Dominici (2019), All models are wrong, but many are
useful.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.core import Array, Metric, stream
from automl.evaluate.out_of_fold import OutOfFold

__all__ = ["Importances", "Part", "held_out_parts", "new_parts", "permutation_importance"]

LEAST_PARTS = 5  # fewer give no usable standard error
LEAST_ROWS = 20  # of a part, if it is one of several
_CALL_ROWS = 10_000  # rows that one call predicts
_CALL_CELLS = 5_000_000


@dataclass(frozen=True)
class Part:
    """Rows that one model is scored on."""

    X: Any
    y: Array
    weights: Array | None
    predict: Callable[[Any], Array]


@dataclass(frozen=True)
class Importances:
    """One value per entry of ``columns``; NaN where the time ended before.

    Parameters
    ----------
    mean : ndarray of shape (c,)
        Rise of the loss, which is the fall of the score.
    standard_error : ndarray of shape (c,)
        From the spread over parts: other rows, and in cross-validation other models.
    interval : ndarray of shape (c, 2)
        95 %, by Student's t.
    loss : float
        Mean over parts with no column shuffled.
    """

    mean: Array
    standard_error: Array
    interval: Array
    loss: float


def held_out_parts(kept: OutOfFold, X: Any, weights: Array | None, *, max_rows: int, seed: int) -> list[Part]:
    """Return the held-out rows of every fold with its ensemble; X is the table of fit."""
    rng = stream(seed, "importance rows")
    chosen = np.arange(len(kept.rows))
    if len(chosen) > max_rows:
        chosen = np.sort(rng.choice(chosen, max_rows, replace=False))
    pieces = -(-LEAST_PARTS // len(kept.models))
    parts = []
    for fold in range(len(kept.models)):
        own = chosen[kept.folds[chosen] == fold]
        for piece in _pieces(kept.y[own], pieces, rng):
            scored = own[piece]
            own_weights = None if weights is None else weights[kept.rows[scored]]
            if weights is None and kept.weights is not None:
                own_weights = kept.weights[scored]
            parts.append(Part(_take(X, kept.rows[scored]), kept.y[scored], own_weights, _ensemble(kept, fold)))
    return parts


def new_parts(
    predict: Callable[[Any], Array], X: Any, y: Array, weights: Array | None, *, max_rows: int, seed: int
) -> list[Part]:
    """Return the rows of another table, in some parts, all scored by one model."""
    rng = stream(seed, "importance rows")
    rows = np.sort(rng.permutation(len(y))[:max_rows])
    pieces = [rows[piece] for piece in _pieces(y[rows], LEAST_PARTS, rng)]
    return [Part(_take(X, p), y[p], None if weights is None else weights[p], predict) for p in pieces]


def permutation_importance(
    parts: Sequence[Part],
    columns: Sequence[tuple[int, ...]],
    metric: Metric,
    *,
    n_repeats: int = 5,
    overlap: float = 1.0,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Importances:
    """Shuffle columns within each part and score again.

    Parameters
    ----------
    parts : sequence of Part
    columns : sequence of tuple of int
        Positions of columns that are shuffled together, each tuple for itself. All of them, in one part and repeat,
        are put into the same order.
    overlap : float
        How many parts a row is in, in the mean: parts that share rows tell less.
    stop : callable, optional
        Asked between calls of a model; something is measured in any case. Every column is shuffled once in one part
        before the next part or repeat begins.
    """
    before = [metric.loss(part.y, part.predict(part.X), part.weights) for part in parts]
    rises = np.full((n_repeats, len(parts), len(columns)), np.nan)
    for repeat in range(n_repeats):
        for number, part in enumerate(parts):
            order = stream(seed, "importance", repeat, number).permutation(len(part.y))
            for block in _blocks(part.X, len(columns)):
                if stop is not None and stop() and np.isfinite(rises).any():
                    return _summary(rises, before, overlap)
                predictions = part.predict(_shuffled(part.X, order, [columns[i] for i in block]))
                for i, prediction in zip(block, np.split(predictions, len(block)), strict=True):
                    rises[repeat, number, i] = metric.loss(part.y, prediction, part.weights) - before[number]
    return _summary(rises, before, overlap)


def _summary(rises: Array, before: Sequence[float], overlap: float) -> Importances:
    from scipy.stats import t

    known = np.isfinite(rises)
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.where(known, rises, 0.0).sum(axis=0) / known.sum(axis=0)  # (parts, columns)
        there = np.isfinite(each)
        count = there.sum(axis=0)
        mean = np.where(there, each, 0.0).sum(axis=0) / count
        variance = np.where(there, (each - mean) ** 2, 0.0).sum(axis=0) / (count - 1)
        error = np.sqrt(variance / np.maximum(1.0, count / overlap))
        error = np.where(count > 1, error, np.nan)
        width = t.ppf(0.975, np.maximum(1.0, count / overlap - 1)) * error
    defined = [loss for loss in before if np.isfinite(loss)]
    loss = float(np.mean(defined)) if defined else float("nan")
    return Importances(mean, error, np.stack([mean - width, mean + width], axis=1), loss)


def _ensemble(kept: OutOfFold, fold: int) -> Callable[[Any], Array]:
    return lambda X: kept.predict(fold, X)


def _pieces(y: Array, wanted: int, rng: np.random.Generator) -> list[Array]:
    """Return positions in parts of about equal size, each with its share of every class or range of values."""
    count = max(1, min(wanted, len(y) // LEAST_ROWS))
    dealt = np.lexsort((rng.random(len(y)), y))
    return [np.sort(dealt[start::count]) for start in range(count)]


def _blocks(X: Any, n_columns: int) -> list[range]:
    """Return the columns in blocks: for each block a model is called once, on one copy of the rows for each column."""
    rows = max(1, min(_CALL_ROWS, _CALL_CELLS // max(1, X.shape[1])))
    size = max(1, rows // X.shape[0])
    return [range(start, min(start + size, n_columns)) for start in range(0, n_columns, size)]


def _take(X: Any, rows: Array) -> Any:
    return X.iloc[rows].reset_index(drop=True) if hasattr(X, "iloc") else X[rows]


def _shuffled(X: Any, order: Array, columns: Sequence[tuple[int, ...]]) -> Any:
    """Return one copy of X below the other, in each of them these columns in another order; types stay as they are."""
    n = X.shape[0]
    if hasattr(X, "tocsr"):
        return _shuffled_sparse(X, order, columns)
    rows = np.tile(np.arange(n), len(columns))
    copies = _take(X, rows)
    for position in sorted({position for own in columns for position in own}):
        source = rows.copy()
        for copy, own in enumerate(columns):
            if position in own:
                source[copy * n : (copy + 1) * n] = order
        if hasattr(X, "iloc"):
            copies.isetitem(position, X.iloc[source, position].array)
        else:
            copies[:, position] = X[source, position]
    return copies


def _shuffled_sparse(X: Any, order: Array, columns: Sequence[tuple[int, ...]]) -> Any:
    from scipy import sparse

    cells = X.tocoo()
    place = np.argsort(order)
    copies = []
    for own in columns:
        rows = np.where(np.isin(cells.col, own), place[cells.row], cells.row)
        copies.append(sparse.csr_matrix((cells.data, (rows, cells.col)), shape=X.shape))
    return sparse.vstack(copies, format="csr")
