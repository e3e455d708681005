"""Is the score that a whole timed fit reports the one that comes true? Its own estimate against a large test set.

    python meta/bench/whole_estimates.py run --draws 2 --budget 60 --out whole.jsonl   # resumable
    python meta/bench/whole_estimates.py table --out whole.jsonl

From tables of at least 10,000 rows ``--size`` rows are drawn; the test set are up to 10,000 others. Two fits of one
worker each run side by side. z is (estimate - truth) / sqrt(standard error^2 + that of the test score^2): positive
where the estimate is too good. It is given for the corrected estimate and for the score that the search saw.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from draws import sample
from tables import DATA, load, require

TEST_ROWS = 10_000
LEAST_ROWS = 10_000


def tables(data: Path, split: str, count: int) -> list[str]:
    """Return the first tables of a split, by name, that are large enough."""
    manifest = pd.read_csv(data / "manifest.csv")
    large = manifest[(manifest["split"] == split) & (manifest["n_rows"] >= LEAST_ROWS)]
    return sorted(large["name"])[:count]


def cell(data: Path, name: str, size: int, seed: int, budget: float) -> dict[str, Any]:
    """Fit on one draw, and score it and what it says of itself."""
    from automl import AutoClassifier, AutoRegressor
    from automl.evaluate import estimate_score
    from automl.metrics import get_metric

    X, y, task = load(data, name)
    train, test, _ = sample(y, task != "regression", size, TEST_ROWS, seed)
    metric = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}[task]
    kind = AutoRegressor if task == "regression" else AutoClassifier
    model = kind(budget, metric=metric, n_jobs=1, random_state=seed, verbose=0).fit(X.iloc[train], y.iloc[train])
    named = get_metric(metric, task=str(model.task_), classes=getattr(model, "classes_", None))
    if task == "regression":
        truth, prediction = y.iloc[test].to_numpy(dtype=float), model.predict(X.iloc[test])
    else:
        truth, prediction = pd.Index(model.classes_).get_indexer(y.iloc[test]), model.predict_proba(X.iloc[test])
    came = estimate_score(truth, prediction, named, label="test")
    record = {"table": name, "size": size, "seed": seed, "metric": named.name, "sign": named.sign, "truth": came.value}
    record["truth_error"] = came.standard_error
    for what, score in (("corrected", model.estimate_), ("search", model.search_score_)):
        record[what] = None if score is None else score.value
        record[f"{what}_error"] = None if score is None else score.standard_error
    return {
        **record,
        "label": model.estimate_.label,
        "trials": model.outcome_.trials,
        "stopped": model.outcome_.stopped,
    }


def run(data: Path, out: Path, names: list[str], size: int, draws: int, budget: float, jobs: int) -> None:
    done = {(r["table"], r["size"], r["seed"]) for r in records(out)}
    cells = [(name, size, seed) for seed in range(draws) for name in names if (name, size, seed) not in done]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(cell, data, *one, budget) for one in cells]
        for future in as_completed(futures):
            with out.open("a") as file:
                file.write(json.dumps(future.result(), default=float) + "\n")


def records(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def table(out: Path) -> str:
    frame = pd.DataFrame(records(out))
    text = []
    for what in ("corrected", "search"):
        spread = np.sqrt(frame[f"{what}_error"].fillna(0) ** 2 + frame["truth_error"] ** 2)
        frame[f"z {what}"] = frame["sign"] * (frame[what] - frame["truth"]) / spread
        z = frame[f"z {what}"]
        text.append(f"{what:>10}: {len(z)} fits, mean z {z.mean():+.2f}, |z| <= 1.96 in {(z.abs() <= 1.96).mean():.0%}")
    columns = ["table", "seed", "metric", "truth", "corrected", "search", "z corrected", "z search"]
    return "\n".join([frame[columns].round(4).to_string(index=False), *text])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "table"))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=Path("whole.jsonl"))
    parser.add_argument("--split", default="develop")
    parser.add_argument("--tables", type=int, default=8)
    parser.add_argument("--size", type=int, default=2_000)
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    if args.command == "run":
        data = require(args.data)
        names = tables(data, args.split, args.tables)
        run(data, args.out, names, args.size, args.draws, args.budget, args.jobs)
    else:
        print(table(args.out))


if __name__ == "__main__":
    main()
