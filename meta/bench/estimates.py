"""Do the estimates hold? Flat, corrected for the best single candidate, and corrected, against a large test set.

    python meta/bench/estimates.py --draws /tmp/draws              # the tables; reads what draws.py has stored
    python meta/bench/estimates.py --draws /tmp/draws --calibrate  # factors for automl/evaluate/estimate.py
    python meta/bench/estimates.py --draws /tmp/noise --noise      # labels without signal: the truth is .5

Nothing is fitted. On each draw the ensemble is selected as at the end of a run, from the out-of-fold predictions of all
candidates; the truth is the test score of what is delivered, the weighted mean over members of their fold models' mean
predictions. ``z = (estimate - truth) / sqrt(SE^2 + SE_test^2)``, positive where the estimate is better than the truth.

Factors are calibrated on draws of ``meta_only`` tables (the least one with which 95 % of the intervals hold) and judged
on ``develop``. Intervals of shares and means come from a bootstrap of whole tables.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from draws import Draw, load_draws

__all__ = ["calibrated", "judge", "measure", "share_interval", "table"]

USUAL = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "root_mean_squared_error"}
OTHERS = {"binary": ("log_loss", "accuracy", "average_precision", "f1"), "multiclass": ("accuracy",), "regression": ()}


def measure(draw: Draw, metric: Any = None) -> list[dict[str, Any]]:
    """Return one row per method: estimate, its standard error before inflation, truth."""
    from automl.ensemble import select
    from automl.evaluate import fold_loss, selection_optimism
    from automl.evaluate.influence import held_out_losses, one_mistake, standard_errors
    from automl.search.selecting import mix

    metric = metric or draw.scorer
    y, folds, n = draw.y_train, draw.folds, len(draw.y_train)
    keep = [i for i, family in enumerate(draw.families) if family != "prior"]
    stack, families = draw.oof[keep], [draw.families[i] for i in keep]
    losses = np.array([fold_loss(metric, y, one, None, folds) for one in stack])
    order = np.argsort(losses, kind="stable")
    retained = _retained(order, families, n)
    choice = select(stack[retained], y, metric, families=[families[i] for i in retained], seed=0)
    weights = np.zeros(len(stack))
    weights[retained] = choice.weights
    mixed = mix(stack, list(weights))
    truth_stack = mix(draw.test[keep], list(weights))[None]
    truth = float(metric.losses(draw.y_test, truth_stack)[0])
    truth_error = float(standard_errors(metric, draw.y_test, truth_stack)[0])
    error = float(standard_errors(metric, y, mixed[None], folds=folds)[0])
    floor = one_mistake(metric, y, mixed, None, folds)
    value = float(held_out_losses(metric, y, mixed[None], None, folds)[0])
    optimism = selection_optimism(stack, mixed, y, [metric], families=families, folds=folds)
    calls = iter([False] * 60)  # the samples are drawn, but there is no time for ensembles
    single = selection_optimism(
        stack, mixed, y, [metric], families=families, folds=folds, stop=lambda: next(calls, True)
    )
    found = {
        "flat": fold_loss(metric, y, mixed, None, folds),
        "single": value + single.losses[0],
        "corrected": value + optimism.losses[0],
    }
    added = {"flat": 0.0, "single": single.errors[0], "corrected": optimism.errors[0]}
    same = {name: getattr(draw, name) for name in ("dataset", "split", "size", "seed", "task")}
    return [
        {
            **same,
            "metric": metric.name,
            "method": method,
            "loss": loss,
            "error": error,
            "added": float(np.hypot(floor, added[method])),
            "truth": truth,
            "truth_error": truth_error,
            "candidates": len(stack),
            "correction": optimism.method,
        }
        for method, loss in found.items()
    ]


def _retained(order: Sequence[int], families: Sequence[str], n_rows: int) -> list[int]:
    """Return whom a search keeps: the best, and the best two of each family."""
    from automl.ensemble import candidate_cap

    cap = min(25, candidate_cap(n_rows))
    seen: dict[str, int] = {}
    kept = []
    for place, candidate in enumerate(order):
        family = families[candidate]
        seen[family] = seen.get(family, 0) + 1
        if place < cap or seen[family] <= 2:
            kept.append(int(candidate))
    return kept


def with_z(rows: pd.DataFrame, factors: Any) -> pd.DataFrame:
    """Add z under ``factors(size)``, and the bias in standard errors of the estimate."""
    error = np.hypot(rows["error"] * rows["size"].map(factors), rows["added"])
    z = (rows["truth"] - rows["loss"]) / np.sqrt(error**2 + rows["truth_error"] ** 2)
    return rows.assign(z=z, width=2 * 1.96 * error, bias=(rows["truth"] - rows["loss"]) / error)


def calibrated(rows: pd.DataFrame) -> dict[str, float]:
    """Return the least factor with which 95 % of the corrected estimates on ``meta_only`` hold, by size and for all."""
    part = rows[(rows["method"] == "corrected") & (rows["split"] == "meta_only")]
    parts = {**{str(size): some for size, some in part.groupby("size")}, "all": part}
    return {name: _factor(some) for name, some in parts.items() if len(some)}


def _factor(rows: pd.DataFrame) -> float:
    for factor in np.arange(1.0, 4.0, 0.05):
        z = with_z(rows, lambda _, factor=factor: factor)["z"]
        if (z.abs() <= 1.96).mean() >= 0.95:
            break
    return round(float(factor), 2)


def share_interval(values: np.ndarray, tables: np.ndarray, replicates: int = 2_000) -> tuple[float, float]:
    """Return a 95 % interval of a mean over draws, from a bootstrap of whole tables."""
    rng = np.random.default_rng(0)
    names, of_row = np.unique(tables, return_inverse=True)
    sums, counts = np.bincount(of_row, values), np.bincount(of_row)
    drawn = rng.integers(0, len(names), (replicates, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def judge(rows: pd.DataFrame, by: Sequence[str] = ("split", "size", "method")) -> pd.DataFrame:
    """Return mean z, bias and coverage of each part."""
    found = []
    for key, part in rows.groupby(list(by), sort=True):
        z, tables = part["z"].to_numpy(), part["dataset"].to_numpy()
        inside = (np.abs(z) <= 1.96).astype(float)
        found.append(
            {
                **dict(zip(by, key if isinstance(key, tuple) else (key,), strict=True)),
                "draws": len(part),
                "tables": part["dataset"].nunique(),
                "mean z": z.mean(),
                "z from": share_interval(z, tables)[0],
                "z to": share_interval(z, tables)[1],
                "sd z": z.std(),
                "bias/SE": part["bias"].mean(),
                "coverage": inside.mean(),
                "from": share_interval(inside, tables)[0],
                "to": share_interval(inside, tables)[1],
            }
        )
    return pd.DataFrame(found)


def table(folder: str, cache: Path | None, others: bool, limit: int | None) -> pd.DataFrame:
    """Measure all draws of a folder; what was measured before is read from ``cache``, line by line."""
    from automl.metrics import get_metric

    found = [] if cache is None or not cache.exists() else [json.loads(line) for line in cache.read_text().splitlines()]
    done = {(row["dataset"], row["size"], row["seed"], row["metric"]) for row in found}
    for number, draw in enumerate(load_draws(folder)):
        if limit is not None and number >= limit:
            break
        if len(draw.names) < 3:
            continue
        for name in (draw.metric, *(OTHERS[draw.task] if others else ())):
            if (draw.dataset, draw.size, draw.seed, name) in done:
                continue
            rows = measure(draw, get_metric(name, task=draw.task))
            found += rows
            if cache is not None:
                with cache.open("a") as file:
                    file.writelines(json.dumps(row) + "\n" for row in rows)
    return pd.DataFrame(found)


def main() -> None:
    from automl.evaluate import inflation

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", default=os.path.join(tempfile.gettempdir(), "draws"))
    parser.add_argument("--calibrate", action="store_true")
    parser.add_argument("--noise", action="store_true")
    parser.add_argument("--others", action="store_true", help="other metrics of the same predictions too")
    parser.add_argument("--cache", type=Path, help="file to which what was measured is added")
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    rows = table(options.draws, options.cache, options.others, options.limit)
    pd.set_option("display.width", 200, "display.max_columns", 30, "display.max_rows", 500)
    if options.noise:
        rows = rows.assign(truth=-0.5, truth_error=0.0)  # of the loss 1 - AUC shifted as AUC is: -0.5
    usual = rows["metric"] == rows["task"].map(USUAL)
    if options.calibrate:
        factors = calibrated(rows[usual])
        print("factors:", factors)
        rows = with_z(rows, lambda size: factors.get(str(size), 1.0))
    else:
        rows = with_z(rows, inflation)
    print(judge(rows[usual]).round(3).to_string(index=False))
    print(
        judge(rows[usual & (rows["method"] == "corrected")], ("split", "task", "size")).round(3).to_string(index=False)
    )
    if options.others:
        print(judge(rows[~usual], ("metric", "size", "method")).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
