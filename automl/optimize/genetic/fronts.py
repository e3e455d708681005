"""Selection by two objectives with DEAP's tools, without DEAP's registry or generator."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

__all__ = ["fronts", "survivors"]

_Values = tuple[float, float]  # both smaller is better


def fronts(values: Sequence[_Values]) -> list[int]:
    """Return the number of the non-dominated front that each one is in; 0 is the best.

    Examples
    --------
    >>> from automl.optimize.genetic import fronts
    >>> fronts([(1.0, 5.0), (2.0, 2.0), (3.0, 3.0), (5.0, 1.0)])
    [0, 0, 1, 0]
    """
    from deap import tools

    points = _points(values)
    ranks = [0] * len(points)
    for rank, front in enumerate(tools.sortNondominated(points, len(points))):
        for point in front:
            ranks[point.position] = rank
    return ranks


def survivors(values: Sequence[_Values], n: int) -> list[int]:
    """Return the positions of the n that stay, in their order: the best fronts, of the last one the least crowded.

    Deb et al., A fast and elitist multiobjective genetic algorithm: NSGA-II (IEEE TEC 2002).
    """
    from deap import tools

    return sorted(point.position for point in tools.selNSGA2(_points(values), n))


class _Point:
    """What DEAP calls an individual."""

    def __init__(self, position: int, values: _Values) -> None:
        self.position = position
        self.fitness = _fitness()(values)


def _points(values: Sequence[_Values]) -> list[_Point]:
    return [_Point(position, pair) for position, pair in enumerate(values)]


@cache
def _fitness() -> Any:
    """Return a class of our own: what ``deap.creator`` makes is global."""
    from deap import base

    return type("Losses", (base.Fitness,), {"weights": (-1.0, -1.0)})
