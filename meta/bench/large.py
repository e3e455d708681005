"""Does a fit of a large or a wide table keep its time and its memory? Memory is also watched from outside.

    python meta/bench/large.py --table tall            # 1,000,000 x 50 float32, two classes; 5 minutes
    python meta/bench/large.py --table wide            # 200 x 20,000 float32, two classes
    python meta/bench/large.py --table tall --rows 300000 --budget 60 --memory 4000

The tables are made here from a seed and kept in ``--folder``. The fit and the LightGBM it is compared with are
processes of their own; the memory of the fit's process and all it starts is summed five times a second (PSS: pages
that several processes share are counted once).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

LOOK_SECONDS = 0.2
TEST_ROWS = {"tall": 100_000, "wide": 2_000}
SHAPES = {"tall": (1_000_000, 50), "wide": (200, 20_000)}


def tall(rows: int, columns: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A nonlinear signal of 12 columns under so much noise that good models reach an AUC of about 0.85."""
    X = rng.standard_normal((rows, columns), dtype=np.float32)
    signal = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + np.abs(X[:, 3]) + np.where(X[:, 4] > 0.5, X[:, 5], -X[:, 6])
    signal += 0.5 * X[:, 7] ** 2 - 0.5 * X[:, 8] + 0.7 * np.tanh(X[:, 9] + X[:, 10] * X[:, 11])
    signal += rng.logistic(scale=0.95, size=rows).astype(np.float32)
    return X, (signal > 1.3).astype(np.int64)


