"""Which trial is taken where none has come to its end."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from automl import AutoClassifier
from automl.execute import SerialExecutor
from automl.search.finish import best_partial


@pytest.fixture
def on_disk(tmp_path: Path) -> str:
    path = tmp_path / "model.joblib"
    path.write_bytes(b"")
    return str(path)


def trial(family: str, losses: dict[int, float], *paths: str) -> Any:
    outputs = {fold: SimpleNamespace(losses={"log_loss": loss}) for fold, loss in losses.items()}
    values = [losses[fold] for fold in sorted(losses)]
    return SimpleNamespace(
        model=SimpleNamespace(family=family), outputs=outputs, artifacts=paths, fold_losses=lambda: np.array(values)
    )


def test_the_best_on_its_folds_is_taken_not_the_first(on_disk: str):
    knn, forest, more = (trial("knn", {0: 2.0}, on_disk), trial("forest", {0: 0.4}, on_disk), trial("svm", {}, "gone"))
    assert best_partial([knn, forest, more]) is forest
    assert (
        best_partial([trial("forest", {0: 0.4}, on_disk), both := trial("forest", {0: 0.4, 1: 0.4}, on_disk)]) is both
    )
    assert best_partial([trial("forest", {0: float("nan")}, on_disk), knn]) is knn


def test_a_constant_is_taken_only_where_it_is_better_on_the_same_folds(on_disk: str):
    constant = trial("prior", {0: 1.7, 1: 0.1}, on_disk)
    assert best_partial([constant, trial("knn", {0: 2.0}, on_disk)]) is constant
    assert best_partial([constant, good := trial("knn", {0: 1.6}, on_disk)]) is good
    assert best_partial([trial("prior", {1: 0.1}, on_disk), good]) is good  # nothing to compare by
    assert best_partial([trial("prior", {0: 1.6}, on_disk), good]) is good
    assert best_partial([constant]) is None and best_partial([]) is None


def test_trials_are_compared_on_the_folds_that_both_have(on_disk: str):
    tree = trial("tree", {0: 0.45}, on_disk)
    boosted = trial("boosting", {0: 0.30, 1: 0.60, 2: 0.60, 3: 0.60}, on_disk)  # the first fold is an easy one
    assert best_partial([tree, boosted]) is boosted and best_partial([boosted, tree]) is boosted
    undefined = trial("boosting", {0: 0.10, 1: 0.12, 2: float("nan"), 3: 0.11}, on_disk)
    assert best_partial([undefined, tree]) is undefined
    constant = trial("prior", {0: 0.5, 1: float("nan")}, on_disk)
    assert best_partial([constant, trial("tree", {0: 0.9, 1: float("nan")}, on_disk)]) is constant


class CutShort(SerialExecutor):
    """Is interrupted, once, when so many jobs have ended."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._left = after

    def collect(self, timeout: float | None) -> Any:
        if self._left == 0:
            self._left = -1
            raise KeyboardInterrupt
        self._left -= 1
        return super().collect(timeout)


def test_a_trial_that_the_end_cuts_short_is_still_there_to_be_taken():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    settings = {"include": ["linear"], "cv": 3, "n_jobs": 1, "random_state": 0, "verbose": 0}
    model = AutoClassifier(None, max_trials=5, executor=CutShort(4), **settings)  # the constant, and one fold more
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, (X[:, 0] > 0).astype(int))
    assert any("no trial was complete; the model is" in note for note in model.outcome_.notes), model.outcome_.notes
    assert model.score(X, (X[:, 0] > 0).astype(int)) > 0.9


def test_models_that_cannot_be_read_leave_a_constant_not_an_error(monkeypatch: pytest.MonkeyPatch):
    def damaged(path: str) -> Any:
        raise EOFError(path)

    monkeypatch.setattr("automl.search.finish.load_model", damaged)
    X = np.random.default_rng(0).normal(size=(120, 3))
    settings = {"include": ["linear"], "cv": 3, "n_jobs": 1, "random_state": 0, "verbose": 0}
    model = AutoClassifier(None, max_trials=5, executor=CutShort(4), **settings)
    with pytest.warns(UserWarning):
        model.fit(X, (X[:, 0] > 0).astype(int))
    assert any("predicts a constant" in note for note in model.outcome_.notes)
