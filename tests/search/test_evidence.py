"""What is said of all complete trials at the end of a run, and of the ensemble."""

import dataclasses

import numpy as np
import pytest

from automl import AutoClassifier
from automl.metrics import get_metric
from automl.search.evidence import Entrants, Evidence, compare

RMSE = get_metric("rmse", task="regression")


def made(n=400, spread=(1.0, 1.0, 1.3), rows=None, seed=0, groups=None):
    """Candidates with independent errors: the first two are equally good."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n)
    stack = y + rng.normal(size=(len(spread), n)) * np.array(spread)[:, None]
    rows = np.arange(n) if rows is None else rows
    losses = RMSE.losses(y, stack)
    evidence = Evidence(y, np.arange(n), np.arange(n) % 5, RMSE, None, groups, groups, 0, 0)
    trials = tuple(range(3, 3 + len(spread)))
    families = ("a",) * len(spread)
    return evidence, Entrants(trials, families, losses, stack[:, rows].astype(np.float32), rows, len(spread), n), stack


def test_a_clearly_worse_trial_is_told_from_an_equal_one():
    evidence, entrants, _ = made()
    found = compare(evidence, entrants)
    assert found["p_worse"]["5"] < 0.001
    best, other = ("3", "4") if entrants.losses[0] < entrants.losses[1] else ("4", "3")
    assert found["p_worse"][best] == 1.0 and found["p_worse"][other] > 0.05
    assert found["standard_errors"]["3"] == pytest.approx(1.0 / np.sqrt(2 * 400) * 1.6, rel=0.15)


def test_more_trials_make_it_harder_to_be_told_apart():
    few = compare(*made(spread=(1.0, 1.09))[:2])["p_worse"]
    many = compare(*made(spread=(1.0, 1.09, *[1.1] * 20))[:2])["p_worse"]
    assert few["4"] < many["4"]


def test_a_sample_of_the_rows_says_what_all_rows_say():
    rows = np.sort(np.random.default_rng(1).choice(400, 200, replace=False))
    whole, some = compare(*made()[:2]), compare(*made(rows=rows)[:2])
    for trial, error in whole["standard_errors"].items():
        assert some["standard_errors"][trial] == pytest.approx(error, rel=0.2)


def test_equal_predictions_are_not_worse():
    evidence, entrants, _ = made()
    twice = dataclasses.replace(entrants, stack=entrants.stack[[0, 0, 2]], losses=entrants.losses[[0, 0, 2]])
    assert compare(evidence, twice)["p_worse"]["4"] == 1.0


def test_nothing_is_said_of_no_trial_and_under_a_metric_of_ones_own():
    evidence, entrants, _ = made()
    empty = dataclasses.replace(entrants, trials=(), families=(), losses=np.empty(0), stack=entrants.stack[:0])
    assert compare(evidence, empty) == {"standard_errors": {}, "p_worse": {}}
    own = get_metric(lambda y, p: -float(np.abs(y - p).max()), task="regression")
    assert compare(dataclasses.replace(evidence, metric=own), entrants)["p_worse"] == {}


def test_an_ensemble_has_a_corrected_and_a_search_score_under_all_metrics():
    evidence, entrants, stack = made(spread=(1.0,) * 12, n=80)
    mae = get_metric("mae", task="regression")
    evidence = dataclasses.replace(evidence, reported=(mae,))
    mixed = stack[np.argmin(entrants.losses)]
    optimism = evidence.optimism(entrants, mixed, 1)
    scores = evidence.scores(mixed, 12, optimism)
    assert scores.estimate.value > -RMSE.sign * RMSE.loss(evidence.y, mixed)
    assert scores.search_score.value == np.mean(
        [RMSE.loss(evidence.y[part], mixed[part]) for part in (evidence.folds == fold for fold in range(5))]
    )
    assert list(scores.reported) == [mae.name] and scores.reported[mae.name].value > mae.loss(evidence.y, mixed)
    assert "12 complete trials" in scores.estimate.label and "optimistic" in scores.search_score.label
    alone = evidence.scores(mixed, 1)
    assert "nothing was selected" in alone.estimate.label
    assert alone.estimate.value == pytest.approx(RMSE.loss(evidence.y, mixed))


def test_after_forward_folds_the_most_recent_rows_choose():
    from automl.search.selecting import _select

    rng = np.random.default_rng(0)
    n, folds = 1000, np.repeat(np.arange(4), 250)
    y = rng.normal(size=n)
    late = folds == 3
    # the first is better on the whole, but no longer
    once, now = y + rng.normal(size=n) * np.where(late, 1.5, 0.3), y + rng.normal(size=n) * np.where(late, 0.5, 0.8)
    stack = np.stack([once, now])
    evidence = Evidence(y, np.arange(n), folds, RMSE, None, None, None, 0, 0)
    entrants = Entrants((0, 1), ("a", "b"), RMSE.losses(y, stack), stack.astype(np.float32), np.arange(n), 2, n)

    def chosen(recent):
        some = dataclasses.replace(evidence, recent=recent)
        return _select(
            list(stack), entrants, evidence=some, families=("a", "b"), size=25, seconds=None, correcting=None
        )

    assert chosen(None).weights[0] > 0.4 and chosen(np.flatnonzero(late)).weights[1] > 0.8
    whole, last = chosen(None).scores, chosen(np.flatnonzero(late)).scores
    assert last.estimate.n_rows == n and last.optimism.losses[0] <= whole.optimism.losses[0] + 0.05


@pytest.mark.parametrize("metric", ["roc_auc", "balanced_accuracy"])
def test_a_constant_alone_is_scored_and_nothing_is_corrected(metric):
    X, y = np.random.default_rng(0).normal(size=(90, 2)), np.repeat([0, 1], 45)
    model = AutoClassifier(None, max_trials=1, metric=metric, executor="serial", random_state=0, verbose=0).fit(X, y)
    assert model.outcome_.members[0].config.steps[-1].component == "prior"
    assert model.outcome_.stopped == "trial count" and model.estimate_.value == 0.5
    assert model.outcome_.out_of_fold is not None and "one candidate" in model.estimate_.label
