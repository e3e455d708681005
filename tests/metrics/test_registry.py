"""What users may ask for, and how they are told off."""

from __future__ import annotations

import pickle

import cloudpickle
import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    cohen_kappa_score,
    d2_pinball_score,
    f1_score,
    fbeta_score,
    get_scorer,
    get_scorer_names,
    hinge_loss,
    log_loss,
    make_scorer,
    mean_pinball_loss,
    mean_squared_error,
    precision_score,
    roc_auc_score,
    top_k_accuracy_score,
)

import automl.metrics
from automl.core import SettingError
from automl.metrics import get_metric, metric_names
from automl.metrics.catalog import CATALOG

Y = np.array([0, 1, 1, 0, 1, 0])
P1 = np.array([0.1, 0.8, 0.4, 0.6, 0.7, 0.2])
P = np.column_stack([1 - P1, P1])
LABEL = P.argmax(axis=1)
NAMES = np.array(["no", "yes"])


def shout_accuracy(y_true, y_pred):
    return float(np.mean(y_true == y_pred))


def weighted_accuracy(y_true, y_pred, sample_weight=None):
    return float(np.average(y_true == y_pred, weights=sample_weight))


def by_estimator(estimator, X, y):
    assert set(estimator.classes_) == {"no", "yes"}
    half = len(y) // 2
    return roc_auc_score(y[:half] == "yes", estimator.predict_proba(X[:half])[:, 1])


def test_exported_names():
    assert automl.metrics.__all__ == sorted(automl.metrics.__all__)


@pytest.mark.parametrize(
    ("task", "name", "shown"),
    [
        ("binary", "roc_auc", "roc_auc"),
        ("multiclass", "log_loss", "neg_log_loss"),
        ("regression", "root_mean_squared_error", "neg_root_mean_squared_error"),
    ],
)
def test_auto(task, name, shown):
    metric = get_metric("auto", task=task)
    assert (metric.name, metric.requested) == (name, shown)


def test_auto_takes_the_rarer_class_for_the_positive_one():
    rare, even = np.repeat([0, 1], [9, 91]), np.repeat([0, 1], [10, 90])
    metric = get_metric("auto", task="binary", classes=NAMES, y=rare)
    assert (metric.name, metric.positive, metric.builtin) == ("average_precision", 0, True)
    assert "class no is rare: 9.00%" in metric.why
    p = np.random.default_rng(0).random(100)
    expected = average_precision_score(rare == 0, 1 - p)
    assert -metric.loss(rare, np.column_stack([1 - p, p])) == pytest.approx(expected)
    second = get_metric("auto", task="binary", y=1 - rare)
    assert (second.name, second.positive) == ("average_precision", None)
    assert -second.loss(1 - rare, np.column_stack([p, 1 - p])) == pytest.approx(expected)
    assert get_metric("auto", task="binary", y=even).name == "roc_auc"


def test_auto_counts_weights():
    y = np.repeat([0, 1], [95, 5])
    assert get_metric("auto", task="binary", y=y, weights=np.where(y == 1, 19.0, 1.0)).name == "roc_auc"
    assert get_metric("auto", task="binary", y=1 - y, weights=np.where(y == 1, 1.0, 0.1)).name == "roc_auc"


def test_auto_is_never_a_metric_of_labels():
    for task, y in (("binary", [0, 1]), ("binary", [0] + [1] * 99), ("multiclass", [0, 1, 2]), ("regression", [1.0])):
        metric = get_metric("auto", task=task, y=np.array(y))
        assert metric.needs in ("probability", "value") and metric.why


@pytest.mark.parametrize("spec", ["rmse", "neg_root_mean_squared_error", "RMSE", "root_mean_squared_error"])
def test_spellings(spec):
    metric = get_metric(spec, task="regression")
    assert (metric.name, metric.sign, metric.requested) == ("root_mean_squared_error", -1, spec)


def test_every_alias_resolves():
    for alias, name in automl.metrics.catalog.ALIASES.items():
        tasks = automl.metrics.catalog.CATALOG[name].tasks
        assert get_metric(alias, task=tasks[0]).name == name


def test_every_offered_name_is_a_scorer_with_our_sign():
    for task in ("binary", "multiclass", "regression"):
        for name in metric_names(task):
            metric = get_metric(name, task=task)
            assert metric.builtin
            if CATALOG[metric.name].scorer:
                assert get_scorer(name)._sign == metric.sign


def test_every_scorer_of_sklearn_is_offered_or_does_not_fit():
    offered = {name for task in ("binary", "multiclass", "regression") for name in metric_names(task)}
    several_labels = {f"{share}_samples" for share in ("f1", "precision", "recall", "jaccard")}  # per row
    clusters = {"adjusted_mutual_info_score", "adjusted_rand_score", "completeness_score", "fowlkes_mallows_score"}
    clusters |= {"homogeneity_score", "mutual_info_score", "normalized_mutual_info_score", "rand_score"}
    clusters |= {"v_measure_score"}  # blind to which class is which
    assert set(get_scorer_names()) - offered == several_labels | clusters
    assert offered - set(get_scorer_names()) == {"neg_balanced_log_loss", "gini", "ks"}


