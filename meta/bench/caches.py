"""How many more trials does the cache of prepared rows buy? The same fit with and without it, one after the other.

    python meta/bench/caches.py                # 30 s a fit, six tables; 7 minutes
    python meta/bench/caches.py --trials 12    # the same trials with both, however long they take

Needs the benchmark tables (``--data``, by default ``../shared/data`` beside the project), which are not part of it.
On a machine that does other work, look at the trials per minute of CPU.
"""

from __future__ import annotations

import argparse
import importlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tables import DATA, load, require

TABLES = (
    "bank_marketing",
    "ames_house_prices",
    "telco_churn",
    "marvel_alignment",
    "satimage",
    "california_housing",
)
ENDED = ("ok", "pruned")


def fit(X: pd.DataFrame, y: pd.Series, task: str, arguments: argparse.Namespace, *, cached: bool) -> dict[str, Any]:
    """Fit once; return what the folds cost."""
    from automl import AutoClassifier, AutoRegressor

    resolve = importlib.import_module("automl.search.resolve")
    share = resolve.CACHE_SHARE
    resolve.CACHE_SHARE = share if cached else 0.0
    kind = AutoRegressor if task == "regression" else AutoClassifier
    seconds = None if arguments.trials else arguments.seconds
    model = kind(seconds, max_trials=arguments.trials, n_jobs=arguments.jobs, random_state=0, refit=False, verbose=0)
    started = time.monotonic()
    try:
        model.fit(X, y)
    finally:
        resolve.CACHE_SHARE = share
    minutes = (time.monotonic() - started) / 60
    folds = [event.data for _, event in model._journal.read() if event.kind == "fold"]
    cpu = sum(fold["cpu_seconds"] for fold in folds) / 60
    trials = sum(count for status, count in model.outcome_.trials.items() if status in ENDED)
    total = {name: sum(fold[name] for fold in folds) for name in ("prepare_seconds", "saved_seconds", "wall_seconds")}
    asked = sum(fold["cache_hits"] + fold["cache_misses"] for fold in folds)
    return {
        "trials": trials,
        "per_minute": trials / minutes,
        "per_cpu": trials / cpu,
        "prepare": total["prepare_seconds"] / total["wall_seconds"],
        "saved": total["saved_seconds"] / total["wall_seconds"],
        "hits": sum(fold["cache_hits"] for fold in folds) / asked if asked else 0.0,
        "estimate": model.estimate_.value,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=str(DATA))
    parser.add_argument("--tables", nargs="+", default=TABLES)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--trials", type=int, help="count trials instead of seconds")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    folder: Path = require(arguments.data)
    ratios = []
    print("trials per minute without and with the cache, then per minute of CPU; shares of the time of all folds")
    for number, name in enumerate(arguments.tables):
        X, y, task = load(folder, name)
        order = (False, True) if number % 2 == 0 else (True, False)
        runs = {cached: fit(X, y, task, arguments, cached=cached) for cached in order}
        off, on = runs[False], runs[True]
        ratio = (on["per_minute"] / off["per_minute"], on["per_cpu"] / off["per_cpu"])
        ratios.append(ratio)
        print(
            f"{name:20} {off['per_minute']:7.1f} {on['per_minute']:7.1f} x{ratio[0]:.2f}   "
            f"{off['per_cpu']:7.1f} {on['per_cpu']:7.1f} x{ratio[1]:.2f}   preparing {off['prepare']:.0%} -> "
            f"{on['prepare']:.0%}, saved {on['saved']:.0%}, hits {on['hits']:.0%}; "
            f"score {off['estimate']:.5g} {on['estimate']:.5g}",
            flush=True,
        )
    wall, cpu = np.exp(np.log(ratios).mean(axis=0))
    print(f"geometric mean of {len(ratios)}: x{wall:.2f} trials per minute, x{cpu:.2f} per minute of CPU")


if __name__ == "__main__":
    main()
