"""Does each preparation and mode help its model? One configuration against another on the same three folds.

    python meta/bench/ablations.py run --results ablations     # resumable; about an hour on two cores
    python meta/bench/ablations.py table --results ablations
    python meta/bench/ablations.py confirm --results ablations # whole fits of 60 s with and without a component
    python meta/bench/ablations.py run --results leaves --arms "lgb T0" --rows 60000 --tables TABLE ...

Needs the benchmark tables (``--data``, by default ``../shared/data`` beside the project), which are not part of it.
At most 5,000 sampled rows a table (``--rows``) and ten seconds a fit (boosting and networks stop by themselves at
eight, the rest is killed and counted as lost). Loss: 1 - ROC AUC (binary), log loss (multiclass), RMSE (regression).
"""

from __future__ import annotations

import argparse
import functools
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from arms import ARMS, EXTRA, PAIRS, Arm
from tables import DATA, METRICS, load, require, split, test_score

ROWS = 5_000
SECONDS = 10.0
TABLES = (
    "credit_approval",
    "german_credit",
    "hr_attrition",
    "colon_alon",
    "ozone_onehr",
    "fine_foods_reviews",
    "telco_churn",
    "vehicle_insurance_fraud",
    "bank_marketing",
    "adult",
    "vehicle",
    "mice_protein",
    "satimage",
    "marvel_alignment",
    "covertype_kaggle",
    "diabetes_readmission",
    "ames_house_prices",
    "airfoil_noise",
    "abalone",
    "kin8nm",
    "hcv_ns5b_pic50",
    "bike_sharing_hour",
    "california_housing",
    "diamonds",
)
# (name, components left out of the second fit)
CONFIRM: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("arithmetic", ("arithmetic", "all_crosses")),
    ("means of the target", ("target", "ordinal_and_means", "all_crosses")),
    ("networks", ("mlp",)),
    ("splines and kernels", ("spline", "nystroem", "random_kitchen_sinks")),
    ("automl[boost]", ("xgboost", "catboost")),
)
CONFIRM_TABLES = ("kin8nm", "ames_house_prices", "telco_churn", "vehicle", "bank_marketing")


def run(arguments: argparse.Namespace) -> None:
    from automl.execute import ProcessExecutor

    folder = Path(arguments.results)
    folder.mkdir(parents=True, exist_ok=True)
    done = {(row["table"], row["arm"]) for row in _rows(folder)}
    with ProcessExecutor(arguments.jobs) as executor:
        for name in arguments.tables:
            arms = [arm for arm in ARMS if (name, arm.name) not in done and arm.name.startswith(arguments.arms)]
            with tempfile.TemporaryDirectory() as scratch:
                for row, prediction in _table(executor, arguments, name, arms, Path(scratch)):
                    if prediction is not None:
                        np.save(folder / f"{name}--{row['arm'].replace(' ', '_')}.npy", prediction)
                    with (folder / "results.jsonl").open("a") as file:
                        file.write(json.dumps(row) + "\n")
                    print(name, row["arm"], row["losses"], row["status"], row["fit_seconds"], flush=True)


def _rows(folder: Path) -> list[dict[str, Any]]:
    path = folder / "results.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _dataset(folder: Path, name: str, most: int) -> Any:
    from automl.data import make_dataset

    X, y, task = load(folder, name)
    if len(X) > most:
        rows = np.sort(np.random.default_rng(0).choice(len(X), most, replace=False))
        X, y = X.iloc[rows].reset_index(drop=True), y.iloc[rows].reset_index(drop=True)
    return make_dataset(X, y, classifies=task != "regression")