@pytest.mark.parametrize(
    ("spec", "task", "name", "quantile"),
    [
        ("pinball_0.9", "regression", "pinball_0.9", 0.9),
        ("neg_Pinball_.90", "regression", "pinball_0.9", 0.9),
        ("quantile_0.05", "regression", "pinball_0.05", 0.05),
        ("d2_pinball_0.25", "regression", "d2_pinball_0.25", 0.25),
        ("top_3_accuracy", "multiclass", "top_3_accuracy", None),
        (make_scorer(mean_pinball_loss, greater_is_better=False, alpha=0.7), "regression", "pinball_0.7", 0.7),
        (make_scorer(d2_pinball_score, alpha=0.7), "regression", "d2_pinball_0.7", 0.7),
        (
            make_scorer(top_k_accuracy_score, response_method="predict_proba", k=4),
            "multiclass",
            "top_4_accuracy",
            None,
        ),
        ("rmse", "regression", "root_mean_squared_error", None),
    ],
)
def test_names_with_numbers(spec, task, name, quantile):
    metric = get_metric(spec, task=task)
    assert (metric.name, metric.quantile, metric.kernel.costly) == (name, quantile, False)
    again = get_metric(metric.name, task=task)
    assert (again.name, again.sign) == (name, metric.sign)


def test_labels_that_cannot_be_missed_are_refused():
    with pytest.raises(SettingError, match="1 for every model: the target has 3 classes"):
        get_metric("top_3_accuracy", task="multiclass", classes=np.array(["a", "b", "c"]))
    assert get_metric("top_2_accuracy", task="multiclass", classes=np.array(["a", "b", "c"])).name == "top_2_accuracy"


def test_scores_have_their_natural_sign():
    assert get_metric("log_loss", task="binary").score(0.25) == 0.25
    assert get_metric("roc_auc", task="binary").score(-0.9) == 0.9


@pytest.mark.parametrize(
    ("spec", "task", "said"),
    [
        ("acuracy", "binary", "did you mean accuracy"),
        ("roc_auc", "multiclass", "use roc_auc_ovo"),
        ("f1", "multiclass", "f1_macro"),
        ("rmse", "binary", "is for regression"),
        (["f1"], "binary", "must be one name"),
        (None, "binary", "must be one name"),
        (lambda y: 0.0, "binary", "takes 1 required"),
        (hinge_loss, "binary", "make_scorer"),
        (f1_score, "multiclass", "f1_macro"),
        (make_scorer(roc_auc_score, response_method="decision_function"), "binary", "only predict and"),
        ("f1", "ranking", "task 'ranking'"),
        ("pinball_1.5", "regression", "between 0 and 1"),
        ("pinball_nan", "regression", "between 0 and 1"),
        ("quantile_x", "regression", "did you mean pinball_0.9"),
        ("pinball", "regression", "pinball_0.9"),
        ("pinball_0.9", "binary", "is for regression, this task is binary; use accuracy"),
        ("top_0_accuracy", "multiclass", "at least 1"),
        ("top_3_accuracy", "binary", "is for multiclass"),
        (make_scorer(mean_pinball_loss, greater_is_better=False, alpha=2.0), "regression", "between 0 and 1"),
    ],
)
def test_refusals(spec, task, said):
    with pytest.raises(SettingError, match=said):
        get_metric(spec, task=task)


def test_sklearn_scorers_become_fast_metrics():
    for name in set(metric_names("binary")) & set(get_scorer_names()):
        metric = get_metric(get_scorer(name), task="binary")
        assert metric.name == name.removeprefix("neg_")
        assert metric.kernel is get_metric(name, task="binary").kernel or metric.kernel.costly
    assert get_metric(make_scorer(f1_score, average="macro"), task="multiclass").name == "f1_macro"


def test_sklearn_functions_know_their_direction():
    assert get_metric(mean_squared_error, task="regression").sign == -1
    assert get_metric(log_loss, task="multiclass").name == "log_loss"
    assert get_metric(f1_score, task="binary").name == "f1"


def test_other_scorers_are_called():
    metric = get_metric(make_scorer(fbeta_score, beta=2.0, pos_label="yes"), task="binary", classes=NAMES)
    expected = fbeta_score(Y, LABEL, beta=2.0)
    assert metric.score(metric.loss(Y, P)) == pytest.approx(expected)
    assert (metric.name, metric.builtin, metric.needs) == ("fbeta", True, "label")


def test_loss_scorers_keep_their_sign():
    def cost(y_true, y_proba):
        return float(np.mean(np.abs((y_true == "yes") - y_proba)))

    scorer = make_scorer(cost, greater_is_better=False, response_method="predict_proba")
    metric = get_metric(scorer, task="binary", classes=NAMES)
    assert (metric.sign, metric.needs, metric.builtin) == (-1, "probability", False)
    assert metric.loss(Y, P) == metric.score(metric.loss(Y, P)) == pytest.approx(np.mean(np.abs(Y - P1)))


