"""What early stopping is given, whatever the library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.core import Array

__all__ = ["Part", "Stopper", "patience"]


@dataclass(frozen=True)
class Part:
    """Prepared rows: what a model is fitted on, or what tells it to stop."""

    X: Array
    y: Array
    weights: Array | None = None


# (estimator, rows to fit on, stop set, seconds or None, patient) -> rounds. The estimator is left fitted at its best
# round. After ``seconds`` it stops adding rounds. ``patient``: the stop set is small, its losses are noisy.
Stopper = Callable[[Any, Part, Part, float | None, bool], int]


def patience(estimator: Any, patient: bool) -> int:
    """Return after how many rounds without gain to stop: more for slow learners and noisy stop sets."""
    rate = float(estimator.get_params()["learning_rate"])
    return int(np.clip((5 if patient else 3) / rate, 20, 150 if patient else 80))
