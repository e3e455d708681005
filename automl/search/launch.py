"""A fold to submit, on how many rows and with which limits."""

from __future__ import annotations

from dataclasses import dataclass

from automl.search.candidate import Candidate
from automl.search.cost import CostModel
from automl.search.plan import FitPlan

__all__ = ["COUNTED_SECONDS", "CUT", "Launch", "launch_fold", "launch_look", "look_rows"]

COUNTED_SECONDS = 600.0  # limit of a job in runs without a clock
CUT = 0.3  # share of the time that one fold may take at most
SOFT = 0.45  # share of its limit after which boosting stops by itself: predicting and storing come after it
LOOK_CUT = 0.1  # share of the time that screening one trial may take at most
LARGE_SOFT = 0.8  # as SOFT, where fitting takes long and what comes after it does not


@dataclass(frozen=True)
class Launch:
    """A fold to submit, with its limits in seconds: soft (boosting stops by itself) and hard (killed).

    ``rows`` is the share of its training rows; below 1 it is a trial's screening.
    """

    candidate: Candidate
    fold: int
    soft_seconds: float | None
    hard_seconds: float | None
    rows: float = 1.0


def launch_fold(plan: FitPlan, cost: CostModel, candidate: Candidate, fold: int, left: float) -> Launch:
    """Return a fold on all its rows."""
    candidate.running.add(fold)
    if plan.seconds is None:
        return Launch(candidate, fold, None, COUNTED_SECONDS)
    longest = CUT * plan.seconds
    if plan.screen_rows and candidate.model.heeds_clock:  # few fits, each as long as it takes
        left = max(left, 0.5)
        usual = cost.expected(candidate.trial.config)
        return Launch(candidate, fold, LARGE_SOFT * min(max(longest, 1.5 * usual), left), left)
    usual = cost.high(candidate.trial.config)
    hard = min(longest, max(0.1 * plan.seconds, 2.0, 2.5 * usual), max(left, 0.5))
    return Launch(candidate, fold, SOFT * hard, hard)


def look_rows(plan: FitPlan, candidate: Candidate) -> int:
    """Return on how many rows a trial is looked at: as its proposer asks, or as all trials on large tables."""
    asked = candidate.trial.fidelity.rows
    if asked == 1.0 and plan.screen_rows is not None:
        return plan.screen_rows
    return max(1, round(asked * plan.train_rows))


def launch_look(plan: FitPlan, cost: CostModel, candidate: Candidate, left: float) -> Launch:
    """Return the first fold of a trial, fitted on some of the rows."""
    candidate.looking = True
    rows = look_rows(plan, candidate)
    share = rows / plan.train_rows if candidate.trial.fidelity.rows == 1.0 else candidate.trial.fidelity.rows
    if plan.seconds is None:
        return Launch(candidate, 0, None, COUNTED_SECONDS, share)
    usual = cost.high(candidate.trial.config, rows)
    hard = min(LOOK_CUT * plan.seconds, max(0.05 * plan.seconds, 2.5 * usual), max(left, 0.5))
    return Launch(candidate, 0, SOFT * hard, hard, share)
