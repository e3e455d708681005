"""Does the main job hold on real tables? Every run returns a model, on time, better than two defaults on the same fold.

    python meta/bench/first_light.py run --results first_light.jsonl   # resumable; 25 minutes
    python meta/bench/first_light.py table --results first_light.jsonl

Needs the benchmark tables (``--data``, by default ``../shared/data`` beside the project), which are not part of it.
Each run is a process of its own: fold 0 of a fixed 5-fold split, 2 workers, 15 tables at 30 s and 60 s.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tables import DATA, METRICS, load, require, split, test_score

TABLES = (
    "colon_alon",
    "cylinder_bands",
    "credit_approval",
    "vehicle",
    "ames_house_prices",
    "airfoil_noise",
    "ozone_onehr",
    "abalone",
    "fine_foods_reviews",
    "telco_churn",
    "kin8nm",
    "marvel_alignment",
    "bike_sharing_hour",
    "bank_marketing",
    "urban_forest_family",
)


def defaults(task: str, X: pd.DataFrame) -> dict[str, Any]:
    """LightGBM and random forest as they come, behind the least preparation that lets them run."""
    from lightgbm import LGBMClassifier, LGBMRegressor
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    encode = make_column_transformer(
        (
            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan),
            make_column_selector(dtype_exclude="number"),
        ),
        remainder="passthrough",
    )
    kinds = (LGBMRegressor, RandomForestRegressor) if task == "regression" else (LGBMClassifier, RandomForestClassifier)
    return {
        "lightgbm": make_pipeline(encode, kinds[0](verbose=-1, n_jobs=2, random_state=0)),
        "random_forest": make_pipeline(encode, kinds[1](n_jobs=2, random_state=0)),
    }


def one(folder: Path, name: str, seconds: float, jobs: int) -> dict[str, Any]:
    from automl import AutoClassifier, AutoRegressor

    X, y, task = load(folder, name)
    train, test = split(y, task, 0)
    kind = AutoRegressor if task == "regression" else AutoClassifier
    model = kind(seconds, metric=METRICS[task], n_jobs=jobs, random_state=0, verbose=0)
    started = time.monotonic()
    model.fit(X.iloc[train], y.iloc[train])
    wall = time.monotonic() - started
    started = time.monotonic()
    score = test_score(task, y.iloc[test], model, X.iloc[test])
    predict_seconds = time.monotonic() - started
    folds = [event.data for _, event in model._journal.read() if event.kind == "fold"]
    busy = sum(fold["cpu_seconds"] for fold in folds if fold["kind"] == "fold")
    lost = sum(fold["wall_seconds"] for fold in folds if fold["status"] in ("timeout", "memory", "cancelled"))
    used = sum(fold["fit_seconds"] + fold["predict_seconds"] for fold in folds if fold["status"] == "ok")
    handling = [
        fold["wall_seconds"] - fold["fit_seconds"] - fold["predict_seconds"] - fold["write_seconds"]
        for fold in folds
        if fold["status"] == "ok" and fold["kind"] == "fold"
    ]
    outcome = model.outcome_
    return {
        "table": name,
        "task": task,
        "rows": len(train),
        "seconds": seconds,
        "wall": round(wall, 2),
        "stopped": outcome.stopped,
        "trials": dict(outcome.trials),
        "folds": len(folds),
        "busy_share": round(used / (jobs * wall), 3),
        "cpu_share": round(busy / (jobs * wall), 3),
        "lost_share": round(lost / (jobs * wall), 3),
        "handling_ms": round(1000 * float(np.median(handling)), 1) if handling else None,
        "score": score,
        "estimate": model.estimate_.value,
        "standard_error": model.estimate_.standard_error,
        "predict_rows_per_s": round(len(test) / predict_seconds),
        "members": [(m.config.steps[-1].component, round(m.weight, 3)) for m in outcome.members],
        "notes": list(outcome.notes),
        "baselines": baselines(X, y, task, train, test),
    }


def baselines(X: pd.DataFrame, y: pd.Series, task: str, train: np.ndarray, test: np.ndarray) -> dict[str, float]:
    import warnings

    warnings.simplefilter("ignore")
    scores = {}
    for name, model in defaults(task, X).items():
        model.fit(X.iloc[train], y.iloc[train])
        scores[name] = test_score(task, y.iloc[test], model, X.iloc[test])
    return scores


def run(arguments: argparse.Namespace) -> None:
    results = Path(arguments.results)
    done = set()
    if results.exists():
        done = {(row["table"], row["seconds"]) for row in map(json.loads, results.read_text().splitlines())}
    for name in arguments.tables:
        for seconds in arguments.budgets:
            if (name, seconds) in done:
                continue
            command = [
                sys.executable,
                __file__,
                "one",
                name,
                str(seconds),
                str(arguments.jobs),
                "--data",
                arguments.data,
            ]
            process = subprocess.run(command, capture_output=True, text=True, timeout=3 * seconds + 300)
            lines = process.stdout.strip().splitlines()
            row = json.loads(lines[-1]) if process.returncode == 0 and lines else None
            row = row or {"table": name, "seconds": seconds, "error": process.stderr.strip()[-600:]}
            with results.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(name, seconds, row.get("wall"), row.get("score"), row.get("error", "")[-100:], flush=True)


def table(arguments: argparse.Namespace) -> None:
    rows = [json.loads(line) for line in Path(arguments.results).read_text().splitlines()]
    frame = pd.DataFrame([row for row in rows if "error" not in row])
    frame["lightgbm"] = [b.get("lightgbm") for b in frame["baselines"]]
    frame["forest"] = [b.get("random_forest") for b in frame["baselines"]]
    better = np.where(frame["task"] == "binary", 1, -1)
    frame["wins"] = (better * (frame["score"] - frame["lightgbm"]) > 0).astype(int) + (
        better * (frame["score"] - frame["forest"]) > 0
    ).astype(int)
    columns = ["table", "task", "rows", "seconds", "wall", "stopped", "folds", "busy_share", "cpu_share", "handling_ms"]
    columns += ["score", "estimate", "standard_error", "lightgbm", "forest", "wins", "predict_rows_per_s"]
    print(frame.sort_values(["seconds", "rows"])[columns].to_string(index=False, float_format=lambda v: f"{v:.5g}"))
    for seconds, part in frame.groupby("seconds"):
        over = part["wall"] - part["seconds"]
        limit = max(1.0, 0.02 * float(seconds))
        ran = part[(part["rows"] >= 1600) & (part["stopped"] == "deadline")]
        print(
            f"{seconds:.0f} s: {len(part)} runs; latest end {over.max():+.2f} s (contract {limit:+.2f} s), "
            f"least used {(part['wall'] / part['seconds']).min():.2f}; beats LightGBM and forest defaults on "
            f"{(part['wins'] == 2).sum()}, one of them on {(part['wins'] == 1).sum()}; median CPU share "
            f"{ran['cpu_share'].median():.2f} over {len(ran)} tables of >= 2,000 rows that ran to the deadline"
        )
    for row in rows:
        if "error" in row:
            print("FAILED", row["table"], row["seconds"], row["error"][-300:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    for name in ("run", "table"):
        command = commands.add_parser(name)
        command.add_argument("--results", default="first_light.jsonl")
        command.add_argument("--data", default=str(DATA))
        command.add_argument("--tables", nargs="+", default=TABLES)
        command.add_argument("--budgets", nargs="+", type=float, default=[30.0, 60.0])
        command.add_argument("--jobs", type=int, default=2)
    command = commands.add_parser("one")
    command.add_argument("name")
    command.add_argument("seconds", type=float)
    command.add_argument("jobs", type=int)
    command.add_argument("--data", default=str(DATA))
    arguments = parser.parse_args()
    if arguments.command != "table":
        require(arguments.data)
    if arguments.command == "one":
        print(json.dumps(one(Path(arguments.data), arguments.name, arguments.seconds, arguments.jobs)))
    elif arguments.command == "run":
        run(arguments)
    else:
        table(arguments)


if __name__ == "__main__":
    main()