def test_scorer_weights():
    weights = np.arange(1.0, 7.0)
    metric = get_metric(make_scorer(cohen_kappa_score), task="binary", classes=NAMES)
    assert -metric.loss(Y, P, weights) == pytest.approx(cohen_kappa_score(Y, LABEL, sample_weight=weights))


def test_regression_scorer_is_called():
    metric = get_metric(make_scorer(mean_squared_error, greater_is_better=False), task="regression")
    assert metric.name == "mean_squared_error" and not metric.kernel.costly
    odd = get_metric(make_scorer(lambda y, p: float(np.max(p))), task="regression")
    assert odd.score(odd.loss(np.array([1.0, 2.0]), np.array([3.0, 4.0]))) == 4.0


@pytest.mark.parametrize("function", [shout_accuracy, weighted_accuracy])
def test_callables_see_original_labels(function):
    metric = get_metric(function, task="binary", classes=NAMES)
    assert metric.loss(Y, P) == pytest.approx(-accuracy_score(Y, LABEL))
    assert (metric.name, metric.builtin, metric.needs) == (function.__name__, False, "label")


def test_callables_get_weights_if_they_take_them():
    weights = np.arange(1.0, 7.0)
    expected = accuracy_score(Y, LABEL, sample_weight=weights)
    assert get_metric(weighted_accuracy, task="binary").loss(Y, P, weights) == pytest.approx(-expected)
    assert get_metric(shout_accuracy, task="binary").loss(Y, P, weights) == -accuracy_score(Y, LABEL)


def test_estimator_callables_may_take_a_part_of_X():
    metric = get_metric(by_estimator, task="binary", classes=NAMES)
    assert metric.loss(Y, P) == pytest.approx(-roc_auc_score(Y[:3], P1[:3]))
    assert metric.needs == "probability"


def test_estimator_callable_for_regression():
    metric = get_metric(lambda estimator, X, y: -float(np.max(estimator.predict(X) - y)), task="regression")
    assert metric.loss(np.zeros(2), np.array([1.0, 3.0])) == 3.0
    assert metric.name == "custom"


def test_the_positive_class_is_the_second_or_the_one_named():
    y = np.array([0, 1, 1, 0, 1, 1])
    both = [f1_score(y, LABEL, pos_label=code) for code in (0, 1)]
    assert both[0] != pytest.approx(both[1])
    for classes in (np.array([1, 2]), NAMES, None):
        assert -get_metric("f1", task="binary", classes=classes).loss(y, P) == pytest.approx(both[1])
        named = get_metric("f1", task="binary", classes=classes, positive=0)
        assert (-named.loss(y, P), named.positive) == (pytest.approx(both[0]), 0)
    assert get_metric("roc_auc", task="binary", positive=0).positive is None  # singles out none
    first = get_metric(make_scorer(precision_score, pos_label="no"), task="binary", classes=NAMES)
    assert first.name == "precision"
    assert -first.loss(Y, P) == pytest.approx(precision_score(Y, LABEL, pos_label=0))


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "d2_log_loss_score", "d2_brier_score"])
def test_one_class_is_not_defined(name):
    assert np.isnan(get_metric(name, task="binary").loss(np.zeros(6, dtype=int), P))


def test_user_errors_propagate_unless_there_is_one_class():
    def picky(y_true, y_pred):
        raise ValueError("two classes, please")

    metric = get_metric(picky, task="binary")
    with pytest.raises(ValueError, match="two classes"):
        metric.loss(Y, P)
    assert np.isnan(metric.loss(np.zeros(6, dtype=int), P))


def test_a_metric_must_return_a_number():
    with pytest.raises(SettingError, match="one number"):
        get_metric(lambda y, p: None, task="binary").loss(Y, P)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_predictions_that_are_not_finite_have_no_loss(bad):
    broken = P.copy()
    broken[2, 0] = bad
    for name in (*metric_names("binary"), shout_accuracy):
        losses = get_metric(name, task="binary").losses(Y, np.array([P, broken]))
        assert np.isnan(losses[1])


def test_no_rows_and_no_candidates():
    metric = get_metric("roc_auc", task="binary")
    assert np.isnan(metric.loss(Y, P, np.zeros(6)))
    assert metric.losses(Y, np.empty((0, 6, 2))).shape == (0,)


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        get_metric("roc_auc", task="binary").loss(Y, P1)


def test_metrics_travel():
    for name in metric_names("binary"):
        metric = get_metric(name, task="binary", classes=np.array([1, 2]))
        again = pickle.loads(pickle.dumps(metric))
        assert again.loss(Y, P) == pytest.approx(metric.loss(Y, P), nan_ok=True)
    local = get_metric(lambda y, p: float((y == p).mean()), task="binary", classes=NAMES)
    assert cloudpickle.loads(cloudpickle.dumps(local)).loss(Y, P) == local.loss(Y, P)
