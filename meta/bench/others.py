"""Optuna's and SMAC3's optimizers on the tasks of ``optimizers.py``. Both are installed by whoever compares.

python -m pip install -r meta/bench/requirements.txt   # Optuna, beside automl
bash meta/bench/make_smac.sh /tmp/smac                 # SMAC3, with what it needs, in an environment of its own
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace
    from proposing import Task

__all__ = ["play_smac", "play_tpe", "versions"]


def versions(name: str) -> str:
    """Return the version of what an optimizer is made with."""
    from importlib.metadata import PackageNotFoundError, version

    package = "optuna" if name.startswith("tpe") else "smac" if name == "smac" else "automl"
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package}, from its folder"


def play_tpe(task: Task, seed: int, trials: int, record: Callable[..., float], **settings: Any) -> None:
    """Optuna's tree-structured Parzen estimator, with its defaults; the conditional space is given by running it.

    Shares of choices (a product's space draws models by shares) cannot be said to it: all are alike.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = task.space()
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, **settings))
    for _ in range(trials):
        asked = time.process_time()
        trial = study.ask()
        values = suggest(space.configspace, trial)
        config = space.from_vector(vector_of(space.configspace, values))
        asked = time.process_time() - asked
        loss = record(config, asked)
        study.tell(trial, loss)


def suggest(configspace: ConfigurationSpace, trial: Any) -> dict[str, Any]:
    """Return a value for every active hyperparameter, parents first."""
    values: dict[str, Any] = {}
    for part in configspace.values():
        if all(_holds(condition, values) for condition in configspace.parent_conditions_of[part.name]):
            values[part.name] = _suggested(part, trial)
    return values


def _holds(condition: Any, values: Mapping[str, Any]) -> bool:
    parts = getattr(condition, "components", None)
    if parts is not None:
        each = [_holds(part, values) for part in parts]
        return any(each) if type(condition).__name__.startswith("Or") else all(each)
    return condition.parent.name in values and bool(condition.satisfied_by_value(values))


def _suggested(part: Any, trial: Any) -> Any:
    if hasattr(part, "choices"):
        return part.choices[trial.suggest_int(part.name, 0, 0) if part.size == 1 else _chosen(part, trial)]
    if type(part).__name__ == "Constant":
        return part.value
    suggest_number = trial.suggest_int if "Integer" in type(part).__name__ else trial.suggest_float
    return suggest_number(part.name, part.lower, part.upper, log=part.log)


def _chosen(part: Any, trial: Any) -> int:
    return int(trial.suggest_categorical(part.name, list(range(len(part.choices)))))


def vector_of(configspace: ConfigurationSpace, values: Mapping[str, Any]) -> np.ndarray:
    from ConfigSpace import Configuration

    return np.asarray(Configuration(configspace, values=dict(values)).get_array(), dtype=np.float64)


def play_smac(task: Task, seed: int, trials: int, record: Callable[..., float]) -> None:
    """SMAC3's facade for hyperparameters: a forest, log losses, EI, an initial design of at most a quarter."""
    from smac import HyperparameterOptimizationFacade, Scenario

    space = task.space()
    last = time.process_time()

    def target(configuration: Any, seed: int = 0) -> float:
        nonlocal last
        asked = time.process_time() - last
        loss = record(space.from_vector(np.asarray(configuration.get_array(), dtype=np.float64)), asked)
        last = time.process_time()
        return loss

    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(
            space.configspace, deterministic=True, n_trials=trials, seed=seed % 2**31, output_directory=folder
        )
        HyperparameterOptimizationFacade(scenario, target, overwrite=True, logging_level=50).optimize()
