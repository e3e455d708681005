"""From probabilities to what is delivered: a temperature, a threshold or class multipliers, where they are worth it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl.core import Array, Metric
from automl.ensemble.cuts import LabelLoss, find_biases
from automl.ensemble.selection import never
from automl.ensemble.steps import sample_rows
from automl.metrics import NamedMetric, as_named, get_metric

__all__ = ["FLOOR", "Decision", "apply_decision", "decide", "temper"]

FLOOR = 1e-12  # probabilities below it count as it
MAX_ROWS = 50_000  # that are looked at
LEAST_ROWS = 50
LEAST_OF_A_CLASS = 10  # of two
MOST_CLASSES = 50
REPLICATES = 100
_SHRINK = 10.0  # rows
_PARTS = 5
_TWICE_BELOW = 5_000  # rows
_JUDGED_ROWS = 10_000
_COSTLY_ROWS, _COSTLY_REPLICATES = 2_000, 30  # for metrics that are called one by one
_SPAN = (math.log(0.2), math.log(5.0))  # of the temperature


@dataclass(frozen=True)
class Decision:
    """What was found between probabilities and what is delivered, and whether it is used.

    Parameters
    ----------
    kind : str
        "temperature", "threshold" (two classes), "multipliers" (several), or "none".
    value : tuple of float
        The temperature; the probability of the second class from which on it is predicted; a factor for each class.
    accepted : bool
        Whether it is used: only if it gains more than one standard error on rows that it was not found on.
    gain, standard_error : float
        How much the loss falls on such rows (log loss for a temperature), with a bootstrap standard error; NaN where
        that was not measured.
    reason : str
        Why it is used or not.
    """

    kind: str = "none"
    value: tuple[float, ...] = ()
    accepted: bool = False
    gain: float = float("nan")
    standard_error: float = float("nan")
    reason: str = ""

    @property
    def temperature(self) -> float | None:
        return self.value[0] if self.accepted and self.kind == "temperature" else None

    @property
    def threshold(self) -> float | None:
        return self.value[0] if self.accepted and self.kind == "threshold" else None

    @property
    def multipliers(self) -> tuple[float, ...] | None:
        return self.value if self.accepted and self.kind == "multipliers" else None

    def to_json(self) -> dict[str, Any]:
        finite = {n: x if math.isfinite(x := getattr(self, n)) else None for n in ("gain", "standard_error")}
        return {"kind": self.kind, "value": list(self.value), "accepted": self.accepted, **finite, "why": self.reason}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Decision:
        gain, error = (float("nan") if data[name] is None else float(data[name]) for name in ("gain", "standard_error"))
        value = tuple(float(number) for number in data["value"])
        return cls(str(data["kind"]), value, bool(data["accepted"]), gain, error, str(data["why"]))


def temper(prediction: Array, temperature: float, biases: Array | None = None) -> Array:
    """Return softmax(log p / temperature + biases), shape (n, K); temperature 1 and no biases give p."""
    scores = np.log(np.clip(np.asarray(prediction, dtype=np.float64), FLOOR, 1.0)) / temperature
    scores = scores if biases is None else scores + biases
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def apply_decision(prediction: Array, decision: Decision) -> Array:
    """Return probabilities whose greatest is the decision: of label metrics they are tilted, and good for labels only.

    Parameters
    ----------
    prediction : ndarray of shape (n, K)

    Examples
    --------
    >>> import numpy as np
    >>> from automl.ensemble import Decision, apply_decision
    >>> decision = Decision("threshold", (0.2,), accepted=True)
    >>> apply_decision(np.array([[0.75, 0.25], [0.9, 0.1]]), decision).argmax(axis=1).tolist()
    [1, 0]
    """
    if decision.temperature is not None:
        return temper(prediction, decision.temperature)
    if decision.multipliers is not None:
        return temper(prediction, 1.0, np.log(decision.multipliers))
    if decision.threshold is None:
        return np.asarray(prediction)
    threshold = decision.threshold
    tilted = temper(prediction, 1.0, np.array([0.0, math.log((1.0 - threshold) / threshold)]))[:, 1]
    above = np.asarray(prediction)[:, 1] >= threshold  # as predicted, also where rounding says otherwise
    tilted = np.where(above, np.maximum(tilted, np.nextafter(0.5, 1.0)), np.minimum(tilted, 0.5))
    return np.column_stack([1.0 - tilted, tilted])


def decide(
    y: Array,
    prediction: Array,
    metric: Metric,
    *,
    weights: Array | None = None,
    groups: Array | None = None,
    folds: Array | None = None,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> tuple[Decision, Array]:
    """Find a temperature (metrics of probabilities), threshold or multipliers (metrics of labels), and judge it.

    It is judged by cross-fitting: found on four fifths of the rows, applied to the others; on few rows twice. The gain
    is that of all these rows together, its standard error that of 100 paired bootstrap samples.

    Parameters
    ----------
    y, prediction : ndarray of shape (n,) and (n, K)
        Codes of classes, and out-of-fold probabilities.
    groups : ndarray of shape (n,), optional
        Rows of a group are never on both sides, and are drawn together.
    folds : ndarray of shape (n,), optional
        Numbers of folds that follow each other in time: then it is found on earlier folds and judged on later ones.
    stop : callable, optional
        Once it says True nothing more is tried, and nothing is decided.

    Returns
    -------
    decision : Decision
    judged : ndarray of shape (n, K)
        Probabilities as :func:`apply_decision` returns them, each row with a decision that was found without it: for
        an estimate of what the decision is worth. They are the given ones where nothing was accepted.
    """
    prediction = np.asarray(prediction, dtype=np.float64)
    table = _Rows.of(np.asarray(y), prediction, weights, groups, folds)
    search = _search_of(as_named(metric), table, seed, stop or never)
    if isinstance(search, str):
        return Decision(reason=search), prediction
    looked = table.sample(seed)
    found = search.find(looked)
    value = search.value(found)
    if search.unchanged(value):
        return Decision(search.kind, value, reason="the default is the best"), prediction
    tried = [search.crossed(looked, parts) for parts in looked.splits(seed, search.costly)]
    if search.stop() or not tried:
        why = "no time to judge it" if search.stop() else "there are no later rows to judge it on"
        return Decision(search.kind, value, reason=why), prediction
    gain, error = _gain(search.judge, looked, tried, seed, costly=search.costly)
    decision = Decision(search.kind, value, gain > 0.0 and gain > error, gain, error)
    if decision.accepted and search.harms(table, decision):
        decision = replace(decision, accepted=False, reason=f"{search.metric.name} would be worse")
    elif decision.accepted:
        decision = replace(decision, reason="gains more than one standard error on rows it was not found on")
    else:
        decision = replace(decision, reason="gains no more than one standard error on rows it was not found on")
    if not decision.accepted:
        return decision, prediction
    judged = apply_decision(prediction, decision)
    judged[table.kept[looked.kept]] = np.mean(tried, axis=0)
    return decision, judged


@dataclass(frozen=True)
class _Rows:
    """Rows with weight, and where they are among those given."""

    y: Array
    prediction: Array
    weights: Array | None
    units: Array | None
    folds: Array | None
    kept: Array

    @classmethod
    def of(cls, y: Array, prediction: Array, weights: Array | None, groups: Array | None, folds: Array | None) -> _Rows:
        usable = np.isfinite(prediction).all(axis=1)
        usable = usable if weights is None else usable & (np.asarray(weights) > 0)
        table = cls(
            y,
            prediction,
            None if weights is None else np.asarray(weights, dtype=np.float64),
            groups,
            folds,
            np.arange(len(y)),
        )
        return table.rows(np.flatnonzero(usable))

    def rows(self, index: Array) -> _Rows:
        def take(values: Array | None) -> Array | None:
            return None if values is None else np.asarray(values)[index]

        units = take(self.units)
        units = None if units is None else np.unique(units, return_inverse=True)[1]
        return _Rows(self.y[index], self.prediction[index], take(self.weights), units, take(self.folds), index)

    def sample(self, seed: int) -> _Rows:
        if len(self.y) <= MAX_ROWS:
            return self.rows(np.arange(len(self.y)))
        return self.rows(sample_rows(self.y, MAX_ROWS, np.random.default_rng([seed, 3]), classifies=True))

    def splits(self, seed: int, costly: bool) -> Iterator[list[tuple[Array, Array]]]:
        """Yield pairs of (found on, judged on); forward in time where the rows have folds that follow each other."""
        n = len(self.y)
        if self.folds is not None:
            numbers = np.unique(self.folds)
            if len(numbers) > 1:
                yield [(np.flatnonzero(self.folds < f), np.flatnonzero(self.folds == f)) for f in numbers[1:]]
            return
        rng = np.random.default_rng([seed, 4])
        for _ in range(2 if n < _TWICE_BELOW and not costly else 1):
            if self.units is None:
                order = rng.permutation(n)
                part = np.empty(n, dtype=np.intp)
                part[order[np.argsort(self.y[order], kind="stable")]] = np.arange(n) % _PARTS
            else:
                count = int(self.units.max()) + 1
                part = rng.permutation(np.arange(count) % _PARTS)[self.units]
            sides = [(np.flatnonzero(part != p), np.flatnonzero(part == p)) for p in range(_PARTS)]
            yield [(here, there) for here, there in sides if here.size and there.size]


@dataclass(frozen=True)
class _Search:
    """How the one decision that suits a metric is found."""

    kind: str
    metric: NamedMetric
    judge: NamedMetric
    seed: int
    stop: Callable[[], bool]

    @property
    def costly(self) -> bool:
        return self.kind != "temperature" and LabelLoss(self.metric).by_counts is None

    def find(self, rows: _Rows) -> tuple[float, Array]:
        """Return temperature and biases."""
        n_classes = rows.prediction.shape[1]
        if self.kind == "temperature":
            return _best_temperature(rows), np.zeros(n_classes)
        scores = np.log(np.clip(rows.prediction, FLOOR, 1.0))
        return 1.0, find_biases(
            LabelLoss(self.metric),
            rows.y,
            scores,
            weights=rows.weights,
            units=rows.units,
            shrink=_SHRINK,
            seed=self.seed,
            stop=self.stop,
        )

    def value(self, found: tuple[float, Array]) -> tuple[float, ...]:
        temperature, biases = found
        if self.kind == "temperature":
            return (float(temperature),)
        if self.kind == "threshold":
            return (float(1.0 / (1.0 + np.exp(biases[1] - biases[0]))),)
        return tuple(float(number) for number in np.exp(biases))

    def unchanged(self, value: tuple[float, ...]) -> bool:
        default = 0.5 if self.kind == "threshold" else 1.0
        return bool(np.allclose(value, default, rtol=1e-3, atol=0.0))

    def crossed(self, rows: _Rows, parts: Sequence[tuple[Array, Array]]) -> Array:
        """Return predictions decided by what was found on other rows; rows that are never judged stay as they are."""
        result = rows.prediction.copy()
        for here, there in parts:
            if self.stop():
                break
            result[there] = temper(rows.prediction[there], *self.find(rows.rows(here)))
        return result

    def harms(self, rows: _Rows, decision: Decision) -> bool:
        """Whether the metric asked for gets worse where another one was judged."""
        if self.metric is self.judge:
            return False
        stack = np.stack([rows.prediction, apply_decision(rows.prediction, decision)])
        before, after = self.metric.losses(rows.y, stack, rows.weights)
        return not after <= before + 1e-9 * max(1.0, abs(before))


def _search_of(metric: NamedMetric, rows: _Rows, seed: int, stop: Callable[[], bool]) -> _Search | str:
    """Return the search for a metric, or why there is none."""
    n_classes = rows.prediction.shape[1]
    counts = np.bincount(rows.y, minlength=n_classes)
    if len(rows.y) < LEAST_ROWS:
        return f"fewer than {LEAST_ROWS} rows to find it on"
    if metric.needs == "probability":
        task = "binary" if n_classes == 2 else "multiclass"
        judge = metric if metric.name == "log_loss" else get_metric("log_loss", task=task)
        return _Search("temperature", metric, judge, seed, stop)
    if n_classes == 2 and counts.min() < LEAST_OF_A_CLASS:
        return f"a class has fewer than {LEAST_OF_A_CLASS} rows"
    if n_classes > MOST_CLASSES:
        return f"more than {MOST_CLASSES} classes"
    return _Search("threshold" if n_classes == 2 else "multipliers", metric, metric, seed, stop)


def _best_temperature(rows: _Rows) -> float:
    """Return the temperature of the lowest log loss (Guo et al. 2017)."""
    from scipy.optimize import minimize_scalar

    scores = np.log(np.clip(rows.prediction, FLOOR, 1.0))
    scores -= scores.max(axis=1, keepdims=True)
    true = scores[np.arange(len(rows.y)), rows.y]
    share = None if rows.weights is None else rows.weights / rows.weights.sum()

    def loss(log_temperature: float) -> float:
        inverse = math.exp(-log_temperature)
        values = np.log(np.exp(inverse * scores).sum(axis=1)) - inverse * true
        return float(values.mean() if share is None else values @ share)

    return math.exp(minimize_scalar(loss, bounds=_SPAN, method="bounded", options={"xatol": 1e-4}).x)


def _gain(metric: NamedMetric, rows: _Rows, tried: Sequence[Array], seed: int, *, costly: bool) -> tuple[float, float]:
    """Return how much lower the loss is than that of the predictions as they are, and its standard error."""
    if rows.folds is not None:  # the first fold is not judged
        rows, tried = _later(rows, tried)

    def gain_on(index: Array | slice) -> float:
        stack = np.stack([rows.prediction[index], *(one[index] for one in tried)])
        losses = metric.losses(rows.y[index], stack, None if rows.weights is None else rows.weights[index])
        return float(losses[0] - losses[1:].mean())

    rng = np.random.default_rng([seed, 5])
    n, most = len(rows.y), _COSTLY_ROWS if costly else _JUDGED_ROWS
    base = np.sort(rng.choice(n, most, replace=False)) if n > most else np.arange(n)
    gains = []
    for _ in range(_COSTLY_REPLICATES if costly else REPLICATES):
        gains.append(gain_on(base[_drawn(rng, None if rows.units is None else rows.units[base], len(base))]))
    finite = np.array(gains)[np.isfinite(gains)]
    error = float(finite.std(ddof=1) * math.sqrt(len(base) / n)) if len(finite) > 0.5 * len(gains) else float("inf")
    return gain_on(slice(None)), error


def _later(rows: _Rows, tried: Sequence[Array]) -> tuple[_Rows, list[Array]]:
    assert rows.folds is not None
    later = np.flatnonzero(rows.folds > rows.folds.min())
    return rows.rows(later), [one[later] for one in tried]


def _drawn(rng: np.random.Generator, units: Array | None, n: int) -> Array:
    """Return a bootstrap sample of positions, units whole."""
    if units is None:
        return rng.integers(0, n, n)
    codes = np.unique(units, return_inverse=True)[1]
    count = int(codes.max()) + 1
    return np.repeat(np.arange(n), np.bincount(rng.integers(0, count, count), minlength=count)[codes])
