"""Decisions in a whole fit: what predicts, what is told, what is exported, scripted, saved and replayed."""

from __future__ import annotations

import runpy
from functools import cache
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from automl import AutoClassifier, load
from automl.ensemble import apply_decision
from automl.explain import log
from automl.pipeline import standalone
from automl.search import continued_session, replay_run

LABELS = {2: np.array(["no", "yes"]), 3: np.array([10, 20, 30])}


@cache
def table(classes: int):
    """Return a table of rare classes that a threshold or multipliers help to find."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(700, 3))
    scores = np.column_stack([np.full(700, 3.2), *(1.6 * X[:, k] for k in range(classes - 1))])
    y = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    return X, LABELS[classes][y]


def fitted(classes: int, **settings):
    options = {"metric": "balanced_accuracy", "max_trials": 2, "cv": 4, "random_state": 0, "verbose": 0, "n_jobs": 1}
    options |= {"include": ["logistic", "linear_discriminant"], "executor": "serial"} | settings
    return AutoClassifier(None, **options).fit(*table(classes))


@pytest.fixture(scope="module", params=[2, 3], ids=["threshold", "multipliers"])
def model(request):
    return fitted(request.param)


def test_the_decision_predicts_and_probabilities_stay(model) -> None:
    X, y = table(len(model.classes_))
    decision, probability = model.outcome_.decision, model.predict_proba(X)
    assert decision.accepted and decision.gain > decision.standard_error
    labels = model.classes_[apply_decision(probability, decision).argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(X), labels)
    np.testing.assert_array_equal(model.decision_pipeline_.predict(X), labels)
    np.testing.assert_array_equal(model.pipeline_.predict_proba(X), probability)
    assert (labels != model.classes_[probability.argmax(axis=1)]).any()
    assert (model.decision_pipeline_ is model.pipeline_) == (decision.kind == "threshold")
    recalls = [np.mean(labels[y == label] == label) for label in model.classes_]
    assert model.score(X, y) == pytest.approx(np.mean(recalls))


def test_the_estimate_is_that_of_the_decided_labels(model) -> None:
    X, y = table(len(model.classes_))
    held = model.outcome_.out_of_fold
    default = [np.mean(held.prediction.argmax(axis=1)[held.y == k] == k) for k in range(len(model.classes_))]
    estimate = model.estimate_
    assert estimate.value > np.mean(default) + 0.5 * model.outcome_.decision.gain
    assert estimate.value < model.score(X, y) + 0.1


def test_journal_and_notes_tell(model) -> None:
    decision = model.outcome_.decision
    events = [event.data for _, event in model._journal.read() if event.kind == "decision"]
    assert [event["kind"] for event in events] == [decision.kind] and events[0]["value"] == list(decision.value)
    line = log(model._journal).query("event == 'decision'")["text"].item()
    assert line.startswith(decision.kind) and "used, gain" in line
    assert any("on rows it was not found on" in note for note in model.outcome_.notes)


def test_the_export_predicts_the_decision_without_automl(model, tmp_path: Path) -> None:
    X, _ = table(len(model.classes_))
    folder = model.export(tmp_path / "export")
    assert standalone.check(folder) == []
    second = folder / "decision.joblib"
    assert second.exists() == (model.outcome_.decision.kind == "multipliers")
    labeller = joblib.load(second if second.exists() else folder / "pipeline.joblib")
    np.testing.assert_array_equal(labeller.predict(X), model.predict(X))
    with np.load(folder / "golden_predictions.npz") as golden:
        np.testing.assert_array_equal(golden["prediction"], model.predict(model._golden_X))
        np.testing.assert_array_equal(golden["probability"], model.predict_proba(model._golden_X))
    if second.exists():
        second.write_bytes(b"damaged")
        with pytest.raises(SystemExit, match="damaged"):
            standalone.check(folder)


def test_saved_and_shared_models_decide(model, tmp_path: Path) -> None:
    pytest.importorskip("skops")
    X, y = table(len(model.classes_))
    path = model.save(tmp_path / "model.automl", share=True)
    for again in (load(path), load(path, trusted=False)):
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
        np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
        assert again.score(X, y) == model.score(X, y)


@pytest.mark.parametrize("classes", [2, 3])
def test_script_and_replay_decide_the_same(classes: int, tmp_path: Path) -> None:
    X, y = table(classes)
    settings = {"refit": True, "run_dir": tmp_path / "run", "keep_data": True, "executor": "process"}
    model = fitted(classes, **settings)
    made = runpy.run_path(str(model.export_script(tmp_path / "script.py")))
    decided = made["decided"](made["fit"](X, y))
    np.testing.assert_array_equal(decided.predict(X), model.predict(X))
    with continued_session(tmp_path / "run", keep=True) as session:
        again = replay_run(session.settings, session.dataset(), session.earlier, n_jobs=1)
    np.testing.assert_array_equal(again.decision_model.predict(X), model.predict(X))
    np.testing.assert_array_equal(again.model.predict_proba(X), model.predict_proba(X))


def test_a_temperature_rescales_what_is_delivered() -> None:
    X, y = table(3)
    copies = np.tile(X, 5) + 0.1 * np.random.default_rng(0).normal(size=(len(X), 15))  # counted as if independent
    options = {"include": ["naive_bayes"], "executor": "serial", "random_state": 0, "verbose": 0, "cv": 4}
    model = AutoClassifier(None, metric="log_loss", max_trials=2, **options).fit(copies, y)
    decision, held = model.outcome_.decision, model.outcome_.out_of_fold
    assert decision.kind == "temperature" and decision.temperature > 1.5
    before, after = (
        -np.mean(np.log(np.clip(p[np.arange(len(p)), held.y], 1e-15, 1)))
        for p in (held.prediction, apply_decision(held.prediction, decision))
    )
    assert after < before - 0.02
    assert model.estimate_.value == pytest.approx(after, abs=0.02)
    assert model.decision_pipeline_ is model.pipeline_
    assert -model.score(copies, y) < before


def test_metrics_of_the_users_own_are_decided_in_a_worker() -> None:
    X, y = table(2)
    model = fitted(2, metric=worth)
    assert model.outcome_.decision.kind == "threshold"
    assert model.score(X, y) == pytest.approx(worth(y, model.predict(X)))


def worth(y_true, y_pred):
    found, missed = (y_true == "yes") & (y_pred == "yes"), (y_true == "no") & (y_pred == "yes")
    return float(np.mean(8.0 * found - 1.0 * missed))


def test_a_temperature_for_all_rows_leaves_the_score_of_ranks_as_it_is() -> None:
    X, y = table(2)
    copies = np.tile(X, 5) + 0.1 * np.random.default_rng(0).normal(size=(len(X), 15))
    options = {"include": ["naive_bayes"], "executor": "serial", "random_state": 0, "verbose": 0, "cv": 4}
    metrics = {"metric": "roc_auc", "report": ["log_loss", "accuracy"]}
    model = AutoClassifier(None, max_trials=2, **metrics, **options).fit(copies, y)
    decision, held = model.outcome_.decision, model.outcome_.out_of_fold
    assert decision.temperature is not None
    ranked = [roc_auc_score(held.y[part], held.prediction[part, 1]) for part in (held.folds == f for f in range(4))]
    assert model.search_score_.value == pytest.approx(np.mean(ranked), rel=1e-12)
    assert model.estimate_.value == pytest.approx(np.mean(ranked), rel=1e-9)
    assert model.estimates_["accuracy"].value == pytest.approx(np.mean(held.prediction.argmax(axis=1) == held.y))
    plain = -np.mean(np.log(np.clip(held.prediction[np.arange(len(held.y)), held.y], 1e-15, 1)))
    assert model.estimates_["log_loss"].value < plain - 0.02
