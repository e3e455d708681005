"""Training of perceptrons: a falling learning rate, the best epoch by a stop set, several seeds averaged.

scikit-learn's own training has a constant rate, stops by the accuracy on rows drawn at random, which leaves
probabilities badly calibrated, and works in the precision of the table. Here its MLPClassifier and MLPRegressor are
trained in NumPy, in single precision, and left as if they had been fitted by themselves.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.core import Array
from automl.evaluate.part import Part

__all__ = ["BLIND_EPOCHS", "fit_network"]

BLIND_EPOCHS = 30  # where no row can be held out to find the number

_AGAIN = 1.5  # measured on ten small tables: against the same epoch of the same schedule, 2 % less loss
_MEAN, _SQUARE, _TINY = 0.9, 0.999, 1e-8  # Adam's decays, and what keeps it from dividing by zero


def fit_network(
    estimator: Any, fit: Part, stop: Part | None, seconds: float | None, patient: bool, epochs: int | None = None
) -> int:
    """Fit an MLPClassifier or MLPRegressor, or a voter over several of them, in place.

    Parameters
    ----------
    stop : Part or None
        Each network keeps the weights of the epoch with the least loss here; none better for ``n_iter_no_change``
        epochs ends its training. Without, it keeps those of the last epoch.
    seconds : float or None
        Training ends after so long, all networks together; each has made at least one step.
    epochs : int or None
        Length of the schedule, ``max_iter`` by default: the learning rate falls to zero in a straight line. Where the
        time ends earlier, so does the schedule.

    Returns
    -------
    int
        The length of the schedule with which all rows should be fitted, without a stop set: the epoch kept (the mean
        over several networks) and half as many again, since the rate was still high when it was reached.
    """
    from sklearn.base import clone

    voters = [clone(network) for _, network in estimator.estimators] if hasattr(estimator, "estimators") else []
    networks = voters or [estimator]
    classes = np.unique(fit.y) if _classifies(networks[0]) else None
    rows, held = _rows(fit, classes), None if stop is None else _rows(stop, classes)
    length = epochs or networks[0].max_iter
    started, kept = time.monotonic(), []
    for index, network in enumerate(networks):
        limit = None if seconds is None else (seconds - time.monotonic() + started) / (len(networks) - index)
        with np.errstate(over="ignore", invalid="ignore"):  # a network that diverges is noticed
            weights, epoch = _train(network, rows, held, length, limit)
        _leave_fitted(network, fit, classes, weights, epoch)
        kept.append(epoch)
    if voters:
        _leave_joined(estimator, voters, classes)
    return min(length, max(1, round(_AGAIN * sum(kept) / len(kept))))


@dataclass(frozen=True)
class _Rows:
    """Rows in single precision.

    Parameters
    ----------
    y : ndarray
        Positions of the classes where there are three or more (n,); else numbers (n, 1), 0 and 1 for two classes.
    weights : ndarray of shape (n, 1) or None
        Their mean is 1.
    """

    X: Any
    y: Array
    weights: Array | None

    def take(self, rows: Array) -> _Rows:
        return _Rows(self.X[rows], self.y[rows], None if self.weights is None else self.weights[rows])


def _rows(part: Part, classes: Array | None) -> _Rows:
    X: Any = part.X
    X = X.astype(np.float32).tocsr() if hasattr(X, "tocsr") else np.ascontiguousarray(X, np.float32)
    y = part.y if classes is None else np.searchsorted(classes, part.y)
    if classes is None or len(classes) == 2:
        y = y.astype(np.float32).reshape(-1, 1)
    weights = None if part.weights is None else (part.weights / part.weights.mean()).astype(np.float32).reshape(-1, 1)
    return _Rows(X, y, weights)


class _Weights:
    """All weights of a network in one vector, first those of the layers, then the intercepts; views for each layer."""

    def __init__(self, sizes: list[int]) -> None:
        shapes = list(zip(sizes[:-1], sizes[1:], strict=True))
        self.n_coefs = sum(width * units for width, units in shapes)
        self.vector = np.empty(self.n_coefs + sum(sizes[1:]), dtype=np.float32)
        self.coefs: list[Array] = []
        self.intercepts: list[Array] = []
        start, end = 0, self.n_coefs
        for width, units in shapes:
            self.coefs.append(self.vector[start : start + width * units].reshape(width, units))
            self.intercepts.append(self.vector[end : end + units])
            start, end = start + width * units, end + units

    def draw(self, rng: np.random.Generator) -> None:
        """Fill in Glorot's uniform numbers, as scikit-learn does."""
        for coefs, intercepts in zip(self.coefs, self.intercepts, strict=True):
            bound = math.sqrt(6.0 / sum(coefs.shape))
            coefs[...] = rng.uniform(-bound, bound, coefs.shape)
            intercepts[...] = rng.uniform(-bound, bound, intercepts.shape)


class _Adam:
    """Steps against the gradient, each weight at its own pace (Kingma and Ba, 2015)."""

    def __init__(self, size: int) -> None:
        self._mean = np.zeros(size, dtype=np.float32)
        self._square = np.zeros(size, dtype=np.float32)
        self._steps = 0

    def step(self, vector: Array, gradient: Array, rate: float) -> None:
        """Change the vector in place; the gradient is overwritten."""
        self._steps += 1
        self._mean *= _MEAN
        self._mean += (1 - _MEAN) * gradient
        np.square(gradient, out=gradient)
        self._square *= _SQUARE
        self._square += (1 - _SQUARE) * gradient
        np.sqrt(self._square, out=gradient)
        gradient += _TINY
        np.divide(self._mean, gradient, out=gradient)
        gradient *= rate * math.sqrt(1 - _SQUARE**self._steps) / (1 - _MEAN**self._steps)
        vector -= gradient


