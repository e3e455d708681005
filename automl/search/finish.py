"""From complete trials to one plain model: select, refit if planned, load, join."""

from __future__ import annotations

import contextlib
import functools
import pickle
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from automl.core import Event, Job, JobKind, NoModelError, Status
from automl.data import Dataset
from automl.ensemble import Decision
from automl.evaluate import Estimate, FoldOutput, OutOfFold, refit_params, run_refit
from automl.pipeline.assemble import assemble
from automl.pipeline.shared import interned
from automl.search.candidate import Candidate
from automl.search.deciding import Decided, decide_final, place
from automl.search.evidence import Evidence
from automl.search.launch import COUNTED_SECONDS, look_rows
from automl.search.loop import (
    LOAD_MB_PER_SECOND,
    Run,
    await_jobs,
    fold_event,
    growth_to_all,
    model_path,
    retained,
    screened_path,
    unpack,
)
from automl.search.plan import Member
from automl.search.selecting import Selected, choose, mix

__all__ = ["Finished", "finish", "finish_alone", "load_model", "why_constant"]

JOINING_SECONDS = 0.3  # kept for joining the models once they are loaded
FAILURES = (Status.CRASHED, Status.TIMEOUT, Status.MEMORY, Status.INVALID)
MOST_PARTS_MB = 50.0  # of what members predicted held out, kept with the model


@dataclass(frozen=True)
class Finished:
    model: Any
    members: tuple[Member, ...]
    estimate: Estimate
    out_of_fold: OutOfFold | None = None
    search_score: Estimate | None = None
    reported: Mapping[str, Estimate] = field(default_factory=dict)
    decision: Decision = field(default_factory=Decision)
    decision_model: Any = None


@dataclass(frozen=True)
class Loaded:
    """A member in memory: one model refitted on all rows, or its fold models."""

    candidate: Candidate
    weight: float
    models: list[Any]
    refitted: bool


def finish(run: Run, dataset: Dataset, *, refit: bool) -> Finished:
    """Make the final model out of what the search left; ``refit``: fit the members again on all rows, as time allows.

    Raises
    ------
    NoModelError
        Only if not even a constant model can be made.
    """
    complete = retained(run)
    candidates = without_constant(complete, classifies=dataset.task.classifies)
    if not candidates or (len(candidates) == len(complete) == 1 and _beats_constant(run)):
        return _last_resort(run, dataset)
    if candidates[0].model.family == "prior" and len(candidates) < len(complete):
        run.notes.append("the model predicts a constant: every other model scored worse than that")
    evidence = Evidence.of(run, dataset)
    selected = choose(run, evidence, candidates)
    pairs = zip(candidates, selected.weights, strict=True)
    chosen = sorted(((c, w) for c, w in pairs if w > 0), key=lambda pair: -pair[1])
    loaded = _load_all(run, chosen, _refit(run, chosen) if refit else {})
    if not loaded:
        return _last_resort(run, dataset)
    shared = interned([member.models for member in loaded])
    loaded = [replace(member, models=models) for member, models in zip(loaded, shared, strict=True)]
    total = sum(member.weight for member in loaded)
    scores = selected.scores
    if len(loaded) < len(chosen) and not evidence.builtin:
        run.notes.append("the score is that of the ensemble with the members that were left out")
    elif len(loaded) < len(chosen):
        stack = np.stack([member.candidate.out_of_fold() for member in loaded])
        mixed = mix(stack, [member.weight / total for member in loaded])
        scores = evidence.scores(mixed, scores.estimate.n_candidates, scores.optimism)
    # the shares that are journalled, to the last bit: a replay must join the same model
    joined = [(m.weight / total, _voters(run, m)) for m in loaded]
    kept = _out_of_fold(run, evidence, loaded)
    found = Decided(Decision(), scores)
    if dataset.task.classifies:
        left = run.budget.remaining() - JOINING_SECONDS
        found = decide_final(run, evidence, kept.prediction, scores, left)
    model = assemble(joined, classes=dataset.classes, task=dataset.task)
    model, decision_model = place(model, dataset, found.decision)
    members = tuple(
        _member(run, m.candidate, m.candidate.loss, weight=m.weight / total, refitted=m.refitted) for m in loaded
    )
    scores = found.scores
    _announce(run, selected, members, scores.search_score)
    return Finished(
        model,
        members,
        scores.estimate,
        kept,
        scores.search_score,
        scores.reported,
        found.decision,
        decision_model,
    )