def _table(
    executor: Any, arguments: argparse.Namespace, name: str, arms: list[Arm], scratch: Path
) -> Iterator[tuple[dict[str, Any], np.ndarray | None]]:
    """Run the arms that this table's space holds; yield a row and the out-of-fold predictions of each."""
    from automl.core import Fidelity, Job, JobKind, SpaceError
    from automl.data import dump_dataset
    from automl.evaluate import Evaluation, make_folds, run_fold, save_evaluation
    from automl.metrics import get_metric
    from automl.space import build_space, default_catalog, facts_of

    dataset = _dataset(Path(arguments.data), name, arguments.rows)
    folds = make_folds(dataset, cv=3, seed=0)
    facts = facts_of(dataset)
    catalog = default_catalog().with_components(EXTRA)
    space = build_space(facts, catalog)
    metric = get_metric(METRICS[str(dataset.task)], task=str(dataset.task), classes=dataset.classes)
    path = scratch / "evaluation.pkl"
    data_path = dump_dataset(dataset, scratch / "data")
    save_evaluation(Evaluation(str(data_path), folds, (metric,), facts, catalog, 0), path)
    target = Path(arguments.results) / f"{name}--y.npy"
    if not target.exists():
        np.save(target, dataset.y[folds.scored])
    meant = {}
    for arm in arms:
        try:
            config = space.complete(_needed(arm.config(), facts, catalog))
            space.check(config)
        except SpaceError:
            continue
        if config not in meant.values():  # where a table has no categories, arms that differ in their codes are one
            meant[arm.name] = config
    jobs = {}
    for index, (arm_name, config) in enumerate(meant.items()):
        for fold in range(3):
            number = 1000 * (TABLES.index(name) if name in TABLES else 999) + 3 * index + fold
            payload = functools.partial(
                run_fold, str(path), config, fold, Fidelity(), str(scratch / f"{number}.pkl"), 0.8 * SECONDS
            )
            executor.submit(Job(number, JobKind.FOLD, index, fold, payload, SECONDS + 2))
            jobs[number] = arm_name
    ended: dict[str, dict[int, Any]] = {}
    while jobs:
        for result in executor.collect(None):
            arm_name = jobs.pop(result.job)
            ended.setdefault(arm_name, {})[result.fold] = result
            (scratch / f"{result.job}.pkl").unlink(missing_ok=True)
            if len(ended[arm_name]) == 3:
                yield _joined(name, str(dataset.task), arm_name, ended.pop(arm_name))


def _needed(config: Any, facts: Any, catalog: Any) -> Any:
    """Drop what this table has no use for: codes without categories, words without text."""
    from automl.core import Config
    from automl.space import Role

    useless = {Role.ENCODER} if facts.n_categorical == 0 else set()
    useless |= {Role.TEXT} if facts.n_text == 0 else set()
    return Config(
        tuple(s for s in config.steps if s.component not in catalog or catalog.get(s.component).role not in useless)
    )


def _joined(table: str, task: str, arm: str, results: dict[int, Any]) -> tuple[dict[str, Any], np.ndarray | None]:
    outputs = [results[fold].value for fold in range(3)]
    whole = all(output is not None and str(output.status) == "ok" for output in outputs)
    bad = [r for r in results.values() if r.value is None or str(r.value.status) != "ok"]
    row = {
        "table": table,
        "task": task,
        "arm": arm,
        "status": "ok" if whole else str(bad[0].status if bad[0].value is None else bad[0].value.status),
        "error": None if whole else (bad[0].error or getattr(bad[0].value, "error", None)),
        "losses": [round(next(iter(o.losses.values())), 6) for o in outputs] if whole else None,
        "fit_seconds": round(sum(o.fit_seconds for o in outputs), 3) if whole else None,
        "predict_seconds": round(sum(o.predict_seconds for o in outputs), 3) if whole else None,
    }
    return row, np.concatenate([o.prediction for o in outputs]) if whole else None


# ---- what it shows


def table(arguments: argparse.Namespace) -> None:
    frame = pd.DataFrame(_rows(Path(arguments.results)))
    # metrics of which greater is better come as minus the score, and only ROC AUC does
    shift = {"binary": 1.0}
    folds = {
        (r.table, r.arm): shift.get(r.task, 0.0) + np.array(r.losses) for r in frame.itertuples() if r.status == "ok"
    }
    losses = {key: float(value.mean()) for key, value in folds.items()}
    seconds = {(r.table, r.arm): r.fit_seconds for r in frame.itertuples() if r.status == "ok"}
    lost = frame[frame["status"] != "ok"].groupby("arm")["table"].apply(list).to_dict()
    out = []
    for tried, control in PAIRS:
        if tried == control:
            continue
        both = [t for t in frame["table"].unique() if (t, tried) in losses and (t, control) in losses]
        if not both:
            out.append({"tried": tried, "against": control, "tables": 0, "lost": len(lost.get(tried, ()))})
            continue
        change = [100 * (losses[t, tried] / losses[t, control] - 1) for t in both]
        clear = [_clear(folds[t, tried] - folds[t, control]) for t in both]
        out.append(
            {
                "tried": tried,
                "against": control,
                "tables": len(both),
                "median %": round(float(np.median(change)), 2),
                "mean %": round(float(np.mean(change)), 2),
                "best": f"{min(change):+.1f} {both[int(np.argmin(change))]}",
                "worst": f"{max(change):+.1f} {both[int(np.argmax(change))]}",
                "wins": sum(c < 0 for c in change),
                "losses": sum(c > 0 for c in change),
                "all folds better": clear.count(-1),
                "all folds worse": clear.count(1),
                "time x": round(float(np.median([seconds[t, tried] / seconds[t, control] for t in both])), 2),
                "lost": len(lost.get(tried, ())),
            }
        )
    print(pd.DataFrame(out).to_string(index=False))
    print("\nlost (killed, failed):", lost)
    _shares(Path(arguments.results), frame)


