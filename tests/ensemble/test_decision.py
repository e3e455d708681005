"""Decisions from held-out probabilities: known optima, nothing where there is nothing, weights, groups and time."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.ensemble import Decision, apply_decision, decide, select, select_decided
from automl.ensemble.cuts import LabelLoss, best_bias
from automl.metrics import get_metric


def drawn(n: int, share: float = 0.1, *, seed: int = 0, sharpness: float = 1.0):
    """Return labels of probabilities that are right at sharpness 1, and those probabilities."""
    rng = np.random.default_rng(seed)
    odds = 1.5 * rng.normal(size=n) + np.log(share / (1 - share))
    y = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    p = 1 / (1 + np.exp(-sharpness * odds))
    return y, np.column_stack([1 - p, p])


def several(n: int, *, seed: int = 0, sharpness: float = 1.0):
    rng = np.random.default_rng(seed)
    raw = np.exp(1.5 * rng.normal(size=(n, 4)) + np.log([0.7, 0.15, 0.1, 0.05]))
    p = raw / raw.sum(axis=1, keepdims=True)
    y = (rng.random(n)[:, None] > p.cumsum(axis=1)).sum(axis=1).clip(0, 3)
    p = p**sharpness
    return y, p / p.sum(axis=1, keepdims=True)


def metric(name: str, classes: int = 2):
    return get_metric(name, task="binary" if classes == 2 else "multiclass")


# ---- known optima


def test_the_threshold_of_balanced_accuracy_is_the_share_of_the_class() -> None:
    y, p = drawn(20_000)
    decision, _ = decide(y, p, metric("balanced_accuracy"))
    assert decision.kind == "threshold" and decision.accepted and decision.gain > 3 * decision.standard_error
    assert decision.threshold == pytest.approx(y.mean(), rel=0.25)


def test_the_threshold_of_f1_is_half_of_the_best_f1() -> None:  # Lipton et al. 2014
    y, p = drawn(20_000)
    f1 = metric("f1")
    decision, _ = decide(y, p, f1)
    assert decision.threshold == pytest.approx(-f1.loss(y, apply_decision(p, decision)) / 2, rel=0.15)


@pytest.mark.parametrize(("name", "classes"), [("log_loss", 2), ("brier_score", 2), ("roc_auc", 2), ("log_loss", 4)])
def test_the_temperature_undoes_what_made_probabilities_too_sharp(name: str, classes: int) -> None:
    y, p = drawn(4_000, sharpness=2.0) if classes == 2 else several(4_000, sharpness=2.0)
    decision, _ = decide(y, p, metric(name, classes))
    assert decision.kind == "temperature" and decision.temperature == pytest.approx(2.0, rel=0.15)


def test_multipliers_of_balanced_accuracy_even_the_classes_out() -> None:
    y, p = several(20_000)
    decision, _ = decide(y, p, metric("balanced_accuracy", 4))
    assert decision.kind == "multipliers" and decision.accepted
    expected = len(y) / np.bincount(y)
    found = np.array(decision.multipliers)
    np.testing.assert_allclose(found / found[0], expected / expected[0], rtol=0.35)


def test_the_best_cut_is_the_middle_of_the_best_stretch() -> None:
    scores = np.log([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.3, 0.7]])
    bias = best_bias(LabelLoss(metric("accuracy")), np.array([0, 0, 1, 1]), scores, 1)
    low, high = np.log(0.7 / 0.3), np.log(0.8 / 0.2)  # between the odds of the second and third row all are right
    assert bias == pytest.approx((low + high) / 2)


def test_what_is_among_the_best_already_stays() -> None:
    scores = np.log([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]])
    assert best_bias(LabelLoss(metric("f1")), np.array([0, 0, 1]), scores, 1) == 0.0


# ---- nothing where there is nothing


@pytest.mark.parametrize("name", ["accuracy", "log_loss"])
def test_right_probabilities_are_left_alone_most_of_the_time(name: str) -> None:
    used = [decide(*drawn(400, 0.4, seed=s), metric(name), seed=s)[0].accepted for s in range(12)]
    assert sum(used) <= 3  # more than one standard error comes by chance in one of six


def test_noise_gains_nothing_on_new_rows() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(size=600)
    decision, judged = decide(rng.integers(0, 2, 600), np.column_stack([1 - p, p]), metric("matthews_corrcoef"))
    assert not decision.accepted and decision.reason
    np.testing.assert_array_equal(judged[:, 1], p)


@pytest.mark.parametrize(
    ("y", "why"), [(np.arange(30) % 2, "fewer than 50 rows"), ((np.arange(200) < 5).astype(int), "fewer than 10 rows")]
)
def test_too_few_rows_decide_nothing(y, why: str) -> None:
    p = np.full((len(y), 2), 0.5)
    decision, _ = decide(y, p, metric("f1"))
    assert decision.kind == "none" and why in decision.reason and apply_decision(p, decision) is p


def test_without_time_nothing_is_decided() -> None:
    decision, _ = decide(*drawn(500), metric("balanced_accuracy"), stop=lambda: True)
    assert not decision.accepted and "no time" in decision.reason


# ---- what it is judged on


def test_the_judged_rows_promise_no_more_than_new_rows_keep() -> None:
    f1, promised, kept = metric("balanced_accuracy"), [], []
    y_new, p_new = drawn(20_000, seed=99)
    for seed in range(6):
        y, p = drawn(500, seed=seed)
        decision, judged = decide(y, p, f1, seed=seed)
        promised.append(f1.loss(y, judged))
        kept.append(f1.loss(y_new, apply_decision(p_new, decision)))
    assert np.mean(promised) >= np.mean(kept) - 0.04


def test_groups_are_never_on_both_sides() -> None:
    y, p = drawn(300, 0.3)
    with_copies = np.repeat(np.arange(300), 8)  # each row eight times: seen apart, any cut would seem sure
    alone, _ = decide(y, p, metric("accuracy"))
    copied, _ = decide(y[with_copies], p[with_copies], metric("accuracy"), groups=with_copies)
    apart, _ = decide(y[with_copies], p[with_copies], metric("accuracy"))
    assert not copied.accepted
    assert copied.standard_error == pytest.approx(alone.standard_error, rel=1.0)
    assert apart.standard_error < copied.standard_error


def test_later_folds_judge_what_earlier_ones_found() -> None:
    y, p = drawn(4_000)
    late = np.arange(4_000) // 1_000
    changed = p.copy()
    changed[late < 3] = p[late < 3] ** 3  # too sharp at first, right at the end
    changed /= changed.sum(axis=1, keepdims=True)
    kept = late >= 2
    decision, _ = decide(y[kept], changed[kept], metric("log_loss"), folds=late[kept])
    assert decision.value[0] > 1.2 and not decision.accepted  # right on the whole, wrong on what came later
    alone, _ = decide(y, p, metric("f1"), folds=np.zeros(4_000))
    assert not alone.accepted and "no later rows" in alone.reason


def test_weights_count_as_often_as_they_say() -> None:
    y, p = drawn(3_000)
    weights = np.where(y == 1, 9.0, 1.0)
    decision, _ = decide(y, p, metric("accuracy"), weights=weights)
    assert decision.threshold == pytest.approx(0.1, abs=0.04)  # a row of the second class is worth nine
    none, _ = decide(y, p, metric("log_loss"), weights=(np.arange(3_000) < 40).astype(float))
    assert none.kind == "none"


def test_metrics_of_the_users_own_are_decided_too() -> None:
    def worth(y_true, y_pred):
        return float(np.mean(5.0 * ((y_true == 1) & (y_pred == 1)) - ((y_true == 0) & (y_pred == 1))))

    y, p = drawn(600, 0.2)
    decision, _ = decide(y, p, get_metric(worth, task="binary"))
    assert decision.threshold == pytest.approx(1 / 6, abs=0.1)


# ---- selection with the decision in view


def test_selection_for_labels_knows_that_a_threshold_comes() -> None:
    y, right = drawn(1_500)
    rng = np.random.default_rng(1)
    odds = np.log(right[:, 1] / right[:, 0]) + np.log(9) + 2 * rng.normal(size=1_500)  # leans to the rare class, noisy
    leaning = 1 / (1 + np.exp(-odds))
    stack = np.stack([right, np.column_stack([1 - leaning, leaning])]).astype(np.float32)
    balanced = metric("balanced_accuracy")
    by_labels, decided = (one(stack, y, balanced).weights for one in (select, select_decided))
    assert decided[0] > by_labels[0] + 0.2
    losses = [
        balanced.loss(y, apply_decision(mixed, decide(y, mixed, balanced)[0]))
        for mixed in (np.tensordot(weights, stack, axes=1) for weights in (by_labels, decided))
    ]
    assert losses[1] < losses[0]


def test_metrics_of_probabilities_are_selected_as_ever() -> None:
    y, right = drawn(300)
    stack = np.stack([right, right[:, ::-1], np.full((300, 2), 0.5)])
    for name in ("log_loss", "roc_auc"):
        expected, found = (one(stack, y, metric(name)) for one in (select, select_decided))
        np.testing.assert_array_equal(found.weights, expected.weights)


# ---- what is applied

probabilities = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20).map(
    lambda p: np.column_stack([1 - np.array(p), p])
)


@given(probabilities, st.floats(0.01, 0.99))
def test_a_threshold_gives_exactly_the_labels_above_it(p, threshold: float) -> None:
    tilted = apply_decision(p, Decision("threshold", (threshold,), accepted=True))
    np.testing.assert_array_equal(tilted.argmax(axis=1), p[:, 1] >= threshold)
    np.testing.assert_allclose(tilted.sum(axis=1), 1.0)


@given(probabilities, st.floats(0.2, 5.0))
def test_a_temperature_keeps_order_and_labels(p, temperature: float) -> None:
    scaled = apply_decision(p, Decision("temperature", (temperature,), accepted=True))
    order = np.argsort(p[:, 1], kind="stable")
    assert (np.diff(scaled[order, 1]) >= -1e-15).all()
    clear = np.abs(p[:, 1] - 0.5) > 1e-9
    np.testing.assert_array_equal(scaled.argmax(axis=1)[clear], p.argmax(axis=1)[clear])


@given(st.floats(0.1, 10.0))
def test_only_the_ratios_of_multipliers_count(factor: float) -> None:
    p = several(20)[1]
    one, other = (Decision("multipliers", tuple(s * np.array([1.0, 2.0, 3.0, 4.0])), True) for s in (1.0, factor))
    np.testing.assert_allclose(apply_decision(p, one), apply_decision(p, other))


def test_what_was_not_accepted_is_not_applied() -> None:
    y, p = drawn(100)
    decision = Decision("threshold", (0.2,))
    assert decision.threshold is None and apply_decision(p, decision) is p
    assert replace(decision, accepted=True).threshold == 0.2


def test_a_decision_comes_back_from_json() -> None:
    for decision in (Decision("multipliers", (0.5, 1.5, 2.0), True, 0.1, 0.05, "why"), Decision(reason="too few")):
        again = Decision.from_json(decision.to_json())
        assert repr(again) == repr(decision)


def test_the_same_seed_decides_the_same() -> None:
    y, p = drawn(500)
    one, other = (decide(y, p, metric("f1"), seed=3) for _ in range(2))
    assert one[0] == other[0]
    np.testing.assert_array_equal(one[1], other[1])


def test_a_class_that_is_never_scored_does_not_lose_by_it():
    rng = np.random.default_rng(0)
    y = rng.choice(3, 600, p=[0.8, 0.15, 0.05])
    raw = np.exp(np.column_stack([np.eye(3)[y] + rng.normal(size=(600, 3)) + [1.5, 0.0, 0.0], rng.normal(size=600)]))
    with_it = raw / raw.sum(axis=1, keepdims=True)
    without = raw[:, :3] / raw[:, :3].sum(axis=1, keepdims=True)
    metric = get_metric("balanced_accuracy", task="multiclass")
    found, other = (decide(y, prediction, metric)[0].value for prediction in (with_it, without))
    assert found[3] == 1.0 and found[:3] == pytest.approx(other) and max(found) > 1.5
