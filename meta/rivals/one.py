"""One run: a system fits on one fold of a table and predicts the rest. Started by the Python of that system.

Writes what happened to ``--out``, stage by stage, so that a run that is killed has said how far it came.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

METRIC = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}
TWICE_BELOW = 20.0  # seconds: what predicts faster does so a second time


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("system", "path", "target", "task", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--budget", type=float, required=True)
    for name, default in (("fold", 0), ("seed", 0), ("cores", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--adapters", help="a Python file with a dictionary ADAPTERS of further systems")
    return parser.parse_args()


def scores(task: str, y: Any, found: Any) -> dict[str, float]:
    """Return all metrics of a task; ``found`` are values, or probabilities with a column for each class."""
    import numpy as np

    if task == "regression":
        gap = found - y
        return {"rmse": float(np.sqrt(np.mean(gap**2))), "mae": float(np.mean(np.abs(gap)))}
    likely = np.clip(found, 1e-15, 1.0)
    likely = likely / likely.sum(axis=1, keepdims=True)
    label = found.argmax(axis=1)
    values = {
        "log_loss": float(-np.mean(np.log(likely[np.arange(len(y)), y]))),
        "accuracy": float(np.mean(label == y)),
        "balanced_accuracy": float(np.mean([np.mean(label[y == k] == k) for k in np.unique(y)])),
    }
    if task == "binary":
        from sklearn.metrics import roc_auc_score

        values["roc_auc"] = float(roc_auc_score(y, found[:, 1]))
    return values


def checked(task: str, found: Any, n: int, n_classes: int, columns: list[int]) -> Any:
    """Return predictions in the layout of :func:`scores`, or refuse them."""
    import numpy as np

    found = np.asarray(found, dtype="float64")
    if not np.isfinite(found).all():
        raise ValueError("the predictions are not all finite")
    if task == "regression":
        return found.reshape(n)
    if found.shape != (n, len(columns)):
        raise ValueError(f"probabilities of shape {found.shape} for {n} rows and classes {columns}")
    whole = np.zeros((n, n_classes))
    whole[:, columns] = found
    return whole


def timed(work: Any) -> tuple[Any, float]:
    started = time.perf_counter()
    value = work()
    return value, time.perf_counter() - started


def run(asked: argparse.Namespace, note: Any) -> None:
    """Fit, predict and score; tell ``note`` of each thing that is known."""
    import adapters
    import tables

    X, y, n_classes = tables.read(asked.path, asked.target, asked.task)
    train, test = tables.split(y, asked.task, asked.fold, asked.seed)
    note(
        fold_hash=tables.fold_hash(test), n_train=len(train), n_test=len(test), n_features=X.shape[1],
        n_classes=n_classes,
    )  # fmt: skip
    make = adapters.find(asked.system, asked.adapters)
    system = make(asked.task, asked.budget, asked.cores, asked.seed, n_classes)
    if system.needs != "native":
        X = tables.categories(X)
    parts = [X.iloc[rows].reset_index(drop=True) for rows in (train, test)]
    note(stage="setup", version=system.version())
    note(setup_s=round(timed(system.setup)[1], 3), stage="fit")
    _, seconds = timed(lambda: system.fit(parts[0], y[train]))
    note(fit_s=round(seconds, 3), overshoot=round(seconds / asked.budget, 3), info=system.info, stage="predict")
    found, seconds = timed(lambda: system.predict(parts[1]))
    note(predict_s=round(seconds, 4), predict_rows_per_s=round(len(test) / max(seconds, 1e-9), 1))
    if seconds < TWICE_BELOW:
        note(predict_warm_s=round(timed(lambda: system.predict(parts[1]))[1], 4))
    note(stage="score")
    values = scores(asked.task, y[test], checked(asked.task, found, len(test), n_classes, system.columns))
    note(**values, metric=values[METRIC[asked.task]], status="ok", stage="size")
    note(artifact_mb=system.size_mb(), stage="done")
    system.close()


def main() -> None:
    asked = parsed()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS"):
        os.environ[name] = str(asked.cores)  # before NumPy is imported; workers inherit them
    warnings.filterwarnings("ignore")
    result: dict[str, Any] = {"status": "error", "metric_name": METRIC[asked.task], "started": time.time()}

    def note(**values: Any) -> None:
        result.update(values)
        scratch = Path(f"{asked.out}.part")
        scratch.write_text(json.dumps(result, default=str), encoding="utf-8")
        scratch.replace(asked.out)

    note(stage="load")
    try:
        run(asked, note)
    except BaseException as error:
        if result["status"] == "ok":  # it has predicted; only its size is not known
            note(size_error=f"{type(error).__name__}: {error}"[:500])
        else:
            note(error=f"{type(error).__name__}: {error}"[:2000], traceback=traceback.format_exc()[-4000:])
    note(total_s=round(time.time() - result["started"], 3))
    sys.stdout.flush()
    os._exit(0 if result["status"] == "ok" else 1)  # threads that a system leaves behind do not keep us here


if __name__ == "__main__":
    main()
