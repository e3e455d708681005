"""Which job next: orders folds, screens and races candidates, joins FoldResults into Results."""

from __future__ import annotations

import bisect
import dataclasses
import itertools
from collections.abc import Callable

from automl.core import (
    Config,
    Event,
    Fidelity,
    FoldResult,
    JobKind,
    Proposal,
    Result,
    SettingError,
    Status,
    Trial,
    stream,
)
from automl.evaluate import FoldOutput
from automl.optimize import Optimizer, recalled
from automl.search.candidate import Candidate, falls_behind
from automl.search.cost import CostModel, cheaper, is_cut_short
from automl.search.launch import CUT, Launch, launch_fold, launch_look, look_rows
from automl.search.memory import MemoryModel
from automl.search.plan import FitPlan
from automl.search.screening import LEAST_RIVALS, deserving
from automl.space import Catalog

__all__ = ["LAG", "Schedule"]

LAG = 16  # counted runs: trial i sees the Results of trials 0..i-LAG only, whatever n_jobs is
BREADTH = 8  # so many different models get their first fold before others are completed
EXEMPT = 8  # so many first trials are never raced
RACE_DEPTH = 8
SPARED = 0.05
GIVE_UP = 40  # proposals in a row that cannot end in time or would not fit into memory
SLOT = 0.25  # share of the time left that one trial may take before it is made cheaper
FIRST_LOOKS = 24  # so many trials are screened before the best of them go on to all rows
LOOKING = 0.2  # share of the time of all workers that this may take
LEAST_SHARE = 0.6  # of its expected time that a fit on all rows must be given where it takes long


