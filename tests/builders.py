"""Small datasets and objects for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin

from automl.core import FoldResult, Job, Status
from automl.data import Dataset, make_dataset


def mixed_frame(n: int = 120, seed: int = 0) -> pd.DataFrame:
    """Numbers, categories, a boolean, a date, missing and infinite values."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=n),
            "price": np.exp(rng.normal(size=n)),
            "city": rng.choice(["rome", "oslo", "lima"], n),
            "shop": rng.choice([f"s{i}" for i in range(60)], n),
            "new": rng.random(n) < 0.5,
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D"),
        }
    )
    frame.loc[rng.random(n) < 0.1, "size"] = np.nan
    frame.loc[rng.random(n) < 0.1, "city"] = None
    frame.loc[0, "price"] = np.inf
    return frame


def mixed_target(frame: pd.DataFrame, classes: int, seed: int = 0) -> Any:
    """A learnable target: classes 0 means regression."""
    rng = np.random.default_rng(seed)
    signal = frame["size"].fillna(0) + (frame["city"] == "rome") + 0.3 * rng.normal(size=len(frame))
    if classes == 0:
        return signal.to_numpy()
    codes = pd.qcut(signal, classes, labels=False)
    return np.array([f"class {code}" for code in codes])


def mixed_dataset(n: int = 120, classes: int = 2, seed: int = 0, **keywords: Any) -> Dataset:
    frame = mixed_frame(n, seed)
    return make_dataset(frame, mixed_target(frame, classes, seed), classifies=classes > 0, **keywords)


def array_dataset(n: int = 200, d: int = 5, classes: int = 2, seed: int = 0, **keywords: Any) -> Dataset:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    signal = X[:, 0] + 0.5 * X[:, 1] ** 2 + 0.3 * rng.normal(size=n)
    y = signal if classes == 0 else pd.qcut(signal, classes, labels=False)
    return make_dataset(X, y, classifies=classes > 0, **keywords)


class FakeExecutor:
    """Answers every job at once from ``answer(job)``; keeps the jobs it saw."""

    def __init__(self, answer: Callable[[Job], FoldResult], capacity: int = 2) -> None:
        self.capacity = capacity
        self.jobs: list[Job] = []
        self._answer = answer
        self._waiting: list[Job] = []

    def submit(self, job: Job) -> None:
        self.jobs.append(job)
        self._waiting.append(job)

    def collect(self, timeout: float | None) -> list[FoldResult]:
        if not self._waiting:
            return []
        return [self._answer(self._waiting.pop(0))]

    def cancel(self, ids: Any) -> None:
        self._answer_cancelled = set(ids)
        self._waiting = [job for job in self._waiting if job.id not in self._answer_cancelled]

    def close(self) -> None:
        self._waiting = []


def fold_result(job: Job, status: Status = Status.OK, **keywords: Any) -> FoldResult:
    return FoldResult(job.id, job.kind, job.trial, job.fold, status, **keywords)


class NoClasses(ClassifierMixin, BaseEstimator):
    """Predicts probabilities but never says of which classes."""

    def fit(self, X: Any, y: Any) -> Any:
        self.fitted_ = True
        return self

    def predict_proba(self, X: Any) -> Any:
        return np.full((len(X), 2), 0.5)