def _train(network: Any, rows: _Rows, held: _Rows | None, length: int, seconds: float | None) -> tuple[_Weights, int]:
    """Return the weights to keep, and after how many epochs they were reached."""
    rng = np.random.default_rng(network.random_state)
    n = len(rows.y)
    outputs = 1 if rows.y.ndim == 2 else int(rows.y.max()) + 1
    weights, gradient = (_Weights([rows.X.shape[1], *network.hidden_layer_sizes, outputs]) for _ in range(2))
    weights.draw(rng)
    adam = _Adam(len(weights.vector))
    steps = max(1, round(n / network.batch_size))
    best, best_epoch, best_loss = weights.vector, 0, math.inf
    started, spent = time.monotonic(), 0.0  # share of the time
    for epoch in range(length):
        for step, batch in enumerate(np.array_split(rng.permutation(n), steps)):
            _differentiate(network, weights, rows.take(batch), gradient)
            done = max((epoch + step / steps) / length, spent)
            adam.step(weights.vector, gradient.vector, network.learning_rate_init * (1.0 - done))
            if seconds is not None:
                spent = (time.monotonic() - started) / max(seconds, 1e-9)
            if spent >= 1:
                break
        if held is None:
            best_epoch = epoch + 1
        elif (loss := _loss(network, weights, held)) < best_loss:
            best, best_epoch, best_loss = weights.vector.copy(), epoch + 1, loss
        if spent >= 1 or epoch + 1 - best_epoch >= network.n_iter_no_change:
            break
    if best_epoch == 0 or not np.isfinite(best).all():
        raise ValueError(f"the network diverged with learning_rate_init={network.learning_rate_init}; take a lower one")
    weights.vector[...] = best
    return weights, best_epoch


def _layers(network: Any, weights: _Weights, X: Any) -> list[Any]:
    """Return what goes into each layer, and last the outputs before their activation."""
    values = [X]
    for coefs, intercepts in zip(weights.coefs, weights.intercepts, strict=True):
        if len(values) > 1:
            hidden = values[-1]
            np.maximum(hidden, 0, out=hidden) if network.activation == "relu" else np.tanh(hidden, out=hidden)
        outputs = values[-1] @ coefs
        outputs += intercepts
        values.append(outputs)
    return values


def _differentiate(network: Any, weights: _Weights, rows: _Rows, gradient: _Weights) -> None:
    """Write the gradient of the mean loss of some rows, with scikit-learn's penalty alpha / (2 n) times the squares."""
    n = len(rows.y)
    *values, outputs = _layers(network, weights, rows.X)
    delta = _residuals(network, outputs, rows.y)
    if rows.weights is not None:
        delta *= rows.weights
    delta /= n
    for layer in range(len(values) - 1, -1, -1):
        gradient.coefs[layer][...] = values[layer].T @ delta
        gradient.intercepts[layer][...] = delta.sum(axis=0)
        if layer > 0:
            delta = delta @ weights.coefs[layer].T
            delta *= values[layer] > 0 if network.activation == "relu" else 1 - values[layer] ** 2
    penalised = slice(weights.n_coefs)
    gradient.vector[penalised] += network.alpha / n * weights.vector[penalised]


def _residuals(network: Any, outputs: Array, y: Array) -> Array:
    """Return prediction minus truth, which is the gradient of each loss by its outputs."""
    if y.ndim == 1:
        outputs = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        outputs /= outputs.sum(axis=1, keepdims=True)
        outputs[np.arange(len(y)), y] -= 1
        return outputs
    if _classifies(network):
        outputs = 0.5 * (1 + np.tanh(0.5 * outputs))  # the logistic function, without overflow
    return outputs - y


def _loss(network: Any, weights: _Weights, rows: _Rows) -> float:
    """Return the mean log loss or squared error."""
    outputs = _layers(network, weights, rows.X)[-1]
    if rows.y.ndim == 1:
        outputs -= outputs.max(axis=1, keepdims=True)
        losses = np.log(np.exp(outputs).sum(axis=1)) - outputs[np.arange(len(rows.y)), rows.y]
    elif _classifies(network):
        losses = (np.logaddexp(0, outputs) - rows.y * outputs).ravel()
    else:
        losses = np.square(outputs - rows.y).ravel()
    return float(np.average(losses, weights=None if rows.weights is None else rows.weights.ravel()))


def _classifies(network: Any) -> bool:
    return hasattr(network, "predict_proba")


def _leave_fitted(network: Any, fit: Part, classes: Array | None, weights: _Weights, epoch: int) -> None:
    """Give an estimator its weights and all that scikit-learn expects of a fitted one."""
    some = np.arange(min(2, len(fit.y))) if classes is None else np.unique(fit.y, return_index=True)[1]
    asked = network.get_params()
    # A step of its own, on a row of each class, makes the attributes; what it learned is replaced.
    network.set_params(early_stopping=False, batch_size="auto")
    network.partial_fit(fit.X[some], fit.y[some], **({} if classes is None else {"classes": classes}))
    network.set_params(**asked)
    network.coefs_, network.intercepts_ = weights.coefs, weights.intercepts
    network.n_iter_, network.t_, network.loss_curve_ = epoch, epoch * len(fit.y), []
    for name in ("loss_", "_optimizer", "_best_coefs", "_best_intercepts"):  # no longer true, or large
        vars(network).pop(name, None)


def _leave_joined(voter: Any, networks: list[Any], classes: Array | None) -> None:
    """Leave a voter in the state of a fitted one, as :func:`automl.pipeline.assemble.vote` does."""
    voter.estimators_ = networks
    if classes is not None:
        from sklearn.preprocessing import LabelEncoder

        voter.le_ = LabelEncoder().fit(classes)
        voter.classes_ = voter.le_.classes_
