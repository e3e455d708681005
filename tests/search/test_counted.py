"""Counted runs come out the same however many workers there are and whatever ends first."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris

from automl import AutoClassifier
from automl.execute import SerialExecutor

X, Y = load_iris(return_X_y=True)
X, Y = X[::3], Y[::3]
TRIALS = 24  # more than the lag behind which trials see each other


class Shuffled:
    """Takes so many jobs at once and ends them in an order drawn at random."""

    def __init__(self, capacity: int, seed: int) -> None:
        self.capacity = capacity
        self._inner = SerialExecutor()
        self._rng = np.random.default_rng(seed)
        self._waiting: list = []

    def submit(self, job):
        self._waiting.append(job)

    def collect(self, timeout):
        if not self._waiting:
            return []
        self._inner.submit(self._waiting.pop(int(self._rng.integers(len(self._waiting)))))
        return self._inner.collect(timeout)

    def cancel(self, ids):
        raise AssertionError("a counted run cancels nothing")

    def close(self):
        self._inner.close()


def fitted(executor):
    settings = {"max_trials": TRIALS, "include": ["linear", "bayes", "discriminant", "tree"], "cv": 3}
    return AutoClassifier(None, executor=executor, random_state=0, verbose=0, **settings).fit(X, Y)


@pytest.fixture(scope="module")
def alone() -> AutoClassifier:
    return fitted("serial")


@pytest.mark.parametrize(("capacity", "seed"), [(1, 0), (2, 1), (4, 2), (16, 3)])
def test_whatever_ends_first_the_model_is_the_same(alone: AutoClassifier, capacity: int, seed: int):
    shuffled = fitted(Shuffled(capacity, seed))
    board, wanted = shuffled.leaderboard(), alone.leaderboard()
    assert board["trial"].tolist() == wanted["trial"].tolist()
    assert board["status"].tolist() == wanted["status"].tolist()
    np.testing.assert_array_equal(shuffled.predict_proba(X), alone.predict_proba(X))
    assert shuffled.estimate_ == alone.estimate_ and shuffled.search_score_ == alone.search_score_
    assert board["p_worse"].equals(wanted["p_worse"]) and board["standard_error"].equals(wanted["standard_error"])


def test_the_estimate_knows_of_all_trials_also_of_those_that_were_discarded(alone: AutoClassifier):
    complete = (alone.leaderboard()["status"] == "ok").sum() - 2  # the ensemble, and a constant
    assert alone.estimate_.n_candidates == complete > alone.outcome_.plan.candidates
    assert f"among the {complete} complete trials" in alone.estimate_.label
    assert alone.leaderboard()["p_worse"].notna().sum() == complete
    better = alone.estimate_.value <= alone.search_score_.value  # log loss
    assert not better and alone.search_score_.label == "search score (optimistic)"
