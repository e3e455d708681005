"""The correction for selection: unbiased on noise, nothing without a choice, whole groups, in time."""

import numpy as np
import pytest

from automl.ensemble import greedy
from automl.evaluate import corrected_estimate, estimate_score, selection_optimism
from automl.evaluate.corrected import LEAST_REPLICATES, REPLICATES
from automl.metrics import get_metric

AUC = get_metric("auc", task="binary")


def noise(seed, n=80, m=30):
    """Return predictions that have nothing to do with the labels, and the labels."""
    rng = np.random.default_rng(seed)
    scores = 1.0 / (1.0 + np.exp(-rng.normal(size=(m, n))))
    return np.stack([1.0 - scores, scores], axis=2).astype(np.float32), rng.permutation(np.arange(n) % 2)


def judged(stack, y):
    """Return the flat and the corrected estimate of the ensemble selected."""
    choice = greedy(stack, y, AUC, size=8)
    mixed = np.tensordot(choice.weights, stack, axes=1)
    flat = estimate_score(y, mixed, AUC, n_candidates=len(stack))
    return flat, corrected_estimate(flat, selection_optimism(stack, mixed, y, [AUC], size=8), AUC.sign)


def test_on_noise_the_flat_score_is_optimistic_and_the_corrected_one_is_not():
    found = [judged(*noise(seed, n=120)) for seed in range(16)]
    flat, fair = (np.array([pair[i].value for pair in found]) for i in (0, 1))
    error = fair.std(ddof=1) / 4.0
    assert flat.mean() > 0.65 and abs(fair.mean() - 0.5) < 3.0 * error < 0.1
    inside = [one.interval[0] <= 0.5 <= one.interval[1] for _, one in found]
    assert np.mean(inside) > 0.85
    assert np.mean([one.interval[0] <= 0.5 for one, _ in found]) < 0.25
    assert found[0][1].label == "corrected for selection among the 30 complete trials of this run"


def test_one_candidate_is_scored_as_it_is():
    stack, y = noise(0, m=1)
    optimism = selection_optimism(stack, stack[0], y, [AUC])
    estimate = estimate_score(y, stack[0], AUC)
    assert optimism.losses == (0.0,) and optimism.method == "none"
    assert corrected_estimate(estimate, optimism, AUC.sign) == estimate
    assert estimate.value == -AUC.loss(y, stack[0]) and "nothing was selected" in estimate.label


def test_where_one_candidate_is_far_better_nothing_is_corrected():
    stack, y = noise(1, m=5)
    stack[2, :, 1] = 0.3 * stack[2, :, 1] + 0.7 * y
    stack[2, :, 0] = 1.0 - stack[2, :, 1]
    optimism = selection_optimism(stack, stack[2], y, [AUC])
    assert optimism.method == "ensemble" and optimism.losses[0] < 1e-3


def test_the_same_seed_gives_the_same_correction():
    stack, y = noise(2)
    one, again, other = (selection_optimism(stack, stack[0], y, [AUC], seed=seed) for seed in (3, 3, 4))
    assert one == again != other


def test_all_metrics_are_corrected_for_the_choice_of_the_first():
    stack, y = noise(3)
    metrics = [AUC, get_metric("accuracy", task="binary"), get_metric("log_loss", task="binary")]
    best = stack[np.argmin(AUC.losses(y, stack))]
    optimism = selection_optimism(stack, best, y, metrics)
    assert len(optimism.losses) == 3 and all(loss > 0.0 for loss in optimism.losses)
    alone = selection_optimism(stack, best, y, metrics[:1])
    assert alone.losses[0] == optimism.losses[0]


def test_rows_of_a_group_are_on_one_side():
    """Noise that is the same for all rows of a group: drawn row by row it would look like signal."""
    stack, y = noise(4, n=40)
    clusters = np.repeat(np.arange(40), 5)
    stack, y = np.repeat(stack, 5, axis=1), np.repeat(y, 5)
    best = stack[np.argmin(AUC.losses(y, stack))]
    torn = selection_optimism(stack, best, y, [AUC], n_rows=40)
    whole = selection_optimism(stack, best, y, [AUC], clusters=clusters, n_rows=40)
    assert torn.losses[0] < 0.5 * whole.losses[0]
    plain = selection_optimism(stack[:, ::5], best[::5], y[::5], [AUC])
    assert whole.losses[0] == pytest.approx(plain.losses[0], rel=1e-6)


