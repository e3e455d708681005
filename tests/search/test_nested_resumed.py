"""Nested cross-validation that was interrupted, failed or goes on: there is a model, and nothing done is lost."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris

from automl import AutoClassifier
from automl.explain import log
from automl.search import FitOutcome, Settings, nested
from automl.store import SqliteJournal

CHEAP: dict[str, Any] = {"include": ["linear"], "cv": 2, "executor": "serial", "max_trials": 2}
COUNTED = Settings(None, outer_folds=3, **CHEAP)
X, Y = load_iris(return_X_y=True)
X, Y = X[::3], Y[::3]


def estimator(**settings: Any) -> AutoClassifier:
    return AutoClassifier(None, **{"outer_folds": 3, "random_state": 0, "verbose": 0, **CHEAP, **settings})


@pytest.fixture(scope="module")
def whole() -> AutoClassifier:
    return estimator().fit(X, Y)


# ---- interrupted, failed, resumed


def interrupting(
    monkeypatch: pytest.MonkeyPatch, at: int, error: type[BaseException] | None = KeyboardInterrupt
) -> None:
    """Let fit number ``at`` (0: the one on all rows) raise; without an error: be interrupted while it searches."""
    original, count = nested.run_fit, iter(range(100))

    def interrupted(settings: Settings, dataset: Any, **keywords: Any) -> FitOutcome:
        if next(count) != at:
            return original(settings, dataset, **keywords)
        if error is not None:
            raise error
        return dataclasses.replace(original(settings, dataset, **keywords), stopped="interrupted")

    monkeypatch.setattr(nested, "run_fit", interrupted)


@pytest.mark.parametrize("at", [0, 1, 3])
def test_an_interrupted_fit_has_a_model_and_says_of_how_many_folds_it_speaks(
    monkeypatch: pytest.MonkeyPatch, whole: AutoClassifier, at: int
):
    interrupting(monkeypatch, at, error=None)
    with pytest.warns(UserWarning, match="interrupted"):
        model = estimator().fit(X, Y)
    assert model.outcome_.stopped == "interrupted"
    np.testing.assert_array_equal(model.predict_proba(X), whole.predict_proba(X))
    if at < 3:
        assert model.outcome_.nested is None and "nested" not in model.estimate_.label
    else:
        assert model.estimate_.label.endswith("2 of 3 outer folds")


def test_an_outer_fold_that_fails_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch):
    interrupting(monkeypatch, 2, error=RuntimeError)
    model = estimator().fit(X, Y)
    assert model.estimate_.label.endswith("2 of 3 outer folds")
    assert "outer fold 2 left out: RuntimeError: " in model.outcome_.notes


def test_an_evaluation_that_is_interrupted_says_what_it_knows(monkeypatch: pytest.MonkeyPatch):
    interrupting(monkeypatch, 2)
    result = estimator().evaluate(X, Y, outer_folds=4)
    assert result.stopped == "interrupted" and result.estimate.label.endswith("2 of 4 outer folds")
    monkeypatch.undo()
    monkeypatch.setattr(nested, "run_fit", functools.partial(_raise, KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        estimator().evaluate(X, Y)


def _raise(error: type[BaseException], *_: Any, **__: Any) -> FitOutcome:
    raise error


def test_a_resumed_run_does_the_missing_outer_folds_only(tmp_path: Path, whole: AutoClassifier):
    folder = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        interrupting(patch, 3)
        with pytest.warns(UserWarning, match="interrupted"):
            estimator(run_dir=folder).fit(X, Y)
    assert sorted(path.name for path in (folder / "outer").iterdir()) == ["fold-0.npz", "fold-1.npz"]
    with pytest.MonkeyPatch.context() as patch:
        seen = []
        original = nested.run_fit
        patch.setattr(nested, "run_fit", lambda *a, **k: seen.append(a[0].outer_folds) or original(*a, **k))
        resumed = AutoClassifier.resume(folder)
    assert seen == [3, None], "all rows, and one fold"
    assert resumed.estimate_ == whole.estimate_
    np.testing.assert_array_equal(resumed.predict_proba(X), whole.predict_proba(X))
    assert not (folder / "outer").exists()


def test_a_run_killed_in_an_outer_fold_goes_on(tmp_path: Path, whole: AutoClassifier):
    class Died(BaseException):
        pass

    folder = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        interrupting(patch, 2, error=Died)
        with pytest.raises(Died):
            estimator(run_dir=folder).fit(X, Y)
    (folder / "outer" / "fold-0.npz").write_bytes(b"damaged")
    resumed = AutoClassifier.resume(folder)
    assert resumed.estimate_ == whole.estimate_


def test_an_ended_run_that_goes_on_is_judged_anew(tmp_path: Path):
    folder = tmp_path / "run"
    estimator(run_dir=folder, keep_data=True, max_trials=1).fit(X, Y)
    longer = AutoClassifier.resume(folder, max_trials=2)
    again = estimator().fit(X, Y)
    assert longer.estimate_ == again.estimate_
    assert [fold.max_trials for fold in longer.outcome_.nested.folds] == [2, 2, 2]


def test_the_journal_tells_of_the_outer_folds(tmp_path: Path):
    folder = tmp_path / "run"
    model = estimator(run_dir=folder).fit(X, Y)
    journal = SqliteJournal.open_readonly(folder / "journal.sqlite")
    lines = log(journal)
    events = [event for _, event in journal.read()]
    journal.close()
    texts = lines[lines["event"] == "outer"]["text"].tolist()
    assert len(texts) == 3 and texts[0].startswith("fold 1 of 3: log_loss 0.") and "2 ok" in texts[0]
    assert lines["event"].tolist().count("finished") == 1
    assert events[-1].data["estimate"]["value"] == model.estimate_.value
    assert len(model.leaderboard()) == 3, "the ensemble and the trials on all rows alone"
