"""The bench of optimizers: tasks with known optima, statistics with known numbers, and a tiny run."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import friedmanchisquare

from automl.core import Config

BENCH = Path(__file__).resolve().parents[2] / "meta" / "bench"
SCRIPTS = ("analytic", "curves", "interactions", "optimizers", "proposing", "replayed", "others")


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    """The scripts, imported as when they are run: by name from their own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCH))
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in SCRIPTS})


# ---- analytic tasks


def test_the_functions_are_least_where_they_are_said_to_be(bench: Any):
    rng = np.random.default_rng(0)
    for name, function in bench.analytic.FUNCTIONS.items():
        low, high = np.array(function.ranges).T
        at = np.array(function.at)
        assert function.call(at) == pytest.approx(function.least, abs=2e-5), name
        drawn = low + (high - low) * rng.random((300, function.d))
        near = np.clip(at + 0.01 * (high - low) * rng.normal(size=(300, function.d)), low, high)
        assert min(function.call(x) for x in np.vstack([drawn, near])) >= function.least - 2e-5, name


def test_the_optimum_of_a_task_is_zero_and_valid(bench: Any):
    for task in bench.analytic.TASKS.values():
        best, space = task.best(), task.space()
        logs = any(kind for branch in task.branches for kind in branch.kinds)
        if not logs:
            assert task.loss(best) == pytest.approx(0.0, abs=1e-4), task.name
        drawn = [space.sample(np.random.default_rng(seed)) for seed in range(40)]
        losses = [task.evaluate(config)[0] for config in drawn]
        assert min(losses) > 0.0 and len(set(losses)) == 40


def test_tuning_and_reporting_share_no_task(bench: Any):
    analytic, replayed = bench.analytic, bench.replayed
    assert len(analytic.REPORTING) == 8 and not {t.branches for t in analytic.REPORTING} & {
        t.branches for t in analytic.TUNING
    }
    assert len(set(replayed.TABLES)) == 12 == len(replayed.TUNING) + len(replayed.REPORTING)


def test_lower_fidelities_are_cheap_and_off_by_little(bench: Any):
    task = bench.analytic.REPORTING[1]
    space = task.space()
    configs = [space.sample(np.random.default_rng(seed)) for seed in range(60)]
    whole = np.array([task.evaluate(config)[0] for config in configs])
    low = np.array([task.evaluate(config, 1 / 9) for config in configs])
    assert (low[:, 1] == 1 / 9).all() and (low[:, 0] >= whole).all()
    assert 0.3 < np.corrcoef(low[:, 0], whole)[0, 1] < 0.999


# ---- statistics


def test_the_critical_difference_is_that_of_the_tables(bench: Any):
    assert bench.curves.critical_difference(4, 30) == pytest.approx(0.856, abs=5e-4)
    for k, q in {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850}.items():
        assert bench.curves.critical_difference(k, 30) == pytest.approx(q * np.sqrt(k * (k + 1) / 180), abs=2e-3)


def test_friedman_is_scipys(bench: Any):
    values = np.random.default_rng(0).integers(0, 6, (12, 4)).astype(float)  # with ties
    statistic, p = bench.curves.friedman(values)
    expected = friedmanchisquare(*values.T)
    assert (statistic, p) == pytest.approx((expected.statistic, expected.pvalue))
    assert bench.curves.friedman(np.ones((5, 3))) == (0.0, 1.0)


def test_the_best_so_far_is_a_step_function(bench: Any):
    at, losses = [1.0, 2.0, 2.5, 3.5], [5.0, 3.0, 0.0, 4.0]
    points = np.array([0.9, 1.0, 1.99, 2.0, 3.4, 9.0])
    best = bench.curves.incumbent(at, losses, points, [True, True, False, True])
    assert best.tolist() == [np.inf, 5.0, 5.0, 3.0, 3.0, 3.0]  # the third was no whole evaluation


def test_ranks_are_by_seed_and_ties_share_them(bench: Any):
    losses = np.array([[[1.0, 2.0, 2.0], [3.0, 1.0, 2.0]], [[np.nan, 1.0, 2.0], [1.0, 2.0, 3.0]]])
    assert bench.curves.mean_ranks(losses).tolist() == [[2.0, 1.75, 2.25], [1.0, 2.0, 3.0]]


