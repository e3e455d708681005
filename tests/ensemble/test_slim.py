"""Slow members leave where nobody would see it, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from automl.ensemble import slimmed
from automl.metrics import get_metric

RNG = np.random.default_rng(0)
Y = RNG.normal(size=400)
NOISE = RNG.normal(size=(4, 400))
STACK = Y + NOISE * np.array([[0.5], [0.5], [1.0], [2.0]])
WEIGHTS = (0.45, 0.45, 0.08, 0.02)
RMSE = get_metric("rmse", task="regression")


def loss(weights) -> float:
    return float(np.sqrt(np.mean((np.tensordot(weights, STACK, axes=1) - Y) ** 2)))


def test_a_slow_member_of_small_gain_leaves_and_the_others_keep_their_proportions():
    found = slimmed(STACK, WEIGHTS, Y, RMSE, seconds=(1, 1, 1, 20), allowed=0.05)
    assert found[3] == 0.0 and sum(found) == pytest.approx(1.0)
    assert found[0] / found[2] == pytest.approx(WEIGHTS[0] / WEIGHTS[2])
    assert loss(found) <= loss(WEIGHTS) + 0.05


def test_what_the_ensemble_needs_stays_however_slow_it_is():
    assert slimmed(STACK, WEIGHTS, Y, RMSE, seconds=(100, 1, 1, 1), allowed=0.001) == WEIGHTS


def test_what_saves_little_time_stays_however_useless_it_is():
    assert slimmed(STACK, WEIGHTS, Y, RMSE, seconds=(10, 10, 10, 1), allowed=0.001) == WEIGHTS


def test_the_allowance_is_for_all_who_leave_together():
    seconds = (1.0, 1.0, 30.0, 100.0)  # once the slowest has left, the next one is slow
    generous = slimmed(STACK, WEIGHTS, Y, RMSE, seconds=seconds, allowed=1e9)
    assert generous == (0.5, 0.5, 0.0, 0.0)
    first, both = (max(loss(w) - loss(WEIGHTS), 0.0) for w in ((0.45, 0.45, 0.08, 0.0), (0.5, 0.5, 0.0, 0.0)))
    strict = slimmed(STACK, WEIGHTS, Y, RMSE, seconds=seconds, allowed=(first + both) / 2)
    assert (strict[3], strict[2] > 0) == (0.0, both > first)


def test_members_that_are_all_alike_stay():
    assert slimmed(STACK, WEIGHTS, Y, RMSE, seconds=(5, 5, 5, 5), allowed=1e9) == WEIGHTS


def test_the_last_member_never_leaves():
    assert slimmed(STACK, (0.0, 0.0, 0.0, 1.0), Y, RMSE, seconds=(1, 1, 1, 99), allowed=1e9) == (0.0, 0.0, 0.0, 1.0)


def test_probabilities_are_slimmed_too():
    codes = (Y > 0).astype(int)
    p = np.clip(0.5 + 0.3 * STACK, 0.01, 0.99)
    stack = np.stack([1 - p, p], axis=-1)
    auc = get_metric("roc_auc", task="binary")
    assert slimmed(stack, WEIGHTS, codes, auc, seconds=(1, 1, 1, 20), allowed=0.01)[3] == 0.0
