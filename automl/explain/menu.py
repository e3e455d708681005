"""A menu of models in a fitted one: what it scores with fewer members or fewer fold models, and what that saves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array, Metric, SettingError
from automl.evaluate import SEARCH_SCORE, Estimate, OutOfFold, estimate_score
from automl.evaluate.influence import deviations, held_out_losses
from automl.metrics import as_named
from automl.pipeline.assemble import Leaf
from automl.pipeline.costs import Costs, needed_columns

__all__ = ["MENU_ROWS", "Menu", "Point", "make_menu"]

MENU_ROWS = 1_000
_ORDERED_ROWS = 2_000  # that decide which member leaves next
_LEAST_SECONDS = 1e-5


@dataclass(frozen=True)
class Point:
    """A model that can be had.

    Parameters
    ----------
    name : str
        "3 bags": three members, all fold models of each. "3 models": one model of each.
    members : tuple of int
        Places in the delivered ensemble.
    weights : tuple of float
        Of these members; they sum up to 1.
    leaves : tuple of Leaf
        Their models, with the weights of this point.
    estimate : Estimate or None
        Score of the fold models on rows held out, as trials are scored; None where nothing is known of it.
    increase, increase_error : float
        How much greater the loss is than that of the delivered model, and the standard error of that difference.
    seconds, megabytes : float
        Time to predict 1,000 rows, and size.
    n_columns : int
        Columns of the table that it looks at.
    """

    name: str
    members: tuple[int, ...]
    weights: tuple[float, ...]
    leaves: tuple[Leaf, ...]
    estimate: Estimate | None
    increase: float
    increase_error: float
    seconds: float
    megabytes: float
    n_columns: int


@dataclass(frozen=True)
class Menu:
    """Points, the delivered model first."""

    points: tuple[Point, ...]

    def table(self) -> pd.DataFrame:
        """Return one row per point."""
        nothing = float("nan")
        rows = [
            {
                "point": point.name,
                "members": len(point.members),
                "models": len(point.leaves),
                "score": nothing if point.estimate is None else point.estimate.value,
                "standard_error": nothing if point.estimate is None else point.estimate.standard_error,
                "loss_increase": point.increase,
                "increase_error": point.increase_error,
                "predict_ms": 1e3 * point.seconds,
                "size_mb": point.megabytes,
                "columns": point.n_columns,
                "score_label": "unknown" if point.estimate is None else point.estimate.label,
            }
            for point in self.points
        ]
        return pd.DataFrame(rows)

    def select(
        self,
        name: str | None = None,
        *,
        max_predict_ms: float | None = None,
        max_model_mb: float | None = None,
        max_loss_increase: float | None = None,
    ) -> Point:
        """Return the point of a name, or the best within limits; the fastest one where the loss has a limit.

        Raises
        ------
        SettingError
            If there is no such point; says what there is.
        """
        limits: dict[str, tuple[float | None, Callable[[Point], float]]] = {
            "max_predict_ms": (max_predict_ms, lambda p: 1e3 * p.seconds),
            "max_model_mb": (max_model_mb, lambda p: p.megabytes),
            "max_loss_increase": (max_loss_increase, lambda p: p.increase),
        }
        for option, (limit, _) in limits.items():
            if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int | float) or not limit >= 0):
                raise SettingError(f"{option}={limit!r}; give a number of at least 0")
        named = [point for point in self.points if name is None or point.name == name]
        if not named:
            raise SettingError(f"there is no point {name!r}; the menu has {', '.join(p.name for p in self.points)}")
        found = named
        for option, (limit, value) in limits.items():
            kept = [point for point in found if limit is None or value(point) <= limit]
            if not kept:
                least = min(value(point) for point in found)
                raise SettingError(f"{option}={limit:g}: no point of the menu is within it; the least is {least:.3g}")
            found = kept
        if max_loss_increase is not None:
            return min(found, key=lambda p: (p.seconds, p.increase))
        return min(found, key=lambda p: (_known(p.increase), -len(p.leaves)))


def make_menu(
    leaves: Sequence[Leaf],
    costs: Costs,
    kept: OutOfFold | None,
    metric: Metric,
    *,
    n_columns: int,
    decide: Callable[[Array], Array] = np.asarray,
) -> Menu:
    """Return the points of an ensemble: it loses one member after the other, and each time fold models too.

    The member leaves whose loss costs least for the time that it saves; the best member alone is a point as well.

    Parameters
    ----------
    kept : OutOfFold or None
        Without what members predicted held out there is one point.
    decide : callable
        Makes predictions of the ensemble what its metric looks at.
    """
    by_member: dict[int, list[Leaf]] = {}
    for leaf in leaves:
        by_member.setdefault(leaf.member, []).append(leaf)
    shares = np.array([sum(leaf.weight for leaf in by_member[member]) for member in sorted(by_member)])
    parts = None if kept is None else kept.parts
    if kept is None or parts is None or len(parts) != len(shares):
        cost, members = costs.of(leaves), tuple(range(len(shares)))
        point = Point(
            _name(len(shares), bags=len(leaves) > len(shares)),
            members,
            tuple(shares.tolist()),
            tuple(leaves),
            None,
            0.0,
            0.0,
            cost.seconds,
            cost.megabytes,
            needed_columns(leaves, n_columns),
        )
        return Menu((point,))
    scored = _Scored(kept, parts, shares, metric, decide)
    sets = _thinned(scored, by_member, costs)
    best = (int(np.argmin([scored.loss((member,)) for member in range(len(shares))])),)
    named = [(_name(len(one)), one) for one in sets] + ([] if best in sets else [("best", best)])
    bagged = len(leaves) > len(shares)
    points = []
    for label, members in named:
        for bags in (True, False) if bagged else (False,):
            name = label if label[0].isdigit() else f"{label} model"
            name = name.replace("model", "bag") if bags else name
            points.append(_point(name, members, bags, by_member, scored, costs, n_columns))
    return Menu(tuple(points))


@dataclass(frozen=True)
class _Scored:
    """What sets of members score on rows held out."""

    kept: OutOfFold
    parts: Array
    shares: Array
    metric: Metric
    decide: Callable[[Array], Array]

    def weights(self, members: Sequence[int]) -> Array:
        own = self.shares[list(members)]
        return np.asarray(own / own.sum())

    def mixed(self, members: Sequence[int], rows: Any = slice(None)) -> Array:
        stack = self.parts[list(members)][:, rows]
        return self.decide(np.asarray(np.tensordot(self.weights(members), stack, axes=1)))

    def loss(self, members: Sequence[int]) -> float:
        kept = self.kept
        return float(held_out_losses(self.metric, kept.y, self.mixed(members)[None], kept.weights, kept.folds)[0])

    def estimate(self, members: Sequence[int]) -> Estimate:
        kept = self.kept
        return estimate_score(
            kept.y,
            self.mixed(members),
            self.metric,
            weights=kept.weights,
            folds=kept.folds,
            clusters=kept.groups,
            label=SEARCH_SCORE,
            n_candidates=0,
        )

    def increase(self, members: Sequence[int]) -> tuple[float, float]:
        """Return how much the loss exceeds that of all, with the standard error of the difference."""
        everyone = tuple(range(len(self.shares)))
        if tuple(members) == everyone:
            return 0.0, 0.0
        kept = self.kept
        stack = np.stack([self.mixed(members), self.mixed(everyone)])
        losses = held_out_losses(self.metric, kept.y, stack, kept.weights, kept.folds)
        found = deviations(
            self.metric, kept.y, stack, weights=kept.weights, folds=kept.folds, clusters=kept.groups, stop=lambda: False
        )
        return float(losses[0] - losses[1]), float(np.linalg.norm(found[0] - found[1]))


def _thinned(scored: _Scored, by_member: dict[int, list[Leaf]], costs: Costs) -> list[tuple[int, ...]]:
    """Return all members, then one fewer each time."""
    n = len(scored.kept.y)
    rows = np.unique(np.linspace(0, n - 1, min(n, _ORDERED_ROWS)).astype(np.intp))
    named, y = as_named(scored.metric), scored.kept.y[rows]
    weights = None if scored.kept.weights is None else scored.kept.weights[rows]

    def seconds(members: Sequence[int]) -> float:
        return costs.of([leaf for member in members for leaf in by_member[member]]).seconds

    sets = [tuple(range(len(scored.shares)))]
    while len(sets[-1]) > 1:
        now = sets[-1]
        without = [tuple(m for m in now if m != member) for member in now]
        losses = named.losses(y, np.stack([scored.mixed(one, rows) for one in (now, *without)]), weights)
        rises = np.nan_to_num(np.asarray(losses[1:] - losses[0]), nan=math.inf)
        saved = np.array([max(seconds(now) - seconds(one), _LEAST_SECONDS) for one in without])
        sets.append(without[int(np.argmin(rises / saved))])
    return sets


def _point(
    name: str,
    members: tuple[int, ...],
    bags: bool,
    by_member: dict[int, list[Leaf]],
    scored: _Scored,
    costs: Costs,
    n_columns: int,
) -> Point:
    weights = scored.weights(members)
    leaves = []
    for place, (member, weight) in enumerate(zip(members, weights, strict=True)):
        own = by_member[member] if bags else by_member[member][:1]
        leaves += [Leaf(place, float(weight) / len(own), leaf.steps) for leaf in own]
    cost = costs.of(leaves)
    return Point(
        name,
        members,
        tuple(weights.tolist()),
        tuple(leaves),
        scored.estimate(members),
        *scored.increase(members),
        cost.seconds,
        cost.megabytes,
        needed_columns(leaves, n_columns),
    )


def _name(count: int, *, bags: bool = False) -> str:
    return f"{count} {'bag' if bags else 'model'}{'' if count == 1 else 's'}"


def _known(value: float) -> float:
    return math.inf if math.isnan(value) else value