def test_the_best_group_needs_a_significant_test(bench: Any):
    rng = np.random.default_rng(1)
    clear = np.arange(4.0) + 0.1 * rng.random((20, 4))
    ranks, p, width, best = bench.curves.best_group(clear)
    assert ranks.tolist() == [1, 2, 3, 4] and p < 1e-6 and best.tolist() == [True, width >= 1, False, False]
    assert bench.curves.best_group(rng.random((20, 4)))[3].all()


def test_two_seeds_of_one_optimizer_are_seldom_told_apart(bench: Any):
    rng = np.random.default_rng(0)
    losses = rng.lognormal(size=(16, 10, 4)) * np.array([1.0, 0.5, 0.8, 1.5])
    assert bench.curves.copies(losses, np.random.default_rng(0), 200) <= 0.05
    different = np.repeat(np.arange(10.0)[None, :, None], 16, axis=0) + np.zeros((16, 10, 2))
    assert bench.curves.copies(different, np.random.default_rng(0), 40) > 0.3  # it could tell


def runs_of(losses: dict[str, list[list[float]]]) -> pd.DataFrame:
    lines = []
    for name, seeds in losses.items():
        for seed, values in enumerate(seeds):
            record = {"kind": "made", "task": "t", "optimizer": name, "seed": seed, "trials": len(values)}
            lists = {"shares": [1.0] * len(values), "losses": values, "seconds": [2.0] * len(values)}
            lines.append({**record, "optimum": 0.0, "proposing": 0.4, **lists})
    return pd.DataFrame(lines)


def test_trials_to_the_end_of_random_search(bench: Any):
    runs = runs_of({"random": [[9.0, 5, 4, 3], [9.0, 8, 7, 3]], "fast": [[3.0, 2, 2, 2], [9.0, 9, 9, 9]]})
    assert bench.curves.needed(runs).tolist() == [1.0, 1.0, 0.25, np.inf]
    table = bench.curves.summary(runs)
    assert table["trials to random's end"].to_dict() == {"random": 1.0, "fast": np.inf}
    assert table["ms a proposal"].tolist() == [100.0, 100.0]
    assert bench.curves.over_time(runs)["fast"].tolist() == [1.5, 1.25, 1.5, 1.5]


# ---- runs


def test_a_tiny_bench_is_run_resumed_and_shown(bench: Any, tmp_path: Path, capsys: Any):
    results = tmp_path / "results.jsonl"
    asked = {"seeds": 2, "trials": 12, "only": [task.name for task in bench.analytic.REPORTING[:2]]}
    bench.optimizers.run("analytic", ["random", "bayes"], results, **asked)
    first = results.read_text()
    lines = first.splitlines(keepends=True)
    assert len(lines) == 8 and {json.loads(line)["seed"] for line in lines[:4]} == {0}
    results.write_text("".join(lines[:5]))
    bench.optimizers.run("analytic", ["random", "bayes"], results, **asked)
    assert "3 runs to make" in capsys.readouterr().out
    assert [without_time(line) for line in results.read_text().splitlines()] == [without_time(x) for x in lines]
    bench.curves.report(bench.optimizers.read(results))
    assert "analytic: 2 tasks, 2 seeds" in capsys.readouterr().out


def without_time(line: str) -> dict[str, Any]:
    return {name: value for name, value in json.loads(line).items() if name != "proposing"}


@pytest.mark.parametrize("name", ["asha", "auto", "genetic", "portfolio+bayes"])
def test_every_optimizer_spends_what_it_is_given(bench: Any, name: str):
    run = bench.proposing.play(name, bench.analytic.REPORTING[5], 0, 14)
    assert 14 - 1e-6 <= sum(run.shares) < 15 and any(share == 1.0 for share in run.shares)


def test_optuna_gets_the_conditional_space(bench: Any):
    pytest.importorskip("optuna")
    run = bench.proposing.play("tpe", bench.analytic.REPORTING[7], 0, 15)
    assert len(run.losses) == 15


