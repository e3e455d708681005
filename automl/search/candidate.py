"""A trial while it runs, and the race between folds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from automl.core import Array, FoldResult, Measures, Result, Status, Trial
from automl.evaluate import FoldOutput
from automl.space import Component

__all__ = ["Candidate", "falls_behind"]


@dataclass
class Candidate:
    """A trial with the folds it has so far. Mutable; owned by the schedule."""

    trial: Trial
    model: Component
    n_folds: int
    exempt: bool  # never raced
    spared: bool = False  # the race wanted to stop it; completed anyway to measure the race's errors
    outputs: dict[int, FoldOutput] = field(default_factory=dict)
    results: dict[int, FoldResult] = field(default_factory=dict)
    running: set[int] = field(default_factory=set)
    discarded: bool = False  # its fold models and predictions are gone
    judged: int = 0  # folds that the race has looked at
    waits: bool = False  # for all rows: until it is screened and found good enough
    screened: FoldOutput | None = None  # what it reached on some of the rows; predictions are dropped
    screening: FoldResult | None = None
    looking: bool = False  # its screening is under way
    result: Result | None = None
    told: bool = False  # the optimizer knows how it ended

    @property
    def complete(self) -> bool:
        return self.result is not None and self.result.status is Status.OK

    @property
    def whole(self) -> bool:
        """Whether it was proposed on all rows."""
        return self.trial.fidelity.rows == 1.0

    @property
    def lesson(self) -> Result:
        """How it ended, for the optimizer: with the loss on the rows that it was proposed on."""
        assert self.result is not None
        if self.whole or self.screened is None or not np.isfinite(self.screened_loss):
            return self.result
        return replace(self.result, loss=self.screened_loss)

    @property
    def pending(self) -> list[int]:
        """Folds not yet submitted, in order."""
        return [f for f in range(self.n_folds) if f not in self.results and f not in self.running]

    @property
    def loss(self) -> float:
        """Mean optimised loss over the folds so far, fixed once the trial has ended; infinite before the first."""
        if self.result is not None:
            return float("inf") if self.result.loss is None else self.result.loss
        return _mean(self.fold_losses())

    @property
    def screened_loss(self) -> float:
        """The optimised loss on some of the rows; infinite where it is not known or not defined."""
        return float("inf") if self.screened is None else _mean(np.array([*self.screened.losses.values()][:1]))

    def fold_losses(self, n: int | None = None) -> Array:
        """Return the optimised losses of folds 0..n-1, or of all that are there."""
        folds = sorted(self.outputs) if n is None else range(n)
        return np.array([next(iter(self.outputs[f].losses.values())) for f in folds], dtype=float)

    @property
    def wants(self) -> list[int]:
        """Folds that may be submitted now. A raced candidate runs its first half one by one."""
        if self.result is not None or self.waits:
            return []
        settled = self.exempt or self.spared or 2 * len(self.results) >= self.n_folds
        return self.pending if settled else [] if self.running else self.pending[:1]

    def out_of_fold(self) -> Array:
        """Return the predictions of all folds in the layout of ``Folds.scored``."""
        parts = [self.outputs[fold].prediction for fold in range(self.n_folds)]
        return np.concatenate([part for part in parts if part is not None])

    @property
    def artifacts(self) -> list[str]:
        """Paths of the fold models, in the order of the folds whatever ended first."""
        outputs = [self.outputs[fold] for fold in sorted(self.outputs)]
        return [output.artifact for output in outputs if output.artifact]

    @property
    def artifact_mb(self) -> float:
        return sum(output.artifact_mb for output in self.outputs.values())

    def measures(self) -> Measures:
        """Join the folds judged: mean losses, summed seconds."""
        outputs = [self.outputs[fold] for fold in range(self.judged)]
        names = outputs[0].losses if outputs else {}
        if not outputs and self.screened is not None:
            outputs = [self.screened]  # for its seconds
        return Measures(
            {name: _mean(np.array([output.losses[name] for output in outputs])) for name in names},
            sum(output.fit_seconds for output in outputs),
            sum(output.predict_seconds for output in outputs),
            sum(output.cpu_seconds for output in outputs),
            sum(output.write_seconds for output in outputs),
        )

    def discard(self) -> None:
        """Forget predictions and where fold models were: they can no longer be chosen."""
        self.discarded = True
        for fold, output in list(self.outputs.items()):
            if output.prediction is not None or output.artifact is not None:
                self.outputs[fold] = replace(output, prediction=None, artifact=None, artifact_mb=0.0)

    def reopen(self, lost: Collection[int]) -> None:
        """Forget folds whose models or predictions are gone, so that they run again; the trial is not raced again."""
        for fold in lost:
            self.outputs.pop(fold, None)
            self.results.pop(fold, None)
        self.result, self.judged, self.exempt, self.waits, self.discarded = None, 0, True, False, False

    def end(self, status: Status, reason: str | None = None) -> Result:
        """Close the trial. Its loss is that of the folds judged, whatever else was running."""
        loss = _mean(self.fold_losses(self.judged))
        folds = tuple(self.results[fold] for fold in sorted(self.results) if fold <= self.judged)
        folds = folds if self.screening is None else (self.screening, *folds)
        known = float(loss) if np.isfinite(loss) else None
        self.result = Result(self.trial, status, known, self.measures(), folds, reason)
        return self.result


def falls_behind(candidate: Candidate, rivals: Sequence[Candidate]) -> bool:
    """Whether a candidate, after folds 0..f, is worse there than the worst of the rivals.

    Compared on the same folds only; without rivals nobody falls behind. This is the forgiving early stop of Bergman,
    Purucker and Hutter (AutoML 2024), set against the best few because an ensemble needs more than the best.
    """
    done = candidate.judged
    if not rivals or done == 0:
        return False
    bar = max(_mean(rival.fold_losses(done)) for rival in rivals)
    return _mean(candidate.fold_losses(done)) > bar


def _mean(losses: Array) -> float:
    """Mean of the defined losses; infinite where there is none."""
    defined = losses[losses == losses]
    return float(np.add.reduce(defined) / len(defined)) if len(defined) else float("inf")  # as mean(), in a third
