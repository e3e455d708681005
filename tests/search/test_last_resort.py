"""Which trial is taken where none has come to its end."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from automl.search.finish import best_partial


@pytest.fixture
def on_disk(tmp_path: Path) -> str:
    path = tmp_path / "model.joblib"
    path.write_bytes(b"")
    return str(path)


def trial(family: str, losses: dict[int, float], *paths: str) -> Any:
    outputs = {fold: SimpleNamespace(losses={"log_loss": loss}) for fold, loss in losses.items()}
    return SimpleNamespace(model=SimpleNamespace(family=family), outputs=outputs, artifacts=paths)


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
