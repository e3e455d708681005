"""CV+ by hand, by its definition, and by counting how often it holds."""

from __future__ import annotations

import numpy as np
import pytest

from automl.core import SettingError
from automl.evaluate import OutOfFold, predict_interval, predict_sets
from automl.evaluate.conformal import Calibration, calibrate


def calibrated(scores, folds, confidence: float, **keywords) -> Calibration:
    scores, folds = np.asarray(scores, dtype=float), np.asarray(folds)
    keywords = {"n_models": int(folds.max()) + 1, "rows": np.arange(len(scores)), **keywords}
    return calibrate(scores, keywords.pop("rows"), folds, confidence, **keywords)


class Constant:
    """A fold model that always says the same."""

    def __init__(self, value: float) -> None:
        self.value = value

    def predict(self, X):
        return np.full(len(X), self.value)

    def predict_proba(self, X):
        return np.tile([1 - self.value, self.value], (len(X), 1))


def test_three_rows_by_hand():
    centres = np.array([[10.0], [20.0], [30.0]])
    everything = calibrated([1, 2, 3], [0, 1, 2], 0.75).interval(centres)
    assert everything.tolist() == pytest.approx(np.array([[9.0, 33.0]]))
    middle = calibrated([1, 2, 3], [0, 1, 2], 0.5).interval(centres)  # second smallest of 11, 22, 33 and of 27, 18, 9
    assert middle.tolist() == pytest.approx(np.array([[18.0, 22.0]]))


def test_three_rows_of_labels_by_hand():
    calibration = calibrated([0.1, 0.3, 0.6], [0, 1, 2], 0.5)  # less than 2 rows may have a smaller score
    scores = [np.array([[0.05, 0.95]]), np.array([[0.2, 0.8]]), np.array([[0.7, 0.3]])]
    assert calibration.sets(scores).tolist() == [[True, False]]  # 0.7 > 0.6; but 0.95 > 0.1 and 0.8 > 0.3


def test_a_single_model_is_split_conformal():
    found = calibrated([1, 2, 3, 4, 5, 6, 7, 8, 9], np.zeros(9, dtype=int), 0.8).interval(np.array([[100.0, 0.0]]))
    assert found.tolist() == [[92.0, 108.0], [-8.0, 8.0]]  # eighth of nine


@pytest.mark.parametrize("confidence", [0.3, 0.8, 0.9, 0.95])
def test_the_search_finds_what_sorting_all_pairs_finds(confidence):
    rng = np.random.default_rng(0)
    scores, folds, centres = rng.exponential(size=83), rng.integers(0, 4, 83), rng.normal(size=(4, 30))
    need = int(np.ceil(confidence * 84 - 1e-9))
    upper = np.sort(centres[folds] + scores[:, None], axis=0)[need - 1]
    lower = np.sort(centres[folds] - scores[:, None], axis=0)[83 - need]
    found = calibrated(scores, folds, confidence).interval(centres)
    assert np.allclose(found, np.sort(np.stack([lower, upper], axis=1), axis=1), rtol=0, atol=1e-7)
    labels = rng.random((4, 30, 3))
    inside = (scores[:, None, None] < labels[folds]).sum(axis=0) < confidence * 84
    assert (calibrated(scores, folds, confidence).sets(labels, empty=True) == inside).all()


def test_intervals_hold_as_often_as_they_say():
    """The model of a fold is the mean of the other folds: exchangeable rows, and no fit."""
    rng = np.random.default_rng(1)
    folds = np.arange(40) % 5
    held = []
    for _ in range(500):
        y, new = rng.standard_t(4, size=40), rng.standard_t(4, size=20)
        means = np.array([y[folds != k].mean() for k in range(5)])
        found = calibrated(np.abs(y - means[folds]), folds, 0.9).interval(np.tile(means[:, None], 20))
        held.append(np.mean((found[:, 0] <= new) & (new <= found[:, 1])))
    assert 0.89 < np.mean(held) < 0.925


def test_sets_hold_as_often_as_they_say():
    rng = np.random.default_rng(2)
    folds = np.arange(60) % 5
    held, sizes = [], []
    for _ in range(500):
        x, new = rng.normal(size=60), rng.normal(size=20)
        y, truth = ((v + rng.normal(size=len(v)) > 0).astype(int) for v in (x, new))
        slopes = np.array([2 * np.mean(x[folds != k] * (2 * y[folds != k] - 1)) for k in range(5)])
        own = 1 / (1 + np.exp(-slopes[folds] * x * (2 * y - 1)))
        other = 1 / (1 + np.exp(-slopes[:, None] * new))
        sets = calibrated(1 - own, folds, 0.9).sets(1 - np.stack([1 - other, other], axis=2))
        held.append(sets[np.arange(20), truth].mean())
        sizes.append(sets.sum(axis=1).mean())
    assert 0.89 < np.mean(held) < 0.925 and 1 < np.mean(sizes) < 1.8


