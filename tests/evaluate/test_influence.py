"""Influence functions and the standard errors from them, against resampling and against finite differences."""

import numpy as np
import pytest

from automl.evaluate.influence import deviations, held_out_losses, influence, one_mistake, standard_errors
from automl.metrics import get_metric

NAMES = {
    "binary": (
        "log_loss",
        "brier_score",
        "roc_auc",
        "gini",
        "accuracy",
        "f1",
        "balanced_accuracy",
        "matthews_corrcoef",
    ),
    "multiclass": ("log_loss", "roc_auc_ovr", "f1_macro", "brier_score"),
    "regression": ("mse", "rmse", "mae", "r2", "explained_variance", "rmsle", "mape", "mean_poisson_deviance"),
}
CASES = [(task, name) for task, names in NAMES.items() for name in names]


def made(task, n=240, m=3, seed=0):
    rng = np.random.default_rng(seed)
    if task == "regression":
        y = rng.gamma(3.0, size=n)
        return np.abs(y + 0.5 * rng.normal(size=(m, n))) + 0.1, y
    k = 2 if task == "binary" else 4
    y = rng.integers(0, k, n)
    raw = np.exp(np.eye(k)[y] + rng.normal(size=(m, n, k)))
    return raw / raw.sum(axis=2, keepdims=True), y


@pytest.mark.parametrize(("task", "name"), CASES)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_influence_is_the_derivative_by_the_weight_of_a_row(task, name, weighted):
    stack, y = made(task)
    metric = get_metric(name, task=task)
    folds = np.arange(len(y)) % 3
    weights = np.random.default_rng(1).uniform(0.5, 2.0, len(y)) if weighted else None
    found = influence(metric, y, stack, weights, folds)
    base = np.ones(len(y)) if weights is None else weights
    for row in (0, 17, 101):
        ends = []
        for step in (1e-4, -1e-4):
            moved = base.copy()
            moved[row] *= 1.0 + step
            ends.append(held_out_losses(metric, y, stack, moved, folds))
        assert np.allclose(found[:, row], (ends[0] - ends[1]) / 2e-4, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize(("task", "name"), [*CASES, ("binary", "average_precision"), ("regression", "medae")])
def test_standard_errors_are_those_of_new_samples(task, name):
    metric = get_metric(name, task=task)
    pairs = [made(task, m=1, seed=seed) for seed in range(60)]
    losses = np.array([held_out_losses(metric, y, stack, None, None)[0] for stack, y in pairs])
    errors = np.mean([standard_errors(metric, y, stack)[0] for stack, y in pairs[:6]])
    assert errors == pytest.approx(losses.std(ddof=1), rel=0.35)


def test_the_difference_of_two_deviations_is_that_of_paired_losses():
    stack, y = made("regression", m=1)
    close = np.concatenate([stack, stack + 1e-3])
    found = deviations(get_metric("mae", task="regression"), y, close)
    apart, alone = np.linalg.norm(found[0] - found[1]), np.linalg.norm(found[0])
    assert apart < 0.01 * alone


def test_rows_of_a_group_vary_together():
    stack, y = made("regression", m=1, n=60)
    metric = get_metric("rmse", task="regression")
    once = standard_errors(metric, y, stack, clusters=np.arange(60))
    four_times = standard_errors(metric, np.tile(y, 4), np.tile(stack, (1, 4)), clusters=np.tile(np.arange(60), 4))
    assert np.allclose(once, four_times) and np.allclose(once, standard_errors(metric, y, stack))
    assert standard_errors(metric, np.tile(y, 4), np.tile(stack, (1, 4))) < 0.6 * once


@pytest.mark.parametrize("folds", [5, 10])
def test_whole_groups_in_folds_of_their_own_vary_too(folds):
    def drawn(seed):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(10), 40)
        y = rng.integers(0, 2, len(groups))
        hard = rng.uniform(0.0, 3.0, 10)[groups]  # groups differ in how well they are told apart
        score = 1 / (1 + np.exp(-(hard * (y - 0.5) + rng.normal(size=len(y)))))
        return np.stack([1 - score, score], axis=1)[None], y, groups

    metric = get_metric("roc_auc", task="binary")
    found = []
    for seed in range(60):
        stack, y, groups = drawn(seed)
        error = standard_errors(metric, y, stack, folds=groups % folds, clusters=groups)[0]
        found.append((held_out_losses(metric, y, stack, None, groups % folds)[0], error))
    losses, errors = np.array(found).T
    assert np.median(errors) == pytest.approx(losses.std(ddof=1), rel=0.25)