def without_constant(candidates: Sequence[Candidate], *, classifies: bool) -> list[Candidate]:
    """Return all but constant models, of candidates sorted by loss; where a constant value beats all others, it alone.

    A constant changes no ranks, so rank metrics would take it into an ensemble for nothing; and classes that are worse
    than constant may be too sure of themselves only, which a temperature mends.
    """
    others = [c for c in candidates if c.model.family != "prior"]
    if others and not classifies and candidates[0].loss < others[0].loss:
        return [candidates[0]]
    return others or list(candidates)


def _out_of_fold(run: Run, evidence: Evidence, loaded: Sequence[Loaded]) -> OutOfFold:
    """Return what the members predict together for rows held out, and the models that did."""
    total = sum(member.weight for member in loaded)
    shares = [member.weight / total for member in loaded]
    parts = np.stack([member.candidate.out_of_fold() for member in loaded])
    prediction = mix(parts, shares)
    models: tuple[tuple[tuple[float, Any], ...], ...] = ()
    if not any(member.refitted for member in loaded) and all(len(m.models) == run.plan.n_folds for m in loaded):
        models = tuple(
            tuple((w, m.models[fold]) for w, m in zip(shares, loaded, strict=True)) for fold in range(run.plan.n_folds)
        )
    return OutOfFold(
        evidence.rows,
        evidence.folds,
        evidence.y,
        prediction,
        evidence.weights,
        evidence.groups,
        models,
        parts if parts.nbytes <= 1e6 * MOST_PARTS_MB else None,
    )


def finish_alone(run: Run, dataset: Dataset) -> Finished:
    """Make the model of the best trial that can be loaded: for when joining several has failed."""
    for candidate in sorted(retained(run), key=lambda c: (c.loss, c.trial.id)):
        loaded = _load_all(run, [(candidate, 1.0)], {})
        if loaded:
            model = assemble([(1.0, _voters(run, loaded[0]))], classes=dataset.classes, task=dataset.task)
            nothing, n = float("nan"), sum(len(test) for _, test in run.folds.pairs)
            score = -run.metric.sign * candidate.loss
            label = "search score (optimistic) of a single trial"
            estimate = Estimate(score, nothing, (nothing, nothing), label, run.metric.name, n)
            members = (_member(run, candidate, candidate.loss),)
            return Finished(model, members, estimate, search_score=estimate)
    return _last_resort(run, dataset)


def _voters(run: Run, member: Loaded) -> list[Any]:
    """Return the models of a member that are delivered: in the order of time only that of the most recent rows."""
    return member.models[-1:] if run.folds.forward else member.models


def _instead(run: Run) -> str:
    return "the model of its last fold is used" if run.folds.forward else "its fold models are used"


def _load_seconds(candidate: Candidate) -> float:
    return candidate.artifact_mb / LOAD_MB_PER_SECOND


def _load_all(run: Run, chosen: Sequence[tuple[Candidate, float]], refitted: dict[int, str]) -> list[Loaded]:
    """Load the members, heaviest first; what no longer fits the time or the memory is left out and said so."""
    loaded: list[Loaded] = []
    megabytes = 0.0
    for candidate, weight in chosen:
        trial = candidate.trial.id
        late = run.plan.timed and run.budget.remaining() - JOINING_SECONDS < _load_seconds(candidate)
        large = megabytes + candidate.artifact_mb > 0.3 * run.plan.memory_limit_mb
        if loaded and (late or large):
            why = "no time to load it" if late else f"{candidate.artifact_mb:.0f} MB more than memory allows"
            run.notes.append(f"trial {trial} left out of the ensemble: {why}")
            continue
        paths = [refitted[trial]] if trial in refitted else candidate.artifacts
        try:
            models = [load_model(path) for path in paths]
        except Exception as error:  # unpickling runs the code of whoever made the model
            run.notes.append(f"trial {trial} left out of the ensemble: it cannot be loaded ({error})")
            continue
        loaded.append(Loaded(candidate, weight, models, trial in refitted))
        megabytes += candidate.artifact_mb
    return loaded