def test_more_confidence_never_takes_anything_away():
    rng = np.random.default_rng(3)
    scores, folds = rng.random(200), rng.integers(0, 5, 200)
    centres, labels = rng.normal(size=(5, 50)), rng.random((5, 50, 4))
    levels = [calibrated(scores, folds, level) for level in (0.5, 0.7, 0.9, 0.99)]
    for less, more in zip(levels, levels[1:], strict=False):
        small, large = less.interval(centres), more.interval(centres)
        assert (large[:, 0] <= small[:, 0]).all() and (small[:, 1] <= large[:, 1]).all()
        assert not (less.sets(labels) & ~more.sets(labels)).any()


def test_a_row_scored_twice_counts_once():
    scores, centres = np.arange(1.0, 20.0), np.zeros((2, 1))
    once = calibrated(scores, np.zeros(19, dtype=int), 0.9, n_models=2).interval(centres)
    rows, folds = np.tile(np.arange(19), 2), np.repeat([0, 1], 19)
    twice = calibrated(np.tile(scores, 2), folds, 0.9, rows=rows).interval(centres)
    assert once.tolist() == twice.tolist() == [[-18.0, 18.0]]
    with pytest.raises(SettingError, match="this fit has 19"):
        calibrated(np.tile(scores, 2), folds, 0.96, rows=rows)


def test_weights_count_as_importance():
    scores, folds, centres = np.arange(1.0, 21.0), np.zeros(20, dtype=int), np.zeros((1, 1))
    plain = calibrated(scores, folds, 0.8).interval(centres)
    assert calibrated(scores, folds, 0.8, weights=np.full(20, 7.0)).interval(centres).tolist() == plain.tolist()
    heavy = calibrated(scores, folds, 0.8, weights=np.where(scores > 15, 10.0, 1.0)).interval(centres)
    assert heavy[0, 1] > plain[0, 1]
    absent = calibrated(scores, folds, 0.8, weights=np.where(scores > 10, 0.0, 1.0)).interval(centres)
    assert absent.tolist() == calibrated(scores[:10], folds[:10], 0.8).interval(centres).tolist()


@pytest.mark.parametrize("confidence", [0, 1, -0.1, 1.5, 90, True, "high", None, float("nan")])
def test_what_is_no_confidence(confidence):
    with pytest.raises(SettingError, match="between 0 and 1"):
        calibrated([1, 2, 3], [0, 0, 0], confidence)


def test_too_few_rows_say_how_many_are_needed():
    assert calibrated(np.arange(9), np.zeros(9, dtype=int), 0.9).interval(np.zeros((1, 1))).tolist() == [[-8.0, 8.0]]
    with pytest.raises(SettingError, match=r"needs 99 rows that were held out, this fit has 9.*at most 0\.9,"):
        calibrated(np.arange(9), np.zeros(9, dtype=int), 0.99)


def kept(prediction, y, folds, models=()) -> OutOfFold:
    return OutOfFold(np.arange(len(y)), np.asarray(folds), np.asarray(y), np.asarray(prediction), models=models)


def test_every_fold_model_is_compared_with_its_own_rows():
    models = tuple(((0.5, Constant(value)), (0.5, Constant(value))) for value in (0.0, 10.0))
    held = kept([0.0] * 10 + [10.0] * 10, [1.0] * 10 + [12.0] * 10, [0] * 10 + [1] * 10, models)
    found = predict_interval(held, None, np.zeros((3, 1)), 0.9)
    assert np.allclose(found, [[-1.0, 12.0]] * 3)


def test_without_fold_models_the_whole_model_stands_in():
    held = kept(np.zeros(19), np.arange(1.0, 20.0), np.arange(19) % 3)
    assert predict_interval(held, Constant(100.0), np.zeros((1, 1)), 0.9).tolist() == [[82.0, 118.0]]
    held = kept(np.tile([0.8, 0.2], (20, 1)), [0] * 18 + [1] * 2, np.arange(20) % 3)
    assert predict_sets(held, Constant(0.1), np.zeros((1, 1)), 0.9).tolist() == [[True, False]]
    assert predict_sets(held, Constant(0.5), np.zeros((1, 1)), 0.9).tolist() == [[True, True]]


def test_no_set_is_empty_and_rounding_makes_no_difference():
    surely = tuple(((1.0, Constant(0.01 + fold * 1e-9)),) for fold in range(2))
    held = kept(np.tile([0.99, 0.01], (40, 1)), [0] * 40, [0, 1] * 20, surely)
    assert predict_sets(held, None, np.zeros((1, 1)), 0.9).tolist() == [[True, False]]
    odd = tuple(((1.0, Constant(value)),) for value in (0.4, 0.7))  # either label would be unusual
    held = kept(held.prediction, held.y, held.folds, odd)
    assert predict_sets(held, None, np.zeros((1, 1)), 0.9).tolist() == [[False, True]]
    scores = [np.array([[0.4, 0.6]]), np.array([[0.7, 0.3]])]
    assert calibrated(np.full(40, 0.01), [0, 1] * 20, 0.9).sets(scores, empty=True).sum() == 0
