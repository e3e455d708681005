"""What a finished model says of rows that were kept from everything in its making."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from automl.core import Array, Metric
from automl.data import open_dataset

__all__ = ["Held", "join_held", "predict_held"]


@dataclass(frozen=True)
class Held:
    """Predictions for rows held out.

    Parameters
    ----------
    prediction : ndarray of shape (n, K) or (n,)
        Probabilities, or values.
    decided : ndarray of shape (n,) or None
        Codes of the classes that ``predict`` chose, by whatever rule the model has for it; None for regression.
    """

    prediction: Array
    decided: Array | None = None

    def seen_by(self, metric: Metric) -> Array:
        """Return what a metric looks at; one of labels is to see those that the model decided on."""
        if self.decided is None or metric.needs != "label":
            return self.prediction
        return np.asarray(np.eye(self.prediction.shape[1])[self.decided])


def predict_held(model_path: str, data_path: str, start: int, stop: int) -> Held:
    """Predict some of the rows of a dumped table; for a worker.

    Parameters
    ----------
    model_path : str
        The pickled model, and the one whose ``predict`` is its decision.
    """
    import cloudpickle

    model, decides = cloudpickle.loads(Path(model_path).read_bytes())  # written by the driver of this run
    dataset = open_dataset(data_path)
    X = dataset.rows(np.arange(start, stop)).X
    if dataset.classes is None:
        return Held(np.asarray(model.predict(X), dtype=np.float64))
    codes = {label: code for code, label in enumerate(dataset.classes.tolist())}
    labels = np.asarray(decides.predict(X)).ravel().tolist()
    return Held(np.asarray(model.predict_proba(X), dtype=np.float64), np.array([codes[label] for label in labels]))


def join_held(parts: list[Held]) -> Held:
    """Return the predictions of several parts of a table, one after the other."""
    decided = [part.decided for part in parts if part.decided is not None]
    return Held(np.concatenate([part.prediction for part in parts]), np.concatenate(decided) if decided else None)