def test_a_space_is_walked_parents_first(bench: Any):
    task = bench.analytic.REPORTING[7]
    declared = task.space().configspace

    class Trial:
        """Takes the last choice, and the low end of every range."""

        def suggest_categorical(self, name: str, choices: list[int]) -> int:
            return choices[-1]

        def suggest_float(self, name: str, low: float, high: float, *, log: bool) -> float:
            return low

        suggest_int = suggest_float

    values = bench.others.suggest(declared, Trial())
    assert set(values) == {"kind", "flag0", "flag1", *(f"k2_{i}" for i in range(5))}
    assert np.isfinite(bench.others.vector_of(declared, values)).sum() == len(values)


# ---- replayed and real fits


@pytest.fixture
def collected(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table, and what a fit of it is said to give."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=90), "b": rng.normal(size=90), "target": rng.normal(size=90)})
    frame.to_parquet(tmp_path / "small.parquet")
    manifest = {"name": ["small"], "task": "regression", "target": "target", "split": "meta_only", "n_rows": 90}
    pd.DataFrame(manifest).to_csv(tmp_path / "manifest.csv", index=False)
    for name, value in {"LOWER": 10, "RANDOM": 25, "LEAST": 30}.items():
        monkeypatch.setattr(bench.replayed, name, value)

    class Said:
        def __call__(self, path: Path, config: Config, share: float) -> dict[str, Any]:
            model = config.steps[-1].component
            if model == "knn":
                return {"status": "killed", "loss": None, "seconds": 2.5}
            return {"status": "ok", "loss": len(model) + 1 - share, "seconds": len(config.steps) * share}

        def close(self) -> None:
            pass

    monkeypatch.setattr(bench.replayed, "Worker", Said)
    return tmp_path


def test_collecting_is_resumed_and_its_models_are_asked(bench: Any, collected: Path):
    out = collected / "out"
    bench.replayed.collect(collected, out, ["small"], 40)
    path = out / "small.jsonl"
    rows = bench.replayed.read_rows(out, "small")
    assert [row["number"] for row in rows if row["share"] == 1.0] == list(range(40)) and len(rows) == 60
    assert {row["origin"] for row in rows} == {"portfolio", "random", "neighbour"}
    keys = [json.dumps(row["config"]) for row in rows if row["share"] == 1.0]
    assert len(set(keys)) == 40
    written = path.read_text()
    path.write_text("".join(line + "\n" for line in written.splitlines()[:31]))
    bench.replayed.collect(collected, out, ["small"], 40)
    assert path.read_text() == written

    [task] = bench.replayed.replayed_tasks(out, ["small"])
    ok = next(row for row in rows if row["status"] == "ok")
    loss, seconds = task.evaluate(Config.from_json(ok["config"]))
    assert -0.5 < loss < bench.replayed.WORST and 0.2 < seconds < 20
    assert task.portfolio() and task.optimum <= loss
    run = bench.proposing.play("portfolio+random", task, 0, 5)
    assert len(run.losses) == 5
    found = bench.replayed.check(out, ["small"])
    assert found["configurations"].tolist() == [40] and found["seconds"].iloc[0] > 0.3


def test_losses_are_put_between_the_best_and_a_worst(bench: Any):
    values = bench.replayed.surrogate_losses(np.array([1.0, 2.0, 3.0, 100.0, np.nan]))
    assert values.tolist() == pytest.approx([0.0, 2 / 3, 4 / 3, 3.0, 3.0])


def test_a_real_configuration_is_fitted_and_a_product_needs_its_step(bench: Any):
    task = bench.interactions.Fits("product")
    space = task.space()
    plain = space.default("ridge_path")
    loss, seconds = task.evaluate(plain)
    assert 0.8 < loss < 1.5 and seconds > 0
    found = bench.proposing.play("genetic", task, 0, 25)
    assert min(found.losses) < 0.4


def test_missing_folders_are_said(bench: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(
        sys, "argv", ["optimizers", "run", "--results", str(tmp_path / "r.jsonl"), "--tasks", "replayed"]
    )
    with pytest.raises(SystemExit, match="need --replayed"):
        bench.optimizers.main()
