"""Training rows under drift: newer ones count more, old ones leave, and so do columns that do not stay the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from automl.core import Array, Config, stream
from automl.data import Dataset, Kind
from automl.evaluate.drifting import column_values
from automl.pipeline.parts import load_target
from automl.space import Catalog, Role

__all__ = ["rearranged", "recency_weights", "recent_rows", "rows_step", "stable_columns"]

LEAST_ROWS = 50
SAMPLE_ROWS = 2_000


def rows_step(config: Config, catalog: Catalog) -> str:
    """Return the key of what a configuration does to its training rows; empty where it takes them as they are."""
    steps = [step for step in config.steps if catalog.get(step.component).role is Role.ROWS]
    # which rows stay may depend on whether the model takes weights
    weighs = f" weighs {catalog.get(config.steps[-1].component).weights}" if steps else ""
    return "".join(Config.of(step).key() for step in steps) + weighs


def rearranged(config: Config, catalog: Catalog, train: Dataset, seed: int) -> Dataset:
    """Return the training rows as a configuration wants them."""
    model = catalog.get(config.steps[-1].component)
    for step in config.steps:
        component = catalog.get(step.component)
        if component.role is Role.ROWS and train.times is not None:
            function = load_target(component.path(train.task.classifies), component.name)
            values = component.values(step.values, str(train.task))
            train = function(train, weighs=model.weights, seed=seed, **values)
    return train


def recency_weights(train: Dataset, *, half_life: float, weighs: bool, seed: int) -> Dataset:
    """Weigh rows by their age: half as much for every ``half_life`` of all rows that are newer.

    Rows of models that take no weights are drawn with these chances instead, the newest all of them.
    """
    weights = 0.5 ** (_newer(train) / half_life)
    if weighs:
        own = np.ones(train.n_rows) if train.weights is None else train.weights
        return replace(train, weights=own * weights * (own.sum() / (own * weights).sum()))
    drawn = stream(seed, "recency").random(train.n_rows) < weights
    return _with_every_class(train, drawn)


def recent_rows(train: Dataset, *, share: float, weighs: bool, seed: int) -> Dataset:
    """Keep the newest share of the rows, those of one time together."""
    return _with_every_class(train, _newer(train) < share)


def stable_columns(train: Dataset, *, dropped: float, weighs: bool, seed: int) -> Dataset:
    """Leave out the share of the columns that differ most between the older and the newer half of these rows.

    Differences are Kolmogorov-Smirnov distances; of categories, half the sum of differences of shares.
    """
    newer = _newer(train) < 0.5
    rng = stream(seed, "stable columns")
    halves = [_some(np.flatnonzero(newer == side), rng) for side in (False, True)]
    used = [column for column in train.schema.columns if column.kind not in (Kind.CONSTANT, Kind.ID, Kind.TEXT)]
    if not len(halves[0]) or not len(halves[1]) or len(used) < 2:
        return train
    moved = []
    for column in used:
        values, numbers = column_values(train, column)
        moved.append(_distance(values[halves[0]], values[halves[1]], numbers=numbers))
    count = min(len(used) - 1, int(np.ceil(dropped * len(used))))
    worst = {used[place].name for place in np.argsort(-np.array(moved), kind="stable")[:count]}
    columns = tuple(
        replace(column, kind=Kind.CONSTANT, reason="differs along time") if column.name in worst else column
        for column in train.schema.columns
    )
    return replace(train, schema=replace(train.schema, columns=columns))


def _newer(train: Dataset) -> Array:
    """Return for each row the share of the rows that are newer."""
    times = np.asarray(train.times)
    return 1.0 - np.searchsorted(np.sort(times), times, side="right") / len(times)


def _with_every_class(train: Dataset, kept: Array) -> Dataset:
    """Keep these rows, at least 50, and the newest two of each class that would be lost."""
    newest = np.argsort(-np.asarray(train.times, dtype=np.float64), kind="stable")
    kept = kept.copy()
    if kept.sum() < LEAST_ROWS:
        kept[newest[:LEAST_ROWS]] = True
    if train.task.classifies:
        for code in np.setdiff1d(np.unique(train.y), np.unique(train.y[kept])):
            kept[newest[train.y[newest] == code][:2]] = True
    return train.rows(np.flatnonzero(kept))


def _distance(older: Array, newer: Array, *, numbers: bool) -> float:
    first, second = np.sort(older[np.isfinite(older)]), np.sort(newer[np.isfinite(newer)])
    missing = abs((len(older) - len(first)) / len(older) - (len(newer) - len(second)) / len(newer))
    if not len(first) or not len(second):
        return missing
    points = np.unique(np.concatenate([first, second]))
    if numbers:
        apart = [np.searchsorted(part, points, side="right") / len(part) for part in (first, second)]
        return max(missing, float(np.abs(apart[0] - apart[1]).max()))
    shares = [np.bincount(np.searchsorted(points, part), minlength=len(points)) / len(part) for part in (first, second)]
    return max(missing, float(np.abs(shares[0] - shares[1]).sum()) / 2)


def _some(rows: Array, rng: np.random.Generator) -> Array:
    return rows if len(rows) <= SAMPLE_ROWS else np.sort(rng.choice(rows, SAMPLE_ROWS, replace=False))
