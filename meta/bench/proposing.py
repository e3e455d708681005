"""The optimizers that ``optimizers.py`` compares, and one run of one of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import others

if TYPE_CHECKING:
    from automl.core import Config
    from automl.optimize import Optimizer

__all__ = ["OPTIMIZERS", "Run", "Task", "play"]

LOWEST = 1 / 9  # share of an evaluation at the lowest fidelity


class Task(Protocol):
    """What is minimised: ``evaluate`` returns (loss, seconds), at a share of the whole evaluation."""

    name: str
    optimum: float

    def space(self) -> Any: ...

    def portfolio(self) -> tuple[Config, ...]: ...

    def evaluate(self, config: Config, fidelity: float = 1.0) -> tuple[float, float]: ...


@dataclass
class Run:
    """What one optimizer did on one task: for each evaluation its share, loss and seconds, in order."""

    shares: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    proposing: float = 0.0  # CPU seconds

    def add(self, share: float, loss: float, seconds: float) -> None:
        self.shares.append(round(share, 6))
        self.losses.append(float(f"{loss:.9g}"))
        self.seconds.append(float(f"{seconds:.4g}"))


def _made(name: str) -> Callable[[Task, int, int], Optimizer]:
    """Return how an optimizer of this project is made for a task, a seed and a number of trials."""

    def make(task: Task, seed: int, trials: int) -> Optimizer:
        from automl import optimize

        space = task.space()
        if name == "auto":
            return optimize.start_optimizer("auto", space, task.portfolio(), seed, trials=trials)
        if name == "portfolio+random":
            return optimize.Chain([optimize.Portfolio(task.portfolio()), optimize.RandomSearch(space, seed)])
        if name == "portfolio+bayes":
            return optimize.Chain([optimize.Portfolio(task.portfolio()), optimize.BayesSearch(space, seed)])
        if name == "asha":
            return optimize.ASHA(optimize.BayesSearch(space, seed), optimize.ladder(LOWEST))
        return {"random": optimize.RandomSearch, "bayes": optimize.BayesSearch, "genetic": optimize.GeneticSearch}[
            name
        ](space, seed)

    return make


OPTIMIZERS: Mapping[str, Any] = {
    **{n: _made(n) for n in ("random", "bayes", "genetic", "asha", "auto", "portfolio+random", "portfolio+bayes")},
    "tpe": {},
    "tpe multivariate": {"multivariate": True, "group": True},
    "smac": None,
}


def play(name: str, task: Task, seed: int, trials: int) -> Run:
    """Let an optimizer work until as much is evaluated as in ``trials`` whole trials."""
    run = Run()

    def record(config: Config, asked: float) -> float:
        loss, seconds = task.evaluate(config)
        run.add(1.0, loss, seconds)
        run.proposing += asked
        return loss

    if name == "smac":
        others.play_smac(task, seed, trials, record)
    elif name.startswith("tpe"):
        others.play_tpe(task, seed, trials, record, **OPTIMIZERS[name])
    else:
        _ask_and_tell(OPTIMIZERS[name](task, seed, trials), task, trials, run)
    return run


def _ask_and_tell(optimizer: Optimizer, task: Task, trials: int, run: Run) -> None:
    from automl.core import Measures, Result, Status, Trial

    spent = 0.0
    while spent < trials - 1e-9:
        asked = time.process_time()
        proposals = optimizer.ask(1)
        if not proposals:
            return
        [proposal] = proposals
        share = proposal.fidelity.rows
        asked = time.process_time() - asked
        loss, seconds = task.evaluate(proposal.config, share)
        run.add(share, loss, seconds)
        spent += share
        trial = Trial(len(run.losses) - 1, proposal.config, proposal.origin, proposal.fidelity)
        told = time.process_time()
        measures = Measures(fit_seconds=seconds, cpu_seconds=seconds)
        optimizer.tell(Result(trial, Status.OK, loss, measures))
        run.proposing += asked + time.process_time() - told
