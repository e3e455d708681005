"""FitPlan: every decision taken before the search starts, and FitOutcome: what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from automl.core import Config, Param
from automl.evaluate import Estimate, OutOfFold

__all__ = ["FitOutcome", "FitPlan", "Member", "Settings"]


@dataclass(frozen=True)
class Settings:
    """What the user asked for, defaults unresolved; the estimators' constructor arguments under the same names."""

    time_budget: float | None = 300
    metric: Any = "auto"
    cv: Any = "auto"
    max_trials: int | None = None
    optimizer: Any = "auto"
    include: Any = None
    exclude: Any = None
    ensemble_size: int = 25
    refit: Any = "auto"
    n_jobs: int | None = -1
    memory_limit_mb: float | None = None
    executor: Any = "process"
    run_dir: Any = None
    seed: int = 0


@dataclass(frozen=True)
class FitPlan:
    """Every default resolved; JSON-able, journalled, shown by ``automl plan``.

    Parameters
    ----------
    seconds : float or None
        Time budget from the call of fit; None for a counted run.
    max_trials : int or None
        Number of trials after which a run ends; None for a run that only the deadline ends.
    reserve_seconds : float
        Least time kept for the end (ensemble, loading, joining); grows with what is measured.
    refit : bool
        Whether members are fitted again on all rows.
    candidates : int
        How many complete trials are kept for the ensemble (and two per family).
    train_rows : int
        Training rows of the first fold.
    screen_rows : int or None
        On so many of them trials are tried first, and only the best go on to all; None where all rows are cheap.
    cache_mb : float
        Size of the files in which folds keep prepared rows for each other; 0 for none.
    nominal_seconds : mapping
        Expected seconds of one fold per model, before anything is measured.
    """

    task: str
    metric: str
    seconds: float | None
    max_trials: int | None
    folds: str
    n_folds: int
    holdout: bool
    refit: bool
    optimizer: str
    models: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    portfolio: int
    ensemble_size: int
    candidates: int
    executor: str
    n_jobs: int
    memory_limit_mb: float
    worker_limit_mb: float | None
    reserve_seconds: float
    seed: int
    n_rows: int
    n_columns: int
    n_classes: int
    train_rows: int = 0
    screen_rows: int | None = None
    cache_mb: float = 0.0
    hyperparameters: int = 0
    nominal_seconds: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def timed(self) -> bool:
        return self.seconds is not None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Member:
    """One trial in the final ensemble.

    ``settings`` is what its model is told for a fit on all rows: the number of rounds that its folds found.
    """

    trial: int
    config: Config
    weight: float
    loss: float
    refitted: bool
    settings: Mapping[str, Param] = field(default_factory=dict)


@dataclass(frozen=True)
class FitOutcome:
    """What a fit returns.

    Parameters
    ----------
    model : estimator
        The plain scikit-learn object.
    stopped : str
        Why the search ended: "deadline", "trial count", "space exhausted", "nothing fits the time left",
        "interrupted".
    estimate : Estimate
    trials : mapping of status to count
    seconds : float
        From the start of the budget to the end; 0 in counted runs.
    peak_mb : float
        The most memory that this process and all workers took together, looked at five times a second.
    out_of_fold : OutOfFold or None
        What the ensemble predicts for rows held out, with its fold models; None where no trial was complete.
    """

    model: Any = field(repr=False)
    members: tuple[Member, ...]
    estimate: Estimate
    stopped: str
    plan: FitPlan = field(repr=False)
    trials: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    peak_mb: float = 0.0
    out_of_fold: OutOfFold | None = field(default=None, repr=False)
