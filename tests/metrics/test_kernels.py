"""Every named metric equals scikit-learn's."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import get_scorer

from automl.metrics import get_metric, metric_names
from automl.metrics.catalog import CATALOG

SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# sklearn has no weights here, or refuses them
UNWEIGHTED = {"max_error", "roc_auc_ovo", "roc_auc_ovo_weighted", "positive_likelihood_ratio"}
UNWEIGHTED |= {"negative_likelihood_ratio"}


def reference(name, y, prediction, weights):
    """Call scikit-learn's own function as its scorer would."""
    scorer = get_scorer(name)
    function, options = scorer._score_func, dict(scorer._kwargs)
    needs = CATALOG[name.removeprefix("neg_")].needs
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


@pytest.mark.parametrize("name", metric_names("multiclass"))
@SETTINGS
@given(data=classification(st.integers(3, 5)))
def test_multiclass_equals_sklearn(name, data):
    y, stack, weights = data
    check(name, "multiclass", y, stack, None if name.removeprefix("neg_") in UNWEIGHTED else weights)


@pytest.mark.parametrize("name", metric_names("regression"))
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
    for name in metric_names(task):
        kernel = get_metric(name, task=task).kernel
        of_mean = kernel.view(y, np.tensordot(share, stack, 1)[None])[0]
        assert np.tensordot(share, kernel.view(y, stack), 1) == pytest.approx(of_mean, abs=1e-12)