def _refit(run: Run, chosen: Sequence[tuple[Candidate, float]]) -> dict[int, str]:
    """Fit members again on all rows, heaviest first, as far as the time goes; the others keep their fold models."""
    growth = growth_to_all(run)
    available = float("inf")
    if run.plan.timed:
        available = run.budget.remaining() - sum(_load_seconds(c) for c, _ in chosen) - JOINING_SECONDS
    waiting = {}
    busy = [0.0] * run.plan.n_jobs
    for candidate, _ in chosen:
        seconds = 1.2 * growth * candidate.measures().fit_seconds / run.plan.n_folds
        busy.sort()
        if run.plan.timed and busy[0] + seconds > available:
            run.notes.append(f"trial {candidate.trial.id} not refitted: no time; {_instead(run)}")
            continue
        busy[0] += seconds
        waiting[_submit_refit(run, candidate, growth, available)] = candidate
    done: dict[int, str] = {}
    for raw in await_jobs(run, set(waiting), available if run.plan.timed else COUNTED_SECONDS * len(waiting)):
        result = unpack(raw)
        run.emit(Event("fold", fold_event(result), run.budget.elapsed()))
        trial = waiting[raw.job].trial.id
        if result.status is Status.OK and isinstance(raw.value, FoldOutput) and raw.value.artifact:
            done[trial] = raw.value.artifact
        else:
            run.notes.append(f"trial {trial} not refitted ({result.status}); {_instead(run)}")
    return done


def _submit_refit(run: Run, candidate: Candidate, growth: float, available: float) -> int:
    rounds = _refit_rounds(candidate, growth)
    trial = candidate.trial
    path = model_path(run, trial.id, None)
    payload = functools.partial(run_refit, str(run.evaluation_path), trial.config, path, rounds, None)
    limit = max(0.1, available) if run.plan.timed else COUNTED_SECONDS
    job = Job(run.new_job(), JobKind.REFIT, trial.id, None, payload, limit, run.plan.worker_limit_mb)
    run.executor.submit(job)
    return job.id


def _refit_rounds(candidate: Candidate, growth: float) -> int | None:
    """Return the number of rounds for all rows: what the folds found, a little more for the additional rows."""
    screened = [] if candidate.screened is None else [candidate.screened]
    outputs = list(candidate.outputs.values()) or screened
    found = [output.rounds for output in outputs if output.rounds]
    return round(float(np.mean(found)) * min(1.1, growth**0.5)) if found else None


def load_model(path: str) -> Any:
    """Return a fitted model that a worker of ours has written."""
    with Path(path).open("rb") as file:  # written by our own workers in this run
        return pickle.load(file)


def _announce(run: Run, selected: Selected, members: Sequence[Member], score: Estimate) -> None:
    run.emit(Event("comparison", dict(selected.comparison), run.budget.elapsed()))
    data = {
        "weights": {str(member.trial): member.weight for member in members},
        "refitted": [member.trial for member in members if member.refitted],
        # another metric's value (the user's own failed on the ensemble) has no place beside the trials' losses
        "loss": -run.metric.sign * score.value if score.metric == run.metric.name else None,
        "method": selected.method,
        "nested": selected.nested,
        "final": True,
    }
    run.emit(Event("ensemble", data, run.budget.elapsed()))


