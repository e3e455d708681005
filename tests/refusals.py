"""What the tests of bad input share: a small table, values that fit nowhere, and the check of a refusal."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl import AutoClassifier
from automl.core import AutoMLError

N = 40
RNG = np.random.default_rng(0)
A, B = RNG.normal(size=N), RNG.choice(list("xyz"), N)
X = pd.DataFrame({"a": A, "b": B})
Y = np.where(A > 0, "yes", "no")
NAN, INF, HUGE = float("nan"), float("inf"), 10**400
QUICK: dict[str, Any] = {"max_trials": 1, "executor": "serial", "include": ["linear"], "cv": 2, "random_state": 0}


class Unhashable:
    """Can be compared with nothing and be no key."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not comparable")


class Raises:
    """Raises when it is asked for its values."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no values")


def objects(*values: Any) -> Any:
    """Return the values again and again, as an object array of the table's length."""
    column = np.empty(N, dtype=object)
    column[:] = [values[i % len(values)] for i in range(N)]
    return column


def estimator(kind: Any = AutoClassifier, **settings: Any) -> Any:
    return kind(**{"time_budget": None, "verbose": 0, **QUICK, **settings})


def refused(act: Any, kind: type[AutoMLError], *said: str) -> None:
    """Check that exactly this error comes, that it says these words, and that nothing is said beside it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(kind) as caught:
            act()
    assert all(words in str(caught.value) for words in said), str(caught.value)


WEIGHTS: dict[str, tuple[Any, str]] = {
    "too short": (np.ones(N - 1), "has 39"),
    "empty": ([], "has 0"),
    "negative": (np.append(np.ones(N - 1), -1), "1 negative"),
    "all zero": (np.zeros(N), "all zero"),
    "zero but for one class": ((Y == "yes").astype(float), "one class"),
    "missing": (np.append(np.ones(N - 1), NAN), "1 missing"),
    "infinite": (np.append(np.ones(N - 1), INF), "1 infinite"),
    "text": (["a"] * N, "holds 'a'"),
    "complex": (A + 1j, "expected numbers"),
    "dates": (pd.date_range("2020", periods=N), "expected numbers"),
    "lists": ([[1]] * N, "holds [1]"),
    "two columns": (np.ones((N, 2)), "shape (40, 2)"),
    "a name": ("w", "sample_weight='w'"),
    "a dictionary": ({}, "shape ()"),
    "a number too large": (objects(HUGE), "expected numbers"),
    "something that raises": (Raises(), "RuntimeError: no values"),
}
