"""Doing what there is to do: claims work, fits it in workers with limits, writes one file for each finished piece."""

from __future__ import annotations

import functools
import io
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from automl.core import Config, Executor, FoldResult, Job, JobKind, Status
from automl.evaluate import load_evaluation
from meta.knowledge.claims import Claim, take, wait_while_held, write_whole
from meta.knowledge.compact import encode
from meta.knowledge.fits import measure_fold
from meta.knowledge.machine import Unit, versions
from meta.knowledge.plan import FOLDS, Variant

__all__ = ["Piece", "Work", "do_all"]

WALL = 90.0  # times the cap: only a fit that hangs without using the processor, or a paused one, needs so long
FORMAT = 1


@dataclass(frozen=True)
class Piece:
    """One configuration on one table at one size."""

    variant: Variant
    folder: Path
    entry: str
    config: Config
    cap: float


@dataclass
class _Running:
    piece: Piece
    claim: Claim
    ended: list[FoldResult] = field(default_factory=list)


@dataclass
class Work:
    """What the loop needs to know.

    Parameters
    ----------
    run : Path
        The folder that all processes share.
    yields : callable
        Waits as long as a timed benchmark runs.
    """

    run: Path
    executor: Executor
    unit: Unit
    yields: Callable[[], object] = wait_while_held
    clock: Callable[[], float] = time.time
    log: Callable[[str], object] = functools.partial(print, flush=True)


def do_all(pieces: Iterator[Piece], work: Work) -> int:
    """Do all pieces that no other process does or has done; return how many were done here."""
    running: dict[int, _Running] = {}
    try:
        return _do_all(pieces, work, running)
    finally:
        for current in running.values():
            current.claim.release()


def _do_all(pieces: Iterator[Piece], work: Work, running: dict[int, _Running]) -> int:
    numbers = itertools.count()
    done = 0
    while True:
        work.yields()
        while len(running) < work.executor.capacity:
            next_one = _claimed(pieces, work)
            if next_one is None:
                break
            _submit(next_one, next(numbers), running, work)
        if not running:
            return done
        for result in work.executor.collect(None):
            current = running.pop(result.job)
            current.ended.append(result)
            if result.status is Status.TIMEOUT:  # by the wall clock: says more about the machine than about the fit
                current.claim.release()
                work.log(f"{current.piece.variant.name} {current.piece.entry} hung, left for the next run")
            elif len(current.ended) < FOLDS and _status(result) is Status.OK:
                work.yields()
                _submit(current, next(numbers), running, work)
            else:
                _write(current, work)
                done += 1


def _claimed(pieces: Iterator[Piece], work: Work) -> _Running | None:
    for piece in pieces:
        name = f"{piece.variant.name}--{piece.entry}"
        claim = take(work.run / "claims" / name, _result_path(piece))
        if claim is not None:
            return _Running(piece, claim)
    return None


def _result_path(piece: Piece) -> Path:
    return piece.folder / "results" / f"{piece.entry}.json"


def _submit(current: _Running, number: int, running: dict[int, _Running], work: Work) -> None:
    piece, fold = current.piece, len(current.ended)
    artifact = str(piece.folder / "scratch" / f"{piece.entry}-{fold}.pkl")
    payload = functools.partial(measure_fold, piece.variant.path, piece.config, fold, artifact, piece.cap)
    work.executor.submit(Job(number, JobKind.FOLD, None, fold, payload, WALL * piece.cap))
    running[number] = current


def _status(result: FoldResult) -> Status:
    """Return how a fit ended; one that the kernel has stopped for its processor seconds ran out of time."""
    if result.value is not None:
        return Status(result.value.status)
    if result.status is Status.CRASHED and "SIGXCPU" in (result.error or ""):
        return Status.TIMEOUT
    return result.status


def _write(current: _Running, work: Work) -> None:
    piece, ended = current.piece, current.ended
    statuses = [_status(result) for result in ended]
    whole = len(ended) == FOLDS and all(status is Status.OK for status in statuses)
    record: dict[str, Any] = {
        "format": FORMAT,
        "table": piece.variant.table,
        "rows": piece.variant.rows,
        "entry": piece.entry,
        "key": piece.config.key(),
        "status": "ok" if whole else str(statuses[-1]),
        "reason": None if whole else _reason(ended[-1], statuses[-1], piece),
        "cap": piece.cap,
        "unit_seconds": round(work.unit.seconds(), 4),
        "at": int(work.clock()),
        "versions": versions(),
        "folds": [_fold(result, status) for result, status in zip(ended, statuses, strict=True)],
    }
    path = _result_path(piece)
    truth_path = piece.folder / "truth.npz"
    if whole and truth_path.exists():
        codes = _codes([result.value.prediction for result in ended], piece.variant.path, truth_path)
        buffer = io.BytesIO()
        np.save(buffer, codes)
        write_whole(path.with_suffix(".npy"), buffer.getvalue())
    write_whole(path, json.dumps(record))
    current.claim.release()
    seconds = sum(fold.get("fit_seconds", 0.0) for fold in record["folds"])
    work.log(f"{piece.variant.name} {piece.entry} {record['status']} {seconds:.2f}")


def _reason(result: FoldResult, status: Status, piece: Piece) -> str:
    if status is Status.TIMEOUT:
        return f"over {piece.cap:g} s of the processor for one fit"
    return str(getattr(result.value, "error", None) or result.error or "")[:300]


def _fold(result: FoldResult, status: Status) -> dict[str, Any]:
    output = result.value
    fold: dict[str, Any] = {"status": str(status), "peak_mb": round(result.peak_mb, 1)}
    if output is None:
        return fold
    losses = {name: float(f"{loss:.7g}") for name, loss in output.losses.items()}
    return fold | {
        "losses": losses,
        "rounds": output.rounds,
        "fit_seconds": round(output.fit_seconds, 4),
        "predict_seconds": round(output.predict_seconds, 4),
        "model_mb": round(output.artifact_mb, 3),
    }


def _codes(predictions: list[Any], evaluation_path: str, truth_path: Path) -> np.ndarray[Any, Any]:
    """Return the compact predictions of the kept rows, in their order."""
    evaluation, dataset = load_evaluation(evaluation_path)
    whole = np.concatenate(predictions)
    place = np.empty(dataset.n_rows, dtype=np.int64)
    place[evaluation.folds.scored] = np.arange(len(whole))
    with np.load(truth_path) as truth:
        return encode(whole[place[truth["rows"]]], dict(truth))
