"""Settings and a Dataset in, FitPlan and the objects it names out: the only place where defaults are decided."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import platform
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from automl.core import Config, SettingError
from automl.data import Dataset
from automl.ensemble import candidate_cap
from automl.evaluate import Folds, Rule, make_folds
from automl.metrics import NamedMetric
from automl.optimize import explain_optimizer
from automl.search.cost import CostModel
from automl.search.known import Advice, advise, check_knowledge
from automl.search.limits import available_cores, available_memory_mb
from automl.search.memory import table_mb, workers_with_room
from automl.search.outer import check_outer, settings_of_final
from automl.search.plan import FitPlan, Settings
from automl.search.scoring import resolve_metrics
from automl.search.screening import screening_rows
from automl.space import Component, Facts, Space, build_space, default_catalog, facts_of, start_portfolio

__all__ = [
    "LEAST_SECONDS",
    "Resolved",
    "check_settings",
    "least_reserve",
    "resolve",
    "wanted_workers",
    "worker_count",
]

LEAST_SECONDS = 5.0
QUICK_SHARE = 1 / 16  # of the time; a first real model that is to take more comes behind a simple one
QUICK_GAIN = 2.0  # how many times cheaper the simple one must be
SIMPLE = ("linear_discriminant", "logistic", "ridge_path", "ridge", "decision_tree")  # the first there is, if cheap
REFIT_BELOW = 0.9  # share of the rows that a holdout leaves for training: more rows would change the members little
FREE_MEMORY = 0.8  # share of what machine and container leave free that a fit may take
CACHE_SHARE = 0.1  # of the memory, for prepared rows
CACHE_MB = 2_000.0  # at most
LIBRARIES = ("automl", "scikit-learn", "numpy", "pandas", "scipy", "lightgbm")


@dataclass(frozen=True)
class Resolved:
    """The plan and what it was resolved to."""

    plan: FitPlan
    folds: Folds
    metric: NamedMetric
    reported: tuple[NamedMetric, ...]
    space: Space
    facts: Facts
    portfolio: tuple[Config, ...]
    cost: CostModel
    advice: Advice

    @property
    def metrics(self) -> tuple[NamedMetric, ...]:
        """What folds are scored by: the optimised metric first, then those that are reported."""
        return (self.metric, *self.reported)


def resolve(dataset: Dataset, settings: Settings, *, n_jobs: int | None = None) -> Resolved:
    """Decide every default.

    Parameters
    ----------
    n_jobs : int or None
        Number of workers where they are started already.

    Raises
    ------
    SettingError
        If a setting is not valid; says what is.
    """
    check_settings(settings)
    settings, outer = settings_of_final(dataset, settings)
    folds = make_folds(dataset, cv=settings.cv, seconds=settings.time_budget, seed=settings.seed)
    facts = facts_of(dataset, settings.time_budget)
    if folds.rule is Rule.ORDERED:  # components that split at random inside leave the space
        facts = dataclasses.replace(facts, has_times=True)
    metric, *reported = resolve_metrics(dataset, settings.metric, settings.report)
    facts = dataclasses.replace(facts, quantile=metric.quantile)
    space = build_space(facts, default_catalog(), include=settings.include, exclude=settings.exclude)
    advice = advise(settings, dataset, space)
    portfolio = _with_own(advice.ordered(start_portfolio(facts, space)), space)
    n_jobs = n_jobs or worker_count(settings, dataset)
    memory = memory_limit_mb(settings)
    train_rows = max(len(train) for train, _ in folds.pairs)
    cost = CostModel(space.catalog, facts, train_rows, advice.slower)
    if settings.time_budget is not None:
        portfolio = quick_start(portfolio, space, cost, settings.time_budget * n_jobs / len(folds))
    plan = FitPlan(
        task=str(dataset.task),
        metric=metric.name,
        metric_why=metric.why,
        report=tuple(other.name for other in reported),
        seconds=None if settings.time_budget is None else float(settings.time_budget),
        max_trials=settings.max_trials,
        folds=folds.description,
        folds_digest=folds.digest,
        n_folds=len(folds),
        holdout=folds.holdout,
        refit=_refits(folds, dataset) if settings.refit == "auto" else bool(settings.refit),
        optimizer=settings.optimizer if isinstance(settings.optimizer, str) else type(settings.optimizer).__name__,
        search=explain_optimizer(
            settings.optimizer, seconds=settings.time_budget, trials=settings.max_trials, rows=dataset.n_rows
        ),
        models=tuple(model.name for model in space.models),
        left_out=tuple(space.left_out),
        portfolio=len(portfolio),
        ensemble_size=settings.ensemble_size,
        candidates=min(25, candidate_cap(dataset.n_rows)),
        executor=settings.executor if isinstance(settings.executor, str) else type(settings.executor).__name__,
        n_jobs=n_jobs,
        memory_limit_mb=memory,
        worker_limit_mb=None,
        reserve_seconds=0.0 if settings.time_budget is None else least_reserve(settings.time_budget),
        seed=settings.seed,
        n_rows=dataset.n_rows,
        n_columns=dataset.n_columns,
        n_classes=dataset.n_classes,
        train_rows=train_rows,
        fold_shares=tuple(round(len(train) / train_rows, 3) for train, _ in folds.pairs) if folds.forward else (),
        screen_rows=_screening(settings, portfolio, cost, len(folds), train_rows, n_jobs),
        cache_mb=min(CACHE_SHARE * memory, CACHE_MB),
        hyperparameters=sum(len(component.hyperparameters) for component in space.active),
        outer=outer,
        nominal_seconds={model.name: cost.nominal(space.default(model.name)) for model in space.models},
        knowledge=advice.line,
        versions={name: _version(name) for name in LIBRARIES} | {"python": platform.python_version()},
    )
    return Resolved(plan, folds, metric, tuple(reported), space, facts, portfolio, cost, advice)


def _refits(folds: Folds, dataset: Dataset) -> bool:
    """Whether members are fitted again on all rows: after a holdout, and where the newest rows were only scored."""
    share = max(len(train) for train, _ in folds.pairs) / dataset.n_rows
    return folds.forward or (folds.holdout and share < REFIT_BELOW)


def least_reserve(seconds: float) -> float:
    """Return the least time that a fit keeps for its end."""
    return max(0.8, 0.035 * seconds) + min(0.02 * seconds, 5.0)  # the latter for the corrected estimate


def _screening(
    settings: Settings, portfolio: Sequence[Config], cost: CostModel, n_folds: int, train_rows: int, n_jobs: int
) -> int | None:
    """Return on how many rows trials are tried first, judged by the cost of the first real model."""
    seconds = None if settings.time_budget is None else settings.time_budget * n_jobs
    return screening_rows(train_rows, n_folds * max(map(cost.nominal, portfolio[:2])), seconds)


def quick_start(portfolio: tuple[Config, ...], space: Space, cost: CostModel, seconds: float) -> tuple[Config, ...]:
    """Put a simple model behind the constant, where the first real one might take most of the time.

    Parameters
    ----------
    seconds : float
        Of all workers together, for each fold.
    """
    models = [config.steps[-1].component for config in portfolio]
    first = next((place for place, model in enumerate(models) if space.component(model).family != "prior"), None)
    if first is None or (dear := cost.nominal(portfolio[first])) < QUICK_SHARE * seconds:
        return portfolio
    simple = [models.index(model) for model in SIMPLE if model in models]
    quick = next((place for place in simple if cost.nominal(portfolio[place]) < dear / QUICK_GAIN), None)
    if quick is None:
        return portfolio
    rest = (config for place, config in enumerate(portfolio) if place >= first and place != quick)
    return (*portfolio[:first], portfolio[quick], *rest)


def _with_own(portfolio: tuple[Config, ...], space: Space) -> tuple[Config, ...]:
    """Put the defaults of the user's own models behind the first two lines."""
    known = default_catalog().names
    own = tuple(space.default(model.name) for model in space.models if model.name not in known)
    return (*portfolio[:2], *own, *portfolio[2:])


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed as a package"


