"""Feature importance of a fitted estimator as a table, on rows that its models did not see where that can be had."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array, Metric, SettingError
from automl.data import Schema
from automl.evaluate import Importances, OutOfFold, Part, held_out_parts, new_parts, permutation_importance

__all__ = ["HELD_OUT", "NEW", "SEEN", "UNKNOWN", "Fitted", "feature_importance"]

HELD_OUT = "rows of fit, each scored by models that did not see it"
NEW = "new rows"
UNKNOWN = "rows that may be those of fit, of which this model has no record"
SEEN = "rows of fit, scored by models that saw them (flattering)"
_HASHED_ROWS = 100_000
_DENSE_CELLS = 20_000_000
_SOME = 0.2  # share of the first rows of fit that, found in another table, makes it one of rows of fit


@dataclass(frozen=True)
class Fitted:
    """What is looked at: a model, its metric, and what is known of the table of its fit.

    Parameters
    ----------
    predict : callable
        Of the whole model: probabilities, or labels one-hot where the metric looks at these, or values.
    kept : OutOfFold or None
    first_rows : table or None
        The first of the ``n_rows`` rows of the table of fit.
    decide : callable
        Makes probabilities of a fold's ensemble what ``predict`` would.
    """

    predict: Callable[[Any], Array]
    metric: Metric
    schema: Schema
    kept: OutOfFold | None = None
    first_rows: Any = None
    n_rows: int = 0
    decide: Callable[[Array], Array] = np.asarray


def feature_importance(
    fitted: Fitted,
    X: Any,
    y: Array,
    *,
    weights: Array | None = None,
    columns: Sequence[Any] | None = None,
    n_repeats: int = 5,
    max_rows: int = 2_000,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> pd.DataFrame:
    """Return one row per feature, the most important first.

    Parameters
    ----------
    X, y : conformed table; codes or values
    columns : sequence of columns or of lists of columns, optional
        A list of columns is shuffled together; by default every column alone.
    """
    for name, value in (("n_repeats", n_repeats), ("max_rows", max_rows)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise SettingError(f"{name}={value!r}; give a whole number of at least 1")
    groups = _groups(fitted.schema, columns)
    place = {name: i for i, name in enumerate(X.columns if hasattr(X, "columns") else fitted.schema.names)}
    used = {column.name for column in fitted.schema.used}
    positions = [tuple(place[name] for name in group if name in used) for group in groups]
    measured = [i for i, group in enumerate(positions) if group]
    parts, label = _parts(fitted, X, y, weights, max_rows, seed)
    found = permutation_importance(
        parts,
        [positions[i] for i in measured],
        fitted.metric,
        n_repeats=n_repeats,
        overlap=_overlap(fitted.kept) if label == HELD_OUT else 1.0,
        seed=seed,
        stop=stop,
    )
    frame = _frame([group[0] if len(group) == 1 else " + ".join(map(str, group)) for group in groups], measured, found)
    frame.attrs = {
        "metric": fitted.metric.name,
        "score": -fitted.metric.sign * found.loss,
        "rows": label,
        "n_rows": sum(len(part.y) for part in parts),
    }
    return frame


def _groups(schema: Schema, columns: Sequence[Any] | None) -> list[tuple[Hashable, ...]]:
    if columns is None:
        return [(name,) for name in schema.names]
    if isinstance(columns, str) or not isinstance(columns, Sequence) or not len(columns):
        raise SettingError(f"columns={columns!r}; give a list of columns, or of lists of columns")
    groups = [tuple(group) if isinstance(group, (list, tuple)) else (group,) for group in columns]
    unknown = [name for group in groups for name in group if name not in schema.names]
    if unknown or not all(groups):
        raise SettingError(f"columns={columns!r}: the table of fit has no column {unknown[:5] or 'in an empty list'}")
    return groups


def _parts(fitted: Fitted, X: Any, y: Array, weights: Array | None, max_rows: int, seed: int) -> tuple[list[Part], str]:
    """Return what is scored by which model, and what these rows are to it."""
    kept = fitted.kept
    of_fit = _is_table_of_fit(fitted, X, y)
    if of_fit and kept is not None and kept.models:
        parts = held_out_parts(kept, X, weights, max_rows=max_rows, seed=seed)
        return [replace(part, predict=_then(part.predict, fitted.decide)) for part in parts], HELD_OUT
    parts = new_parts(fitted.predict, X, y, weights, max_rows=max_rows, seed=seed)
    if fitted.first_rows is None:
        return parts, UNKNOWN
    return parts, SEEN if of_fit or _holds_rows_of_fit(fitted, X) else NEW


def _then(predict: Callable[[Any], Array], decide: Callable[[Array], Array]) -> Callable[[Any], Array]:
    return lambda X: decide(predict(X))


def _overlap(kept: OutOfFold | None) -> float:
    """In how many folds a row was held out, in the mean."""
    return 1.0 if kept is None else len(kept.rows) / len(np.unique(kept.rows))


def _is_table_of_fit(fitted: Fitted, X: Any, y: Array) -> bool:
    """Whether the rows are those of fit, in their order: as many, the same targets, and the first ones alike."""
    if fitted.kept is None or fitted.first_rows is None or len(y) != fitted.n_rows:
        return False
    if not np.array_equal(y[fitted.kept.rows], fitted.kept.y):
        return False
    first, given = _as_frame(fitted.first_rows), _as_frame(X[: fitted.first_rows.shape[0]])
    shared = [name for name in first.columns if name in given.columns]  # columns that no model uses may be absent
    return np.array_equal(_row_hashes(first[shared]), _row_hashes(given[shared]))


def _holds_rows_of_fit(fitted: Fitted, X: Any) -> bool:
    """Whether the first rows of fit are among these: then it is the table in another order, or a part of it."""
    rows = _HASHED_ROWS if not hasattr(X, "tocsr") else max(1, _DENSE_CELLS // max(1, X.shape[1]))
    first, given = _as_frame(fitted.first_rows), _as_frame(X[:rows])
    shared = [name for name in first.columns if name in given.columns]
    return bool(np.isin(_row_hashes(first[shared]), _row_hashes(given[shared])).mean() > _SOME)


def _as_frame(X: Any) -> pd.DataFrame:
    if isinstance(X, pd.DataFrame):
        return X
    return pd.DataFrame(X.toarray() if hasattr(X, "tocsr") else X)


def _row_hashes(frame: pd.DataFrame) -> Array:
    return np.asarray(pd.util.hash_pandas_object(frame, index=False))


def _frame(labels: Sequence[Hashable], measured: Sequence[int], found: Importances) -> pd.DataFrame:
    """Return the table; what no model uses has an importance of 0."""
    values = np.zeros((len(labels), 4))
    values[list(measured)] = np.column_stack([found.mean, found.standard_error, found.interval])
    frame = pd.DataFrame(values, columns=["importance", "standard_error", "low", "high"])
    frame.insert(0, "feature", pd.Series(list(labels), dtype=object))
    return frame.sort_values("importance", ascending=False, kind="stable", ignore_index=True)