def _clear(difference: np.ndarray) -> int:
    return -1 if (difference < 0).all() else 1 if (difference > 0).all() else 0


def _shares(folder: Path, frame: pd.DataFrame) -> None:
    """Which arms an ensemble of all arms takes: a component that never wins alone may still be worth its place."""
    from automl.ensemble import greedy
    from automl.metrics import get_metric

    weights: dict[str, list[float]] = {}
    for name, part in frame[frame["status"] == "ok"].groupby("table"):
        y = np.load(folder / f"{name}--y.npy")
        task = part["task"].iloc[0]
        arms = list(part["arm"])
        stack = np.stack([np.load(folder / f"{name}--{arm.replace(' ', '_')}.npy") for arm in arms])
        metric = get_metric(METRICS[task], task=task, classes=None if task == "regression" else np.unique(y))
        chosen = greedy(stack, y, metric, size=25)
        for arm, weight in zip(arms, chosen.weights, strict=True):
            weights.setdefault(arm, []).append(float(weight))
    rows = [
        {"arm": arm, "tables": len(w), "chosen": sum(v > 0 for v in w), "mean weight": round(float(np.mean(w)), 3)}
        for arm, w in weights.items()
    ]
    print("\nweight in a greedy ensemble of all arms of a table (25 steps)")
    print(pd.DataFrame(rows).sort_values("mean weight", ascending=False).to_string(index=False))


# ---- whole fits


def confirm(arguments: argparse.Namespace) -> None:
    """Fit with everything, and without one thing at a time, for the same seconds on the same fold."""
    folder = Path(arguments.results)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "confirm.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    done = {(row["table"], row["without"]) for row in rows}
    for name in arguments.tables if arguments.tables is not TABLES else CONFIRM_TABLES:
        for without, components in (("nothing", ()), *CONFIRM):
            if (name, without) in done:
                continue
            row = {"table": name, "without": without, **_whole(Path(arguments.data), name, components, arguments)}
            rows.append(row)
            with path.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(row, flush=True)
    frame = pd.DataFrame(rows)
    frame["loss"] = np.where(frame["task"] == "binary", 1 - frame["score"], frame["score"])
    wide = frame.pivot(index="table", columns="without", values="loss")
    change = 100 * wide.div(wide["nothing"], axis=0).sub(1).drop(columns="nothing")
    print("\nchange of the test loss in % when a component is left out (above 0: it helps)")
    print(change.round(2).to_string())
    print(change.median().round(2).to_string())


def _whole(folder: Path, name: str, without: tuple[str, ...], arguments: argparse.Namespace) -> dict[str, Any]:
    from automl import AutoClassifier, AutoRegressor
    from automl.space import default_catalog

    X, y, task = load(folder, name)
    train, test = split(y, task, 0)
    known = [component for component in without if component in default_catalog()]
    kind = AutoRegressor if task == "regression" else AutoClassifier
    settings = {"metric": METRICS[task], "n_jobs": arguments.jobs, "exclude": known}
    model = kind(arguments.seconds, **settings, random_state=0, verbose=0)
    started = time.monotonic()
    model.fit(X.iloc[train], y.iloc[train])
    wall = time.monotonic() - started
    score = test_score(task, y.iloc[test], model, X.iloc[test])
    return {"task": task, "score": score, "wall": round(wall, 2), "trials": dict(model.outcome_.trials)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    for name, function in (("run", run), ("table", table), ("confirm", confirm)):
        command = commands.add_parser(name)
        command.set_defaults(function=function)
        command.add_argument("--results", default="ablations")
        command.add_argument("--data", default=str(DATA))
        command.add_argument("--tables", nargs="+", default=TABLES)
        command.add_argument("--arms", default="", help="only arms whose name starts so")
        command.add_argument("--rows", type=int, default=ROWS)
        command.add_argument("--jobs", type=int, default=2)
        command.add_argument("--seconds", type=float, default=60.0)
    arguments = parser.parse_args()
    if arguments.command != "table":
        require(arguments.data)
    arguments.function(arguments)


if __name__ == "__main__":
    main()
