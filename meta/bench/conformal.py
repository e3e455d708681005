"""Do sets and intervals at 90 % hold the truth nine times in ten, and how large are they?

    python meta/bench/draws.py --out /tmp/draws                                     # once, two hours
    python meta/bench/conformal.py run --draws /tmp/draws --results conformal.jsonl  # resumable; about 2 s a draw
    python meta/bench/conformal.py table --results conformal.jsonl

For each stored draw the ensemble is selected as in a fit, and sets or intervals are made for 2,000 test rows:

- ``cv+``: from all fold models, as ``predict_set`` and ``predict_interval`` do.
- ``split``: split-conformal with one fold's models and its held-out rows only; the mean over the folds.
- ``residual``: out-of-fold scores around the mean of the fold models, as where members were fitted again on all rows.
- ``single``: CV+ with the best single candidate (an ensemble is chosen on the rows that calibrate it).

For classes the score is one minus the label's probability (LAC), and the likeliest label is always in the set. Beside
it, all with CV+: ``empty``, the same where sets may be empty; ``aps``, adaptive sets (Romano, Sesia and Candes 2020)
without, and ``aps random`` with randomisation. ``size`` is the mean number of labels, or the width in standard
deviations of the target; ``one`` the share of sets with one label.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from draws import Draw, load_draw

from automl.core import stream
from automl.ensemble import select
from automl.evaluate.conformal import Calibration, calibrate

__all__ = ["aps_scores", "main", "study"]

CONFIDENCE = 0.9


def aps_scores(probabilities: np.ndarray, uniform: np.ndarray | float = 0.0) -> np.ndarray:
    """Return for each label the probability of it and all likelier ones, less ``uniform`` times its own."""
    order = np.argsort(-probabilities, axis=-1, kind="stable")
    ordered = np.take_along_axis(probabilities, order, axis=-1)
    scores = np.empty_like(probabilities)
    np.put_along_axis(scores, order, np.cumsum(ordered, axis=-1), axis=-1)
    return scores - np.asarray(uniform)[..., None] * probabilities


def study(draw: Draw) -> list[dict[str, Any]]:
    """Return what every method reaches on one draw."""
    choice = select(draw.oof, draw.y_train, draw.scorer, families=draw.families, seed=draw.seed)
    best = np.zeros(len(draw.oof))
    best[np.nanargmin(draw.scorer.losses(draw.y_train, draw.oof))] = 1.0
    methods = dict(_methods(draw, choice.weights))
    methods["single"] = next(_methods(draw, best))[1]
    about = {name: getattr(draw, name) for name in ("key", "dataset", "split", "seed", "task")}
    about |= {"rows": draw.size, "classes": len(draw.classes), "members": int((choice.weights > 0).sum())}
    return [{**about, "method": name, **found} for name, found in methods.items()]


def _methods(draw: Draw, weights: np.ndarray) -> Iterator[tuple[str, dict[str, float]]]:
    used = weights > 0
    oof = np.tensordot(weights[used], draw.oof[used].astype(np.float64), axes=1)
    folds = np.tensordot(weights[used], draw.test_folds[used].astype(np.float64), axes=1)
    y = draw.y_test[: folds.shape[1]]
    if draw.task == "regression":
        yield from _interval_methods(draw, oof, folds, y)
    else:
        # test probabilities of single folds are stored with fewer digits: ties must be ties on both sides
        rounded = np.tensordot(weights[used], draw.oof[used].astype(np.float16).astype(np.float64), axes=1)
        yield from _set_methods(draw, rounded, folds, y)


def _calibrated(draw: Draw, scores: np.ndarray, *, own: int | None = None, models: int | None = None) -> Calibration:
    rows = np.arange(len(scores)) if own is None else np.flatnonzero(draw.folds == own)
    n_models = 1 if own is not None else models or int(draw.folds.max()) + 1
    return calibrate(scores[rows], rows, draw.folds[rows], CONFIDENCE, n_models=n_models)


def _interval_methods(
    draw: Draw, oof: np.ndarray, folds: np.ndarray, y: np.ndarray
) -> Iterator[tuple[str, dict[str, float]]]:
    scores, spread = np.abs(draw.y_train - oof), float(draw.y_test.std()) or 1.0

    def found(ends: np.ndarray) -> dict[str, float]:
        inside = (ends[:, 0] <= y) & (y <= ends[:, 1])
        return {"coverage": float(inside.mean()), "size": float((ends[:, 1] - ends[:, 0]).mean() / spread)}

    yield "cv+", found(_calibrated(draw, scores).interval(folds))
    each = [found(_calibrated(draw, scores, own=k).interval(folds[k : k + 1])) for k in range(len(folds))]
    yield "split", _mean(each)
    yield "residual", found(_calibrated(draw, scores, models=1).interval(folds.mean(axis=0, keepdims=True)))


def _set_methods(
    draw: Draw, oof: np.ndarray, folds: np.ndarray, y: np.ndarray
) -> Iterator[tuple[str, dict[str, float]]]:
    rows, labels = np.arange(len(draw.y_train)), np.arange(len(y))

    def found(sets: np.ndarray) -> dict[str, float]:
        sizes = sets.sum(axis=1)
        return {
            "coverage": float(sets[labels, y].mean()),
            "size": float(sizes.mean()),
            "none": float((sizes == 0).mean()),
            "one": float((sizes == 1).mean()),
        }

    scores = 1.0 - oof[rows, draw.y_train]
    yield "cv+", found(_calibrated(draw, scores).sets(1.0 - folds))
    each = [found(_calibrated(draw, scores, own=k).sets([1.0 - folds[k]])) for k in range(len(folds))]
    yield "split", _mean(each)
    yield "residual", found(_calibrated(draw, scores, models=1).sets([1.0 - folds.mean(axis=0)]))
    yield "empty", found(_calibrated(draw, scores).sets(1.0 - folds, empty=True))
    rng = stream(draw.seed, "aps")
    for name, uniform, test_uniform in (
        ("aps", np.zeros(len(rows)), np.zeros(len(labels))),
        ("aps random", rng.random(len(rows)), rng.random(len(labels))),
    ):
        scores = aps_scores(oof, uniform)[rows, draw.y_train]
        yield (
            name,
            found(_calibrated(draw, scores).sets((aps_scores(fold, test_uniform) for fold in folds), empty=True)),
        )


def _mean(each: Iterable[dict[str, float]]) -> dict[str, float]:
    return {name: float(value) for name, value in pd.DataFrame(list(each)).mean().items()}


def run(folder: Path, results: Path) -> None:
    """Study the draws that are not in the results yet."""
    done = set()
    if results.exists():
        done = {json.loads(line)["key"] for line in results.read_text(encoding="utf-8").splitlines()}
    paths = [path for path in sorted(folder.glob("*--*--*.npz")) if path.stem not in done]
    for number, path in enumerate(paths, start=1):
        lines = "".join(json.dumps(row) + "\n" for row in study(load_draw(path)))
        with open(results, "a", encoding="utf-8") as file:
            file.write(lines)
        print(f"{number}/{len(paths)} {path.stem}", flush=True)


def table(results: Path, split: str) -> pd.DataFrame:
    """Return means by training rows, task and method; the standard error of coverage is one over tables."""
    rows = pd.read_json(results, lines=True)
    rows = rows if split == "all" else rows[rows["split"] == split]
    rows = pd.concat([rows, rows.assign(rows="all"), rows.assign(task="all"), rows.assign(rows="all", task="all")])
    rows = rows.assign(rows=rows["rows"].astype(str))
    keys = ["task", "rows", "method"]
    by = rows.groupby(keys)
    found = by.agg(draws=("key", "nunique"), tables=("dataset", "nunique"), coverage=("coverage", "mean"))
    tables = rows.groupby([*keys, "dataset"])["coverage"].mean().groupby(keys)
    found["se"] = tables.std(ddof=1) / np.sqrt(tables.size())
    for name in ("size", "none", "one"):
        if name in rows:
            found[name] = by[name].mean()
    found = found.reset_index()
    found.loc[found["task"] == "all", "size"] = np.nan  # labels and widths have no mean
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("--draws", type=Path, required=True)
    running.add_argument("--results", type=Path, required=True)
    showing = commands.add_parser("table")
    showing.add_argument("--results", type=Path, required=True)
    showing.add_argument("--split", choices=("develop", "meta_only", "all"), default="develop")
    arguments = parser.parse_args()
    if arguments.command == "run":
        run(arguments.draws, arguments.results)
    else:
        print(table(arguments.results, arguments.split).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
