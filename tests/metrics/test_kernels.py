"""Every named metric equals scikit-learn's."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn.metrics import (
    d2_pinball_score,
    get_scorer,
    log_loss,
    mean_pinball_loss,
    roc_auc_score,
    top_k_accuracy_score,
)
from sklearn.utils.class_weight import compute_sample_weight

from automl.metrics import get_metric, metric_names
from automl.metrics.catalog import CATALOG, entry_of

SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# sklearn has no weights here, or refuses them
UNWEIGHTED = {"max_error", "roc_auc_ovo", "roc_auc_ovo_weighted", "positive_likelihood_ratio"}
UNWEIGHTED |= {"negative_likelihood_ratio", "ks"}
NUMBERED = ["neg_pinball_0.05", "neg_pinball_0.5", "neg_pinball_0.9", "d2_pinball_0.1", "d2_pinball_0.75"]


def scorer_of(name):
    """Return scikit-learn's function and the options that its scorer calls it with; our own names by what they mean."""
    if name in OWN:
        return OWN[name], {}
    if name.startswith("top_") and name != "top_k_accuracy":
        return top_k_accuracy_score, {"k": int(name.split("_")[1])}
    if "pinball" in name:
        function = d2_pinball_score if name.startswith("d2_") else mean_pinball_loss
        return function, {"alpha": float(name.rpartition("_")[2])}
    return get_scorer(name)._score_func, dict(get_scorer(name)._kwargs)


def balanced_log_loss(y, prediction, labels=None, sample_weight=None):
    balance = compute_sample_weight("balanced", y)
    if sample_weight is not None:  # each class keeps the same total
        balance = sample_weight / np.bincount(y, sample_weight)[y]
    return log_loss(y, prediction, labels=labels, sample_weight=balance)


def gini(y, prediction, sample_weight=None):
    return 2.0 * roc_auc_score(y, prediction[:, 1], sample_weight=sample_weight) - 1.0


def ks(y, prediction):
    return ks_2samp(prediction[y == 0, 1], prediction[y == 1, 1], alternative="greater", method="asymp").statistic


OWN = {"neg_balanced_log_loss": balanced_log_loss, "gini": gini, "ks": ks}


def reference(name, y, prediction, weights):
    """Call scikit-learn's own function as its scorer would."""
    function, options = scorer_of(name)
    needs = entry_of(name.removeprefix("neg_")).needs
    parameters = inspect.signature(function).parameters
    if needs == "probability" and "labels" in parameters:
        options["labels"] = np.arange(prediction.shape[1])
    if needs == "label":
        prediction = prediction.argmax(axis=1)
    elif needs == "probability" and prediction.shape[1] == 2 and ("roc_auc" in name or "average" in name):
        prediction = prediction[:, 1]
    if weights is not None and "sample_weight" in parameters:
        options["sample_weight"] = weights
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(y, prediction, **options)


