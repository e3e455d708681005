"""Stop sets for early stopping, cut out of training rows by the rule of the folds."""

from __future__ import annotations

import numpy as np

from automl.core import Array, stream
from automl.data import Dataset
from automl.evaluate.splits import Rule

__all__ = ["stop_split"]

LARGEST = 0.4  # share of the rows


def stop_split(dataset: Dataset, share: float, rule: Rule, seed: int) -> tuple[Array, Array]:
    """Cut a stop set for early stopping out of training rows, by the rule of the folds.

    Parameters
    ----------
    dataset : Dataset
        The training rows alone.
    share : float
        Wanted share of the rows.

    Returns
    -------
    fit, stop : ndarray of int
        Row positions. Every class stays in the fit part. ``stop`` is empty where nothing can be held out. In the order
        of time, rows before the cut whose group goes on after it are in neither.
    """
    n = dataset.n_rows
    rng = stream(seed, "stop set")
    if rule is Rule.ORDERED:
        return _ordered_stop_split(dataset, share, rng, seed)
    if rule is Rule.GROUPS and dataset.groups is not None:
        return _group_stop_split(dataset, share, rng)
    chosen = []
    for code in range(max(dataset.n_classes, 1)):
        members = np.flatnonzero(dataset.y == code) if dataset.task.classifies else np.arange(n)
        chosen.append(rng.permutation(members)[: min(round(share * len(members)), len(members) - 1)])
    stop = np.sort(np.concatenate(chosen))
    stays = np.ones(n, dtype=bool)
    stays[stop] = False
    return np.flatnonzero(stays), stop


def _ordered_stop_split(dataset: Dataset, share: float, rng: np.random.Generator, seed: int) -> tuple[Array, Array]:
    """The last rows by time, and none of their groups in the fit part; a class that only they have stays with it."""
    late = _latest(dataset, share, seed)
    fit, stop = np.flatnonzero(~late), np.flatnonzero(late)
    if dataset.groups is not None:
        alone = fit[~np.isin(dataset.groups[fit], dataset.groups[stop])]
        complete = not dataset.task.classifies or len(np.unique(dataset.y[alone])) == dataset.n_classes
        if (
            len(stop) == 0 or len(alone) < (1 - LARGEST) * len(fit) or not complete
        ):  # groups without end: keep them whole at least
            return _group_stop_split(dataset, share, rng)
        return alone, stop
    if dataset.task.classifies:
        known = np.isin(dataset.y[stop], dataset.y[fit])
        fit, stop = np.sort(np.concatenate([fit, stop[~known]])), stop[known]
    return fit, stop


def _latest(dataset: Dataset, share: float, seed: int) -> Array:
    """Return the mask of about a share of the rows, the last ones by time.

    Rows of one time stay together, unless that makes less than half of what is wanted or more than 40 % of all rows:
    then some rows of the time at which the cut would lie, and of later ones, are drawn.
    """
    n = dataset.n_rows
    times = np.arange(n) if dataset.times is None else np.asarray(dataset.times)
    order = np.argsort(times, kind="stable")
    along = times[order]
    wanted = max(1, round(share * n))
    cuts = np.concatenate([[0], np.flatnonzero(along[1:] != along[:-1]) + 1])
    fair = cuts[(n - cuts >= wanted / 2) & (n - cuts <= LARGEST * n)]
    mask = np.zeros(n, dtype=bool)
    if len(fair):
        mask[order[fair[np.argmin(np.abs(fair - n + wanted))] :]] = True
        return mask
    pool = np.sort(order[cuts[cuts <= n - wanted][-1] :])
    rule = Rule.RANDOM if dataset.groups is None else Rule.GROUPS
    mask[pool[stop_split(dataset.rows(pool), min(LARGEST, wanted / len(pool)), rule, seed)[1]]] = True
    return mask


def _group_stop_split(dataset: Dataset, share: float, rng: np.random.Generator) -> tuple[Array, Array]:
    groups = np.unique(np.asarray(dataset.groups), return_inverse=True)[1]
    left = np.bincount(dataset.y, minlength=dataset.n_classes) if dataset.task.classifies else None
    stop = np.zeros(dataset.n_rows, dtype=bool)
    sizes = np.bincount(groups)
    by_group, ends = np.argsort(groups, kind="stable"), np.cumsum(sizes)
    wanted, taken = share * dataset.n_rows, 0
    for group in rng.permutation(len(sizes))[:-1]:
        if taken + sizes[group] > 1.5 * wanted:
            continue
        members = by_group[ends[group] - sizes[group] : ends[group]]
        if left is not None:
            rest = left - np.bincount(dataset.y[members], minlength=dataset.n_classes)
            if rest.min() < 1:
                continue
            left = rest
        stop[members] = True
        taken += int(sizes[group])
        if taken >= wanted:
            break
    if not stop.any():
        stop = _smallest_group(dataset, groups)
    return np.flatnonzero(~stop), np.flatnonzero(stop)


def _smallest_group(dataset: Dataset, groups: Array) -> Array:
    """Return the mask of the smallest group that leaves every class and 60 % of the rows; empty if there is none."""
    for group in np.argsort(np.bincount(groups), kind="stable"):
        members = groups == group
        rest = dataset.y[~members]
        if members.mean() <= LARGEST and (not dataset.task.classifies or len(np.unique(rest)) == dataset.n_classes):
            return np.asarray(members)
    return np.zeros(dataset.n_rows, dtype=bool)
