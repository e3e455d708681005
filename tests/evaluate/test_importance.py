"""Permutation importance with models that are formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from automl.core import Array
from automl.evaluate import OutOfFold, Part, held_out_parts, new_parts, permutation_importance
from automl.metrics import get_metric

MSE = get_metric("mse", task="regression")
ALONE = [(0,), (1,), (2,)]


def table(n: int = 300, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, 2 * X[:, 0] + X[:, 1] + 0.5 * rng.normal(size=n)


def formula(X: Any) -> Array:
    X = X.toarray() if hasattr(X, "toarray") else np.asarray(X, dtype=float)
    return 2 * X[:, 0] + X[:, 1] + 0.05 * X[:, 2]  # the third only disturbs


def parts(X: Any, y: Array, predict: Any = formula, weights: Array | None = None, max_rows: int = 2_000) -> list[Part]:
    return new_parts(predict, X, y, weights, max_rows=max_rows, seed=0)


def test_known_importances_and_their_order():
    found = permutation_importance(parts(*table(4000), max_rows=4000), ALONE, MSE)
    assert found.loss == pytest.approx(0.25, abs=0.02)
    assert found.mean[:2] == pytest.approx([8.0, 2.0], rel=0.1)  # 2 variances times the squared coefficient
    assert (found.interval[:2, 0] > 1.5).all() and (found.standard_error > 0).all()
    assert abs(found.mean[2]) < 0.02


def test_noise_is_within_its_interval_nearly_always():
    """The model rests on a column that has nothing to do with the target: shuffled it is no better and no worse."""
    inside = []
    for seed in range(60):
        X, y = table(300, seed)
        X[:, 2] = np.random.default_rng(1000 + seed).normal(size=300)
        low, high = permutation_importance(parts(X, y, lambda X: 0.5 * X[:, 2]), [(2,)], MSE, seed=seed).interval[0]
        inside.append(low <= 0 <= high)
    assert np.mean(inside) >= 0.85
    assert permutation_importance(parts(X, y, lambda X: X[:, 0]), [(2,)], MSE).mean[0] == 0  # not used at all


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, sparse.csr_matrix])
def test_containers_agree(container):
    X, y = table()
    X = np.where(np.abs(X) < 0.3, 0.0, X)
    plain = permutation_importance(parts(X, y), ALONE, MSE)
    found = permutation_importance(parts(container(X), y), ALONE, MSE)
    assert np.allclose(found.mean, plain.mean) and np.allclose(found.interval, plain.interval)


def test_the_order_of_columns_makes_no_difference():
    X, y = table()
    found = permutation_importance(parts(X, y), ALONE, MSE)
    turned = permutation_importance(parts(X[:, ::-1], y, lambda X: formula(X[:, ::-1])), ALONE, MSE)
    assert found.mean.tolist() == turned.mean[::-1].tolist()
    alone = permutation_importance(parts(X, y), [(1,)], MSE)
    assert alone.mean[0] == found.mean[1]


def test_rows_in_another_order_tell_the_same_within_the_error():
    X, y = table(1000)
    order = np.random.default_rng(5).permutation(1000)
    one = permutation_importance(parts(X, y), ALONE, MSE)
    other = permutation_importance(parts(X[order], y[order]), ALONE, MSE)
    assert (np.abs(one.mean - other.mean) <= 3 * (one.standard_error + other.standard_error)).all()


def test_models_get_the_types_of_fit_and_one_shuffled_column_at_a_time():
    n = 60
    frame = pd.DataFrame(
        {
            "level": pd.Categorical(["a", "b", None] * 20, categories=["b", "a", "unused"]),
            "day": pd.date_range("2024-01-01", periods=n, tz="UTC"),
            "count": pd.array([1, None, 3] * 20, dtype="Int64"),
            "text": [f"word {i}" for i in range(n)],
            "flag": [True, False, True] * 20,
        }
    )
    seen: list[pd.DataFrame] = []

    def predict(X: pd.DataFrame) -> Array:
        seen.append(X)
        return np.zeros(len(X))

    part = Part(frame, np.arange(n, dtype=float), None, predict)
    permutation_importance([part], [(0, 3), (1,), (2,), (4,)], MSE, n_repeats=1)
    whole, copies = seen
    assert whole.equals(frame) and (copies.dtypes == frame.dtypes).all() and copies.index.equals(pd.RangeIndex(4 * n))
    changed = [
        [name for name in frame if not copy.reset_index(drop=True)[name].equals(frame[name])]
        for copy in (copies.iloc[i * n : (i + 1) * n] for i in range(4))
    ]
    assert changed == [["level", "text"], ["day"], ["count"], ["flag"]]
    together = copies.iloc[:n].reset_index(drop=True)
    moved = together["text"].str.removeprefix("word ").astype(int)
    assert together["level"].equals(frame["level"].iloc[moved].reset_index(drop=True))


def test_columns_shuffled_together_show_what_each_hides():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 1)).repeat(2, axis=1)
    rows = parts(X, X[:, 0], lambda X: np.where(X[:, 0] == X[:, 1], X[:, 0], 0.7 * (X[:, 0] + X[:, 1])))
    found = permutation_importance(rows, [(0,), (1,), (0, 1)], MSE)
    assert found.mean[2] > 1.5 * found.mean[:2].max()


def test_time_that_is_over_leaves_what_was_measured():
    X, y = table()
    asked = iter([False] * 3 + [True] * 100)
    found = permutation_importance(parts(X, y), ALONE, MSE, stop=lambda: next(asked))
    assert np.isfinite(found.mean).all() and found.mean[0] > found.mean[1] > found.mean[2]
    wide = np.column_stack([X, np.zeros((300, 6_000))])
    ended = permutation_importance(parts(wide, y), [(i,) for i in range(6_003)], MSE, stop=lambda: True)
    assert np.isfinite(ended.mean[:3]).all() and np.isnan(ended.mean[-1]) and np.isnan(ended.standard_error).all()


def test_few_rows_have_no_standard_error_and_shared_rows_a_larger_one():
    X, y = table(30)
    assert len(parts(X, y)) == 1
    assert np.isnan(permutation_importance(parts(X, y), ALONE, MSE).standard_error).all()
    rows = parts(*table())
    once, twice = (permutation_importance(rows, ALONE, MSE, overlap=overlap) for overlap in (1.0, 2.0))
    assert np.allclose(twice.standard_error, np.sqrt(2) * once.standard_error) and (once.mean == twice.mean).all()


def test_metrics_of_classes():
    X, y = table(400)

    def proba(X: Array) -> Array:
        p = 1 / (1 + np.exp(-3 * formula(X)))
        return np.column_stack([1 - p, p])

    for name in ("roc_auc", "accuracy", "log_loss"):
        metric = get_metric(name, task="binary")
        found = permutation_importance(parts(X, (y > 0).astype(int), proba), ALONE, metric)
        assert found.mean[0] > found.mean[1] > 0.02 > abs(found.mean[2])


def test_rows_without_weight_do_not_count():
    X, y = table(400)
    y[200:] = 1e9
    weights = np.where(np.arange(400) < 200, 1.0, 0.0)
    found = permutation_importance([Part(X, y, weights, formula)], ALONE, MSE)
    assert found.loss == pytest.approx(0.25, abs=0.1) and found.mean[0] == pytest.approx(8.0, rel=0.3)


class Knows:
    """A fold model that notes the rows it is asked for."""

    def __init__(self) -> None:
        self.seen: set[float] = set()

    def predict(self, X: Any) -> Array:
        self.seen |= set(X[:, 0])
        return np.zeros(len(X))


def test_fold_models_see_only_rows_held_out_from_them():
    X = np.arange(90.0)[:, None].repeat(3, axis=1)
    folds = np.arange(90) % 3
    models = [Knows(), Knows(), Knows()]
    rows = np.random.default_rng(0).permutation(90)
    kept = OutOfFold(rows, folds, X[rows, 0], np.zeros(90), models=tuple(((1.0, model),) for model in models))
    held = held_out_parts(kept, X, None, max_rows=1_000, seed=0)
    permutation_importance(held, ALONE, MSE)
    for fold, model in enumerate(models):
        assert model.seen == set(rows[folds == fold].astype(float))
    assert sum(len(part.y) for part in held_out_parts(kept, X, None, max_rows=50, seed=0)) == 50
    weights = np.arange(90.0)
    for part in held_out_parts(kept, X, weights, max_rows=1_000, seed=0):
        assert part.weights is not None and part.weights.tolist() == part.y.tolist()