@st.composite
def classification(draw, classes, complete=True):
    """Labels, two candidates and weights; a coarse grid of probabilities makes ties."""
    k = draw(classes)
    n = draw(st.integers(k, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    y = rng.integers(0, k, n)
    if complete:
        y[:k] = np.arange(k)
    grid = draw(st.sampled_from([2, 4, 1000]))
    raw = rng.integers(0, grid + 1, (2, n, k)) + draw(st.sampled_from([0.0, 0.5]))
    raw[raw.sum(axis=2) == 0] = 1.0
    weights = rng.integers(1, 5, n) * draw(st.sampled_from([1.0, 0.3]))
    return y, raw / raw.sum(axis=2, keepdims=True), weights if draw(st.booleans()) else None


@st.composite
def regression(draw):
    n = draw(st.integers(2, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    scale = draw(st.sampled_from([1e-3, 1.0, 1e4]))
    y, stack = np.round(rng.gamma(1.0, size=n), 3) * scale, np.round(rng.gamma(1.0, size=(2, n)), 3) * scale
    if draw(st.booleans()):
        y, stack = y + 0.001 * scale, stack + 0.001 * scale
    if draw(st.integers(0, 3)) == 0:
        y, stack = y - scale, stack - scale
    weights = rng.uniform(0.1, 3.0, n)
    return y, stack, weights if draw(st.booleans()) else None


def check(name, task, y, stack, weights):
    metric = get_metric(name, task=task)
    ours = [metric.score(loss) for loss in metric.losses(y, stack, weights)]
    for mine, prediction in zip(ours, stack, strict=True):
        try:
            expected = reference(name, y, prediction, weights)
        except ValueError:  # not defined for these values
            assert np.isnan(mine)
            continue
        assert mine == pytest.approx(expected, rel=1e-9, abs=1e-10, nan_ok=True)


@pytest.mark.parametrize("name", metric_names("binary"))
@SETTINGS
@given(data=classification(st.just(2)))
def test_binary_equals_sklearn(name, data):
    y, stack, weights = data
    check(name, "binary", y, stack, None if name.removeprefix("neg_") in UNWEIGHTED else weights)


@pytest.mark.parametrize("name", [*metric_names("multiclass"), "top_1_accuracy"])
@SETTINGS
@given(data=classification(st.integers(3, 5)))
def test_multiclass_equals_sklearn(name, data):
    y, stack, weights = data
    check(name, "multiclass", y, stack, None if name.removeprefix("neg_") in UNWEIGHTED else weights)


@pytest.mark.parametrize("name", [*metric_names("regression"), *NUMBERED])
@SETTINGS
@given(data=regression())
def test_regression_equals_sklearn(name, data):
    y, stack, weights = data
    assume(np.ptp(y) > 0)
    check(name, "regression", y, stack, None if name.removeprefix("neg_") in UNWEIGHTED else weights)


LABEL_AND_LOG = [n for n in metric_names("multiclass") if CATALOG[n.removeprefix("neg_")].needs == "label"]


@pytest.mark.parametrize("name", [*LABEL_AND_LOG, "neg_log_loss", "neg_brier_score"])
@SETTINGS
@given(data=classification(st.integers(3, 5), complete=False))
def test_absent_classes_as_sklearn(name, data):
    check(name, "multiclass", *data)


@pytest.mark.parametrize("name", ["roc_auc_ovr", "roc_auc_ovo", "average_precision"])
def test_rank_metrics_average_over_the_present_classes(name):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 2], 20)
    stack = rng.dirichlet([1, 1, 1], size=(1, 40))
    parts = [get_metric(name, task="binary").loss((y == k).astype(int), stack[0][:, [k, k]]) for k in (0, 2)]
    if name != "roc_auc_ovo":  # one pair only: the same as one against the rest
        assert get_metric(name, task="multiclass").loss(y, stack[0]) == pytest.approx(np.mean(parts))
    assert np.isfinite(get_metric(name, task="multiclass").loss(y, stack[0]))


@pytest.mark.parametrize("k", [2, 3])
@SETTINGS
@given(data=classification(st.just(5)))
def test_top_k_equals_sklearn(k, data):
    check(f"top_{k}_accuracy", "multiclass", *data)


@SETTINGS
@given(data=classification(st.just(2)))
def test_ks_weights_repeat_rows(data):
    y, stack, _ = data
    times = np.random.default_rng(len(y)).integers(1, 4, len(y))
    metric = get_metric("ks", task="binary")
    repeated = metric.losses(np.repeat(y, times), np.repeat(stack, times, axis=1))
    assert metric.losses(y, stack, times.astype(float)) == pytest.approx(repeated)


def test_every_class_weighs_the_same_in_the_balanced_log_loss():
    y, p = np.repeat([0, 1], [95, 5]), np.repeat([0.1, 0.6], [95, 5])
    parts = [-np.log(0.9), -np.log(0.6)]
    loss = get_metric("balanced_log_loss", task="binary").loss(y, np.column_stack([1 - p, p]))
    assert loss == pytest.approx(np.mean(parts))


@pytest.mark.parametrize("name", ["average_precision", "roc_auc", "gini", "ks"])
@SETTINGS
@given(data=classification(st.just(2)))
def test_only_the_order_of_scores_counts(name, data):
    y, stack, weights = data
    bent = np.where(stack[..., 1] < 0.5, stack[..., 1] / 4, stack[..., 1] ** 2)  # 1/8 below, 1/4 above
    metric = get_metric(name, task="binary")
    before, after = (metric.losses(y, np.stack([1 - p, p], axis=-1), weights) for p in (stack[..., 1], bent))
    assert before == pytest.approx(after)


def test_known_numbers_of_an_imbalanced_table():
    y = np.repeat([0, 1], [95, 5])
    negative = np.tile([1.0, 0.0], (100, 1))
    found = {name: -get_metric(name, task="binary").loss(y, negative) for name in ("accuracy", "mcc", "ap")}
    assert found == pytest.approx({"accuracy": 0.95, "mcc": 0.0, "ap": 0.05})
    rng = np.random.default_rng(0)
    many, scores = np.repeat([0, 1], [19_000, 1_000]), rng.random((5, 20_000))
    losses = get_metric("average_precision", task="binary").losses(many, np.stack([1 - scores, scores], axis=-1))
    assert -losses.mean() == pytest.approx(0.05, abs=0.005)  # at random: the prevalence


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
def test_the_quantile_minimises_the_quantile_loss(level):
    y = np.random.default_rng(0).gamma(2.0, size=2_000)
    levels = np.linspace(0.02, 0.98, 49)
    losses = get_metric(f"pinball_{level}", task="regression").losses(y, np.quantile(y, levels)[:, None] + 0 * y)
    assert levels[losses.argmin()] == pytest.approx(level, abs=0.011)


@pytest.mark.parametrize("name", ["roc_auc_ovo", "roc_auc_ovo_weighted"])
@SETTINGS
@given(data=classification(st.integers(3, 5)))
def test_one_vs_one_weights_repeat_rows(name, data):
    y, stack, _ = data
    times = np.random.default_rng(len(y)).integers(1, 4, len(y))
    metric = get_metric(name, task="multiclass")
    repeated = metric.losses(np.repeat(y, times), np.repeat(stack, times, axis=1))
    assert metric.losses(y, stack, times.astype(float)) == pytest.approx(repeated)


@pytest.mark.parametrize("name", metric_names("binary"))
@SETTINGS
@given(data=classification(st.just(2)))
def test_rows_of_weight_zero_count_as_absent(name, data):
    y, stack, _ = data
    weights = np.random.default_rng(len(y)).integers(0, 3, len(y)).astype(float)
    metric, kept = get_metric(name, task="binary"), weights > 0
    assume(kept.any())
    assert metric.losses(y, stack, weights) == pytest.approx(
        metric.losses(y[kept], stack[:, kept], weights[kept]), nan_ok=True
    )


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@SETTINGS
@given(seed=st.integers(0, 1000))
def test_views_commute_with_averaging(task, seed):
    rng = np.random.default_rng(seed)
    k = {"binary": 2, "multiclass": 4, "regression": 0}[task]
    y = rng.integers(0, k, 12) if k else rng.gamma(2.0, size=12)
    stack = rng.dirichlet(np.ones(k), size=(3, 12)) if k else rng.gamma(2.0, size=(3, 12))
    share = np.array([0.5, 0.3, 0.2])
    for name in (*metric_names(task), *{"multiclass": ["top_3_accuracy"], "regression": NUMBERED}.get(task, [])):
        kernel = get_metric(name, task=task).kernel
        of_mean = kernel.view(y, np.tensordot(share, stack, 1)[None])[0]
        assert np.tensordot(share, kernel.view(y, stack), 1) == pytest.approx(of_mean, abs=1e-12)
