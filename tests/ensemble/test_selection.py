"""Greedy selection: what holds for every metric."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.core import NoModelError
from automl.ensemble import greedy
from automl.metrics import get_metric
from tests.ensemble.builders import TASKS, candidates, task_of

SETTINGS = settings(max_examples=25, deadline=None)


def metric_for(name):
    return get_metric(name, task=task_of(TASKS[name]))


@pytest.mark.parametrize("name", TASKS)
@SETTINGS
@given(
    seed=st.integers(0, 10**6), m=st.integers(1, 8), size=st.integers(1, 12), noise=st.floats(0, 3), weigh=st.booleans()
)
def test_invariants(name, seed, m, size, noise, weigh):
    stack, y = candidates(TASKS[name], m=m, n=60, seed=seed, noise=noise)
    metric = metric_for(name)
    weights = np.random.default_rng(seed).integers(0, 3, 60).astype(float) + (np.arange(60) < 30) if weigh else None
    singles = metric.losses(y, stack, weights)
    selection = greedy(stack, y, metric, weights=weights, size=size)
    assert singles[selection.path[0]] == singles.min()
    assert selection.loss <= singles.min()
    assert selection.loss == min(selection.losses)
    assert selection.weights.sum() == pytest.approx(1.0) and (selection.weights >= 0).all()
    assert len(selection.path) == len(selection.losses) <= size
    mean = np.tensordot(selection.weights, stack.astype(float), axes=1)
    assert metric.loss(y, mean, weights) == pytest.approx(selection.loss, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", TASKS)
def test_size_one_is_the_best_single(name):
    stack, y = candidates(TASKS[name])
    selection = greedy(stack, y, metric_for(name), size=1)
    singles = metric_for(name).losses(y, stack)
    assert selection.weights[singles.argmin()] == 1.0 and selection.loss == singles.min()


@pytest.mark.parametrize("name", ["roc_auc", "log_loss", "rmse", "mae", "brier_score"])
@SETTINGS
@given(seed=st.integers(0, 10**6))
def test_steps_equal_a_plain_loop(name, seed):
    stack, y = candidates(TASKS[name], m=5, n=80, seed=seed)
    metric = metric_for(name)
    total = np.zeros(stack[0].shape)
    for step, pick in enumerate(greedy(stack, y, metric, size=6).path, start=1):
        each = metric.losses(y, (total + stack.astype(float)) / step)
        assert each[pick] <= each.min() + 2e-6 * abs(each.min())
        total += stack[pick]


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("asked", range(5))
def test_stop_at_any_step_leaves_a_valid_result(name, asked):
    stack, y = candidates(TASKS[name])
    answers = iter([False] * asked)
    selection = greedy(stack, y, metric_for(name), stop=lambda: next(answers, True))
    assert 1 <= len(selection.path) <= asked + 1
    assert selection.weights.sum() == pytest.approx(1.0)
    assert selection.loss <= metric_for(name).losses(y, stack).min()


def test_a_slow_metric_can_be_stopped_while_singles_are_scored():
    calls = []
    metric = get_metric(lambda t, p: float(len(calls) - (calls.append(1) or 0)), task="binary")
    stack, y = candidates(2, m=50)
    selection = greedy(stack, y, metric, stop=lambda: True)
    assert len(calls) == 1 and selection.path == (0,)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", TASKS)
def test_candidates_that_are_not_finite_are_ignored(name, bad):
    stack, y = candidates(TASKS[name])
    broken = np.insert(stack, 2, stack[2], axis=0)
    broken[2, 5] = bad
    expected, selection = greedy(stack, y, metric_for(name)), greedy(broken, y, metric_for(name))
    assert selection.weights[2] == 0
    assert np.delete(selection.weights, 2) == pytest.approx(expected.weights)


def test_nothing_finite():
    stack, y = candidates(2)
    with pytest.raises(NoModelError, match="none of 6 candidates has a roc_auc"):
        greedy(stack * np.nan, y, metric_for("roc_auc"))


def test_size_must_be_positive():
    stack, y = candidates(2)
    with pytest.raises(ValueError, match="at least 1"):
        greedy(stack, y, metric_for("roc_auc"), size=0)


def test_ties_go_to_a_present_member():
    stack, y = candidates(2, m=1)
    assert greedy(np.repeat(stack, 4, axis=0), y, metric_for("log_loss"), size=5).path == (0,) * 5


def test_ties_of_labels_go_to_the_lower_log_loss():
    y = np.array([0, 1, 0, 1])
    shy = np.column_stack([0.5 - 0.1 * (2 * y - 1), 0.5 + 0.1 * (2 * y - 1)])
    sure = np.column_stack([0.5 - 0.4 * (2 * y - 1), 0.5 + 0.4 * (2 * y - 1)])
    assert greedy(np.array([shy, sure]), y, metric_for("accuracy")).path[0] == 1


def test_user_metrics_and_rank_metrics_agree():
    from sklearn.metrics import make_scorer, roc_auc_score

    user = make_scorer(lambda t, p: roc_auc_score(t, p), response_method="predict_proba")
    stack, y = candidates(2, m=4)
    slow = greedy(stack, y, get_metric(user, task="binary", classes=np.array([0, 1])), size=4)
    assert slow.path == greedy(stack, y, metric_for("roc_auc"), size=4).path


def test_metrics_of_others_work_too():
    class Flat:
        name, sign, needs, builtin = "flat", 1, "probability", False

        def loss(self, y, prediction, weights=None):
            return float(np.mean((prediction[:, 1] - y) ** 2))

    stack, y = candidates(2)
    assert greedy(stack, y, Flat()).path == greedy(stack, y, metric_for("brier_score")).path


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_costly_metrics_look_at_a_sample_but_report_all_rows(name):
    stack, y = candidates(2, n=3000)
    y[:] = 0
    y[:7] = 1  # rare classes must stay in the sample
    metric = get_metric(name, task="binary")
    selection = greedy(stack, y, metric, max_rows=200)
    mean = np.tensordot(selection.weights, stack.astype(float), axes=1)
    assert metric.loss(y, mean) == pytest.approx(selection.loss)
    assert selection.loss <= metric.losses(y, stack).min()
    assert greedy(stack, y, metric, max_rows=200).path == selection.path


@pytest.mark.parametrize("name", ["roc_auc", "gini"])
@SETTINGS
@given(seed=st.integers(0, 10**6), weigh=st.booleans(), rare=st.booleans())
def test_coarse_steps_choose_almost_as_well(name, seed, weigh, rare):
    stack, y = candidates(2, m=8, n=400, seed=seed, noise=2.0)
    weights = np.random.default_rng(seed).integers(1, 4, 400).astype(float) if weigh else None
    if rare:  # probabilities crowd near 0
        stack = np.stack([1.0 - stack[..., 1] ** 6, stack[..., 1] ** 6], axis=-1)
    metric = get_metric(name, task="binary")
    fine, coarse = (greedy(stack, y, metric, weights=weights, size=8, coarse=c) for c in (False, True))
    assert coarse.path[0] == fine.path[0]
    assert abs(coarse.loss - fine.loss) < (0.01 if name == "gini" else 0.005)


def test_coarse_steps_count_rows_by_their_weights():
    stack, y = candidates(2, m=6, n=200, seed=3, noise=2.0)
    times = np.random.default_rng(3).integers(1, 4, 200)
    rows = np.repeat(np.arange(200), times)
    weighted = greedy(stack, y, get_metric("roc_auc", task="binary"), weights=times.astype(float), size=8, coarse=True)
    repeated = greedy(stack[:, rows], y[rows], get_metric("roc_auc", task="binary"), size=8, coarse=True)
    assert weighted.losses == pytest.approx(repeated.losses, abs=0.005)


def test_coarse_steps_of_one_constant_and_one_class():
    stack = np.full((3, 40, 2), 0.5, dtype=np.float32)
    y = np.arange(40) % 2
    assert greedy(stack, y, get_metric("roc_auc", task="binary"), size=4, coarse=True).loss == pytest.approx(-0.5)


@SETTINGS
@given(seed=st.integers(0, 10**6))
def test_coarse_steps_have_a_bin_for_every_score(seed):
    rng = np.random.default_rng(seed)
    low, high = np.sort(rng.random(2) * 10.0 ** rng.integers(-6, 6))
    scores = rng.uniform(low, high, (5, 60)).astype(np.float32)
    scores[:, :20], scores[:, 20:22] = np.float32(high), np.float32(low)  # means of them round to either side
    stack, y = np.stack([-scores, scores], axis=-1), np.arange(60) % 2
    assert len(greedy(stack, y, get_metric("roc_auc", task="binary"), size=12, coarse=True).path) == 12
