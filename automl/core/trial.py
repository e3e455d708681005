"""The records of a search: Proposal -> Trial -> Job -> FoldResult -> Result.

What is submitted, limited, killed, journalled and paid for is one Job, usually one fold of one trial. The scheduler
joins FoldResults into Results; only Results are told to optimizers.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from automl.core.config import Config

__all__ = ["Fidelity", "FoldResult", "Job", "JobKind", "Measures", "Proposal", "Result", "Status", "Trial"]


class Status(enum.StrEnum):
    """How a job or a trial ended."""

    OK = "ok"
    PRUNED = "pruned"  # stopped between folds: too far behind on the same folds
    CRASHED = "crashed"  # raised, or its process died
    TIMEOUT = "timeout"  # killed at its time limit
    MEMORY = "memory"  # killed at its memory limit
    INVALID = "invalid"  # ended, but what it predicted cannot be used
    CANCELLED = "cancelled"  # stopped by us: the budget ended or the user interrupted


class JobKind(enum.StrEnum):
    FOLD = "fold"
    REFIT = "refit"
    PROBE = "probe"
    CALL = "call"


@dataclass(frozen=True)
class Fidelity:
    """How much of the full cost a trial may spend: shares in (0, 1] of rows, of boosting rounds and of folds."""

    rows: float = 1.0
    rounds: float = 1.0
    folds: float = 1.0


@dataclass(frozen=True)
class Proposal:
    """What an optimizer asks to be evaluated. ``origin`` names the proposer for the log."""

    config: Config
    origin: str
    fidelity: Fidelity = Fidelity()


@dataclass(frozen=True)
class Trial:
    """A proposal with its number in this run, counted from 0."""

    id: int
    config: Config
    origin: str
    fidelity: Fidelity = Fidelity()


@dataclass(frozen=True)
class Measures:
    """What one fold or one complete trial cost and reached.

    ``losses`` maps metric name to loss: smaller is better. ``cpu_seconds`` are those of fitting and predicting;
    ``write_seconds`` went into storing the model.
    """

    losses: Mapping[str, float] = field(default_factory=dict)
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    cpu_seconds: float = 0.0
    write_seconds: float = 0.0


@dataclass(frozen=True)
class Job:
    """One unit of work for an executor.

    Parameters
    ----------
    payload : callable
        Called without arguments where the job runs; must be picklable by cloudpickle. The executor knows nothing else
        about it. What it returns becomes ``FoldResult.value``.
    seconds_limit : float or None
        Wall seconds after which the job is killed.
    memory_limit_mb : float or None
        Resident memory (shared pages not counted) above which the job is killed; None takes the executor's cap.
    """

    id: int
    kind: JobKind
    trial: int | None
    fold: int | None
    payload: Callable[[], Any] = field(repr=False)
    seconds_limit: float | None = None
    memory_limit_mb: float | None = None


@dataclass(frozen=True)
class FoldResult:
    """How one job ended. There is exactly one for each submitted job, whatever happened to it.

    Parameters
    ----------
    error : str or None
        One line for the user: what went wrong.
    artifact : str or None
        Path of the folder or file that the job left behind.
    value : object
        What the payload returned, when the executor ran it to its end; not journalled.
    """

    job: int
    kind: JobKind
    trial: int | None
    fold: int | None
    status: Status
    measures: Measures = Measures()
    rounds: int | None = None
    wall_seconds: float = 0.0
    peak_mb: float = 0.0
    artifact: str | None = None
    error: str | None = None
    value: Any = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Result:
    """How one trial ended: the folds joined. ``loss`` is the mean of the optimised loss."""

    trial: Trial
    status: Status
    loss: float | None
    measures: Measures
    fold_results: tuple[FoldResult, ...] = ()
    reason: str | None = None
