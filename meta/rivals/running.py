"""Runs, one after the other on each set of cores: pinned, limited, and recorded whatever happens."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from systems import SYSTEMS, python_of

__all__ = ["Job", "Limits", "execute", "jobs_left", "perform"]

HERE = Path(__file__).resolve().parent
LOOKS_PER_SECOND = 4
GRACE_SECONDS = 120.0


@dataclass(frozen=True)
class Job:
    """One system on one fold of one dataset with one budget."""

    system: str
    dataset: Mapping[str, str]
    budget: float
    fold: int
    seed: int
    cores: int

    @property
    def key(self) -> tuple[Any, ...]:
        return (self.dataset["name"], self.system, self.budget, self.fold, self.seed, self.cores)


@dataclass(frozen=True)
class Limits:
    """When a run is killed: after a multiple of its budget and some, or above so much memory of all its processes."""

    budgets: float = 3.0
    grace_seconds: float = GRACE_SECONDS
    memory_gb: float = 8.0
    adapters: str | None = None
    pythons: Mapping[str, str] = field(default_factory=dict)


def jobs_left(jobs: Sequence[Job], results: Path, *, retry: bool = False) -> list[Job]:
    """Return the jobs without a result; with ``retry`` also those that failed."""
    done = set()
    if results.exists():
        for line in results.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["status"] == "ok" or not retry:
                names = ("dataset_name", "peer", "budget", "fold", "seed", "cores")
                done.add(tuple(row[name] for name in names))
    return [job for job in jobs if job.key not in done]


def execute(jobs: Sequence[Job], core_sets: Sequence[str], results: Path, limits: Limits) -> None:
    """Do all jobs, one at a time on each set of cores; each result is appended as it comes.

    Interrupted, it ends what is running and records nothing of it.
    """
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    stop, writing = threading.Event(), threading.Lock()

    def work(cores: str) -> None:
        while not stop.is_set():
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            row = perform(job, cores, limits, stop)
            if row is None:
                return
            with writing, results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            outcome = f"{row['metric']:.5g}" if row["status"] == "ok" else f"{row['status']}: {row.get('error')}"
            print(f"{' '.join(map(str, job.key))}: {outcome}", flush=True)

    threads = [threading.Thread(target=work, args=(cores,)) for cores in core_sets]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        stop.set()
        for thread in threads:
            thread.join()
        sys.exit(130)


def perform(job: Job, cores: str, limits: Limits, stop: threading.Event | None = None) -> dict[str, Any] | None:
    """Do one run in processes of its own; return its result, or None if it was interrupted."""
    folder = Path(tempfile.mkdtemp(prefix="rivals-"))
    started = time.time()
    try:
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                _command(job, cores, folder, limits),
                cwd=folder,
                env={**os.environ, "TMPDIR": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            trouble, peak = _watched(process, job.budget * limits.budgets + limits.grace_seconds, limits, stop)
        if trouble == "interrupted":
            return None
        return _row(job, cores, folder, process.returncode, trouble, peak, time.time() - started)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _command(job: Job, cores: str, folder: Path, limits: Limits) -> list[str]:
    environment = SYSTEMS[job.system].environment if job.system in SYSTEMS else ""
    python = limits.pythons.get(job.system) or (str(python_of(environment)) if environment else sys.executable)
    given = {
        "system": job.system,
        "path": job.dataset["path"],
        "target": job.dataset["target"],
        "task": job.dataset["task"],
        "budget": job.budget,
        "fold": job.fold,
        "seed": job.seed,
        "cores": job.cores,
        "out": folder / "result.json",
        **({} if limits.adapters is None else {"adapters": limits.adapters}),
    }
    pinned = ["taskset", "-c", cores] if shutil.which("taskset") else []
    return [*pinned, python, str(HERE / "one.py"), *(str(part) for k, v in given.items() for part in (f"--{k}", v))]


def _watched(
    process: subprocess.Popen[bytes], seconds: float, limits: Limits, stop: threading.Event | None
) -> tuple[str, dict[str, float]]:
    """Wait for a run; return why it was killed, if it was, and the most memory that it took."""
    deadline, trouble = time.monotonic() + seconds, ""
    peak = {"rss": 0.0, "own": 0.0}
    family: list[psutil.Process] = []
    while process.poll() is None and not trouble:
        family = _family(process.pid)
        shared, own = _memory(family)
        peak = {"rss": max(peak["rss"], shared), "own": max(peak["own"], own)}
        if stop is not None and stop.is_set():
            trouble = "interrupted"
        elif time.monotonic() > deadline:
            trouble = "timeout"
        elif own > 1e3 * limits.memory_gb:
            trouble = "memory"
        else:
            time.sleep(1 / LOOKS_PER_SECOND)
    if trouble:
        os.killpg(process.pid, signal.SIGKILL)
    for left in family:  # also those that made a session of their own
        if left.pid != process.pid and left.is_running():
            left.kill()
    process.wait()
    return trouble, peak


def _family(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []


def _memory(family: Sequence[psutil.Process]) -> tuple[float, float]:
    """Return the MB of all processes: pages that they share counted for each, and shared out (where that is known)."""
    rss = own = 0.0
    for process in family:
        try:
            info = process.memory_full_info()
        except psutil.Error:
            continue
        rss += info.rss / 1e6
        own += getattr(info, "pss", info.rss) / 1e6
    return rss, own


def _row(
    job: Job, cores: str, folder: Path, code: int, trouble: str, peak: Mapping[str, float], seconds: float
) -> dict[str, Any]:
    try:
        row: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        row = {"status": "error"}
    row |= {"peer": job.system, "dataset_name": job.dataset["name"], "task": job.dataset["task"]}
    row |= {"budget": job.budget, "fold": job.fold, "seed": job.seed, "cores": job.cores, "core_set": cores}
    row |= {"peak_rss_mb": round(peak["rss"], 1), "peak_pss_mb": round(peak["own"], 1)}
    row |= {"wall_s": round(seconds, 2), "returncode": code}
    if trouble and row["status"] != "ok":
        row |= {"status": trouble, "error": f"killed in stage {row.get('stage')}"}
    elif row["status"] != "ok" and "error" not in row:
        row |= {"status": "crash", "error": f"died with code {code} in stage {row.get('stage')}"}
    if row["status"] != "ok":
        row["log"] = (folder / "log").read_text(encoding="utf-8", errors="replace")[-3000:]
    return row
