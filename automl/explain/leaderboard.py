"""Leaderboard and failures, read from the events of a run, finished or not."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl.core import Config, Journal, Status
from automl.explain.describe import describe

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["failures", "fastest_equal", "leaderboard"]

LEVEL = 0.05

_LEADERBOARD = {
    "rank": "Int64",
    "model": "object",
    "trial": "Int64",
    "score": "float64",
    "metric": "object",
    "score_sd": "float64",
    "standard_error": "float64",
    "p_worse": "float64",
    "status": "object",
    "ensemble_weight": "float64",
    "fit_seconds": "float64",
    "predict_seconds": "float64",
    "peak_mb": "float64",
    "folds": "Int64",
    "screening_score": "float64",
    "reason": "object",
    "origin": "object",
    "configuration": "object",
}
_FAILURES = {
    "trial": "Int64",
    "model": "object",
    "status": "object",
    "fold": "Int64",
    "reason": "object",
    "seconds": "float64",
    "configuration": "object",
}
_FAILED = (Status.CRASHED, Status.TIMEOUT, Status.MEMORY, Status.INVALID)
_ORDER: dict[str, int] = {Status.OK: 0, Status.PRUNED: 1}


@dataclass
class _Run:
    """The events of a run by kind, the last one where an entry was written twice (a resumed run)."""

    metric: str = ""
    sign: int = -1
    reported: Mapping[str, int] = field(default_factory=dict)  # sign by name
    trials: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    results: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    folds: list[Mapping[str, Any]] = field(default_factory=list)
    ensemble: Mapping[str, Any] | None = None
    comparison: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def leaderboard(journal: Journal) -> pd.DataFrame:
    """Return one row per finished trial, best first, below the ensemble if there is one.

    Parameters
    ----------
    journal : Journal
        Of a run that ended or is still going.

    Returns
    -------
    DataFrame
        ``rank`` counts complete trials from 1 and is 0 for the ensemble; trials stopped early or failed follow without
        a rank, and ``reason`` says why. ``score`` has the natural sign of ``metric``; ``score_sd`` is the standard
        deviation over folds, ``standard_error`` that of the score as an estimate, over rows. ``p_worse`` is the p-value
        of being worse than the best trial: one-sided, on the same rows, adjusted for the number of trials after Holm;
        both are there when a run has ended. ``screening_score`` is that of a fit on some of the rows, where a large
        table made trials begin with one. ``peak_mb`` is the most memory that one fold took.
        ``ensemble_weight`` is the share of the trial in the ensemble. Metrics that were asked for in ``report`` follow
        as columns of their own names (``score_reported`` where ours has the name already): means over folds, in their
        natural sign. The scores are those the search has optimised:
        for an honest estimate see ``estimate_``.
    """
    run = _read(journal)
    spread, peak, screening = _spread(run), _peak_mb(run), _screening(run)
    reported = {_column(name): _reported(run, name) for name in run.reported}
    weights = _weights(run)
    rows = [
        {
            **_row(run, trial, weights.get(trial, 0.0)),
            "score_sd": spread.get(trial),
            "standard_error": run.comparison.get("standard_errors", {}).get(str(trial)),
            "p_worse": run.comparison.get("p_worse", {}).get(str(trial)),
            "peak_mb": peak.get(trial),
            "screening_score": _score(run, screening.get(trial)),
            **{column: values.get(trial) for column, values in reported.items()},
        }
        for trial in _ranked(run)
    ]
    rank = 0
    for row in rows:
        if row["status"] == Status.OK:
            rank += 1
            row["rank"] = rank
    if run.ensemble is not None:
        rows.insert(0, _ensemble_row(run, weights))
    return _frame(rows, {**_LEADERBOARD, **dict.fromkeys(reported, "float64")})


def fastest_equal(board: pd.DataFrame) -> tuple[int, int] | None:
    """Return how many trials of a leaderboard are not significantly worse than the best, and which is fastest of them.

    At the level of 5 %, by the seconds that predictions took; None where nothing is known. That a trial is not worse
    for sure does not make it as good: few rows tell few trials apart.
    """
    rows = zip(board["p_worse"], board["predict_seconds"], board["trial"], strict=True)
    equal = [(seconds, int(trial)) for p, seconds, trial in rows if p > LEVEL and seconds == seconds]
    return (len(equal), min(equal)[1]) if equal else None


def failures(journal: Journal) -> pd.DataFrame:
    """Return one row per failed job, in the order of the run: which model, what happened, after how many seconds.

    Jobs that automl stopped itself (too far behind, end of the budget) are not failures. A trial that failed as a
    whole, without a failed fold, has no ``fold``.
    """
    run = _read(journal)
    rows: list[dict[str, Any]] = []
    told: set[int | None] = set()
    for fold in run.folds:
        if fold.get("status") in _FAILED:
            trial = _integer(fold.get("trial"))
            told.add(trial)
            rows.append(_failure(run, trial, fold, fold.get("error"), fold.get("wall_seconds")))
    for trial, result in run.results.items():
        if result.get("status") in _FAILED and trial not in told:
            rows.append(_failure(run, trial, result, result.get("reason"), result.get("fit_seconds")))
    return _frame(rows, _FAILURES)


def _read(journal: Journal) -> _Run:
    run = _Run()
    for _, event in journal.read():
        data = event.data
        trial = _integer(data.get("trial"))
        if event.kind == "plan":
            metric = data.get("metric") or {}
            run.metric, run.sign = str(metric.get("name", "")), int(metric.get("sign", -1))
            run.reported = {str(other["name"]): int(other["sign"]) for other in data.get("report") or ()}
        elif event.kind == "trial" and trial is not None:
            run.trials[trial] = data
        elif event.kind == "result" and trial is not None:
            run.results[trial] = data
        elif event.kind == "fold":
            run.folds.append(data)
        elif event.kind == "ensemble" and (data.get("final") or not (run.ensemble and run.ensemble.get("final"))):
            run.ensemble = data
        elif event.kind == "comparison":
            run.comparison = data
    return run


def _ranked(run: _Run) -> list[int]:
    def place(trial: int) -> tuple[int, float, int]:
        result = run.results[trial]
        loss = _number(result.get("loss"))
        order = _ORDER.get(str(result.get("status")), len(_ORDER))
        return (order, math.inf if math.isnan(loss) else loss, trial)

    return sorted(run.results, key=place)


def _row(run: _Run, trial: int, weight: float) -> dict[str, Any]:
    result = run.results[trial]
    return {
        "model": _model(run, trial),
        "trial": trial,
        "score": _score(run, result.get("loss")),
        "metric": run.metric,
        "status": str(result.get("status", "")),
        "ensemble_weight": weight,
        "fit_seconds": _number(result.get("fit_seconds")),
        "predict_seconds": _number(result.get("predict_seconds")),
        "folds": _integer(result.get("folds")),
        "reason": result.get("reason"),
        "origin": run.trials.get(trial, {}).get("origin"),
        "configuration": _configuration(run, trial),
    }


def _ensemble_row(run: _Run, weights: Mapping[int, float]) -> dict[str, Any]:
    ensemble = run.ensemble or {}
    members = [run.results.get(trial, {}) for trial in weights]
    shares = ", ".join(f"{share:.2f} {_model(run, trial)} #{trial}" for trial, share in _by_share(weights))
    return {
        "rank": 0,
        "model": "ensemble",
        "score": _score(run, ensemble.get("loss")),
        "metric": run.metric,
        "status": str(Status.OK),
        "ensemble_weight": 1.0,
        "fit_seconds": _total(member.get("fit_seconds") for member in members),
        "predict_seconds": _total(member.get("predict_seconds") for member in members),
        "origin": ensemble.get("method"),
        "configuration": shares,
    }


def _failure(run: _Run, trial: int | None, entry: Mapping[str, Any], reason: Any, seconds: Any) -> dict[str, Any]:
    return {
        "trial": trial,
        "model": "" if trial is None else _model(run, trial),
        "status": str(entry["status"]),
        "fold": _integer(entry.get("fold")),
        "reason": reason or "no reason was recorded",
        "seconds": _number(seconds),
        "configuration": "" if trial is None else _configuration(run, trial),
    }


def _fold_losses(run: _Run, metric: str) -> dict[int, list[float]]:
    """Return the losses over the folds of each trial, where they are defined."""
    losses: dict[int, dict[Any, float]] = {}
    for fold in run.folds:
        trial, loss = _integer(fold.get("trial")), _number((fold.get("losses") or {}).get(metric))
        scored = fold.get("kind", "fold") == "fold" and fold.get("status") == Status.OK
        if trial is not None and scored and math.isfinite(loss):
            losses.setdefault(trial, {})[fold.get("fold")] = loss
    return {trial: list(folds.values()) for trial, folds in losses.items()}


def _spread(run: _Run) -> dict[int, float]:
    """Return the standard deviation of the optimised loss over the folds of each trial that has at least two."""
    found = _fold_losses(run, run.metric).items()
    return {trial: statistics.stdev(losses) for trial, losses in found if len(losses) > 1}


def _reported(run: _Run, metric: str) -> dict[int, float]:
    """Return the mean score of each trial by a metric that is reported."""
    sign = run.reported[metric]
    return {trial: -sign * statistics.fmean(losses) for trial, losses in _fold_losses(run, metric).items()}


def _column(name: str) -> str:
    return f"{name}_reported" if name in _LEADERBOARD else name


def _peak_mb(run: _Run) -> dict[int, float]:
    """Return the most memory that a job of each trial took."""
    peaks: dict[int, float] = {}
    for fold in run.folds:
        trial, peak = _integer(fold.get("trial")), _number(fold.get("peak_mb"))
        if trial is not None and peak > 0:
            peaks[trial] = max(peak, peaks.get(trial, 0.0))
    return peaks


def _screening(run: _Run) -> dict[int, Any]:
    """Return the optimised loss of each trial that was tried on some of the rows."""
    return {int(f["trial"]): (f.get("losses") or {}).get(run.metric) for f in run.folds if f.get("kind") == "probe"}


def _weights(run: _Run) -> dict[int, float]:
    """Return the ensemble's weights; the journal has the trial numbers as strings."""
    weights = (run.ensemble or {}).get("weights") or {}
    return {int(trial): _number(weight) for trial, weight in weights.items()}


def _by_share(weights: Mapping[int, float]) -> list[tuple[int, float]]:
    return sorted(weights.items(), key=lambda item: (-item[1], item[0]))


def _model(run: _Run, trial: int) -> str:
    named = run.results.get(trial, {}).get("model")
    config = _config(run, trial)
    return str(named) if named else (config.steps[-1].component if config and config.steps else "")


def _configuration(run: _Run, trial: int) -> str:
    config = _config(run, trial)
    return describe(config) if config else ""


def _config(run: _Run, trial: int) -> Config | None:
    data = run.trials.get(trial, {}).get("config")
    return Config.from_json(data) if data else None


def _score(run: _Run, loss: Any) -> float:
    value = _number(loss)
    return -value if run.sign > 0 else value


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _integer(value: Any) -> int | None:
    return None if value is None else int(value)


def _total(values: Iterable[Any]) -> float:
    return sum(float(value) for value in values if value is not None)


def _frame(rows: list[dict[str, Any]], dtypes: Mapping[str, str]) -> pd.DataFrame:
    """Build the table column by column, so that an empty one has its columns and types too."""
    import pandas as pd

    return pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], dtype=dtype) for name, dtype in dtypes.items()}
    )
