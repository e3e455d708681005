"""A catalogue, costs, an optimizer and a plan for schedules, without anything behind them."""

import dataclasses

import numpy as np

from automl.core import Config, FoldResult, JobKind, Measures, Proposal, Status, Step
from automl.evaluate import FoldOutput
from automl.search.plan import FitPlan
from automl.search.schedule import Schedule
from automl.space import Component, Int, Role

MODELS = ("prior", "lightgbm", "forest")
ROWS = 1_000_000  # of a large table


class Models:
    """A catalogue of three models."""

    def get(self, name):
        stopping = "lightgbm" if name == "lightgbm" else None
        trees = (Int("n_estimators", 16, 300, 100),)
        return Component(name, Role.MODEL, "nowhere:Nothing", family=name, hyperparameters=trees, stopping=stopping)


class Costs:
    """Seconds per model, for 100 trees; remembers what it is told."""

    def __init__(self, **seconds):
        self.seconds = dict.fromkeys(MODELS, 1.0) | seconds
        self.seen = []

    def observe(self, config, seconds, rows=None):
        self.seen.append((config.steps[-1].component, seconds))

    def expected(self, config, rows=None):
        share = 1.0 if rows is None else rows / ROWS
        return share * self.seconds[config.steps[-1].component] * config.steps[-1].values["n_estimators"] / 100

    def high(self, config, rows=None):
        return 1.5 * self.expected(config, rows)


class Endless:
    """Proposes forest configurations for ever and remembers what it was told, and when."""

    def __init__(self, trees=100, limit=10_000, first=MODELS):
        self.asked, self.told, self.trees, self.limit, self.first = 0, [], trees, limit, first

    def ask(self, n):
        if self.asked >= self.limit:
            return []
        self.asked += 1
        name = self.first[self.asked - 1] if self.asked <= len(self.first) else "forest"
        return [Proposal(Config.of(Step.of(name, n_estimators=self.trees, number=self.asked)), "test")]

    def tell(self, result):
        self.told.append((self.asked, result.trial.id))


def plan(**changes) -> FitPlan:
    base = FitPlan(
        task="binary",
        metric="roc_auc",
        seconds=60.0,
        max_trials=None,
        folds="",
        n_folds=3,
        holdout=False,
        refit=False,
        optimizer="",
        models=MODELS,
        left_out=(),
        portfolio=10,
        ensemble_size=5,
        candidates=5,
        executor="",
        n_jobs=2,
        memory_limit_mb=1000,
        worker_limit_mb=None,
        reserve_seconds=1.0,
        seed=0,
        n_rows=100,
        n_columns=3,
        n_classes=2,
    )
    return dataclasses.replace(base, **changes)


def schedule(optimizer=None, cost=None, **changes) -> Schedule:
    return Schedule(plan(**changes), Models(), optimizer or Endless(), cost or Costs(), lambda event: None)


def answer(launch, loss=0.5, status=Status.OK, seconds=1.0, job=0) -> FoldResult:
    output = FoldOutput(Status.OK, {"roc_auc": loss}, np.zeros(3, np.float32))
    value = output if status is Status.OK else None
    trial, kind = launch.candidate.trial.id, JobKind.FOLD if launch.rows == 1.0 else JobKind.PROBE
    return FoldResult(job, kind, trial, launch.fold, status, Measures(), wall_seconds=seconds, value=value)
