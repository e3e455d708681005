"""Does a table change along time or batches: in its columns, as a whole, and in what can be learned from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.core import Array, DataError, Metric, adjusted_p_values, stream
from automl.data import Column, Container, Dataset, Kind, infer_task, make_dataset, read_times
from automl.data.dates import seconds
from automl.data.drift import population_stability
from automl.evaluate.estimate import Estimate, estimate_score
from automl.evaluate.ordered import BatchFolds, TimeFolds, forward_folds
from automl.metrics import get_metric

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DriftReport", "OptimismGap", "column_values", "drift_report"]

MOST_BATCHES = 20  # more distinct times are cut into parts
PARTS = 5
MAX_ROWS = 5_000
BINS = 10
FOLDS = 3
BATCH_ROWS = 2_000  # for each batch against those before
ROUNDS = 60
FALSE_SHARE = 0.05
MODEL = "lightgbm"
TEXT = "hashed_words"  # directions of words are an SVD in each of dozens of fits: nine tenths of all the time


@dataclass(frozen=True)
class OptimismGap:
    """How much better shuffled validation looks than forward validation, in the metric's natural sign.

    Both fit the same model on as many rows and score as many; ``gap`` is the mean over folds of shuffled less forward
    score where greater is better, of forward less shuffled otherwise: positive means that shuffling flatters.
    """

    metric: str
    shuffled: float
    forward: float
    gap: float
    standard_error: float
    folds: int


@dataclass(frozen=True)
class DriftReport:
    """What :func:`drift_report` found.

    Parameters
    ----------
    features : DataFrame
        One row per column, most moved first: ``psi`` (population stability index of the later half against the
        earlier), ``ks`` (Kolmogorov-Smirnov distance; numbers only), ``p`` of its test (chi-squared for categories),
        ``p_adjusted`` (Benjamini and Hochberg) and ``drifts``: at most 5 % of those named are expected to be named
        by chance.
    batches : DataFrame
        One row per batch: ``rows``, and ``auc`` with its standard error of telling its rows from all before it.
    auc : Estimate
        Of telling the later half of the rows from the earlier one: .5 where nothing has changed (a classifier
        two-sample test; Lopez-Paz and Oquab, ICLR 2017).
    gap : OptimismGap or None
        None where no target was given, or too few rows for it.
    """

    features: pd.DataFrame
    batches: pd.DataFrame
    auc: Estimate
    gap: OptimismGap | None = None

    def __str__(self) -> str:
        low, high = self.auc.interval
        moved = self.features["feature"][self.features["drifts"]]
        names = ", ".join(map(str, moved[:5])) + (" ..." if len(moved) > 5 else "")
        lines = [
            f"{len(moved)} of {len(self.features)} columns have moved" + (f": {names}" if len(moved) else ""),
            f"later rows can be told from earlier ones with AUC {self.auc.value:.3f} [{low:.3f}, {high:.3f}]",
        ]
        if self.gap is not None:
            lines.append(
                f"{self.gap.metric}: {self.gap.shuffled:.4g} shuffled, {self.gap.forward:.4g} forward; shuffled "
                f"validation flatters by {self.gap.gap:.2g} (standard error {self.gap.standard_error:.2g})"
            )
        return "\n".join(lines)


def drift_report(
    X: Any,
    by: Any,
    y: Any = None,
    *,
    metric: Any = "auto",
    column_kinds: dict[Any, str] | None = None,
    max_rows: int = MAX_ROWS,
    random_state: int = 0,
) -> DriftReport:
    """Tell how a table changes along ``by``, and how much shuffled validation would flatter a model of it.

    Parameters
    ----------
    X : table-like of shape (n, d)
    by : array-like of shape (n,), or name of a column of X
        Dates, or numbers such as those of batches. Up to 20 distinct values are batches; more are cut into 5 parts.
    y : array-like of shape (n,), optional
        The target, for the optimism gap.
    metric : str, scorer or callable
        For the gap; see :func:`automl.metrics.get_metric`.
    max_rows : int
        Sampled for each comparison.
    random_state : int

    Raises
    ------
    DataError
        If ``by`` is no column, does not fit the table, or holds one value only.

    Examples
    --------
    >>> import numpy as np
    >>> from automl import drift_report
    >>> rng = np.random.default_rng(0)
    >>> batch = np.repeat([1, 2, 3, 4], 100)
    >>> X = rng.normal(size=(400, 3))
    >>> X[:, 0] += batch
    >>> report = drift_report(X, batch)
    >>> report.features["feature"][report.features["drifts"]].tolist(), report.auc.value > 0.8
    ([0], True)
    """
    X, by = _taken_out(X, by)
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    times = read_times(by, n)
    batch = _batches(times)
    if batch.max() == 0:
        raise DataError("by holds one value only, so nothing can have changed; give dates or numbers of batches")
    later = batch >= _middle(batch)
    dataset = make_dataset(X, later, classifies=True, column_kinds=column_kinds)
    features = _features(dataset, later, max_rows, random_state)
    auc = _tell_apart(dataset, np.arange(n), max_rows, random_state)
    batches = _along(dataset, batch, times, max_rows, random_state)
    gap = None
    if y is not None:
        task, _ = infer_task(y)
        named = make_dataset(X, y, classifies=task.classifies, column_kinds=column_kinds, times=by)
        gap = _gap(named, metric, max_rows, random_state)
    return DriftReport(features, batches, auc, gap)


def _taken_out(X: Any, by: Any) -> tuple[Any, Any]:
    """Return the table without the column that ``by`` names, and that column."""
    names = getattr(X, "columns", None)
    if not isinstance(by, str) and (names is None or not np.isscalar(by)):
        return X, by
    if names is None or by not in list(names):
        known = (
            "the table has no names" if names is None else f"the columns are {', '.join(map(str, list(names)[:10]))}"
        )
        raise DataError(f"by={by!r} is no column: {known}; name one, or give one value for each row")
    frame = X.to_pandas() if hasattr(X, "to_pandas") else X
    return frame.drop(columns=[by]), frame[by]


def _batches(times: Array) -> Array:
    """Return the number of the batch of each row, in order of time."""
    values, batch = np.unique(times, return_inverse=True)
    if len(values) <= MOST_BATCHES:
        return np.asarray(batch)
    shares = (np.cumsum(np.bincount(batch)) - 1) / len(times)  # of the last row of each time
    return np.unique((shares * PARTS).astype(np.intp)[batch], return_inverse=True)[1]


def _middle(batch: Array) -> int:
    """Return the first batch of the later half of the rows."""
    before = np.cumsum(np.bincount(batch))[:-1]
    return int(np.abs(before - len(batch) / 2).argmin()) + 1


def _features(dataset: Dataset, later: Array, max_rows: int, seed: int) -> pd.DataFrame:
    import pandas as pd

    rng = stream(seed, "drift of columns")
    halves = [_some(np.flatnonzero(later == side), max_rows, rng) for side in (False, True)]
    rows = []
    for column in dataset.schema.columns:
        if column.kind in (Kind.CONSTANT, Kind.TEXT):
            continue
        values, numbers = column_values(dataset, column)
        psi, ks, p = _moved(values[halves[0]], values[halves[1]], numbers=numbers)
        rows.append({"feature": column.name, "kind": str(column.kind), "psi": psi, "ks": ks, "p": p})
    frame = pd.DataFrame(rows, columns=["feature", "kind", "psi", "ks", "p"])
    frame["p_adjusted"] = adjusted_p_values(frame["p"].to_numpy(dtype=float), "bh")
    frame["drifts"] = frame["p_adjusted"] <= FALSE_SHARE
    return frame.sort_values(["drifts", "psi"], ascending=False, kind="stable", ignore_index=True)


def column_values(dataset: Dataset, column: Column) -> tuple[Array, bool]:
    """Return a column as numbers, or as codes of its levels; NaN where missing."""
    import pandas as pd

    if dataset.schema.container is not Container.FRAME:
        part = dataset.X[:, [column.name]]
        part = part.toarray() if dataset.schema.container is Container.SPARSE else part
        return np.asarray(part, dtype=np.float64).ravel(), column.kind not in (Kind.CATEGORICAL, Kind.BOOLEAN)
    series = dataset.X[column.name]
    if column.kind is Kind.DATE:
        return seconds(series, column), True
    if column.numeric or column.kind is Kind.NUMERIC:  # the latter also where numbers are stored as text
        return series.astype("float64").to_numpy(), column.kind in (Kind.NUMERIC, Kind.ID)
    codes = pd.factorize(series.astype("string"))[0].astype(np.float64)
    return np.where(codes < 0, np.nan, codes), False


def _moved(before: Array, after: Array, *, numbers: bool) -> tuple[float, float, float]:
    """Return the population stability index, the distance and the p-value of one column."""
    from scipy.stats import chi2_contingency, ks_2samp

    first, second = before[np.isfinite(before)], after[np.isfinite(after)]
    if numbers and len(first) and len(second):
        edges = np.unique(np.quantile(first, np.linspace(0, 1, BINS + 1)[1:-1]))
        bins = [np.searchsorted(edges, part, side="left") for part in (first, second)]
        levels = len(edges) + 1
    else:
        names = np.unique(np.concatenate([first, second]))
        bins = [np.searchsorted(names, part) for part in (first, second)]
        levels = len(names)
    counts = np.array([np.bincount(part, minlength=levels) for part in bins], dtype=np.float64)
    missing = np.array([[len(before) - len(first)], [len(after) - len(second)]], dtype=np.float64)
    table = np.hstack([_without_rare(counts), missing])
    table = table[:, table.sum(axis=0) > 0]
    psi = population_stability(table[0], table[1])
    contingency = float(chi2_contingency(table).pvalue) if table.shape[1] > 1 else 1.0
    if not (numbers and len(first) and len(second)):
        return psi, float("nan"), contingency
    test = ks_2samp(first, second, method="asymp")
    # missing values may be all that has changed
    p = min(1.0, 2 * min(float(test.pvalue), contingency)) if missing.any() else float(test.pvalue)
    return psi, float(test.statistic), p


def _without_rare(counts: Array) -> Array:
    """Join levels of fewer than 5 expected rows: the chi-squared test does not hold for them."""
    total = counts.sum(axis=0)
    rare = total * counts.sum(axis=1).min() < 5 * counts.sum()
    return np.hstack([counts[:, ~rare], counts[:, rare].sum(axis=1, keepdims=True)])


def _tell_apart(dataset: Dataset, rows: Array, max_rows: int, seed: int) -> Estimate:
    """Return the AUC of telling the classes of some rows apart, by out-of-fold predictions of a boosting model."""
    from sklearn.model_selection import StratifiedKFold

    rng = stream(seed, "two samples")
    some = dataset.rows(_some(rows, max_rows, rng))
    metric = get_metric("roc_auc", task="binary")
    least = int(np.bincount(some.y, minlength=2).min())
    if least < 2 * FOLDS:
        nothing = float("nan")
        return Estimate(nothing, nothing, (nothing, nothing), "too few rows to tell apart", metric.name, some.n_rows)
    prediction = np.zeros((some.n_rows, 2))
    folds = np.zeros(some.n_rows, dtype=np.intp)
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for number, (train, test) in enumerate(splitter.split(some.y, some.y)):
        prediction[test] = _fit_predict(some, train, test, seed)
        folds[test] = number
    return estimate_score(some.y, prediction, metric, folds=folds, label="classifier two-sample test", seed=seed)


def _along(dataset: Dataset, batch: Array, times: Array, max_rows: int, seed: int) -> pd.DataFrame:
    """Compare each batch with all before it."""
    import pandas as pd

    rows = []
    for number in range(int(batch.max()) + 1):
        here = batch == number
        auc = error = float("nan")
        if number > 0:
            pair = replace(dataset, y=here.astype(np.int64))
            found = _tell_apart(pair, np.flatnonzero(batch <= number), min(max_rows, BATCH_ROWS), seed)
            auc, error = found.value, found.standard_error
        first = times[here].min()
        rows.append({"from": first, "rows": int(here.sum()), "auc": auc, "standard_error": error})
    frame = pd.DataFrame(rows)
    if times.dtype.kind == "i":
        frame["from"] = pd.to_datetime(frame["from"])
    return frame


def _gap(dataset: Dataset, metric: Any, max_rows: int, seed: int) -> OptimismGap | None:
    """Score the same model forward and shuffled, on parts of the same sizes out of the same rows."""
    rng = stream(seed, "optimism gap")
    some = dataset.rows(np.sort(_some(np.arange(dataset.n_rows), 2 * max_rows, rng)))
    assert some.times is not None
    named = get_metric(metric, task=str(dataset.task), classes=dataset.classes)
    asked = BatchFolds() if len(np.unique(some.times)) <= MOST_BATCHES else TimeFolds(PARTS)
    try:
        pairs = forward_folds(some, asked, 0.2 * some.n_rows).pairs
    except DataError:
        return None
    losses = []
    for train, test in pairs:
        both = rng.permutation(np.concatenate([train, test]))
        shuffled = _fold_loss(some, both[: len(train)], both[len(train) :], named, seed)
        losses.append((shuffled, _fold_loss(some, train, test, named, seed)))
    known = np.array([pair for pair in losses if np.isfinite(pair).all()])
    if not len(known):
        return None
    shuffled_score, forward_score = -named.sign * known.mean(axis=0)
    gaps = known[:, 1] - known[:, 0]
    error = float(gaps.std(ddof=1) / np.sqrt(len(gaps))) if len(gaps) > 1 else float("nan")
    return OptimismGap(named.name, float(shuffled_score), float(forward_score), float(gaps.mean()), error, len(known))


def _fold_loss(dataset: Dataset, train: Array, test: Array, metric: Metric, seed: int) -> float:
    if dataset.task.classifies and len(np.unique(dataset.y[train])) < dataset.n_classes:
        return float("nan")
    return float(metric.loss(dataset.y[test], _fit_predict(dataset, train, test, seed)))


def _fit_predict(dataset: Dataset, train: Array, test: Array, seed: int) -> Array:
    """Fit a boosting model of few rounds on some rows and predict others."""
    from automl.core import Config, Step
    from automl.pipeline import build
    from automl.space import default_catalog, facts_of

    part, catalog = dataset.rows(train), default_catalog()
    config = Config.of(*([Step.of(TEXT)] if dataset.schema.of(Kind.TEXT) else []), Step.of(MODEL))
    pipeline = build(config, dataset.schema, facts_of(part), catalog=catalog, seed=seed)
    pipeline[-1].set_params(n_estimators=ROUNDS)
    pipeline.fit(part.X, part.y)
    other = dataset.rows(test).X
    return np.asarray(pipeline.predict_proba(other) if dataset.task.classifies else pipeline.predict(other))


def _some(rows: Array, most: int, rng: np.random.Generator) -> Array:
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))