def memory_limit_mb(settings: Settings) -> float:
    """Return the memory of the whole fit."""
    return settings.memory_limit_mb or FREE_MEMORY * available_memory_mb()


def worker_count(settings: Settings, dataset: Dataset) -> int:
    """Return the number of workers: as many as wanted, or fewer where memory would not do."""
    if settings.executor == "serial":
        return 1
    if not isinstance(settings.executor, str):
        return int(settings.executor.capacity)
    return workers_with_room(wanted_workers(settings.n_jobs), memory_limit_mb(settings), table_mb(dataset))


def wanted_workers(n_jobs: int | None) -> int:
    """Return the number of worker processes, with scikit-learn's meaning of ``n_jobs``."""
    cores = available_cores()
    if n_jobs is None:
        return 1
    return max(1, cores + 1 + n_jobs) if n_jobs < 0 else n_jobs


def _is_number(value: Any) -> bool:
    """Whether it is a finite number above 0."""
    try:
        return not isinstance(value, bool) and isinstance(value, Real) and 0 < float(value) < float("inf")
    except OverflowError:
        return False


def _is_list(value: Any) -> bool:
    """Whether it is a name, or a list of names and Components."""
    if isinstance(value, str):
        return True
    listed = isinstance(value, Collection) and not isinstance(value, (bytes, Mapping)) and len(value) > 0
    return listed and all(isinstance(item, (str, Component)) for item in value)