def test_rows_of_weight_zero_have_no_part_in_it():
    stack, y = noise(5)
    weights = np.repeat([1.0, 0.0], 40)
    best = stack[np.argmin(AUC.losses(y, stack, weights))]
    found = selection_optimism(stack, best, y, [AUC], weights=weights)
    stack[:, 40:] = np.roll(stack[:, 40:], 7, axis=1)
    changed = np.concatenate([best[:40], best[:39:-1]])
    assert selection_optimism(stack, changed, y, [AUC], weights=weights) == found
    assert found.losses[0] > 0.02


def test_without_time_the_best_single_candidate_stands_in_and_then_nothing():
    stack, y = noise(6)
    asked = iter(range(1_000))

    def stop_after(questions):
        counter = iter(range(questions))
        return lambda: next(counter, None) is None

    best = stack[np.argmin(AUC.losses(y, stack))]
    single = selection_optimism(stack, best, y, [AUC], stop=stop_after(REPLICATES))
    assert single.method == "single" and single.losses[0] > 0.0
    nearly = selection_optimism(stack, best, y, [AUC], stop=stop_after(REPLICATES + LEAST_REPLICATES))
    assert nearly.method == "ensemble" and nearly.replicates == LEAST_REPLICATES
    nothing = selection_optimism(stack, best, y, [AUC], stop=lambda: next(asked) >= 5)
    assert nothing.method == "none" and next(asked) == 6
    flat = estimate_score(y, best, AUC, n_candidates=30)
    labels = [corrected_estimate(flat, one, AUC.sign).label for one in (single, nearly, nothing)]
    assert "best single one" in labels[0] and labels[1].startswith("corrected for selection among")
    assert labels[2] == "search score (optimistic)"
    assert corrected_estimate(flat, nothing, AUC.sign).value == flat.value


def test_losses_are_corrected_upwards():
    rng = np.random.default_rng(7)
    y = rng.normal(size=60)
    stack = (rng.normal(size=60) + 0.3 * rng.normal(size=(20, 60))).astype(np.float32)
    rmse = get_metric("rmse", task="regression")
    best = greedy(stack, y, rmse).weights @ stack
    flat = estimate_score(y, best, rmse, n_candidates=20)
    fair = corrected_estimate(flat, selection_optimism(stack, best, y, [rmse]), rmse.sign)
    assert fair.value > flat.value > 0 and flat.standard_error < fair.standard_error < 1.2 * flat.standard_error
    assert fair.interval[1] - fair.value == pytest.approx(1.96 * fair.standard_error)


def test_a_correction_that_hangs_on_one_row_has_a_wide_interval():
    """Each of the rash candidates is sure of the wrong class for one row; only samples without it choose them."""
    rng = np.random.default_rng(8)
    y = rng.permutation(np.arange(60) % 2)
    sure = np.where(y == 1, 0.999, 0.001)
    sure[5] = 1.0 - y[5]
    careful = np.where(y == 1, 0.9, 0.1)
    careful[5] = 0.5
    scores = np.concatenate([[careful], np.clip(sure + 1e-4 * rng.normal(size=(4, 60)), 0.0, 1.0)])
    scores[:, 5] = np.where(np.arange(5) > 0, 1.0 - y[5], 0.5)
    stack = np.stack([1.0 - scores, scores], axis=2)
    log_loss = get_metric("log_loss", task="binary")
    flat = estimate_score(y, stack[0], log_loss, n_candidates=5)
    optimism = selection_optimism(stack, stack[0], y, [log_loss, AUC])
    fair = corrected_estimate(flat, optimism, log_loss.sign)
    assert optimism.losses[0] > 0.1 and fair.standard_error > 2.0 * flat.standard_error
    assert fair.standard_error > 0.5 * optimism.losses[0] and optimism.errors[1] == 0.0
    assert fair.interval[0] < flat.value < fair.interval[1]
