"""Does strict nested cross-validation hold? The whole procedure in each outer fold, against a large test set.

    python meta/bench/nested.py run --draws /tmp/draws --results /tmp/nested_study     # resumable; about an hour
    python meta/bench/nested.py table --draws /tmp/draws --results /tmp/nested_study

Takes 60 of the ``develop`` draws that ``draws.py`` has stored (28 of 200 rows, 20 of 500, 12 of 2,000) and the first
eight candidates of each that are not constant. For each of the five outer folds these are fitted on five inner folds of
the outer training part, the ensemble is selected there, and the weighted mean of its fold models' predictions is scored
on the outer test part. The truth is the test score of the same procedure on the whole training sample, from the stored
predictions of the same eight candidates.

Standard errors: by row, from the influence of each row on the outer scores; the same times the root of two, as the
product reports it, since the folds share training rows; and by fold, from the spread of the
five outer scores (its interval is Student's with 4 degrees of freedom). ``z`` is positive where the estimate is better
than the truth. With ``--draws`` of noise labels (``draws.py --kind noise``) all draws are taken and the truth is .5.

Needs the benchmark tables (``--data``, by default ``../shared/data`` beside the project), which are not part of it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from draws import FIT_SECONDS, Draw, load_draw, plan
from estimates import share_interval
from tables import DATA, load, require

__all__ = ["chosen", "judge", "measure", "mixed", "outer_predictions"]

DRAWS = {200: 28, 500: 20, 2_000: 12}
CANDIDATES = 8
NORMAL, STUDENT = 1.96, 2.776  # 97.5 % quantiles; four degrees of freedom


def chosen(data: Path, draws: Path) -> list[Path]:
    """Return the files of the draws to take, small samples first; those that are not there are left out."""
    manifest = pd.read_csv(data / "manifest.csv")
    jobs = [job for job in plan(manifest, "real") if job.split == "develop"]
    keys = [job.key for size, count in DRAWS.items() for job in [job for job in jobs if job.size == size][:count]]
    noise = [job.key for job in plan(manifest, "noise")]
    paths = [draws / f"{key}.npz" for key in dict.fromkeys([*keys, *noise])]
    there = [path for path in paths if path.exists()]
    # the names of both kinds of draws are the same; a folder holds one kind
    return there if there and load_draw(there[0]).kind == "noise" else [path for path in there if path.stem in keys]


def candidates(draw: Draw) -> np.ndarray:
    """Return the first eight that look at the columns."""
    return np.array([i for i, family in enumerate(draw.families) if family != "prior"][:CANDIDATES])


def mixed(
    metric: Any, y: np.ndarray, oof: np.ndarray, test: np.ndarray, families: list[str], seed: int = 0
) -> np.ndarray:
    """Select the ensemble on out-of-fold predictions; return what it predicts for the test rows."""
    from automl.ensemble import select

    scored = np.isfinite(oof[0].reshape(len(y), -1)).all(axis=1)
    choice = select(oof[:, scored], y[scored], metric, families=families, seed=seed)
    return np.asarray(np.tensordot(choice.weights, test, axes=1))


def outer_predictions(draw: Draw, X: pd.DataFrame) -> np.ndarray:
    """Return the predictions of the whole procedure for every training row, made without it.

    Parameters
    ----------
    X : DataFrame
        The training rows of the draw, in its order.
    """
    from candidates import fit_candidates

    from automl.core import Config, stream_seed
    from automl.data import make_dataset

    configs = [Config.from_json(draw.configs[i]) for i in candidates(draw)]
    labels = np.asarray(draw.classes)[draw.y_train] if draw.classes else draw.y_train
    prediction = np.full(draw.oof.shape[1:], np.nan)
    for fold in range(draw.folds.max() + 1):
        here, there = np.flatnonzero(draw.folds != fold), np.flatnonzero(draw.folds == fold)
        dataset = make_dataset(
            X.iloc[here].reset_index(drop=True), pd.Series(labels[here]), classifies=draw.task != "regression"
        )
        seed = stream_seed(draw.seed, f"nested {draw.dataset}", draw.size, fold)
        X_test = X.iloc[there].reset_index(drop=True)
        fitted = fit_candidates(dataset, X_test, configs, metric=draw.scorer, seed=seed, fit_seconds=FIT_SECONDS)
        y = np.asarray(dataset.y)
        prediction[there] = mixed(draw.scorer, y, fitted.oof, fitted.test, list(fitted.families))
    return prediction


def run(arguments: argparse.Namespace) -> None:
    """Make the outer predictions that are not there yet."""
    data, results = require(arguments.data), Path(arguments.results)
    results.mkdir(parents=True, exist_ok=True)
    left = [path for path in chosen(data, Path(arguments.draws)) if not (results / path.name).exists()]
    print(f"{len(left)} draws to do in {results}", flush=True)
    with ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(_one, path, data, results) for path in left]):
            print(future.result(), flush=True)


def _one(path: Path, data: Path, results: Path) -> str:
    started = time.monotonic()
    try:
        draw = load_draw(path)
        X, _, _ = load(data, draw.dataset)
        prediction = outer_predictions(draw, X.iloc[draw.train_rows].reset_index(drop=True))
    except Exception:
        return f"{path.stem} FAILED {traceback.format_exc(limit=-3)}"
    temporary = results / f"{path.stem}.{os.getpid()}.tmp"
    with open(temporary, "wb") as file:
        np.savez(file, prediction=prediction, meta=np.array(json.dumps({"draw": draw.key})))
    os.replace(temporary, results / path.name)
    return f"{path.stem} {time.monotonic() - started:.0f} s"


def measure(draw: Draw, prediction: np.ndarray) -> Iterator[dict[str, Any]]:
    """Yield one row for each kind of standard error."""
    from automl.evaluate.influence import standard_errors
    from automl.search.nested_result import SHARED_TRAINING

    metric, among = draw.scorer, candidates(draw)
    families = [draw.families[i] for i in among]
    final = mixed(metric, draw.y_train, draw.oof[among], draw.test[among], families)[None]
    truth = float(metric.losses(draw.y_test, final)[0])
    truth_error = float(standard_errors(metric, draw.y_test, final)[0])
    if draw.kind == "noise":
        truth, truth_error = metric.loss(np.array([0, 1]), np.full((2, 2), 0.5)), 0.0
    folds = [draw.folds == fold for fold in np.unique(draw.folds)]
    losses = np.array([metric.loss(draw.y_train[rows], prediction[rows]) for rows in folds])
    by_row = float(standard_errors(metric, draw.y_train, prediction[None], folds=draw.folds)[0])
    errors = {
        "row": by_row,
        "row, as reported": SHARED_TRAINING * by_row,
        "fold": float(losses.std(ddof=1) / np.sqrt(len(losses))),
    }
    for name, error in errors.items():
        yield {
            "dataset": draw.dataset,
            "size": draw.size,
            "seed": draw.seed,
            "error by": name,
            "loss": losses.mean(),
            "truth": truth,
            "z": (truth - losses.mean()) / np.hypot(error, truth_error),
            "bias": (truth - losses.mean()) / error,
            "relative": draw.percent(truth - losses.mean(), truth),
        }


def judge(rows: pd.DataFrame) -> pd.DataFrame:
    """Return bias and coverage for each size and standard error; positive is optimistic."""
    found = []
    for (error, size), part in rows.groupby(["error by", "size"]):
        z, tables = part["z"].to_numpy(), part["dataset"].to_numpy()
        inside = (np.abs(z) <= (STUDENT if error == "fold" else NORMAL)).astype(float)
        found.append(
            {
                "error by": error,
                "size": size,
                "draws": len(part),
                "tables": part["dataset"].nunique(),
                "mean z": z.mean(),
                "z from": share_interval(z, tables)[0],
                "z to": share_interval(z, tables)[1],
                "sd z": z.std(),
                "bias/SE": part["bias"].mean(),
                "median bias %": part["relative"].median(),
                "coverage": inside.mean(),
                "from": share_interval(inside, tables)[0],
                "to": share_interval(inside, tables)[1],
            }
        )
    return pd.DataFrame(found)


def table(arguments: argparse.Namespace) -> None:
    rows: list[dict[str, Any]] = []
    for path in sorted(Path(arguments.results).glob("*--*--*.npz")):
        with np.load(path, allow_pickle=False) as file:
            prediction = file["prediction"]
        rows += measure(load_draw(Path(arguments.draws) / path.name), prediction)
    if not rows:
        sys.exit(f"no results in {arguments.results}: run first, or give --results")
    with pd.option_context("display.width", 250, "display.max_columns", None):
        print(judge(pd.DataFrame(rows)).to_string(index=False, float_format=lambda value: f"{value:.3g}"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "table"))
    parser.add_argument("--data", default=str(DATA))
    parser.add_argument("--draws", default=os.path.join(tempfile.gettempdir(), "draws"))
    parser.add_argument("--results", default=os.path.join(tempfile.gettempdir(), "nested_study"))
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    (run if arguments.command == "run" else table)(arguments)


if __name__ == "__main__":
    main()