def _is_count(value: Any, least: int) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and int(value) >= least


def _is_word(value: Any, *words: str) -> bool:
    return isinstance(value, str) and value in words


def check_settings(settings: Settings) -> None:
    """Refuse what is wrong whatever the table is.

    Raises
    ------
    SettingError
    """
    budget = settings.time_budget
    if budget is None and settings.max_trials is None:
        raise SettingError("time_budget=None needs max_trials: without either a fit would never end")
    if not (budget is None or _is_number(budget)):
        raise SettingError(f"time_budget={budget!r}; give seconds above 0, or None together with max_trials")
    check_outer(settings)
    check_knowledge(settings.knowledge)
    if settings.max_trials is not None and not _is_count(settings.max_trials, 1):
        raise SettingError(f"max_trials={settings.max_trials!r}; give a whole number of at least 1, or None")
    if not _is_count(settings.ensemble_size, 1):
        raise SettingError(f"ensemble_size={settings.ensemble_size!r}; give a whole number of at least 1")
    if not isinstance(settings.report, (list, tuple)):
        raise SettingError(f"report={settings.report!r}; give a list of metrics, such as ['accuracy', 'f1_macro']")
    for name, value in (("include", settings.include), ("exclude", settings.exclude)):
        if value is not None and not _is_list(value):
            raise SettingError(f"{name}={value!r}; give a list of families or components by name, or None")
    if not isinstance(settings.refit, (bool, np.bool_)) and not _is_word(settings.refit, "auto"):
        raise SettingError(f"refit={settings.refit!r}; give 'auto', True or False")
    if not (settings.n_jobs is None or (_is_count(settings.n_jobs, -sys.maxsize) and settings.n_jobs != 0)):
        raise SettingError(f"n_jobs={settings.n_jobs!r}; give a number of processes, -1 for all cores, or None for one")
    if not (settings.memory_limit_mb is None or _is_number(settings.memory_limit_mb)):
        raise SettingError(f"memory_limit_mb={settings.memory_limit_mb!r}; give MB above 0, or None")
    parts = ("capacity", "submit", "collect", "cancel", "close")
    if not _is_word(settings.executor, "process", "serial") and not all(hasattr(settings.executor, p) for p in parts):
        raise SettingError(f"executor={settings.executor!r}; give 'process', 'serial' or an Executor object")
    if settings.run_dir is not None and (
        not isinstance(settings.run_dir, (str, os.PathLike)) or not os.fspath(settings.run_dir)
    ):
        raise SettingError(f"run_dir={settings.run_dir!r}; give the path of a folder, or None")
