"""The last numbers of a fit: temperature, threshold or multipliers, found on what the ensemble predicts held out."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl.core import Array, Event, Metric
from automl.data import Dataset
from automl.ensemble import Decision, apply_decision, decide
from automl.evaluate.influence import held_out_losses
from automl.pipeline.assemble import decided
from automl.search.evidence import Evidence, Scores
from automl.search.launch import COUNTED_SECONDS
from automl.search.loop import Run
from automl.search.selecting import after, in_worker

__all__ = ["Decided", "decide_final", "place"]

MOST_SECONDS = 10.0
LEAST_SECONDS = 0.2  # for anything to be decided in a timed run
FINDING = 0.7  # share of the time; the rest is for the estimate


@dataclass(frozen=True)
class Decided:
    """A decision, and what the ensemble scores with it: each row decided by what was found without it."""

    decision: Decision
    scores: Scores


def decide_final(run: Run, evidence: Evidence, prediction: Array, scores: Scores, left_seconds: float) -> Decided:
    """Decide for a classifier, tell the journal, and note what is used.

    Built-in metrics are computed here, the user's own in a worker, as everywhere.

    Parameters
    ----------
    prediction : ndarray of shape (n, K)
        Out-of-fold probabilities of the ensemble.
    scores : Scores
        What they score as they are.
    left_seconds : float
        What a timed run can give for it.
    """
    known = tuple(metric for metric in evidence.reported if metric.name in scores.reported)
    evidence = replace(evidence, reported=known)
    seconds = min(MOST_SECONDS, left_seconds) if run.plan.timed else None
    work = functools.partial(_decided, evidence, prediction, scores, forward=run.folds.forward, seconds=seconds)
    found: Decided | None = None
    if scores.estimate.metric != run.metric.name:
        reason = f"metric {run.metric.name} failed on the ensemble"
    elif seconds is not None and seconds < LEAST_SECONDS:
        reason = "no time left"
    else:
        reason = f"metric {run.metric.name} failed, or took too long"
        found = work() if evidence.builtin else in_worker(run, work, COUNTED_SECONDS if seconds is None else seconds)
    found = found or Decided(Decision(reason=reason), scores)
    run.emit(Event("decision", {**found.decision.to_json(), "metric": run.metric.name}, run.budget.elapsed()))
    if found.decision.accepted:
        run.notes.append(_note(found.decision))
    return found


def place(model: Any, dataset: Dataset, decision: Decision) -> tuple[Any, Any]:
    """Return the model with what was decided, and the one whose labels are the decision: often the same."""
    if dataset.classes is None:
        return model, model
    return decided(
        model,
        classes=dataset.classes,
        temperature=decision.temperature,
        threshold=decision.threshold,
        multipliers=decision.multipliers,
    )


def _decided(evidence: Evidence, prediction: Array, scores: Scores, *, forward: bool, seconds: float | None) -> Decided:
    stop = after(None if seconds is None else FINDING * seconds)
    decision, judged = decide(
        evidence.y,
        prediction,
        evidence.metric,
        weights=evidence.weights,
        groups=evidence.clusters,
        folds=evidence.folds if forward else None,
        seed=evidence.seed,
        stop=stop,
    )
    if not decision.accepted:
        return Decided(decision, scores)
    limit = after(None if seconds is None else (1 - FINDING) * seconds)
    new = evidence.scores(judged, scores.estimate.n_candidates, scores.optimism, limit)
    if decision.kind == "temperature":
        same = {m.name for m in (evidence.metric, *evidence.reported) if _unmoved(m, evidence, prediction, decision)}
        if evidence.metric.name in same:
            new = replace(new, estimate=scores.estimate, search_score=scores.search_score)
    else:  # tilted probabilities are good for labels only
        same = {metric.name for metric in evidence.reported if metric.needs != "label"}
    reported = {name: (scores if name in same else new).reported[name] for name in scores.reported}
    return Decided(decision, replace(new, reported=reported))


def _unmoved(metric: Metric, evidence: Evidence, prediction: Array, decision: Decision) -> bool:
    """Whether a decision for all rows changes nothing, such as ranks: ones that differ by row would mix them up."""
    stack = np.stack([prediction, apply_decision(prediction, decision)])
    before, after = held_out_losses(metric, evidence.y, stack, evidence.weights, evidence.folds)
    return bool(np.isclose(before, after, rtol=1e-9, atol=1e-12))


def _note(decision: Decision) -> str:
    how = f"gain {decision.gain:.2g} +- {decision.standard_error:.2g} on rows it was not found on"
    if decision.kind == "temperature":
        return f"probabilities are rescaled by temperature {decision.value[0]:.3g}: in log loss a {how}"
    if decision.kind == "threshold":
        return f"the second class is predicted from probability {decision.value[0]:.3g} on: a {how}"
    return f"predict multiplies the probabilities by {', '.join(f'{w:.3g}' for w in decision.value)}: a {how}"
