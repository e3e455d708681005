"""The ensemble while the search runs: cheap, on a sample of rows; shown to the user and used to plan the end."""

from __future__ import annotations

import time

import numpy as np

from automl.core import Array, Event, NoModelError, stream
from automl.data import Dataset
from automl.ensemble import greedy, sample_rows
from automl.evaluate import fold_loss
from automl.search.loop import Run, retained

__all__ = ["InterimEnsemble"]

ROWS = 2_000
SHARE = 0.02  # of the time elapsed that these ensembles may take
STEP = 0.05  # of the budget between two of them


class InterimEnsemble:
    """Selects again whenever new candidates are complete, enough time has passed and it stays cheap."""

    def __init__(self, run: Run, dataset: Dataset) -> None:
        scored = run.folds.scored
        rng = stream(run.plan.seed, "interim ensemble")
        chosen = sample_rows(dataset.y[scored], ROWS, rng, classifies=dataset.task.classifies)
        self._rows = chosen
        self._y: Array = dataset.y[scored[chosen]]
        self._folds: Array = run.folds.numbers[chosen]
        self._weights = None if dataset.weights is None else dataset.weights[scored[chosen]]
        self._next = 0.0
        self._known: tuple[int, ...] = ()

    def update(self, run: Run) -> None:
        """Select if it is time; leaves the trials chosen in ``run.chosen``."""
        elapsed = run.budget.elapsed()
        candidates = [c for c in retained(run) if c.model.family != "prior"]
        if not run.plan.timed or not run.metric.builtin or elapsed < self._next or not candidates:
            return
        if self._known == tuple(c.trial.id for c in candidates):
            return
        assert run.plan.seconds is not None
        started = time.monotonic()
        stack = np.stack([candidate.out_of_fold()[self._rows] for candidate in candidates])
        allowed = 0.02 * run.plan.seconds
        try:
            selection = greedy(
                stack,
                self._y,
                run.metric,
                weights=self._weights,
                size=run.plan.ensemble_size,
                stop=lambda: time.monotonic() - started > allowed,
            )
        except NoModelError:  # the metric is not defined on the sample
            return
        duration = time.monotonic() - started
        self._next = elapsed + max(STEP * run.plan.seconds, duration / SHARE)
        self._known = tuple(c.trial.id for c in candidates)
        weights = {c.trial.id: float(w) for c, w in zip(candidates, selection.weights, strict=True) if w > 0}
        run.chosen = tuple(weights)
        mixed = np.tensordot(selection.weights, stack, axes=1)
        data = {
            "weights": {str(trial): weight for trial, weight in weights.items()},
            "loss": fold_loss(run.metric, self._y, mixed, self._weights, self._folds),
            "method": "greedy",
            "nested": {},
            "final": False,
        }
        run.emit(Event("ensemble", data, run.budget.elapsed()))