def wide(rows: int, columns: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Twenty columns whose means differ between the classes, among thousands that say nothing."""
    X = rng.standard_normal((rows, columns), dtype=np.float32)
    y = np.arange(rows) % 2
    X[:, 7 :: columns // 20][:, :20] += np.float32(0.4) * (2 * y[:, None] - 1)
    return X, y


MAKERS = {"tall": tall, "wide": wide}


def prepared(folder: Path, table: str, rows: int) -> Path:
    """Return the folder of a table, made if it is not there."""
    path = folder / f"{table}-{rows}"
    if not (path / "ready").exists():
        path.mkdir(parents=True, exist_ok=True)
        for part, size, seed in (("train", rows, 0), ("test", TEST_ROWS[table], 1)):
            X, y = MAKERS[table](size, SHAPES[table][1], np.random.default_rng([seed, rows]))
            np.save(path / f"X_{part}.npy", X)
            np.save(path / f"y_{part}.npy", y)
        (path / "ready").touch()
    return path


def auc(model: Any, path: Path) -> tuple[float, float]:
    """Return the test AUC, and the seconds of predicting 100,000 rows (extrapolated where there are fewer)."""
    from sklearn.metrics import roc_auc_score

    X, y = np.load(path / "X_test.npy"), np.load(path / "y_test.npy")
    started = time.monotonic()
    probability = model.predict_proba(X)[:, 1]
    return float(roc_auc_score(y, probability)), (time.monotonic() - started) * 100_000 / len(y)


def lightgbm(path: Path, threads: int) -> dict[str, Any]:
    from lightgbm import LGBMClassifier

    X, y = np.load(path / "X_train.npy"), np.load(path / "y_train.npy")
    started = time.monotonic()
    model = LGBMClassifier(n_jobs=threads, verbose=-1, random_state=0).fit(X, y)
    seconds = time.monotonic() - started
    score, predicting = auc(model, path)
    return {"auc": score, "fit_seconds": seconds, "predict_seconds": predicting}


def fit(path: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Fit and report; the lines before the last one tell the parent where the fit begins and ends."""
    from automl import AutoClassifier

    X, y = np.load(path / "X_train.npy"), np.load(path / "y_train.npy")
    model = AutoClassifier(
        arguments.budget,
        metric="roc_auc",
        n_jobs=arguments.jobs,
        memory_limit_mb=arguments.memory,
        random_state=arguments.seed,
        verbose=0,
    )
    print("begin", flush=True)
    started, cpu = time.monotonic(), _cpu_seconds()
    model.fit(X, y)
    seconds, driver_cpu = time.monotonic() - started, _cpu_seconds() - cpu
    print("end", flush=True)
    score, predicting = auc(model, path)
    folder = tempfile.mkdtemp(dir=path)
    saved = model.save(Path(folder) / "model")
    board, outcome = model.leaderboard(), model.outcome_
    folds = [event.data for _, event in model._journal.read() if event.kind == "fold"]
    report = {
        "fit_seconds": seconds,
        "driver_cpu_seconds": driver_cpu,
        "worker_cpu_seconds": sum(fold["cpu_seconds"] for fold in folds),
        "reported_peak_mb": getattr(outcome, "peak_mb", None),
        "trials": dict(outcome.trials),
        "jobs": len(folds),
        "lost_jobs": [
            {name: fold[name] for name in ("trial", "status", "wall_seconds", "peak_mb", "error")}
            for fold in folds
            if fold["status"] not in ("ok", "cancelled")
        ],
        "auc": score,
        "estimate": model.estimate_.value,
        "predict_seconds": predicting,
        "saved_mb": saved.stat().st_size / 1e6,
        "members": [(m.config.shape(), round(m.weight, 3), m.refitted) for m in outcome.members],
        "stopped": outcome.stopped,
        "notes": list(outcome.notes),
    }
    saved.unlink()
    os.rmdir(folder)
    if arguments.board:
        print(board.drop(columns=["metric", "origin"]).to_string(max_colwidth=70, float_format="%.4g"), file=sys.stderr)
    return report


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system


class Watch(threading.Thread):
    """Sums the memory of a process and all its descendants, and keeps the largest sum of each stage."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.stage, self.peaks, self.ended = "loading", {}, False
        self._root = psutil.Process(pid)

    def run(self) -> None:
        while not self.ended:
            try:
                family = [self._root, *self._root.children(recursive=True)]
            except psutil.Error:
                return
            total = sum(_pss_mb(process.pid) for process in family)
            self.peaks[self.stage] = max(self.peaks.get(self.stage, 0.0), total)
            time.sleep(LOOK_SECONDS)


def _pss_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has just ended
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


def watched(command: list[str]) -> tuple[dict[str, Any], dict[str, float]]:
    """Run a command that prints ``begin``, ``end`` and a line of JSON; return that and the peaks by stage."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        watch = Watch(process.pid)
        watch.start()
        last = ""
        assert process.stdout is not None
        for line in process.stdout:
            last = line.strip()
            watch.stage = {"begin": "fit", "end": "after"}.get(last, watch.stage)
        watch.ended = True
    if process.returncode != 0:
        sys.exit(f"the fit ended with code {process.returncode}")
    return json.loads(last), watch.peaks


def compare(arguments: argparse.Namespace) -> None:
    rows = arguments.rows or SHAPES[arguments.table][0]
    path = prepared(Path(arguments.folder), arguments.table, rows)
    options = [f"--{name}={getattr(arguments, name)}" for name in ("table", "rows", "budget", "memory", "jobs", "seed")]
    options += [f"--folder={arguments.folder}", *(["--board"] if arguments.board else [])]
    report, peaks = watched([sys.executable, __file__, *[o for o in options if not o.endswith("=None")], "--part=fit"])
    report["peak_mb"] = peaks.get("fit", 0.0)
    report["peak_mb_after"] = peaks.get("after", 0.0)
    baseline_path = path / "lightgbm.json"
    if not baseline_path.exists():
        baseline_path.write_text(json.dumps(lightgbm(path, arguments.jobs)))
    report["lightgbm"] = json.loads(baseline_path.read_text())
    for name, value in report.items():
        print(f"{name:20} {value:.4f}" if isinstance(value, float) else f"{name:20} {value}")
    late = report["fit_seconds"] - arguments.budget - max(1.0, 0.02 * arguments.budget)
    print(f"time {'kept' if late <= 0 else f'missed by {late:.1f} s'}, ", end="")
    print(f"memory {'kept' if report['peak_mb'] <= arguments.memory else 'missed'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", choices=tuple(MAKERS), default="tall")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--budget", type=float, default=300.0)
    parser.add_argument("--memory", type=float, default=8000.0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", default=str(Path(tempfile.gettempdir()) / "automl-large"))
    parser.add_argument("--board", action="store_true", help="print the leaderboard too")
    parser.add_argument("--part", choices=("compare", "fit"), default="compare", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part == "fit":
        rows = arguments.rows or SHAPES[arguments.table][0]
        print(json.dumps(fit(prepared(Path(arguments.folder), arguments.table, rows), arguments)))
    else:
        compare(arguments)


if __name__ == "__main__":
    main()
