"""What candidates that are out of the race predicted for a sample of the rows: the correction needs all of them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from automl.core import Array, StoreError, stream
from automl.data import Dataset
from automl.ensemble import sample_rows
from automl.evaluate import Folds
from automl.search.candidate import Candidate
from automl.store import Artifacts

__all__ = ["Sampled", "clusters_of"]

ROWS = 2_000
MOST = 500  # candidates: those behind them are never chosen on a sample either
MOST_BYTES = 64_000_000


def clusters_of(folds: Folds, dataset: Dataset) -> Array | None:
    """Return what belongs together, for every scored row: groups, blocks of time, or the same row scored twice.

    Rows in the order of time are cut into blocks of about the cube root of their number (Künsch, 1989).
    """
    rows = folds.scored
    if dataset.groups is not None:
        return np.asarray(np.unique(np.asarray(dataset.groups)[rows], return_inverse=True)[1])
    if folds.forward:
        along = rows if dataset.times is None else np.asarray(dataset.times)[rows]
        places = np.empty(len(rows), dtype=np.intp)
        places[np.argsort(along, kind="stable")] = np.arange(len(rows))
        return np.asarray(places // max(1, round(len(rows) ** (1 / 3))))
    return rows if len(np.unique(rows)) < len(rows) else None


@dataclass
class Sampled:
    """Predictions by trial, for the same scored rows.

    Parameters
    ----------
    rows : ndarray of int
        Places in the layout of ``Folds.scored``: at most 2,000 rows of the table, with all their repeats.
    """

    rows: Array = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    predictions: dict[int, Array] = field(default_factory=dict)
    _losses: dict[int, tuple[float, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, folds: Folds, dataset: Dataset, seed: int) -> Sampled:
        scored = folds.scored
        distinct = np.unique(scored)
        rng = stream(seed, "sampled predictions")
        some = distinct[sample_rows(dataset.y[distinct], ROWS, rng, classifies=dataset.task.classifies)]
        return cls(np.flatnonzero(np.isin(scored, some)))

    def keep(self, artifacts: Artifacts, candidate: Candidate) -> None:
        """Remember what a complete candidate predicted, also for a later session."""
        whole = all(output.prediction is not None for output in candidate.outputs.values())
        if not len(self.rows) or not whole or candidate.model.family == "prior":
            return
        trial = candidate.trial.id
        self._add(trial, candidate.loss, candidate.out_of_fold()[self.rows])
        with contextlib.suppress(StoreError):  # a session that goes on knows of a few candidates less
            if trial in self.predictions:
                path = self.path(artifacts, trial)
                artifacts.write_atomic(path, lambda file: np.save(file, self.predictions[trial]))
            artifacts.delete(self.path(artifacts, other).parent for other in self._drop())

    def read(self, artifacts: Artifacts, candidate: Candidate) -> Path | None:
        """Take from the disk what an earlier session remembered of a candidate; return where it lies."""
        path = self.path(artifacts, candidate.trial.id)
        try:
            prediction = np.load(path, allow_pickle=False)
        except (OSError, ValueError):
            return None
        if len(prediction) != len(self.rows):
            return None
        self._add(candidate.trial.id, candidate.loss, prediction)
        return path

    @staticmethod
    def path(artifacts: Artifacts, trial: int) -> Path:
        return artifacts.folder_for(trial, None).with_name("sampled") / "prediction.npy"

    def _add(self, trial: int, loss: float, prediction: Array) -> None:
        self.predictions[trial], self._losses[trial] = prediction, (loss, trial)

    def _drop(self) -> list[int]:
        """Forget the worst of too many."""
        size = max((part.nbytes for part in self.predictions.values()), default=1)
        most = max(1, min(MOST, MOST_BYTES // max(size, 1)))
        worst = sorted(self.predictions, key=lambda trial: self._losses[trial])[most:]
        for trial in worst:
            del self.predictions[trial], self._losses[trial]
        return worst
