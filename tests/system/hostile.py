"""Models that misbehave in every way we know; planted into the search space by tests."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from automl.space import Component, Preparation, Role


class _Hostile(ClassifierMixin, BaseEstimator):
    def fit(self, X: Any, y: Any) -> Any:
        self.classes_ = np.unique(y)
        self.misbehave()
        return self

    def misbehave(self) -> None:
        """Nothing by default."""

    def predict_proba(self, X: Any) -> Any:
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))

    def predict(self, X: Any) -> Any:
        return np.repeat(self.classes_[:1], len(X))


class SleepsForEver(_Hostile):
    def misbehave(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while True:
            time.sleep(3600)


class AllocatesForEver(_Hostile):
    def misbehave(self) -> None:
        hoard = []
        while True:
            hoard.append(np.ones(2_000_000))


class Aborts(_Hostile):
    def misbehave(self) -> None:
        os.abort()


class Raises(_Hostile):
    def misbehave(self) -> None:
        raise RuntimeError("this model always fails")


class PrintsWithoutEnd(_Hostile):
    def misbehave(self) -> None:
        line = "x" * 999_999
        for _ in range(100):
            print(line)
            print(line, file=sys.stderr)


class PredictsNaN(_Hostile):
    def predict_proba(self, X: Any) -> Any:
        return np.full((len(X), len(self.classes_)), np.nan)


class PredictsWrongShape(_Hostile):
    def predict_proba(self, X: Any) -> Any:
        return np.zeros((3, 7))


EXPECTED = {
    SleepsForEver: "timeout",
    AllocatesForEver: "memory",
    Aborts: "crashed",
    Raises: "crashed",
    PredictsNaN: "invalid",
    PredictsWrongShape: "invalid",
}


def component(kind: type) -> Component:
    return Component(
        kind.__name__.lower(),
        Role.MODEL,
        f"tests.system.hostile:{kind.__name__}",
        family=f"hostile {kind.__name__}",
        tasks=frozenset({"binary", "multiclass"}),
        preparation=Preparation.DENSE,
    )
