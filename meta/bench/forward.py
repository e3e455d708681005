"""Tables with a time: does forward validation say what comes true, and what helps against drift?

    python meta/bench/forward.py run --out forward.jsonl     # resumable; about 20 minutes on one core
    python meta/bench/forward.py table --out forward.jsonl

Of every benchmark table with a column of dates or batches the last ``--rows`` rows in its order are taken; the last
quarter of them is the future. Candidates are the first lines of the start portfolio, with and without what weighs or
drops old rows and unstable columns. Each is fitted on shuffled folds, on forward folds, and on all rows before the
future, which it then predicts. Ensembles are selected on the shuffled rows, on all forward rows, on those of the last
forward fold only, and on forward rows that count half as much for each fold further back; all of them are scored on
the future. The columns of times themselves are no features.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pickle
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tables import DATA, load, require

LINES = 12
FORWARD_FOLDS = 4
SOFT_SECONDS = 2.0
ROW_ORDER = "row order"


def slices(data: Path, name: str, rows: int) -> tuple[pd.DataFrame, pd.Series, pd.Series, str]:
    """Return the last rows of a table in the order of its times, with these."""
    manifest = pd.read_csv(data / "manifest.csv").set_index("name")
    X, y, task = load(data, name)
    column = str(manifest.loc[name, "time_order_column"])
    times = pd.Series(np.arange(len(X))) if column == ROW_ORDER else X.pop(column)
    if times.dtype.kind not in "iuf":
        times = pd.to_datetime(times)
    order = np.argsort(times.to_numpy(), kind="stable")[-rows:]
    return tuple(part.iloc[order].reset_index(drop=True) for part in (X, y, times)) + (task,)  # type: ignore[return-value]


def measured(data: Path, name: str, rows: int, seed: int) -> dict[str, Any]:
    """Fit the candidates of one table, select in four ways, and score on the future."""
    from automl.data import make_dataset
    from automl.evaluate import TimeFolds, make_folds
    from automl.metrics import get_metric
    from automl.space import build_space, default_catalog, facts_of, start_portfolio

    X, y, times, task = slices(data, name, rows)
    cut = int(np.searchsorted(times.to_numpy(), times.to_numpy()[int(0.75 * len(y))]))
    if task != "regression":
        known = set(y.iloc[:cut])
        keep = y.isin(known).to_numpy()
        X, y, times, cut = X[keep], y[keep], times[keep], int(keep[:cut].sum())
    past = make_dataset(X.iloc[:cut], y.iloc[:cut], classifies=task != "regression", times=times.iloc[:cut])
    metric = get_metric(
        {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}[task], task=str(past.task)
    )
    future = y.iloc[cut:].to_numpy()
    truth = future.astype(float) if past.classes is None else pd.Index(past.classes).get_indexer(future)
    facts = facts_of(past)
    space = build_space(facts, default_catalog(), exclude=("catboost", "xgboost", "gaussian_process"))
    configs = start_portfolio(facts, space)[1 : 1 + LINES]
    shuffled = make_folds(without_times(past), cv=5, seed=seed)
    forward = make_folds(past, cv=TimeFolds(FORWARD_FOLDS), seed=seed)
    found = candidates(past, X.iloc[cut:], configs, {"shuffled": shuffled, "forward": forward}, metric, seed)
    return {"table": name, "metric": metric.name, "rows": len(y), "future": len(truth)} | judged(
        past, truth, found, shuffled, forward, metric, [bool(rowwise(config)) for config in found["configs"]]
    )


def without_times(dataset: Any) -> Any:
    """Return the same rows as if they had no times."""
    return dataclasses.replace(dataset, times=None)


def rowwise(config: Any) -> bool:
    """Whether a configuration treats its training rows by their age."""
    from automl.space import Role, default_catalog

    return any(default_catalog().get(step.component).role is Role.ROWS for step in config.steps)


def candidates(past: Any, X_future: Any, configs: Any, folds: dict[str, Any], metric: Any, seed: int) -> dict[str, Any]:
    """Fit all configurations; those that fail are left out."""
    from automl.core import Fidelity, Status
    from automl.data import dump_dataset
    from automl.evaluate import Evaluation, run_fold, run_refit, save_evaluation
    from automl.space import default_catalog, facts_of

    found: dict[str, Any] = {"configs": [], "future": [], **{name: [] for name in folds}}
    with tempfile.TemporaryDirectory() as scratch:
        data_path = dump_dataset(past, Path(scratch) / "data")
        paths = {}
        for name, some in folds.items():
            facts = dataclasses.replace(facts_of(past), has_times=True)
            evaluation = Evaluation(str(data_path), some, (metric,), facts, default_catalog(), seed)
            paths[name] = str(Path(scratch) / f"{name}.pkl")
            save_evaluation(evaluation, Path(paths[name]))
        for config in configs:
            artifact = f"{scratch}/model.pkl"
            outputs = {
                name: [run_fold(paths[name], config, f, Fidelity(), artifact, SOFT_SECONDS) for f in range(len(some))]
                for name, some in folds.items()
            }
            if any(output.status is not Status.OK for outs in outputs.values() for output in outs):
                continue
            rounds = [output.rounds for output in outputs["forward"] if output.rounds]
            last = run_refit(paths["forward"], config, artifact, round(np.mean(rounds)) if rounds else None, None)
            if last.status is not Status.OK:
                continue
            model = pickle.loads(Path(artifact).read_bytes())
            found["future"].append(model.predict_proba(X_future) if past.task.classifies else model.predict(X_future))
            found["configs"].append(config)
            for name, outs in outputs.items():
                found[name].append(np.concatenate([output.prediction for output in outs]))
    return found


def judged(
    past: Any, truth: np.ndarray, found: dict[str, Any], shuffled: Any, forward: Any, metric: Any, recent: list[bool]
) -> dict[str, Any]:
    """Select in every way, with and without the candidates that treat rows by age."""
    from automl.ensemble import select

    record: dict[str, Any] = {"candidates": len(recent), "recent": sum(recent)}
    numbers = forward.numbers
    ages = numbers.max() - numbers
    ways = {
        "shuffled": (shuffled, np.ones(len(shuffled.scored), dtype=bool), None),
        "forward": (forward, np.ones(len(numbers), dtype=bool), None),
        "last fold": (forward, ages == 0, None),
        "half lives": (forward, np.ones(len(numbers), dtype=bool), 0.5**ages),
    }
    for some, kept in (("all", np.ones(len(recent), dtype=bool)), ("plain", ~np.array(recent))):
        for way, (folds, rows, weights) in ways.items():
            stack = np.stack(found["shuffled" if way == "shuffled" else "forward"])[kept][:, rows]
            y = past.y[folds.scored][rows]
            choice = select(stack, y, metric, weights=None if weights is None else weights[rows], seed=0)
            mixed = np.tensordot(choice.weights, np.stack(found["future"])[kept], axes=1)
            own = np.tensordot(choice.weights, stack, axes=1)
            record[f"{some}, {way}"] = float(metric.loss(truth, mixed))
            record[f"{some}, {way}: believed"] = float(metric.loss(y, own))
    return record


def run(data: Path, out: Path, rows: int) -> None:
    manifest = pd.read_csv(data / "manifest.csv")
    names = sorted(manifest[manifest["time_order_column"].notna()]["name"])
    done = {record["table"] for record in records(out)}
    for name in names:
        if name in done:
            continue
        try:
            record = measured(data, name, rows, 0)
        except Exception as error:
            record = {"table": name, "error": f"{type(error).__name__}: {error}"}
        with out.open("a") as file:
            file.write(json.dumps(record) + "\n")
        print(record, flush=True)


def records(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def table(out: Path) -> str:
    """Return, against selection on all forward rows, what each way costs or gains on the future."""
    frame = pd.DataFrame(records(out))
    frame = frame[frame["metric"].notna()] if "metric" in frame else frame.iloc[:0]
    error = frame["all, forward"] + np.where(frame["metric"] == "roc_auc", 1.0, 0.0)
    text = [f"{len(frame)} tables; percent of the error on the future, against all candidates and all forward rows"]
    for name in [c for c in frame.columns if ", " in c and "believed" not in c and c != "all, forward"]:
        change = 100 * (frame[name] - frame["all, forward"]) / error
        better, worse = int((change < -0.05).sum()), int((change > 0.05).sum())
        text.append(
            f"{name:>18}: median {change.median():+6.2f} mean {change.mean():+6.2f}  better {better} worse {worse}"
        )
    for way in ("shuffled", "forward"):
        gap = 100 * (frame[f"all, {way}"] - frame[f"all, {way}: believed"]) / error
        text.append(
            f"what came is worse than believed, {way}: median {gap.median():+.1f} %, mean size {gap.abs().mean():.1f} %"
        )
    return "\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "table"))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=Path("forward.jsonl"))
    parser.add_argument("--rows", type=int, default=4_000)
    args = parser.parse_args()
    if args.command == "run":
        run(require(args.data), args.out, args.rows)
    else:
        print(table(args.out))


if __name__ == "__main__":
    main()
