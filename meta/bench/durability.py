"""Is a run ever lost? Drivers killed at random moments, hostile models, and what the journal costs.

python meta/bench/durability.py kills --times 100   # kill -9, then resume; about 15 minutes
python meta/bench/durability.py hostile --times 50  # timed fits among models that misbehave; about 12 minutes
python meta/bench/durability.py journal             # milliseconds per fold result, seconds to resume 5,000 trials
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from sklearn.datasets import load_breast_cancer, make_classification

TRIALS = 16


def table() -> tuple[Any, Any]:
    return load_breast_cancer(return_X_y=True, as_frame=True)


# ---- kills


def child(arguments: argparse.Namespace) -> None:
    """Fit or resume the counted run of a folder, and leave its predictions there."""
    from automl import AutoClassifier

    folder = Path(arguments.folder)
    X, y = table()
    if (folder / "run" / "journal.sqlite").exists():
        model = AutoClassifier.resume(folder / "run", keep_data=True, verbose=0)
    else:
        settings = {
            "max_trials": TRIALS,
            "cv": 3,
            "n_jobs": 2,
            "include": ["linear", "bayes", "tree", "neighbors", "kernel"],
        }
        model = AutoClassifier(None, run_dir=folder / "run", keep_data=True, random_state=0, verbose=0, **settings)
        model.fit(X, y)
    loss = next(e.data["loss"] for _, e in reversed(model._journal.read()) if e.kind == "ensemble")
    (folder / "done").write_bytes(pickle.dumps((model.predict_proba(X), loss)))


def started(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, __file__, "child", "--folder", str(folder)]
    return subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE)


def survivors(session: int) -> list[int]:
    """Processes of a session, after they had a little time to notice the death of their parent."""
    until = time.monotonic() + 10
    while True:
        left = []
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                    left.append(process.pid)
            except (OSError, psutil.Error):
                continue
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.05)


def intact(path: Path) -> bool:
    if not path.exists():
        return True
    with sqlite3.connect(path) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok")


def repeated(path: Path) -> int:
    """Finished folds that ran again."""
    with sqlite3.connect(path) as connection:
        rows = [json.loads(row[0]) for row in connection.execute("SELECT data FROM events WHERE kind = 'fold'")]
    counts = Counter((row["trial"], row["fold"]) for row in rows if row["status"] == "ok" and row["kind"] == "fold")
    return sum(times - 1 for times in counts.values())


def kills(arguments: argparse.Namespace) -> None:
    base = Path(tempfile.mkdtemp(prefix="kills-"))
    begun = time.monotonic()
    (base / "calm").mkdir()
    started(base / "calm").wait()
    whole = time.monotonic() - begun
    wanted, loss = pickle.loads((base / "calm" / "done").read_bytes())
    rng = np.random.default_rng(arguments.seed)
    totals: Counter[str] = Counter()
    number = 0
    while totals["killed"] < arguments.times:
        number += 1
        folder = base / f"kill-{number}"
        folder.mkdir()
        moment = rng.uniform(0.3, 0.95 * whole)
        process = started(folder)
        try:
            process.wait(moment)
            totals["ended before it was killed"] += 1
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            totals["killed"] += 1
        totals["processes left"] += len(survivors(process.pid))
        totals["journals damaged"] += not intact(folder / "run" / "journal.sqlite")
        if not (folder / "done").exists():
            again = started(folder)
            _, error = again.communicate()
            if again.returncode != 0:
                if (
                    b"before it had a plan" in error
                    or b"no longer has its table" in error
                    or b"cannot be read" in error
                ):
                    totals["killed before there was anything to resume"] += 1
                else:
                    totals["resume failed"] += 1
                    print(f"kill at {moment:.2f} s:", error.decode()[-2000:])
                continue
            totals["processes left"] += len(survivors(again.pid))
            totals["resumed"] += 1
        prediction, reached = pickle.loads((folder / "done").read_bytes())
        totals["same predictions as the run that was left alone"] += bool(np.array_equal(prediction, wanted))
        totals["worse by the journal's loss"] += reached > loss
        totals["finished folds that ran again"] += repeated(folder / "run" / "journal.sqlite")
        shutil.rmtree(folder)
        print(f"{totals['killed']} of {arguments.times}, {time.monotonic() - begun:.0f} s", dict(totals), flush=True)
    shutil.rmtree(base, ignore_errors=True)
    for name, count in totals.items():
        print(f"{name:55} {count}")


# ---- hostile models


def hostile(arguments: argparse.Namespace) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from automl import AutoClassifier
    from tests.system import hostile as models

    rng = np.random.default_rng(arguments.seed)
    late, nothing, walls = 0, 0, []
    for number in range(arguments.times):
        X, y = make_classification(int(rng.integers(100, 1500)), 8, n_classes=2, random_state=number)
        bad = [models.component(kind) for kind in models.EXPECTED if rng.random() < 0.6]
        budget = float(rng.choice([6.0, 10.0, 15.0]))
        model = AutoClassifier(
            budget, n_jobs=2, include=["linear", "bayes", *bad], memory_limit_mb=3000, random_state=number, verbose=0
        )
        begun = time.monotonic()
        model.fit(X, y)
        wall = time.monotonic() - begun
        late += wall > budget + max(1.0, 0.02 * budget)
        best = model.outcome_.members[0].config.steps[-1].component if model.outcome_.members else "none"
        nothing += best in ("none", "prior")
        walls.append(wall / budget)
        print(number + 1, f"{wall:.2f} of {budget:.0f} s", dict(model.outcome_.trials), best, flush=True)
    print(
        f"{arguments.times} fits: {late} late, {nothing} without a real model; latest end {max(walls):.1%} of the time"
    )


# ---- the journal


def journal(arguments: argparse.Namespace) -> None:
    from sklearn.datasets import load_iris

    from automl import AutoClassifier
    from automl.core import Event
    from automl.store import SqliteJournal, SteadyJournal

    base = Path(tempfile.mkdtemp(prefix="journal-"))
    X, y = load_iris(return_X_y=True)
    settings = {"max_trials": 5, "cv": 2, "executor": "serial", "random_state": 0, "verbose": 0}
    AutoClassifier(60, run_dir=base / "run", keep_data=True, **settings).fit(X, y)
    path = base / "run" / "journal.sqlite"
    inner = SqliteJournal(path)
    events = [event for _, event in inner.read()]
    steady = SteadyJournal(inner, print, events)
    last = max(e.data["trial"] for e in events if e.kind == "trial")
    template = [e for e in events if e.data.get("trial") == last and e.kind in ("trial", "fold", "result")]
    fold = next(e for e in template if e.kind == "fold")
    seconds = []
    for trial in range(last + 1, 5000):
        for event in template:
            data = {**event.data, "trial": trial}
            if event.kind == "fold":  # worse than all others: nothing of it is kept
                data |= {"losses": dict.fromkeys(fold.data["losses"], 9.0)}
            begun = time.perf_counter()
            steady.append(Event(event.kind, data, event.seconds))
            seconds.append(time.perf_counter() - begun)
    steady.close()
    middle, most = 1e3 * np.quantile(seconds, [0.5, 0.99])
    print(f"milliseconds for one event: median {middle:.3f}, 99 % {most:.3f}")
    print(f"journal of 5,000 trials: {path.stat().st_size / 1e6:.1f} MB")
    begun = time.perf_counter()
    AutoClassifier.resume(base / "run", time_budget=60, max_trials=5000, verbose=0)
    print(f"seconds to resume it, the final ensemble included: {time.perf_counter() - begun:.2f}")
    shutil.rmtree(base)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("kills", "hostile", "journal", "child"))
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    {"kills": kills, "hostile": hostile, "journal": journal, "child": child}[arguments.what](arguments)


if __name__ == "__main__":
    main()
