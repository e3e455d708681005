"""The study of sets and intervals on draws whose truth is known."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

BENCH = str(Path(__file__).parents[2] / "meta" / "bench")


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    """The scripts, imported as when they are run: by name from their own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCH)
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in ("conformal", "draws")})


def make_draw(draws: Any, task: str, seed: int) -> Any:
    """Three candidates that are better and worse; the models of the folds differ a little."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=700)
    folds, shifts = np.arange(200) % 5, 0.1 * rng.normal(size=(3, 5))
    noise = rng.normal(size=700)

    def predicted(at: np.ndarray, shift: np.ndarray) -> np.ndarray:
        if task == "regression":
            return at + shift
        p = 1 / (1 + np.exp(-2 * (at + shift)))
        return np.stack([1 - p, p], axis=-1)

    y = x + noise if task == "regression" else (x + 0.7 * noise > 0).astype(int)
    slopes = (1.0, 0.8, 0.3)
    oof = np.stack([predicted(s * x[:200], shifts[i][folds]) for i, s in enumerate(slopes)])
    each = [[predicted(s * x[200:], shifts[i][k]) for k in range(5)] for i, s in enumerate(slopes)]
    test_folds = np.array(each, dtype=np.float32)
    return draws.Draw(
        dataset=f"made_{task}",
        split="develop",
        kind="real",
        size=200,
        seed=seed,
        task=task,
        metric="root_mean_squared_error" if task == "regression" else "log_loss",
        y_train=y[:200],
        folds=folds,
        oof=oof.astype(np.float32),
        y_test=y[200:],
        test=test_folds.mean(axis=1),
        test_folds=test_folds,
        names=("a", "b", "c"),
        families=("a", "b", "c"),
        configs=({}, {}, {}),
        losses=np.zeros((3, 5)),
        cpu=np.zeros((3, 5)),
        train_rows=np.arange(200),
        test_rows=np.arange(200, 700),
        classes=() if task == "regression" else ("no", "yes"),
    )


def test_every_method_holds_the_truth_as_often_as_it_says(bench: Any, tmp_path: Path):
    (tmp_path / "draws").mkdir()
    for task in ("regression", "binary"):
        for seed in range(3):
            bench.draws.save_draw(make_draw(bench.draws, task, seed), tmp_path / "draws")
    results = tmp_path / "results.jsonl"
    bench.conformal.run(tmp_path / "draws", results)
    written = results.read_text()
    bench.conformal.run(tmp_path / "draws", results)
    assert results.read_text() == written  # nothing is done twice
    table = bench.conformal.table(results, "develop").set_index(["task", "rows", "method"])
    assert table.loc[("all", "all", "cv+"), "draws"] == 6
    for task, methods in (("regression", "cv+ split residual single"), ("binary", "cv+ split empty aps")):
        for method in methods.split():
            row = table.loc[(task, "200", method)]
            assert 0.85 < row["coverage"] < 0.95 or method == "aps", (task, method)
    binary = table.loc["binary", "200"]
    assert binary.loc["aps", "size"] >= binary.loc["cv+", "size"] and binary.loc["cv+", "none"] == 0
    assert 2.5 < table.loc[("regression", "200", "cv+"), "size"] / np.sqrt(1 / 2) < 4.5


def test_adaptive_scores_by_hand(bench: Any):
    probabilities = np.array([[0.2, 0.5, 0.3]])
    assert bench.conformal.aps_scores(probabilities).round(6).tolist() == [[1.0, 0.5, 0.8]]
    assert bench.conformal.aps_scores(probabilities, np.array([0.5])).round(6).tolist() == [[0.9, 0.25, 0.65]]
