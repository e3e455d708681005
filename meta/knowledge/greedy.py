"""The order of a portfolio: greedily what most lowers the loss of the ensemble for the time it takes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from automl.core import Array
from meta.knowledge.results import Table

__all__ = ["Ensembles", "Lean", "greedy_order", "loss_of", "widely_tried"]

SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)  # of a new member in the ensemble
HANDLING = 0.5  # units that a fit takes beside its own
BY_TIME = 0.5  # exponent of the time that a gain is divided by: 1 where other tables took as long as the base's do
BROAD = 3  # so many different models first; later one more of each with every so many lines
TRIED = 0.8  # share of the tables on which an entry must have been tried
LEAST_TABLES = 10
MOST = 60
LEAST_GAIN = 1e-5

Lean = Callable[[Table], float]


def loss_of(task: str, y: Array, predictions: Array) -> Array:
    """Return the loss of many predictions at once: 1 - AUC, log loss or root mean squared error.

    Parameters
    ----------
    predictions : ndarray of shape (m, n)
        As in :class:`Table`.
    """
    if task == "binary":
        # codes of one byte tie: broken by a fixed noise far below their steps, which is fair on average
        noise = np.random.default_rng(0).uniform(-1e-6, 1e-6, predictions.shape[-1]).astype(predictions.dtype)
        order = np.argsort(predictions + noise, axis=-1)
        ranks = np.empty(order.shape)
        np.put_along_axis(ranks, order, np.arange(1.0, order.shape[-1] + 1)[None], axis=-1)
        positive = y == 1
        n, m = int(positive.sum()), int((~positive).sum())
        if n == 0 or m == 0:
            return np.zeros(len(predictions))
        return np.asarray(1.0 - (ranks[:, positive].sum(axis=1) - n * (n + 1) / 2) / (n * m))
    if task == "multiclass":
        return np.asarray(-np.log(np.maximum(predictions, 1e-12)).mean(axis=1))
    return np.asarray(np.sqrt(((predictions - y) ** 2).mean(axis=1)))


@dataclass
class _State:
    """The ensembles of a list of entries on each table, one weighted on either half of its rows, and their loss."""

    mixed: list[tuple[Array, Array]]
    losses: Array


class Ensembles:
    """What adding an entry to an ensemble gains on each table of one task; remembers what it has worked out.

    The share of an entry is taken from half of a table's rows and what it gains from the other half, both ways: on the
    same rows any noise gains, the more the fewer rows. Losses are scaled: 0 is the best single entry of a table, 1 the
    median one; worse ones count as 1.
    """

    def __init__(self, tables: Sequence[Table], entries: Sequence[str]) -> None:
        self.tables = tuple(tables)
        self.entries = tuple(entries)
        self._places = [{name: place for place, name in enumerate(table.predicted)} for table in tables]
        self._scales = [_scale(table) for table in tables]
        self._halves = [_halves(table.y) for table in tables]
        start = [(_constant(table), _constant(table)) for table in tables]
        losses = [np.mean([self._loss(t, side, mix[None])[0] for side in (0, 1)]) for t, (mix, _) in enumerate(start)]
        self._states = {(): _State(start, np.array(losses))}
        self._gains: dict[tuple[str, ...], Array] = {}
        self.units = _units(tables, entries)

    def gains(self, chosen: tuple[str, ...]) -> Array:
        """Return gains of shape (tables, entries): 0 where an entry is refused or fails, NaN where it was not tried."""
        if chosen not in self._gains:
            state = self._state(chosen)
            found = np.full((len(self.tables), len(self.entries)), np.nan)
            for t, table in enumerate(self.tables):
                found[t] = [0.0 if e in table.refused or e in table.found else np.nan for e in self.entries]
                held = [(e, self._places[t][n]) for e, n in enumerate(self.entries) if n in self._places[t]]
                if held:
                    columns, places = map(list, zip(*held, strict=True))
                    found[t, columns] = self._mixed(t, state, places)[0]
            self._gains[chosen] = found
        return self._gains[chosen]

    def losses(self, chosen: tuple[str, ...]) -> Array:
        """Return the scaled loss of the ensemble of these entries on each table."""
        return self._state(chosen).losses

    def _state(self, chosen: tuple[str, ...]) -> _State:
        if chosen not in self._states:
            before = self._state(chosen[:-1])
            mixed, losses = list(before.mixed), before.losses.copy()
            for t in range(len(self.tables)):
                place = self._places[t].get(chosen[-1])
                if place is not None:
                    gain, shares = self._mixed(t, before, [place])
                    member = self.tables[t].predictions[place]
                    one, other = (_joined(before.mixed[t][side], member, shares[side][0]) for side in (0, 1))
                    mixed[t] = one, other
                    losses[t] -= gain[0]
            self._states[chosen] = _State(mixed, losses)
        return self._states[chosen]

    def _mixed(self, t: int, state: _State, places: list[int]) -> tuple[Array, tuple[Array, Array]]:
        """Return for entries of a table what they gain, and their share in either ensemble."""
        members = self.tables[t].predictions[places]
        gain, shares = np.zeros(len(places)), []
        for side in (0, 1):
            joined = [_joined(state.mixed[t][side], members, share) for share in SHARES]
            best = np.stack([self._loss(t, side, one) for one in joined]).argmin(axis=0)
            held = np.stack([self._loss(t, 1 - side, one) for one in joined])
            gain += 0.5 * (held[0] - held[best, np.arange(len(places))])
            shares.append(np.array(SHARES)[best])
        return gain, (shares[0], shares[1])

    def _loss(self, t: int, side: int, predictions: Array) -> Array:
        table, (low, width), rows = self.tables[t], self._scales[t], self._halves[t][side]
        return np.minimum((loss_of(table.task, table.y[rows], predictions[:, rows]) - low) / width, 1.0)


def greedy_order(
    ensembles: Ensembles,
    models: dict[str, str],
    *,
    weight: Lean = lambda table: 1.0,
    without: Collection[str] = (),
    most: int = MOST,
) -> tuple[str, ...]:
    """Return entries in the order in which they lower the mean loss of the ensemble most for the time they take.

    Parameters
    ----------
    models : mapping of entry to model
        No model comes again before ``BROAD`` lines, nor more than once more with every so many lines: an ensemble
        gains by different models, and a table that none of the base resembles does so most.
    weight : callable
        How much a table counts.
    without : names of tables
        Left out, to measure on them.

    Notes
    -----
    Equal gains keep the order of ``ensembles.entries``. ``BROAD`` and ``BY_TIME`` are the best of six pairs by the mean
    regret in time on tables left out, of all three tasks. Greedy portfolios: Feurer et al., Auto-sklearn 2.0 (JMLR
    2022); Salinas and Erickson, TabRepo (AutoML 2024).
    """
    weights = np.array([0.0 if table.name in without else weight(table) for table in ensembles.tables])
    chosen: tuple[str, ...] = ()
    tried = np.isfinite(ensembles.gains(()))
    enough = (weights[:, None] * tried).sum(axis=0) >= TRIED * max(weights.sum(), 1e-12)
    while len(chosen) < most:
        gains = ensembles.gains(chosen)
        known = np.isfinite(gains) * weights[:, None]
        mean = (np.nan_to_num(gains) * known).sum(axis=0) / np.maximum(known.sum(axis=0), 1e-12)
        allowed = 1 + len(chosen) // BROAD
        counts = [sum(models[c] == models[name] for c in chosen) for name in ensembles.entries]
        free = [count < allowed and name not in chosen for count, name in zip(counts, ensembles.entries, strict=True)]
        usable = enough & np.array(free, dtype=bool) & (mean > LEAST_GAIN)
        if not usable.any():
            break
        rate = np.where(usable, mean / (ensembles.units + HANDLING) ** BY_TIME, -1.0)
        chosen = (*chosen, ensembles.entries[int(rate.argmax())])
    return chosen


def widely_tried(ensembles: Ensembles) -> tuple[str, ...]:
    """Return the entries that were tried on most tables that do not refuse them: of others nothing can be said."""
    found = []
    for name in ensembles.entries:
        tried = sum(name in table.found for table in ensembles.tables)
        held = sum(name not in table.refused for table in ensembles.tables)
        if tried >= max(TRIED * held, min(LEAST_TABLES, len(ensembles.tables))):
            found.append(name)
    return tuple(found)


def _joined(mixed: Array, member: Array, share: float) -> Array:
    """Return the mixture; of many members at once, one mixture each."""
    return np.asarray((1.0 - share) * mixed + share * member, dtype=np.float32)


def _halves(y: Array) -> tuple[Array, Array]:
    """Return two halves of the rows, with as alike targets as can be."""
    order = np.argsort(y, kind="stable")
    return np.sort(order[::2]), np.sort(order[1::2])


def _constant(table: Table) -> Array:
    """Return what a model that sees no column predicts."""
    if table.task == "multiclass":
        shares = np.bincount(table.y) / max(len(table.y), 1)
        return np.asarray(shares[table.y], dtype=np.float32)
    return np.full(len(table.y), table.y.mean() if len(table.y) else 0.0, dtype=np.float32)


def _scale(table: Table) -> tuple[float, float]:
    """Return the loss of the best entry, and how far the median one is from it; never next to nothing."""
    if not table.predicted:
        return 0.0, 1.0
    losses = loss_of(table.task, table.y, table.predictions)
    none = float(loss_of(table.task, table.y, _constant(table)[None])[0])
    low = float(losses.min())
    return low, max(float(np.median(losses)) - low, 0.05 * (none - low), 1e-6)


def _units(tables: Sequence[Table], entries: Sequence[str]) -> Array:
    """Return the geometric mean over tables of what a fit of each entry takes."""
    found = []
    for name in entries:
        units = [table.found[name].units for table in tables if name in table.found]
        units = [max(value, 1e-3) for value in units if np.isfinite(value)]
        found.append(float(np.exp(np.mean(np.log(units)))) if units else 1.0)
    return np.array(found)
