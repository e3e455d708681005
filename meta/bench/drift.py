"""What sensor drift does to models, and what validation says of it: both protocols on ``gas_sensor_drift``.

    python meta/bench/drift.py run --budget 60 --out drift.jsonl    # resumable: what is there is not done again
    python meta/bench/drift.py table --out drift.jsonl

The table holds 8 of the 10 batches of the UCI gas sensor array drift data (Vergara et al., 2012), months in order.
Protocol "first": everything is fitted on the first batch and scored on each later one. Protocol "walk": for each
later batch, everything is fitted on all batches before it. Baselines are a random forest and a support vector machine
with default settings. ``shuffled`` runs validate in shuffled folds, ``forward`` ones on the last batch of training
(``times=``, ``cv="last_batch"``). The estimate that each run had of its own log loss stands beside what came true.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tables import DATA, load, require

TABLE = "gas_sensor_drift"
BATCH = "batch"


def systems(protocol: str) -> list[str]:
    """Return what is compared; with one batch to fit on there is nothing to validate forward."""
    return ["forest", "svm", "automl shuffled"] + (["automl forward"] if protocol == "walk" else [])


def parts(batch: np.ndarray, protocol: str) -> Iterator[tuple[Any, np.ndarray, np.ndarray]]:
    """Yield each scored batch with the rows to fit on and to score."""
    names = np.unique(batch)
    for place in range(1, len(names)):
        train = batch == names[0] if protocol == "first" else batch < names[place]
        yield names[place], np.flatnonzero(train), np.flatnonzero(batch == names[place])


def fitted(system: str, X: pd.DataFrame, y: pd.Series, batch: np.ndarray, budget: float, jobs: int) -> Any:
    if system == "forest":
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(n_estimators=300, random_state=0).fit(X, y)
    if system == "svm":
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import SVC

        return make_pipeline(StandardScaler(), CalibratedClassifierCV(SVC(), ensemble=False)).fit(X, y)
    from automl import AutoClassifier

    forward = system == "automl forward" and len(np.unique(batch)) > 1
    model = AutoClassifier(
        budget, metric="log_loss", n_jobs=jobs, random_state=0, verbose=0, cv="last_batch" if forward else "auto"
    )
    return model.fit(X, y, times=batch if forward else None)


def scores(model: Any, X: pd.DataFrame, y: pd.Series) -> dict[str, float]:
    """Return macro F1, one-against-rest AUC over the gases that are there, and log loss."""
    from sklearn.metrics import f1_score, log_loss, roc_auc_score

    probability, classes = model.predict_proba(X), list(model.classes_)
    aucs = [
        roc_auc_score(y == name, probability[:, place])
        for place, name in enumerate(classes)
        if 0 < (y == name).sum() < len(y)
    ]
    return {
        "macro_f1": float(f1_score(y, model.predict(X), average="macro", labels=sorted(set(y)))),
        "auc_ovr": float(np.mean(aucs)),
        "log_loss": float(log_loss(y, probability, labels=classes)),
    }


def run(data: Path, out: Path, budget: float, jobs: int) -> None:
    X, y, _ = load(data, TABLE)
    batch = X.pop(BATCH).to_numpy()
    done = {(r["protocol"], r["system"], r["batch"]) for r in records(out)}
    for protocol in ("first", "walk"):
        for system in systems(protocol):
            model = None  # of the first protocol: one for all batches
            for name, train, test in parts(batch, protocol):
                if (protocol, system, int(name)) in done:
                    continue
                if model is None or protocol == "walk":
                    model = fitted(system, X.iloc[train], y.iloc[train], batch[train], budget, jobs)
                estimate = getattr(model, "estimate_", None)
                record = {
                    "protocol": protocol,
                    "system": system,
                    "batch": int(name),
                    "train_rows": len(train),
                    "test_rows": len(test),
                    **scores(model, X.iloc[test], y.iloc[test]),
                    "estimate": None if estimate is None else estimate.value,
                    "label": None if estimate is None else estimate.label,
                }
                with out.open("a") as file:
                    file.write(json.dumps(record) + "\n")
                print(record, flush=True)


def records(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def table(out: Path) -> str:
    """Return macro F1 and AUC per batch, then the error of each run's own estimate of its log loss."""
    frame = pd.DataFrame(records(out))
    text = []
    for protocol, part in frame.groupby("protocol"):
        for score in ("macro_f1", "auc_ovr", "log_loss"):
            wide = part.pivot(index="system", columns="batch", values=score)
            rows = part[part["system"] == part["system"].iloc[0]].set_index("batch")["test_rows"]
            wide["weighted mean"] = (wide * rows).sum(axis=1) / rows.sum()
            text.append(f"{protocol}: {score}\n{wide.round(3).to_string()}")
        own = part[part["estimate"].notna()]
        missed = (own["log_loss"] - own["estimate"]).groupby(own["system"]).agg(["median", "max"])
        text.append(f"{protocol}: log loss that came, less the run's own estimate of it\n{missed.round(3).to_string()}")
    return "\n\n".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "table"))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=Path("drift.jsonl"))
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    if args.command == "run":
        run(require(args.data), args.out, args.budget, args.jobs)
    else:
        print(table(args.out))


if __name__ == "__main__":
    main()
