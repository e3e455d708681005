"""How fast do delivered models predict, and what do the smaller ones of the menu cost in score?

    python meta/bench/predict_speed.py run --results predict_speed.jsonl   # resumable; a minute per table
    python meta/bench/predict_speed.py table --results predict_speed.jsonl

Needs the benchmark tables (``--data``). One fit per table, on one core, on fold 0; then each model predicts the test
part three times, in CPU seconds of which the least counts. ``apart`` is the delivered ensemble with every fold model
preparing the rows for itself, as it would be without shared steps. "plain" is the speed of ``pipeline_`` by itself, as
an exported model has it; the estimator follows its parts from the inside (automl/pipeline/once.py).
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import pickle
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tables import DATA, METRICS, load, require, split, test_score

TABLES = ("telco_churn", "german_credit", "satimage", "ames_house_prices")


def apart(model: Any) -> Any:
    """Return a fitted estimator with the ensemble in which nothing is shared."""

    from automl.pipeline.assemble import assemble, leaves, undecided

    members: dict[int, tuple[float, list[Any]]] = {}
    for leaf in leaves(undecided(model.pipeline_)):
        weight, models = members.get(leaf.member, (0.0, []))
        members[leaf.member] = (weight + leaf.weight, [*models, pickle.loads(pickle.dumps(leaf.model))])
    other = copy.copy(model)
    classes = getattr(model, "classes_", None)
    other.pipeline_ = assemble(list(members.values()), classes=classes, task=model.task_)
    return other


def seconds_of(model: Any, X: pd.DataFrame, task: str) -> float:
    """Return the CPU seconds of a prediction."""
    predict = model.predict if task == "regression" else model.predict_proba
    times = []
    for _ in range(4):  # the first also imports
        started = time.process_time()
        predict(X)
        times.append(time.process_time() - started)
    return min(times[1:])


def points(model: Any, X: pd.DataFrame, y: pd.Series) -> Iterator[tuple[str, Any]]:
    """Yield the delivered model as it is and apart, and all others of its menu, also fitted again on all rows."""
    yield "apart", apart(model)
    for name in model.menu()["point"]:
        yield str(name), model.select(name)
    if not model.outcome_.members:  # no trial was complete
        return
    single = model.refitted(X, y)
    for name in single.menu()["point"]:
        yield f"{name}, refitted", single.select(name)


def measure(name: str, folder: Path, seconds: float) -> dict[str, Any]:
    """Fit on a table, and measure every point of the menu."""
    from automl import AutoClassifier, AutoRegressor

    X, y, task = load(folder, name)
    train, test = split(y, task, 0)
    new, truth = X.iloc[test], y.iloc[test]
    kind = AutoRegressor if task == "regression" else AutoClassifier
    model = kind(seconds, metric=METRICS[task], n_jobs=1, random_state=0, verbose=0).fit(X.iloc[train], y.iloc[train])
    found = []
    for point, one in points(model, X.iloc[train], y.iloc[train]):
        spent, plain = seconds_of(one, new, task), seconds_of(one.pipeline_, new, task)
        size = len(pickle.dumps(one.pipeline_)) / 1e6
        score = test_score(task, truth, one, new)
        held_out = one.estimate_.value
        speeds = {"rows_per_second": len(new) / spent, "plain_rows_per_second": len(new) / plain}
        found.append({"point": point, **speeds, "mb": size, "score": score, "held_out": held_out})
    return {"table": name, "metric": METRICS[task], "seconds": seconds, "n_test": len(new), "points": found}


def run(arguments: argparse.Namespace) -> None:
    folder, path = require(arguments.data), Path(arguments.results)
    done = {json.loads(line)["table"] for line in path.read_text().splitlines()} if path.exists() else set()
    for name in [name for name in arguments.tables if name not in done]:
        found = measure(name, folder, arguments.seconds)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")
        print(shown(found), flush=True)


def shown(found: dict[str, Any]) -> str:
    """Return the points of a table as text: speed relative to the ensemble apart, score on the test part."""
    first = found["points"][0]["rows_per_second"]
    lines = [f"{found['table']}: {found['n_test']:,} test rows, {found['metric']}, fitted {found['seconds']:g} s"]
    lines += [
        f"  {p['point']:<24}{p['rows_per_second']:>10,.0f} rows/s  x {p['rows_per_second'] / first:>6.1f}"
        f" (plain {p['plain_rows_per_second']:>8,.0f})"
        f"{p['mb']:>9.2f} MB   score {p['score']:.5g} (held out {p['held_out']:.5g})"
        for p in found["points"]
    ]
    return "\n".join(lines)


def table(arguments: argparse.Namespace) -> None:
    found = [json.loads(line) for line in Path(arguments.results).read_text(encoding="utf-8").splitlines()]
    print("\n".join(map(shown, found)))
    gains = [one["points"][1]["rows_per_second"] / one["points"][0]["rows_per_second"] for one in found]
    print(f"delivered against apart: median x {np.median(gains):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "table"])
    parser.add_argument("--results", required=True)
    parser.add_argument("--data", default=str(DATA))
    parser.add_argument("--tables", nargs="+", default=TABLES)
    parser.add_argument("--seconds", type=float, default=30.0)
    arguments = parser.parse_args()
    {"run": run, "table": table}[arguments.what](arguments)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