def test_candidates_that_there_is_no_time_for_have_no_standard_error():
    stack, y = made("binary")
    asked = iter([False, False, True])
    errors = standard_errors(get_metric("log_loss", task="binary"), y, stack, stop=lambda: next(asked))
    assert list(np.isnan(errors)) == [False, False, True]


def test_ranks_are_compared_within_folds_and_roots_over_all_rows():
    y = np.array([0, 1, 0, 1])
    score = np.array([0.1, 0.2, 0.7, 0.8])  # the second model says more for everything
    stack = np.stack([1 - score, score], axis=1)[None]
    folds = np.array([0, 0, 1, 1])
    for name in ("auc", "gini", "ks"):
        assert held_out_losses(get_metric(name, task="binary"), y, stack, None, folds) == [-1.0]
    values, predicted = np.array([0.0, 0.0]), np.array([[1.0, 3.0]])
    rmse = held_out_losses(get_metric("rmse", task="regression"), values, predicted, None, np.array([0, 1]))
    assert rmse == pytest.approx([5**0.5])


def test_a_fold_with_one_class_has_no_part_in_a_rank_metric():
    y, score = np.array([0, 1, 1, 1]), np.array([0.1, 0.2, 0.7, 0.8])
    stack = np.stack([1 - score, score], axis=1)[None]
    metric = get_metric("auc", task="binary")
    assert held_out_losses(metric, y, stack, None, np.array([0, 0, 1, 1])) == [-1.0]
    assert np.isnan(held_out_losses(metric, y[2:], stack[:, 2:], None, np.array([1, 1])))


@pytest.mark.parametrize("name", ["roc_auc", "roc_auc_ovr"])
@pytest.mark.parametrize("weightless", [False, True])
def test_nor_has_it_a_part_in_the_standard_error(name, weightless):
    stack, y = made("binary")
    metric = get_metric(name, task="binary")
    folds = np.arange(len(y)) % 2
    second = folds == 1
    lonely = second & (y == 1)
    weights = np.where(lonely, 0.0, 1.0) if weightless else None
    y = y if weightless else np.where(second, 0, y)
    alone = standard_errors(metric, y[~second], stack[:, ~second], folds=folds[~second])
    both = standard_errors(metric, y, stack, weights=weights, folds=folds)
    assert np.allclose(both, alone, rtol=0.01)
    assert np.isnan(standard_errors(metric, np.zeros_like(y), stack, folds=folds)).all()


def test_a_bootstrap_that_is_stopped_at_once_says_nothing():
    stack, y = made("regression")
    found = standard_errors(get_metric("medae", task="regression"), y, stack, stop=lambda: True)
    assert np.isnan(found).all()


def test_a_model_without_mistakes_may_still_make_one():
    y = np.arange(50) % 2
    perfect = np.eye(2)[y]
    accuracy = get_metric("accuracy", task="binary")
    assert standard_errors(accuracy, y, perfect[None]) == 0.0
    assert one_mistake(accuracy, y, perfect, None, None) == pytest.approx(0.02)
    assert 0.0 < one_mistake(get_metric("auc", task="binary"), y, perfect, None, None) < 0.05
    stack, y = made("binary", m=1)
    log_loss = get_metric("log_loss", task="binary")
    assert one_mistake(log_loss, y, stack[0], None, None) < 0.3 * standard_errors(log_loss, y, stack)[0]
    assert one_mistake(accuracy, np.zeros(5, dtype=int), np.eye(2)[[0] * 5], None, None) == 0.0
