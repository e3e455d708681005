"""Configurations as numbers that mean the same in every space: what knowledge is learnt over."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.core import Array, Config
from automl.space import Catalog, Choice, Flag, Preparation
from automl.space.component import Hyperparameter

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

__all__ = ["RowEncoder", "config_cells", "encode_configs"]

ABSENT = -1.0  # a hyperparameter of a component that is not there


def config_cells(config: Config, catalog: Catalog, task: str) -> dict[str, float]:
    """Return what a configuration is made of, by name.

    ``lightgbm``: 1 where this component is in it. ``lightgbm:num_leaves``: the place of the value in its declared
    range, 0 to 1, on a logarithmic scale where it is declared so. ``mlp:activation="relu"``: 1 for the choice made.
    """
    cells: dict[str, float] = {}
    waiting = list(config.steps)
    while waiting:
        step = waiting.pop()
        waiting += [inner for branch in step.branches for inner in branch.steps]
        cells[step.component] = 1.0
        if step.component not in catalog:
            continue
        known = {h.name: h for h in catalog.get(step.component).tunes(task, categories=True)}
        for name, value in step.params:
            if name in known:
                cells.update(_cell(f"{step.component}:{name}", known[name], value))
    return cells


def encode_configs(configs: Sequence[Config], columns: Sequence[str], catalog: Catalog, task: str) -> Array:
    """Return one row of numbers for each configuration, shape (n, d); ``columns`` are names of cells."""
    places = {name: place for place, name in enumerate(columns)}
    rows = np.tile(np.array([0.0 if _is_flag(name) else ABSENT for name in columns]), (len(configs), 1))
    for row, config in zip(rows, configs, strict=True):
        for name, value in config_cells(config, catalog, task).items():
            if name in places:
                row[places[name]] = value
    return rows


class RowEncoder:
    """Turns vectors of a space (see ``Space.to_vector``) into the same numbers, many at once.

    Parameters
    ----------
    configspace : ConfigurationSpace
        Of a :class:`~automl.space.Space`.
    columns : sequence of str
        Names of cells.
    """

    def __init__(self, configspace: ConfigurationSpace, columns: Sequence[str]) -> None:
        places = {name: place for place, name in enumerate(columns)}
        self._empty = np.array([0.0 if _is_flag(name) else ABSENT for name in columns])
        self._numbers: list[tuple[int, int, Any]] = []
        self._choices: list[tuple[int, Array]] = []  # column of the vector, place of each choice or -1
        for column, part in enumerate(configspace.values()):
            if hasattr(part, "choices"):
                is_step = part.name == "model" or part.name.partition(":")[0] in set(Preparation)
                names = [str(choice) if is_step else f"{part.name}={choice}" for choice in part.choices]
                found = np.array([places.get(name, -1) for name in names], dtype=np.intp)
                if (found >= 0).any():
                    self._choices.append((column, found))
            elif part.name in places:
                self._numbers.append((column, places[part.name], part))

    def __call__(self, rows: Array) -> Array:
        cells = np.tile(self._empty, (len(rows), 1))
        for column, place, part in self._numbers:
            active = np.flatnonzero(~np.isnan(rows[:, column]))
            if active.size:
                values = np.asarray(part.to_value(rows[active, column]), dtype=np.float64)
                cells[active, place] = _place(values, float(part.lower), float(part.upper), log=bool(part.log))
        for column, found in self._choices:
            active = np.flatnonzero(~np.isnan(rows[:, column]))
            chosen = found[rows[active, column].astype(np.intp)]
            cells[active[chosen >= 0], chosen[chosen >= 0]] = 1.0
        return cells


def _is_flag(name: str) -> bool:
    """Whether a cell says that something is there, rather than where in its range a number lies."""
    return ":" not in name or "=" in name


def _cell(name: str, declared: Hyperparameter, value: Any) -> dict[str, float]:
    if isinstance(declared, Choice | Flag):
        return {f"{name}={json.dumps(value)}": 1.0}
    if not isinstance(value, (int, float)):
        return {}
    return {name: float(_place(np.float64(value), declared.low, declared.high, log=declared.log))}


def _place(values: Any, low: float, high: float, *, log: bool) -> Any:
    """Return where values lie in a range: 0 at its low end, 1 at its high end."""
    if high <= low:
        return 0.0 * values
    if log:
        return (np.log(values) - math.log(low)) / (math.log(high) - math.log(low))
    return (values - low) / (high - low)
