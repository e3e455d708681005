"""Which job next: orders folds, races candidates between folds, joins FoldResults into Results."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from automl.core import Config, Event, FoldResult, Proposal, Result, Status, Step, Trial, stream
from automl.evaluate import FoldOutput
from automl.optimize import Optimizer
from automl.search.candidate import Candidate, falls_behind
from automl.search.cost import CostModel
from automl.search.plan import FitPlan
from automl.space import Catalog, Component, Float, Int

__all__ = ["COUNTED_SECONDS", "LAG", "Launch", "Schedule", "cheaper"]

COUNTED_SECONDS = 600.0  # limit of a job in runs without a clock
LAG = 16  # counted runs: trial i sees the Results of trials 0..i-LAG only, whatever n_jobs is
BREADTH = 8  # so many different models get their first fold before others are completed
EXEMPT = 8  # so many first trials are never raced
RACE_DEPTH = 8
SPARED = 0.05
GIVE_UP = 40  # proposals in a row that cannot end in time
COUNTS = ("n_estimators", "max_iter")  # hyperparameters that a fit's time is proportional to
CUT = 0.3  # share of the time that one fold may take at most
SOFT = 0.45  # share of its limit after which boosting stops by itself: predicting and storing come after it
FASTEST = 0.12  # learning rate; above it boosting of many classes often diverges
SLOT = 0.25  # share of the time left that one trial may take before it is made cheaper


@dataclass(frozen=True)
class Launch:
    """A fold to submit, with its limits in seconds: soft (boosting stops by itself) and hard (killed)."""

    candidate: Candidate
    fold: int
    soft_seconds: float | None
    hard_seconds: float | None


class Schedule:
    """Orders the jobs of one fit. Knows no executor and no clock: ``left`` is handed in where time matters.

    Timed runs start the prior and the anchor whole, then one fold of every family, then complete candidates best
    first, then ask the optimizer for more; nothing is started that is not expected to end. Counted runs go by trial
    number and depend on Results only.
    """

    def __init__(
        self,
        plan: FitPlan,
        catalog: Catalog,
        optimizer: Optimizer,
        cost: CostModel,
        emit: Callable[[Event], None],
    ) -> None:
        self._plan = plan
        self._catalog = catalog
        self._optimizer = optimizer
        self._cost = cost
        self._emit = emit
        self._told = 0
        self._turned_down = 0
        self._exhausted = False
        self._untold: list[Result] = []
        self.candidates: list[Candidate] = []

    # ---- what to do next

    def next(self, left: float) -> Launch | None:
        """Return the next fold to submit when ``left`` seconds remain for searching, or None."""
        for candidate in self._in_order(left):
            if candidate.wants and (not self._plan.timed or self._fits(candidate, left)):
                return self._launch(candidate, candidate.wants[0], left)
        started = self._start(left)
        return None if started is None else self._launch(started, 0, left)

    @property
    def reason(self) -> str | None:
        """Why nothing can be started any more, or None if something can."""
        if self._plan.max_trials is not None and len(self.candidates) >= self._plan.max_trials:
            return "trial count"
        if self._exhausted:
            return "space exhausted"
        return "nothing fits the time left" if self._turned_down >= GIVE_UP else None

    def _in_order(self, left: float) -> list[Candidate]:
        """Candidates that wait for folds, most urgent first; breadth comes first by holding the others back."""
        open_ = [c for c in self.candidates if c.result is None]
        if not self._plan.timed:
            return open_
        first = [c for c in open_ if c.trial.id < 2]
        if len(self.candidates) < min(BREADTH, self._plan.portfolio) and self.reason is None:
            return first
        rest = [c for c in open_ if c.trial.id >= 2]
        affordable = [c for c in rest if not c.exempt or self._remaining_cost(c) <= 0.25 * left]
        dear = [c for c in rest if c not in affordable]
        return first + sorted(affordable, key=lambda c: (not c.results, c.loss, c.trial.id)) + dear

    def _remaining_cost(self, candidate: Candidate) -> float:
        return self._cost.expected(candidate.trial.config) * len(candidate.pending) / self._plan.n_jobs

    def _fits(self, candidate: Candidate, left: float) -> bool:
        """Whether the next fold is expected to end in time."""
        return self._fold_seconds(candidate.trial.config, candidate.model, left) <= left

    def _fold_seconds(self, config: Config, model: Component, left: float) -> float:
        """Seconds that a fold must be given; LightGBM can be cut short, so its mean counts, up to a cut."""
        if model.stopping == "lightgbm":
            return min(self._cost.expected(config), CUT * left)
        return self._cost.high(config)

    def _start(self, left: float) -> Candidate | None:
        """Ask for the next proposal that can end in time and open its trial."""
        while self.reason is None and self._may_open():
            proposals = self._optimizer.ask(1)
            if not proposals:
                self._exhausted = True
                return None
            proposal = self._affordable(proposals[0], left) if self._plan.timed else proposals[0]
            if proposal is not None:
                self._turned_down = 0
                return self._open(proposal)
            self._turned_down += 1
        return None

    def _may_open(self) -> bool:
        """Counted runs: trial i opens only when all trials up to i - LAG have ended and are told."""
        if self._plan.timed:
            return True
        seen = len(self.candidates) - LAG
        if any(c.result is None for c in self.candidates[: max(0, seen + 1)]):
            return False
        while self._told <= seen:
            result = self.candidates[self._told].result
            assert result is not None
            self._optimizer.tell(result)
            self._told += 1
        return True

    def _affordable(self, proposal: Proposal, left: float) -> Proposal | None:
        """Return the proposal if its trial is expected to end in time; made cheaper if that is what it takes."""
        config = proposal.config
        model = self._catalog.get(config.steps[-1].component)
        rounds_of_jobs = -(-self._plan.n_folds // self._plan.n_jobs)
        excess = self._cost.expected(config) * rounds_of_jobs / max(1e-9, SLOT * left)
        if excess > 1:
            config = cheaper(config, model, excess)
        seconds = self._fold_seconds(config, model, left) * rounds_of_jobs
        return dataclasses.replace(proposal, config=config) if seconds <= left else None

    def _open(self, proposal: Proposal) -> Candidate:
        trial = Trial(len(self.candidates), proposal.config, proposal.origin, proposal.fidelity)
        model = self._catalog.get(proposal.config.steps[-1].component)
        candidate = Candidate(trial, model, self._plan.n_folds, exempt=trial.id < EXEMPT)
        self.candidates.append(candidate)
        self._emit(
            Event(
                "trial",
                {
                    "trial": trial.id,
                    "config": trial.config.to_json(),
                    "origin": trial.origin,
                    "key": trial.config.key(),
                },
            )
        )
        return candidate

    def _launch(self, candidate: Candidate, fold: int, left: float) -> Launch:
        candidate.running.add(fold)
        if not self._plan.timed:
            return Launch(candidate, fold, None, COUNTED_SECONDS)
        assert self._plan.seconds is not None
        longest = CUT * self._plan.seconds
        usual = self._cost.high(candidate.trial.config)
        hard = min(longest, max(0.1 * self._plan.seconds, 2.0, 2.5 * usual), max(left, 0.5))
        return Launch(candidate, fold, SOFT * hard, hard)

    # ---- what came back

    def record(self, result: FoldResult) -> Result | None:
        """Take in a fold; return the trial's Result when this fold ended it."""
        assert result.trial is not None and result.fold is not None
        candidate = self.candidates[result.trial]
        candidate.running.discard(result.fold)
        output = result.value if isinstance(result.value, FoldOutput) else None
        candidate.results[result.fold] = dataclasses.replace(result, value=None)  # predictions are kept in one place
        if output is not None and output.status is Status.OK:
            candidate.outputs[result.fold] = output
        self._learn_cost(candidate, result)
        if candidate.result is not None:
            return None
        if result.status is not Status.OK:
            return self._close(candidate, result.status, result.error)
        return self._judge(candidate)

    def _learn_cost(self, candidate: Candidate, result: FoldResult) -> None:
        if not self._plan.timed or result.status is Status.CANCELLED:
            return
        killed = result.status in (Status.TIMEOUT, Status.MEMORY)
        self._cost.observe(candidate.trial.config, result.wall_seconds * (2.0 if killed else 1.0))

    def _judge(self, candidate: Candidate) -> Result | None:
        """Race over the folds that are there without a gap; complete or stop the trial."""
        while candidate.judged in candidate.outputs and candidate.result is None:
            candidate.judged += 1
            if candidate.judged == candidate.n_folds:
                if candidate.loss == float("inf"):
                    return self._close(candidate, Status.INVALID, "the metric is not defined on any fold")
                return self._close(candidate, Status.OK, None)
            if not (candidate.exempt or candidate.spared) and falls_behind(
                candidate, self._rivals(candidate), RACE_DEPTH
            ):
                rng = stream(self._plan.seed, "race", candidate.trial.id)
                if rng.random() < SPARED:
                    candidate.spared = True
                else:
                    reason = f"behind the best {RACE_DEPTH} after {candidate.judged} of {candidate.n_folds} folds"
                    return self._close(candidate, Status.PRUNED, reason)
        return None

    def _rivals(self, candidate: Candidate) -> list[Candidate]:
        complete = [c for c in self.candidates if c.complete]
        if self._plan.timed:
            return complete
        return [c for c in complete if c.trial.id <= candidate.trial.id - LAG]

    def _close(self, candidate: Candidate, status: Status, reason: str | None) -> Result:
        result = candidate.end(status, reason)
        if self._plan.timed:
            self._optimizer.tell(result)
        return result

    def close_open(self) -> list[Result]:
        """End every open trial as cancelled; called once, when the search is over."""
        return [c.end(Status.CANCELLED, "the search ended first") for c in self.candidates if c.result is None]

    def false_stop_share(self) -> float | None:
        """Share of the trials that the race wanted to stop, spared at random, which would have been among the best."""
        spared = [c for c in self.candidates if c.spared and c.complete]
        if not spared:
            return None
        best = sorted(c.loss for c in self.candidates if c.complete)[:RACE_DEPTH]
        return sum(c.loss <= best[-1] for c in spared) / len(spared)


def cheaper(config: Config, model: Component, excess: float) -> Config:
    """Return the configuration with about ``excess`` times less to do: fewer trees or epochs, a faster learning rate.

    The change stays within the declared range; a model that has neither is returned as it is.
    """
    last = config.steps[-1]
    values = last.values
    for parameter in model.hyperparameters:
        value = values.get(parameter.name)
        if isinstance(parameter, Int) and parameter.name in COUNTS and isinstance(value, int):
            values[parameter.name] = max(parameter.low, int(value / excess))
        elif isinstance(parameter, Float) and parameter.name == "learning_rate" and isinstance(value, float):
            values[parameter.name] = max(value, min(parameter.high, FASTEST, value * excess**1.25))
    return Config((*config.steps[:-1], Step(last.component, tuple(values.items()))))
