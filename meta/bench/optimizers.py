"""Optimizers x tasks x seeds: which way to propose finds good configurations in fewest trials?

    python meta/bench/optimizers.py run --results /tmp/optimizers.jsonl                       # 8 analytic tasks
    python meta/bench/optimizers.py run --results /tmp/optimizers.jsonl --replayed /tmp/replayed --tasks replayed
    python meta/bench/optimizers.py run --results /tmp/optimizers.jsonl --optimizers tpe       # needs Optuna
    /tmp/smac/bin/python meta/bench/optimizers.py run --results /tmp/smac.jsonl --optimizers smac --seeds 5
    python meta/bench/optimizers.py table --results /tmp/optimizers.jsonl /tmp/smac.jsonl --figures /tmp/figures

Resumable: what is in the results is skipped, a run is written whole or not at all; seeds come first, so that a part of
the runs is as balanced over tasks and optimizers as the whole. Tasks: ``analytic`` (``analytic.py``), ``tuning`` (the
analytic ones that settings were chosen on), ``replayed`` (``replayed.py``), ``fits`` (``interactions.py``: real fits).
``table`` prints mean ranks with critical differences, and what ``curves.py`` says besides.

``asha`` also evaluates at lower fidelities, a trial there counts as the share that it costs; only whole evaluations are
results. ``auto`` and ``portfolio+...`` start from the portfolio where a task has one, the others from nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import analytic
import pandas as pd
from others import versions
from proposing import OPTIMIZERS, Task, play

__all__ = ["KINDS", "jobs", "one", "read", "run", "tasks_of"]

KINDS = ("analytic", "tuning", "replayed", "replayed tuning", "fits")
DEFAULT = ("random", "bayes", "genetic", "auto")


def tasks_of(kind: str, replayed: Path | None = None) -> Sequence[Task]:
    """Return the tasks of a kind."""
    if kind == "analytic":
        return analytic.REPORTING
    if kind == "tuning":
        return analytic.TUNING
    if kind == "fits":
        from interactions import TASKS

        return TASKS
    from replayed import REPORTING, TUNING, replayed_tasks

    if replayed is None:
        raise SystemExit("replayed tasks need --replayed: the folder that replayed.py has filled")
    return replayed_tasks(replayed, REPORTING if kind == "replayed" else TUNING)


def jobs(kind: str, tasks: Sequence[str], names: Sequence[str], seeds: int, done: set[Any]) -> Iterator[dict[str, Any]]:
    """Yield what is not done yet: seeds outermost."""
    for seed in range(seeds):
        for task in tasks:
            for name in names:
                if (kind, task, name, seed) not in done:
                    yield {"kind": kind, "task": task, "optimizer": name, "seed": seed}


_TASKS: dict[tuple[str, str], dict[str, Task]] = {}  # of this process: their models are fitted once


def one(job: dict[str, Any], trials: int, replayed: Path | None) -> dict[str, Any]:
    """Return the record of one run."""
    from automl.core import stream_seed

    key = (job["kind"], str(replayed))
    if key not in _TASKS:
        _TASKS[key] = {task.name: task for task in tasks_of(job["kind"], replayed)}
    task = _TASKS[key][job["task"]]
    seed = stream_seed(job["seed"], f"{job['optimizer']} on {job['task']}")
    found = play(job["optimizer"], task, seed, trials)
    record = {**job, "trials": trials, "optimum": task.optimum, "version": versions(job["optimizer"])}
    lists = {"shares": found.shares, "losses": found.losses, "seconds": found.seconds}
    return {**record, "proposing": round(found.proposing, 4), **lists}


def read(*paths: Path) -> pd.DataFrame:
    """Return all runs, one row each."""
    lines = [line for path in paths if path.exists() for line in path.read_text(encoding="utf-8").splitlines()]
    return pd.DataFrame([json.loads(line) for line in lines])


def run(
    kind: str,
    names: Sequence[str],
    results: Path,
    *,
    seeds: int = 10,
    trials: int = 100,
    replayed: Path | None = None,
    n_jobs: int = 1,
    only: Sequence[str] = (),
) -> None:
    """Run what is missing."""
    known = read(results)
    done = set() if known.empty else set(zip(known.kind, known.task, known.optimizer, known.seed, strict=True))
    tasks = [task.name for task in tasks_of(kind, replayed) if not only or task.name in only]
    missing = list(jobs(kind, tasks, names, seeds, done))
    print(f"{len(missing)} runs to make", flush=True)
    for number, record in enumerate(_records(missing, trials, replayed, n_jobs), start=1):
        with open(results, "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        print(
            f"{number}/{len(missing)} {record['task']}, {record['optimizer']}, seed {record['seed']}: "
            f"{min(record['losses']) - record['optimum']:.4g} above the optimum",
            flush=True,
        )


def _records(
    missing: Sequence[dict[str, Any]], trials: int, replayed: Path | None, n_jobs: int
) -> Iterator[dict[str, Any]]:
    if n_jobs == 1:
        yield from (one(job, trials, replayed) for job in missing)
        return
    with ProcessPoolExecutor(n_jobs, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(one, job, trials, replayed) for job in missing]):
            yield future.result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("--results", type=Path, required=True)
    running.add_argument("--tasks", choices=KINDS, default="analytic")
    running.add_argument("--only", nargs="*", default=(), help="names of tasks")
    running.add_argument("--optimizers", nargs="*", choices=sorted(OPTIMIZERS), default=DEFAULT)
    running.add_argument("--seeds", type=int, default=10)
    running.add_argument("--trials", type=int, default=100)
    running.add_argument("--replayed", type=Path)
    running.add_argument("--jobs", type=int, default=1)
    showing = commands.add_parser("table")
    showing.add_argument("--results", type=Path, nargs="+", required=True)
    showing.add_argument("--tasks", nargs="*", choices=KINDS, default=("analytic", "replayed"))
    showing.add_argument("--optimizers", nargs="*", default=())
    showing.add_argument("--figures", type=Path, help="folder for figures; needs matplotlib")
    arguments = parser.parse_args()
    if arguments.command == "run":
        run(
            arguments.tasks,
            arguments.optimizers,
            arguments.results,
            seeds=arguments.seeds,
            trials=arguments.trials,
            replayed=arguments.replayed,
            n_jobs=arguments.jobs,
            only=arguments.only,
        )
        return
    import curves

    runs = read(*arguments.results)
    runs = runs[runs["kind"].isin(arguments.tasks)]
    if arguments.optimizers:
        runs = runs[runs["optimizer"].isin(arguments.optimizers)]
    if runs.empty:
        raise SystemExit(f"no runs of {', '.join(arguments.tasks)} in {', '.join(map(str, arguments.results))}")
    curves.report(runs, arguments.figures)


if __name__ == "__main__":
    main()
