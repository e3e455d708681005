"""The comparison with rivals: its numbers, what it refuses, and a run of a model that costs nothing."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

CORE = str(min(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else "0"
RIVALS = Path(__file__).resolve().parents[2] / "meta" / "rivals"
MODULES = ("adapters", "known", "one", "rivals", "running", "standings", "systems", "tables")


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    """The scripts, imported as when they are run: by name from their own folder."""
    before = {name: sys.modules.pop(name, None) for name in MODULES}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(RIVALS))
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
    for name, module in before.items():
        sys.modules.pop(name, None)
        if module is not None:
            sys.modules[name] = module


def result(peer: str, dataset: str, metric: float | None, **more: Any) -> dict[str, Any]:
    """Return a line of results; without a metric the run failed."""
    base = {"peer": peer, "dataset_name": dataset, "task": "regression", "metric_name": "rmse", "metric": metric}
    base |= {"budget": 60.0, "fold": 0, "seed": 0, "cores": 1, "status": "error" if metric is None else "ok"}
    return {**base, **more}


ROWS = [
    *(result("a", name, value) for name, value in (("one", 1.0), ("two", 1.0), ("three", 2.0))),
    *(result("b", name, value) for name, value in (("one", 2.0), ("two", 1.0), ("three", 1.0))),
    *(result("c", name, value) for name, value in (("one", 3.0), ("two", 5.0), ("three", None))),
    result("constant", "one", 9.0),
]


def test_ranks_share_ties_and_a_failure_is_the_worst(bench: Any) -> None:
    found = bench.standings.standings(ROWS)
    ranks = bench.standings.mean_ranks(found)
    assert ranks == {"a": (1 + 1.5 + 2.5) / 3, "b": (2 + 1.5 + 1) / 3, "c": (3 + 3 + 2.5) / 3}
    scaled = bench.standings.scaled_scores(found)
    assert scaled == {"a": pytest.approx((1 + 1 + 0) / 3), "b": pytest.approx((0.5 + 1 + 1) / 3), "c": 0.0}
    assert bench.standings.wins_ties_losses(found, "a", "b") == (1, 1, 1)
    assert bench.standings.wins_ties_losses(found, "a", "c") == (2, 1, 0)


def test_greater_is_better_under_auc(bench: Any) -> None:
    rows = [result(p, "x", v, task="binary", metric_name="roc_auc") for p, v in (("a", 0.8), ("b", 0.9))]
    assert bench.standings.mean_ranks(bench.standings.standings(rows)) == {"a": 2.0, "b": 1.0}


def test_folds_are_averaged_and_a_system_without_all_of_them_has_no_rank(bench: Any) -> None:
    rows = [result("a", "x", 1.0), result("a", "x", 3.0, fold=1), result("b", "x", 1.5), result("b", "x", 1.5, fold=1)]
    found = bench.standings.standings([*rows, result("c", "x", 0.1)])
    assert bench.standings.mean_ranks(found) == {"a": 2.0, "b": 1.0}
    assert found.cells["x", "a"].mean == 2.0


@pytest.mark.parametrize(
    ("wins", "losses", "p"), [(0, 0, 1.0), (10, 0, 2 / 1024), (9, 1, 22 / 1024), (8, 2, 112 / 1024), (5, 5, 1.0)]
)
def test_the_sign_test_has_binomial_tails(bench: Any, wins: int, losses: int, p: float) -> None:
    assert bench.standings.sign_test(wins, losses) == pytest.approx(p)
    assert bench.standings.sign_test(losses, wins) == pytest.approx(p)


def test_the_table_shows_all_that_is_measured(bench: Any) -> None:
    rows = [
        {**row, "overshoot": 0.9, "predict_rows_per_s": 1234.5, "peak_rss_mb": 99, "artifact_mb": 1.5} for row in ROWS
    ]
    text = bench.standings.shown(bench.standings.standings(rows), "a")
    lines = {line.split("  ")[0].strip(): line for line in text.splitlines()}
    assert lines["a wins/ties/losses"].split()[-2:] == ["1/1/1", "2/1/0"]
    assert "1 of 3" in lines["failures"] and "(1 failed)" in lines["three [rmse]"]
    assert "1,23" in lines["predict rows/s, median"] and "99" in lines["peak memory MB, most"]
    marked = bench.standings.shown(bench.standings.standings(rows), "a", markdown=True).splitlines()
    assert len({line.count("|") for line in marked}) == 1


def test_the_last_line_of_a_run_counts_and_other_rows_are_refused(bench: Any, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    lines = [result("a", "x", None), result("a", "x", 2.0, fold_hash="f1"), result("b", "x", 3.0, fold_hash="f1")]
    path.write_text("\n".join(map(json.dumps, lines)))
    assert [row["metric"] for row in bench.standings.read_results([path])] == [2.0, 3.0]
    path.write_text("\n".join(map(json.dumps, [*lines, result("c", "x", 1.0, fold_hash="other")])))
    with pytest.raises(ValueError, match="different rows"):
        bench.standings.read_results([path])


def test_the_curve_has_a_column_for_each_budget(bench: Any) -> None:
    rows = [result("automl", "x", 1.0 / budget, budget=budget) for budget in (5.0, 20.0)]
    head, line = bench.standings.curve([*rows, result("b", "x", 7.0)], "automl").splitlines()
    assert head.split() == ["automl", "5", "s", "20", "s"] and line.split()[-2:] == ["0.2", "0.05"]


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"a [m]": rng.normal(size=60), "a (m)": rng.normal(size=60), "day": pd.Timestamp("2020-01-01")}
    )
    frame["kind"] = pd.Series(rng.choice(["u", "v"], 60)).where(rng.random(60) > 0.1)
    frame["yes"] = pd.Series(rng.random(60) > 0.5, dtype=object).where(rng.random(60) > 0.1)
    frame["y"] = np.where(frame["a [m]"] > 0, "b", "a")
    frame.to_parquet(tmp_path / "small.parquet")
    path = tmp_path / "sets.json"
    path.write_text(json.dumps([{"name": "small", "path": "small.parquet", "target": "y", "task": "binary"}]))
    return path


def test_tables_have_plain_names_and_types(bench: Any, sets: Path) -> None:
    X, y, n_classes = bench.tables.read(sets.with_name("small.parquet"), "y", "binary")
    assert list(X.columns) == ["a_m_", "a_m__2", "day", "kind", "yes"] and n_classes == 2 and set(y) == {0, 1}
    assert X["yes"].dtype == "float64" and X["kind"].dtype == object
    train, test = bench.tables.split(y, "binary", 0, 0)
    assert len(train) == 48 and not set(train) & set(test)
    plain = bench.tables.categories(X)
    assert plain["kind"].dtype == "category" and plain["day"].dtype == "float64"


def test_a_run_is_recorded_once(bench: Any, sets: Path, tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    asked = ["run", "--datasets", str(sets), "--systems", "constant", "--budgets", "2", "--results", str(results)]
    asked += ["--python", f"constant={sys.executable}", "--core-sets", CORE]
    assert bench.rivals.main(asked) == 0 and bench.rivals.main(asked) == 0
    (row,) = [json.loads(line) for line in results.read_text().splitlines()]
    assert row["status"] == "ok" and row["metric"] == row["roc_auc"] == 0.5 and row["n_test"] == 12
    assert row["fit_s"] < 2 and row["peak_rss_mb"] > 10 and 0 < row["artifact_mb"] < 1
    assert row["version"].startswith("scikit-learn ") and len(row["fold_hash"]) == 12
    assert bench.rivals.main(["table", str(results), "--ours", "constant"]) == 0


def test_a_run_without_an_end_is_killed_and_recorded(bench: Any, sets: Path) -> None:
    (one,) = bench.rivals.datasets(str(sets), None)
    limits = bench.running.Limits(budgets=0.0, grace_seconds=0.3, pythons={"constant": sys.executable})
    row = bench.running.perform(bench.running.Job("constant", one, 2.0, 0, 0, 1), CORE, limits)
    assert row["status"] == "timeout" and "killed in stage" in row["error"] and row["wall_s"] < 60


def test_what_a_system_cannot_do_is_an_error_with_its_reason(bench: Any, sets: Path, tmp_path: Path) -> None:
    further = tmp_path / "further.py"
    further.write_text(
        "from adapters import Constant\n"
        "class Broken(Constant):\n"
        "    def predict(self, X):\n"
        "        return super().predict(X) * float('nan')\n"
        "ADAPTERS = {'broken': Broken}\n"
    )
    (one,) = bench.rivals.datasets(str(sets), None)
    limits = bench.running.Limits(adapters=str(further))
    row = bench.running.perform(bench.running.Job("broken", one, 2.0, 0, 0, 1), CORE, limits)
    assert row["status"] == "error" and row["error"] == "ValueError: the predictions are not all finite"


@pytest.mark.parametrize("system", ["automl", "automl_fast"])
def test_tables_of_the_knowledge_base_are_refused(
    bench: Any, sets: Path, tmp_path: Path, capsys: Any, system: str
) -> None:
    checksum = hashlib.sha256(sets.with_name("small.parquet").read_bytes()).hexdigest()
    manifest = tmp_path / "manifest.json"
    asked = ["run", "--datasets", str(sets), "--systems", system, "--results", str(tmp_path / "r"), "--dry"]
    for table in ({"name": "another name", "checksum": checksum}, {"name": "small", "checksum": "0"}):
        manifest.write_text(json.dumps({"tables": [table]}))
        assert bench.rivals.main([*asked, "--manifest", str(manifest)]) == 2
        assert "comes from small" in capsys.readouterr().err
    manifest.write_text(json.dumps({"tables": [{"name": "other", "checksum": "0"}]}))
    assert bench.rivals.main([*asked, "--manifest", str(manifest)]) == 0
    assert bench.rivals.main([*asked, "--manifest", str(tmp_path / "none.json")]) == 0


def test_every_system_has_an_adapter_and_an_environment_with_versions(bench: Any) -> None:
    for name, system in bench.systems.SYSTEMS.items():
        assert system.adapter in bench.adapters.ADAPTERS, name
        assert not system.environment or "==" in bench.systems.ENVIRONMENTS[system.environment][-1]


def test_predictions_are_put_in_the_order_of_all_classes(bench: Any) -> None:
    found = bench.one.checked("multiclass", [[0.3, 0.7]], 1, 3, [2, 0])
    assert found.tolist() == [[0.7, 0.0, 0.3]]
    values = bench.one.scores("multiclass", np.array([0]), found)
    assert values["log_loss"] == pytest.approx(-math.log(0.7)) and values["accuracy"] == 1.0
    with pytest.raises(ValueError, match="shape"):
        bench.one.checked("binary", [[0.3, 0.7]], 2, 2, [0, 1])
