"""FitPlan: every decision taken before the search starts, and FitOutcome: what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from automl.core import Config, Param
from automl.ensemble import Decision
from automl.evaluate import Estimate, OutOfFold
from automl.search.nested_result import NestedResult

__all__ = ["FitOutcome", "FitPlan", "Member", "Settings"]


@dataclass(frozen=True)
class Settings:
    """What the user asked for, defaults unresolved; the estimators' constructor arguments under the same names."""

    time_budget: float | None = 300
    metric: Any = "auto"
    report: Any = ()
    cv: Any = "auto"
    outer_folds: Any = None
    max_trials: int | None = None
    optimizer: Any = "auto"
    include: Any = None
    exclude: Any = None
    ensemble_size: int = 25
    refit: Any = "auto"
    knowledge: Any = "auto"
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
    metric_why : str
        What led to the metric where the user named none.
    report : tuple of str
        Names of the metrics that are also taken of every fold, and not optimised.
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
        Training rows of the largest fold.
    fold_shares : tuple of float
        Training rows of each fold, as shares of ``train_rows``: folds in the order of time grow.
    screen_rows : int or None
        On so many of them trials are tried first, and only the best go on to all; None where all rows are cheap.
    cache_mb : float
        Size of the files in which folds keep prepared rows for each other; 0 for none.
    outer : str or None
        Outer folds that judge the whole procedure; ``seconds`` is then the share of the fit on all rows.
    knowledge : str
        What is known from other tables and used here.
    search : tuple of str
        Which proposer when, and why.
    folds_digest : str
        Tells other folds of the same description apart.
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
    fold_shares: tuple[float, ...] = ()
    screen_rows: int | None = None
    cache_mb: float = 0.0
    hyperparameters: int = 0
    nominal_seconds: Mapping[str, float] = field(default_factory=dict)
    outer: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    metric_why: str = ""
    report: tuple[str, ...] = ()
    knowledge: str = ""
    search: tuple[str, ...] = ()
    folds_digest: str = ""

    def share_of(self, fold: int | None) -> float:
        """Return the training rows of a fold as a share of those of the largest."""
        return max(0.01, self.fold_shares[fold]) if fold is not None and self.fold_shares else 1.0

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
        Why the search ended: "deadline", "trial count", "space exhausted", "nothing fits the time or the memory left",
        "interrupted".
    estimate : Estimate
        Corrected for the selection, where there was one to correct for.
    trials : mapping of status to count
    seconds : float
        From the start of the budget to the end; 0 in counted runs.
    peak_mb : float
        The most memory that this process and all workers took together, looked at five times a second.
    out_of_fold : OutOfFold or None
        What the ensemble predicts for rows held out, with its fold models; None where no trial was complete.
    search_score : Estimate or None
        The score that the selection was made by, on the rows that it was made on: optimistic. None where no trial was
        complete.
    estimates : mapping of str to Estimate
        By metric: the estimate, and those under the metrics to report.
    nested : NestedResult or None
        What outer folds say of the whole procedure, where they were asked for and one of them came to its end.
    decision : Decision
        Temperature, threshold or class multipliers, and whether they are used. ``out_of_fold`` is from before it.
    fallback : str
        Why the model is a constant where others were tried and failed; empty otherwise.
    decision_model : estimator or None
        The one whose ``predict`` is the decision: the model itself, except where several classes have multipliers.
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
    nested: NestedResult | None = None
    search_score: Estimate | None = None
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    decision: Decision = field(default_factory=Decision)
    decision_model: Any = field(default=None, repr=False)
    fallback: str = ""
