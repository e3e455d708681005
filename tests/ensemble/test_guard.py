"""Guarded selection."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import automl.ensemble
from automl.core import NoModelError
from automl.ensemble import candidate_cap, guard, select
from automl.metrics import get_metric
from tests.ensemble.builders import TASKS, candidates, task_of

SETTINGS = settings(max_examples=8, deadline=None)


def metric_for(name):
    return get_metric(name, task=task_of(TASKS[name]))


def test_exported_names():
    assert automl.ensemble.__all__ == sorted(automl.ensemble.__all__)


@pytest.mark.parametrize("name", TASKS)
@SETTINGS
@given(seed=st.integers(0, 10**6), m=st.integers(1, 6), n=st.integers(12, 200), weigh=st.booleans())
def test_always_valid(name, seed, m, n, weigh):
    stack, y = candidates(TASKS[name], m=m, n=n, seed=seed)
    weights = np.random.default_rng(seed).uniform(0.1, 2, n) if weigh else None
    choice = select(stack, y, metric_for(name), weights=weights, size=5, seed=seed)
    assert choice.weights.shape == (m,) and choice.weights.sum() == pytest.approx(1.0)
    assert (choice.weights >= 0).all()
    mean = np.tensordot(choice.weights, stack.astype(float), axes=1)
    assert metric_for(name).loss(y, mean, weights) == pytest.approx(choice.loss, rel=1e-5, abs=1e-7)
    assert set(choice.nested) in (set(), set(guard.METHODS))
    assert choice.method in guard.METHODS


@pytest.mark.parametrize("n", [300, 1500])
@pytest.mark.parametrize("asked", [0, 1, 2, 5, 20, 60, 150])
def test_stop_at_any_time_leaves_a_valid_result(n, asked):
    stack, y = candidates(2, n=n)
    answers = iter([False] * asked)
    choice = select(stack, y, metric_for("roc_auc"), size=5, stop=lambda: next(answers, True))
    assert choice.weights.sum() == pytest.approx(1.0)
    if asked == 0:
        assert choice.method == "single"
        assert choice.weights[metric_for("roc_auc").losses(y, stack).argmin()] == 1.0


def test_a_simpler_method_is_taken_when_it_is_clearly_better():
    clear = {"single": [0.10, 0.11, 0.10], "top3": [0.5] * 3, "shrunk": [0.5] * 3, "greedy": [0.20, 0.21, 0.22]}
    assert guard._guarded(clear) == "single"
    noisy = {"single": [0.10, 0.30, 0.18], "top3": [0.5] * 3, "shrunk": [0.5] * 3, "greedy": [0.20, 0.21, 0.19]}
    assert guard._guarded(noisy) == "greedy"


def test_independent_errors_are_averaged():
    rng = np.random.default_rng(0)
    y = rng.normal(size=3000)
    choice = select((y + rng.normal(size=(8, 3000))).astype("f4"), y, metric_for("rmse"))
    assert choice.method in ("greedy", "shrunk")
    assert (choice.weights > 0.05).all()
    assert min(choice.nested, key=choice.nested.get) in ("greedy", "shrunk")


def test_one_far_better_candidate_stays_alone():
    stack, y = candidates(0, n=2000, noise=5.0)
    stack[3] = y + 0.01 * np.random.default_rng(1).normal(size=2000)
    choice = select(stack, y, metric_for("rmse"))
    assert choice.weights[3] == 1.0


@pytest.mark.parametrize("name", ["log_loss", "rmse"])
def test_copies_are_removed(name):
    stack, y = candidates(TASKS[name], n=1200)
    doubled = np.concatenate([stack, stack + np.float32(1e-8), stack])
    single, choice = select(stack, y, metric_for(name)), select(doubled, y, metric_for(name))
    assert choice.weights[:6] + choice.weights[6:12] + choice.weights[12:] == pytest.approx(single.weights)
    assert ((choice.weights.reshape(3, 6) > 0).sum(axis=0) <= 1).all()


def test_candidates_that_are_not_finite_are_ignored():
    stack, y = candidates(3, n=1200)
    broken = np.concatenate([stack[:1] * np.nan, stack])
    choice = select(broken, y, metric_for("log_loss"))
    assert choice.weights[0] == 0
    assert choice.weights[1:] == pytest.approx(select(stack, y, metric_for("log_loss")).weights)
    with pytest.raises(NoModelError, match="none of 6 candidates"):
        select(stack * np.nan, y, metric_for("log_loss"))


def test_a_family_keeps_its_best_two():
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    good = y + 0.1 * rng.normal(size=(40, 200))
    odd = y + 0.5 * rng.normal(size=(4, 200))
    stack = np.concatenate([good, odd])
    order = np.argsort(metric_for("rmse").losses(y, stack))
    kept = automl.ensemble.candidates.shortlist(order, 200, ["trees"] * 40 + ["net"] * 4)
    assert len(kept) == candidate_cap(200) + 2
    assert sorted(kept[-2:]) == sorted(order[40:42])
    assert len(automl.ensemble.candidates.shortlist(order, 10**6, None)) == 25


@pytest.mark.parametrize(("n", "cap"), [(10, 4), (100, 4), (500, 8), (2500, 15), (10_000, 40), (10**6, 100)])
def test_candidate_cap(n, cap):
    assert candidate_cap(n) == cap


def test_groups_stay_whole_in_splits_and_samples():
    groups = np.repeat(np.arange(20), 6)
    table = guard._Rows(np.zeros((1, 120)), np.zeros(120), None, groups)
    rng = np.random.default_rng(0)
    here, there = guard._halves(table, rng, classifies=False)
    assert not set(groups[here]) & set(groups[there]) and len(here) + len(there) == 120
    assert len(set(groups[here])) == 10
    counts = np.bincount(guard._bootstrap(table, rng), minlength=120).reshape(20, 6)
    assert (counts == counts[:, :1]).all()


def test_halves_hold_every_class():
    y = np.array([0] * 95 + [1] * 4 + [2] * 3)
    table = guard._Rows(np.zeros((1, 102, 3)), y, None, None)
    for seed in range(10):
        here, there = guard._halves(table, np.random.default_rng(seed), classifies=True)
        assert set(y[here]) == set(y[there]) == {0, 1, 2}


def test_one_group_only_gives_no_nested_scores():
    stack, y = candidates(2)
    choice = select(stack, y, metric_for("roc_auc"), groups=np.zeros(120))
    assert choice.nested == {} and choice.method == "greedy"


def test_light_members_leave_if_the_loss_allows():
    rng = np.random.default_rng(0)
    y = rng.normal(size=500)
    stack = y + 0.3 * rng.normal(size=(3, 500))
    stack[2] = stack[:2].mean(axis=0)  # adds nothing
    table, given_weights = guard._Rows(stack, y, None, None), np.array([0.49, 0.49, 0.02])
    weights, loss = guard._prune(table, metric_for("rmse"), given_weights, lambda: False)
    assert weights == pytest.approx([0.5, 0.5, 0.0])
    assert loss == pytest.approx(metric_for("rmse").loss(y, weights @ stack))
    stack[2] = y + 49.0 * (y - stack[:2].mean(axis=0))  # its two per cent undo the errors of the others
    weights, loss = guard._prune(table, metric_for("rmse"), given_weights, lambda: False)
    assert weights == pytest.approx(given_weights) and loss < 1e-9


@pytest.mark.parametrize("name", ["rmse", "roc_auc"])
def test_very_many_rows_are_sampled(name, monkeypatch):
    monkeypatch.setattr(guard, "MAX_ROWS", 1500)
    stack, y = candidates(TASKS[name], n=4000)
    choice = select(stack, y, metric_for(name))
    assert choice.weights.sum() == pytest.approx(1.0)
    assert choice.loss == pytest.approx(
        metric_for(name).loss(y, np.tensordot(choice.weights, stack.astype(float), 1)), rel=0.1
    )


def test_rows_without_weight_do_not_count():
    stack, y = candidates(2, n=1500)
    weights = (np.arange(1500) < 1200).astype(float)
    spoilt = stack.copy()
    spoilt[0, 1200:] = np.nan
    whole = select(spoilt, y, metric_for("log_loss"), weights=weights)
    assert whole.weights == pytest.approx(select(stack[:, :1200], y[:1200], metric_for("log_loss")).weights)


def test_the_same_seed_gives_the_same_choice():
    stack, y = candidates(2, n=400, m=4)
    first, second = (select(stack, y, metric_for("roc_auc"), seed=3) for _ in range(2))
    assert first.nested == second.nested and (first.weights == second.weights).all()


def test_the_selection_is_whole_when_the_time_ends_during_the_nested_scores(monkeypatch):
    stack, y = candidates(3, n=300)
    monkeypatch.setattr(guard, "_guarded", lambda nested: "greedy")
    whole = select(stack, y, metric_for("log_loss"))
    asked = iter(range(10_000_000))
    calls = {"nested": False}
    original = guard._nested

    def nested(*arguments):
        calls["nested"] = True
        return original(*arguments)

    monkeypatch.setattr(guard, "_nested", nested)
    cut = select(stack, y, metric_for("log_loss"), stop=lambda: calls["nested"] and next(asked) >= 0)
    assert cut.nested == {} and cut.weights == pytest.approx(whole.weights, abs=0.02)  # light members stay in it