def best_partial(candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the trial that scores best on the folds it has, of those with a fold model on disk.

    Two are compared on the folds that both have. A constant is returned only where it is better than the best of the
    others.
    """
    there = [c for c in candidates if any(Path(path).exists() for path in c.artifacts)]
    others = [c for c in there if c.model.family != "prior"]
    if not others:
        return None
    best, *rest = sorted(others, key=lambda c: -len(c.outputs))
    for challenger in rest:
        best = challenger if _is_better(challenger, best) else best
    return next((c for c in there if c.model.family == "prior" and _is_better(c, best)), best)


def _beats_constant(run: Run) -> bool:
    """Whether there is something better than a constant among trials that are not complete."""
    best = best_partial(run.schedule.candidates)
    return bool(_screened(run)) if best is None else best.model.family != "prior"


def _is_better(one: Candidate, other: Candidate) -> bool:
    """Whether the mean optimised loss is less on the folds on which both have one: folds differ more than models."""
    # not the losses of the trials: one that was cut short has none
    own, others = (dict(zip(sorted(c.outputs), c.fold_losses(), strict=True)) for c in (one, other))
    both = [fold for fold in own.keys() & others.keys() if np.isfinite([own[fold], others[fold]]).all()]
    if both:
        return bool(np.mean([own[fold] for fold in both]) < np.mean([others[fold] for fold in both]))
    return any(map(np.isfinite, own.values())) and not any(map(np.isfinite, others.values()))


def _screened(run: Run) -> list[Candidate]:
    """Trials with a model on disk that was fitted on some of the rows."""
    return [c for c in run.schedule.candidates if c.screened is not None and c.screened.artifact]


def _last_resort(run: Run, dataset: Dataset) -> Finished:
    """No trial is complete: take what is best on its folds, else one of some rows, else predict a constant."""
    best, screened = best_partial(run.schedule.candidates), _screened(run)
    nothing = float("nan")
    value, n, label = nothing, 0, "no score: constant model"
    members: tuple[Member, ...] = ()
    models = [] if best is None else _loadable(best.artifacts)
    if best is not None and models:
        models = models[-1:] if run.folds.forward else models
        run.notes.append(f"no trial was complete; the model is {best.model.name} on {len(models)} fold(s)")
        losses = best.fold_losses()
        value, n = float(losses[~np.isnan(losses)].mean()), sum(len(run.folds.pairs[f][1]) for f in best.outputs)
        label, members = "no complete trial; score of the folds that are there", (_member(run, best, value),)
    elif screened:
        best = min(screened, key=lambda c: c.screened_loss)
        models = [load_model(str(screened_path(run, best.trial.id)))]
        rows = f"{look_rows(run.plan, best):,} rows"
        run.notes.append(f"no trial was complete on all rows; the model is {best.model.name} on {rows}: give more time")
        value, n = best.screened_loss, len(run.folds.pairs[0][1])
        label, members = f"no complete trial; score of a model fitted on {rows}", (_member(run, best, value),)
    else:
        try:
            models = [_constant(dataset, getattr(run.metric, "quantile", None))]
        except ValueError as error:
            raise NoModelError(f"no model could be fitted, not even a constant one: {error}") from error
        why = why_constant(run) or "give more time"
        run.notes.append(f"no trial was complete; the model predicts a constant: {why}")
    model = assemble([(1.0, models)], classes=dataset.classes, task=dataset.task)
    score = -run.metric.sign * value
    return Finished(model, members, Estimate(score, nothing, (nothing, nothing), label, run.metric.name, n))


def _loadable(paths: Sequence[str]) -> list[Any]:
    """Return the models that can be read: with the last resort nothing may be raised for one that cannot."""
    found = []
    for path in paths:
        with contextlib.suppress(Exception):  # damaged bytes make pickle raise nearly anything
            found.append(load_model(path))
    return found


def why_constant(run: Run) -> str:
    """Return how many models failed and why most of them did; empty where none did, or one came to its end."""
    tried = [c for c in run.schedule.candidates if c.result is not None and c.model.family != "prior"]
    failed = [c.result for c in tried if c.result is not None and c.result.status in FAILURES]
    if not failed or any(c.complete for c in tried):
        return ""
    reason, _ = Counter(f"{result.status}: {result.reason}" for result in failed).most_common(1)[0]
    return f"{len(failed)} of {len(tried)} models failed, most often {reason}"


def _member(run: Run, candidate: Candidate, loss: float, *, weight: float = 1.0, refitted: bool = False) -> Member:
    settings = refit_params(candidate.model, _refit_rounds(candidate, growth_to_all(run)))
    return Member(candidate.trial.id, candidate.trial.config, weight, loss, refitted, settings)


def _constant(dataset: Dataset, quantile: float | None) -> Any:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    # strategies that ignore X, so that any table fits
    if dataset.task.classifies:
        dummy = DummyClassifier(strategy="prior")
    else:
        dummy = DummyRegressor() if quantile is None else DummyRegressor(strategy="quantile", quantile=quantile)
    return dummy.fit(np.zeros((dataset.n_rows, dataset.n_columns)), dataset.y, sample_weight=dataset.weights)
