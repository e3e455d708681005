"""Screening: on large tables each configuration is tried on some of the rows first, and the best go on to all rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from automl.search.candidate import Candidate

__all__ = ["LEAST_RIVALS", "deserving", "screening_rows"]

ROWS = 20_000
TIMES = 10  # a first look at fewer rows than this share of them tells too little, at more it costs too much
WORTH = 0.02  # share of the budget that one trial on all rows must cost, for a first look to pay
KEPT = 1 / 3
LEAST_RIVALS = 8  # with fewer to compare with, everybody goes on


def screening_rows(train_rows: int, trial_seconds: float, capacity_seconds: float | None) -> int | None:
    """Return on how many rows configurations are tried first; None where all rows are cheap enough from the start.

    Parameters
    ----------
    train_rows : int
        Of one fold.
    trial_seconds : float
        Nominal seconds of all folds of an ordinary trial.
    capacity_seconds : float or None
        Seconds of the budget, of all workers together; None in counted runs.
    """
    if train_rows < TIMES * ROWS:
        return None
    if capacity_seconds is not None and trial_seconds < WORTH * capacity_seconds:
        return None
    return ROWS


def deserving(candidates: Sequence[Candidate]) -> set[int]:
    """Return the trials that go on to all rows: the best third of those screened, and the best of each family."""
    ranked = sorted((c for c in candidates if c.screened and c.whole), key=lambda c: (c.screened_loss, c.trial.id))
    ranked = [c for c in ranked if c.screened_loss < math.inf]
    kept = {c.trial.id for c in ranked[: math.ceil(KEPT * len(ranked))]}
    families: dict[str, int] = {}
    for candidate in ranked:
        families.setdefault(candidate.model.family, candidate.trial.id)
    return kept | set(families.values())