class Schedule:
    """Orders the jobs of one fit. Knows no executor and no clock: ``left`` is handed in where time matters.

    Timed runs start the prior and the anchor whole, then one fold of every family, then complete candidates best
    first, then ask the optimizer for more; nothing is started that is not expected to end, and what takes long for the
    time there is comes last. Counted runs go by trial number and depend on Results only.

    On large tables (``plan.screen_rows``) all later trials are screened on some of the rows, and only the best third
    and the best of each family go on to their folds on all rows, best first. What an optimizer proposes on fewer rows
    is looked at on those only: its loss chooses, it is never complete.
    """

    def __init__(
        self,
        plan: FitPlan,
        catalog: Catalog,
        optimizer: Optimizer,
        cost: CostModel,
        emit: Callable[[Event], None],
        memory: MemoryModel | None = None,
    ) -> None:
        self._plan = plan
        self._catalog = catalog
        self._optimizer = optimizer
        self._cost = cost
        self._emit = emit
        self._memory = memory or MemoryModel(catalog)
        self._screening_seconds = 0.0
        self._told = 0
        self._turned_down = 0
        self._exhausted = False
        self._best: list[Candidate] = []  # complete, by loss
        self._ranked: set[int] = set()  # trials in it
        self.candidates: list[Candidate] = []

    # ---- what to do next

    def next(self, left: float) -> Launch | None:
        """Return the next fold to submit when ``left`` seconds remain for searching, or None."""
        going = self._go_on(left)
        if going is not None:
            return going
        started = self._start(left)
        while started is not None and started.trial.id < self._breadth and self._is_dear(started, left):
            started = self._start(left)  # cheaper models come first
        if started is None:
            return self._go_on(left)
        return self._look(started, left) if started.waits else self._launch(started, 0, left)

    def _go_on(self, left: float) -> Launch | None:
        """Return the next fold of a trial that is open, or None."""
        for candidate in self._in_order(left):
            if candidate.wants and (not self._plan.timed or self._fits(candidate, left)):
                return self._launch(candidate, candidate.wants[0], left)
        unseen = (c for c in self.candidates if c.waits and c.result is None and not c.looking and c.screening is None)
        return next((self._look(candidate, left) for candidate in unseen), None)

    @property
    def reason(self) -> str | None:
        """Why nothing can be started any more, or None if something can."""
        if self._plan.max_trials is not None and len(self.candidates) >= self._plan.max_trials:
            return "trial count"
        if self._exhausted:
            return "space exhausted"
        return "nothing fits the time or the memory left" if self._turned_down >= GIVE_UP else None

    def _in_order(self, left: float) -> list[Candidate]:
        """Candidates that wait for folds, most urgent first; breadth comes first by holding the others back."""
        open_ = [c for c in self.candidates if c.result is None]
        if not self._plan.timed:
            return open_
        if self._plan.screen_rows:
            return [*(c for c in open_ if c.trial.id < 2), *self._chosen(left)]
        first = [c for c in open_ if c.trial.id < 2 and not self._is_dear(c, left)]
        if len(self.candidates) < self._breadth and self.reason is None:
            return first
        rest = [c for c in open_ if c not in first]
        affordable = [c for c in rest if not c.exempt or not self._is_dear(c, left)]
        dear = [c for c in rest if c not in affordable]
        return first + sorted(affordable, key=lambda c: (not c.results, c.loss, c.trial.id)) + dear

    @property
    def _breadth(self) -> int:
        """So many different models are started before others are completed."""
        return min(BREADTH, self._plan.portfolio) if self._plan.timed and not self._plan.screen_rows else 0

    def _is_dear(self, candidate: Candidate, left: float) -> bool:
        """Whether what is missing of a trial takes a large part of the time left."""
        expected = self._cost.expected(candidate.trial.config)
        return expected * len(candidate.pending) / self._plan.n_jobs > SLOT * left

    def _chosen(self, left: float) -> list[Candidate]:
        """Trials on their way through all rows; the best that waits joins them where none of them can use a worker."""
        going = [c for c in self.candidates[2:] if c.wants]
        if self._compares(left) or any(self._fits(c, left) for c in going):
            return going
        kept = deserving(self.candidates)
        waiting = [c for c in self.candidates if c.waits and c.result is None and c.trial.id in kept]
        for candidate in sorted(waiting, key=lambda c: (c.screened_loss, c.trial.id)):
            if self._fits(candidate, left):
                candidate.waits = False
                return [*going, candidate]
        return going

    def _compares(self, left: float) -> bool:
        """Whether there is time to screen more trials before the first goes on to all rows."""
        assert self._plan.seconds is not None
        looked = sum(c.screening is not None for c in self.candidates)
        whole = [self._cost.expected(c.trial.config) * self._plan.n_folds for c in self.candidates[1:2]]
        return (
            looked < FIRST_LOOKS
            and self._screening_seconds < LOOKING * self._plan.seconds * self._plan.n_jobs
            and left > 1.5 * max(whole, default=0.0)
            and self.reason is None
        )

    def _fits(self, candidate: Candidate, left: float) -> bool:
        """Whether the next fold is expected to end in time."""
        return self._fold_seconds(candidate.trial.config, left) <= left

    def _fold_seconds(self, config: Config, left: float) -> float:
        """Seconds that a fold must be given; of what can be cut short by the clock the mean counts, up to a cut."""
        if not is_cut_short(config, self._catalog):
            return self._cost.high(config)
        if self._plan.screen_rows:
            return LEAST_SHARE * self._cost.expected(config)
        return min(self._cost.expected(config), CUT * left)

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
                for text in self._news():
                    self._emit(Event("policy", {"text": text}))
                return self._open(proposal, left)
            self._turned_down += 1
        return None

    def _news(self) -> list[str]:
        """What the optimizer has changed its mind about, if it tells."""
        news = getattr(self._optimizer, "news", None)
        return list(news()) if callable(news) else []

    def _may_open(self) -> bool:
        """Counted runs: trial i opens only when all trials up to i - LAG have ended and are told."""
        if self._plan.timed:
            return True
        seen = len(self.candidates) - LAG
        if any(c.result is None for c in self.candidates[: max(0, seen + 1)]):
            return False
        while self._told <= seen:
            self._optimizer.tell(self.candidates[self._told].lesson)
            self._told += 1
        return True

    def _affordable(self, proposal: Proposal, left: float) -> Proposal | None:
        """Return the proposal if its trial is expected to end within time and memory, made cheaper if need be."""
        config = proposal.config
        refused = self._memory.refusal(config, self._plan.worker_limit_mb)
        if refused is not None:
            if refused:
                self._emit(Event("policy", {"text": refused}))
            return None
        if proposal.fidelity.rows < 1.0:
            rows = max(1, round(proposal.fidelity.rows * self._plan.train_rows))
            return proposal if self._cost.high(config, rows) <= left else None
        model = self._catalog.get(config.steps[-1].component)
        rounds_of_jobs = -(-self._plan.n_folds // self._plan.n_jobs)
        excess = self._cost.expected(config) * rounds_of_jobs / max(1e-9, SLOT * left)
        if excess > 1:
            config = cheaper(config, model, excess)
        seconds = self._fold_seconds(config, left)
        if is_cut_short(config, self._catalog):
            seconds *= rounds_of_jobs
        else:  # the first fold will tell how far off the expectation is
            seconds = max(seconds, self._cost.expected(config) * rounds_of_jobs)
        if seconds > left and self._plan.screen_rows and not any(c.complete for c in self.candidates[1:]):
            seconds = self._cost.high(config, self._plan.screen_rows)  # a model of some rows is better than none
        return dataclasses.replace(proposal, config=config) if seconds <= left else None

    def _open(self, proposal: Proposal, left: float) -> Candidate:
        candidate = self._candidate(proposal)
        trial = candidate.trial
        if not candidate.whole:
            candidate.waits = True
        elif self._plan.screen_rows and all(c.whole or c.trial.config != trial.config for c in self.candidates):
            candidate.waits = trial.id >= 2 or (self._plan.timed and not self._fits(candidate, left))
        self.candidates.append(candidate)
        data = {
            "trial": trial.id,
            "config": trial.config.to_json(),
            "origin": trial.origin,
            "key": trial.config.key(),
            "waits": candidate.waits,
        }
        self._emit(Event("trial", data if candidate.whole else {**data, "rows": trial.fidelity.rows}))
        return candidate

    def _candidate(self, proposal: Proposal) -> Candidate:
        if proposal.fidelity != Fidelity(rows=proposal.fidelity.rows):
            raise SettingError(f"the optimizer proposed {proposal.fidelity}: a fit takes fewer rows only")
        trial = Trial(len(self.candidates), proposal.config, proposal.origin, proposal.fidelity)
        model = self._catalog.get(proposal.config.steps[-1].component)
        exempt = trial.id < (2 if self._plan.screen_rows else EXEMPT)
        return Candidate(trial, model, self._plan.n_folds, exempt=exempt)

    def reopen(self, config: Config, origin: str, *, waits: bool, rows: float = 1.0) -> None:
        """Open again the next trial of an earlier session; the optimizer goes on behind it.

        Raises
        ------
        SettingError
            In a counted run, if an optimizer of the user's own does not propose what it did.
        """
        if not self._plan.timed:
            self._may_open()
        same = recalled(self._optimizer, config)
        self._news()  # told already
        if not (same or self._plan.timed):
            raise SettingError(
                f"the optimizer does not propose trial {len(self.candidates)} again as it did: "
                "resume with the same optimizer and the same versions of all libraries"
            )
        candidate = self._candidate(Proposal(config, origin, Fidelity(rows=rows)))
        candidate.waits = waits
        self.candidates.append(candidate)

    def _launch(self, candidate: Candidate, fold: int, left: float) -> Launch:
        return launch_fold(self._plan, self._cost, candidate, fold, left)

    def _look(self, candidate: Candidate, left: float) -> Launch:
        return launch_look(self._plan, self._cost, candidate, left)

    # ---- what came back

    def record(self, result: FoldResult, limit_mb: float | None = None) -> list[Result]:
        """Take in a job, of an earlier session with its limit of memory; return the Results of trials that it ended."""
        assert result.trial is not None and result.fold is not None
        candidate, fold = self.candidates[result.trial], result.fold
        output = result.value if isinstance(result.value, FoldOutput) else None
        result = dataclasses.replace(result, value=None)  # predictions are kept in one place
        self._learn_cost(candidate, result, limit_mb or self._plan.worker_limit_mb)
        if result.kind is JobKind.PROBE:
            candidate.screening = result
            if output is not None and output.status is Status.OK:
                candidate.screened = dataclasses.replace(output, prediction=None)
        else:
            candidate.running.discard(fold)
            candidate.results[fold] = result
            candidate.waits = False
            if output is not None and output.status is Status.OK:
                candidate.outputs[fold] = output
        if candidate.result is not None:
            return []
        if result.status is not Status.OK:
            return [self._close(candidate, result.status, result.error)]
        if result.kind is JobKind.PROBE:
            return self._judge_screening(candidate)
        ended = self._judge(candidate)
        return [] if ended is None else [ended]

    def retry(self, result: FoldResult) -> None:
        """Let a job that failed for no fault of its trial run again."""
        assert result.trial is not None and result.fold is not None
        candidate = self.candidates[result.trial]
        candidate.running.discard(result.fold)
        candidate.looking = False
        if result.kind is JobKind.PROBE and candidate.whole:
            candidate.waits = False  # straight to all rows

    def _learn_cost(self, candidate: Candidate, result: FoldResult, limit_mb: float | None) -> None:
        if not self._plan.timed or result.status is Status.CANCELLED:
            return
        killed = result.status in (Status.TIMEOUT, Status.MEMORY)
        seconds = result.wall_seconds * (2.0 if killed else 1.0)
        if result.kind is JobKind.PROBE:
            self._screening_seconds += result.wall_seconds
            self._cost.observe(candidate.trial.config, seconds, look_rows(self._plan, candidate))
        else:
            self._cost.observe(candidate.trial.config, seconds / self._plan.share_of(result.fold))
            killed_at = limit_mb if result.status is Status.MEMORY else None
            self._memory.observe(candidate.trial.config, result.peak_mb, killed_at)

    def _judge_screening(self, candidate: Candidate) -> list[Result]:
        """End trials that fall behind on some of the rows: counted runs this one, timed runs whoever waits."""
        if not candidate.whole:
            reason = f"looked at on {look_rows(self._plan, candidate):,} rows"
            return [self._close(candidate, Status.PRUNED, reason)]
        seen = [c for c in self.candidates if c.screened and c.whole]
        enough, waiting = len(seen) >= FIRST_LOOKS, [c for c in seen if c.waits and c.result is None]
        if not self._plan.timed:
            seen = [c for c in seen if c.trial.id <= candidate.trial.id - LAG]
            enough, waiting, candidate.waits = len(seen) >= LEAST_RIVALS, [candidate], False
            seen.append(candidate)
        if not enough:
            return []
        kept = deserving(seen)
        reason = f"behind after screening on {self._plan.screen_rows:,} rows"
        return [self._close(c, Status.PRUNED, reason) for c in waiting if c.trial.id not in kept]

    def _judge(self, candidate: Candidate) -> Result | None:
        """Race over the folds that are there without a gap; complete or stop the trial."""
        while candidate.judged in candidate.outputs and candidate.result is None:
            candidate.judged += 1
            if candidate.judged == candidate.n_folds:
                if candidate.loss == float("inf"):
                    return self._close(candidate, Status.INVALID, "the metric is not defined on any fold")
                return self._close(candidate, Status.OK, None)
            if not (candidate.exempt or candidate.spared) and falls_behind(candidate, self._rivals(candidate)):
                rng = stream(self._plan.seed, "race", candidate.trial.id)
                if rng.random() < SPARED:
                    candidate.spared = True
                else:
                    reason = f"behind the best {RACE_DEPTH} after {candidate.judged} of {candidate.n_folds} folds"
                    return self._close(candidate, Status.PRUNED, reason)
        return None

    def _rivals(self, candidate: Candidate) -> list[Candidate]:
        """The best complete trials that this one is set against; none while there are too few."""
        last = len(self.candidates) if self._plan.timed else candidate.trial.id - LAG
        seen = (c for c in self._best if c.trial.id <= last and c.complete)
        rivals = list(itertools.islice(seen, RACE_DEPTH))
        return rivals if len(rivals) == RACE_DEPTH else []

    def _close(self, candidate: Candidate, status: Status, reason: str | None) -> Result:
        result = candidate.end(status, reason)
        if status is Status.OK and candidate.trial.id not in self._ranked:
            self._ranked.add(candidate.trial.id)
            bisect.insort(self._best, candidate, key=lambda c: (c.loss, c.trial.id))
        if self._plan.timed and not candidate.told:
            self._optimizer.tell(candidate.lesson)
            candidate.told = True
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
