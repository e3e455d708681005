"""Rungs: what is known of which configuration at which fidelity, and how well one fidelity tells of the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from automl.core import Array, Config, Fidelity, Result, SettingError, Status
from automl.optimize.ask_tell import usable_loss

__all__ = ["Rungs", "bracket_sizes", "ladder", "rank_correlation"]

ROUNDING = 1e-9
LEAST_PAIRS = 10  # configurations seen at both of two rungs, before their correlation is believed
SHARES = ("rows", "rounds", "folds")


def ladder(lowest: float, *, eta: int = 3, of: Sequence[str] = ("rows",)) -> tuple[Fidelity, ...]:
    """Return fidelities from the share ``lowest`` to 1, each ``eta`` times the one before.

    Parameters
    ----------
    lowest : float
        In (0, 1]; raised to the next 1 / eta**k.
    of : sequence of {"rows", "rounds", "folds"}
        What there is less of.

    Examples
    --------
    >>> from automl.optimize import ladder
    >>> [round(1 / fidelity.rows) for fidelity in ladder(1 / 81)]
    [81, 27, 9, 3, 1]
    """
    if not 0 < lowest <= 1:
        raise SettingError(f"lowest={lowest}; give a share above 0 and at most 1")
    if not of or set(of) - set(SHARES):
        raise SettingError(f"of={tuple(of)}; give some of {', '.join(SHARES)}")
    check_eta(eta)
    steps = math.floor(-math.log(lowest) / math.log(eta) + ROUNDING)
    return tuple(Fidelity(**dict.fromkeys(of, float(eta) ** -step)) for step in range(steps, -1, -1))


def check_eta(eta: int) -> None:
    if isinstance(eta, bool) or not isinstance(eta, int) or eta < 2:
        raise SettingError(f"eta={eta!r}; give a whole number of at least 2")


def bracket_sizes(rungs: int, eta: int = 3) -> tuple[tuple[int, ...], ...]:
    """Return how many configurations each bracket of Hyperband has at its rungs, the longest bracket first.

    Li et al., Hyperband (JMLR 2018), algorithm 1; its budget is that of one bracket.

    Examples
    --------
    >>> from automl.optimize import bracket_sizes
    >>> bracket_sizes(5)
    ((81, 27, 9, 3, 1), (34, 11, 3, 1), (15, 5, 1), (8, 2), (5,))
    """
    check_eta(eta)
    firsts = [-(-rungs * eta**last // (last + 1)) for last in range(rungs)]
    return tuple(tuple(firsts[last] // eta**step for step in range(last + 1)) for last in range(rungs - 1, -1, -1))


class Rungs:
    """The losses told at each fidelity, the lowest first; a failure counts as an infinite loss.

    Parameters
    ----------
    fidelities : sequence of Fidelity
        In ascending order; results at the last one are the full ones.
    """

    def __init__(self, fidelities: Sequence[Fidelity]) -> None:
        if len(set(fidelities)) < len(fidelities) or len(fidelities) < 2:
            raise SettingError(f"fidelities={tuple(fidelities)}; give at least two different ones, the lowest first")
        self.fidelities = tuple(fidelities)
        self.losses: tuple[dict[str, float], ...] = tuple({} for _ in fidelities)
        self.configs: dict[str, Config] = {}

    def __len__(self) -> int:
        return len(self.fidelities)

    def place(self, fidelity: Fidelity) -> int | None:
        """Return the rung of a fidelity, or None where it is none of them."""
        return self.fidelities.index(fidelity) if fidelity in self.fidelities else None

    def add(self, place: int, result: Result) -> float:
        """Take in a result; return its loss, infinite where it failed."""
        key, loss = result.trial.config.key(), usable_loss(result)
        self.configs[key] = result.trial.config
        self.losses[place][key] = loss
        return loss

    def best(self, place: int, n: int) -> list[str]:
        """Return the keys of the ``n`` best of a rung, failures never among them; of equal ones the earlier."""
        losses = self.losses[place]
        return [key for key in sorted(losses, key=losses.__getitem__)[:n] if losses[key] < math.inf]

    def pairs(self, place: int) -> tuple[Array, Array]:
        """Return the losses at this rung and at the next, of the configurations that have both."""
        low, high = self.losses[place], self.losses[place + 1]
        both = [key for key in high if math.isfinite(high[key]) and math.isfinite(low.get(key, math.inf))]
        return np.array([low[key] for key in both]), np.array([high[key] for key in both])

    def offset(self, place: int) -> float:
        """Return what to add to a loss of this rung to compare it with the lowest: median differences, summed."""
        steps = [self.pairs(below) for below in range(place)]
        return float(sum(np.median(low - high) for low, high in steps if len(low)))

    def comparable(self, result: Result) -> Result:
        """Return the result as an optimizer without fidelities may know it: on the scale of the lowest rung.

        Of another fidelity than those here only the configuration is told, unless it is the full one.
        """
        place = self.place(result.trial.fidelity)
        if place is None:
            return result if result.trial.fidelity == Fidelity() else replace(result, status=Status.CANCELLED)
        return result if result.loss is None else replace(result, loss=result.loss + self.offset(place))

    def correlation(self, place: int) -> float | None:
        """Return how well this rung ranks what the next one sees, or None while too few are seen at both.

        Spearman's correlation of those that were promoted, corrected for being the best of their rung: they differ
        less than all do (Thorndike 1949, case 2, on normal scores).
        """
        low, high = self.pairs(place)
        if len(low) < LEAST_PAIRS:
            return None
        correlation = rank_correlation(low, high)
        everyone = np.array([loss for loss in self.losses[place].values() if math.isfinite(loss)])
        scores = dict(zip(everyone.tolist(), _normal_scores(everyone).tolist(), strict=True))
        spread = np.std([scores[loss] for loss in low.tolist()])
        wider = float(np.std(list(scores.values())) / spread) if spread > 0 else 1.0
        return correlation * wider / math.sqrt(1 - correlation**2 + (correlation * wider) ** 2)


def rank_correlation(first: Array, second: Array) -> float:
    """Return Spearman's rank correlation; 0 where one of them does not vary."""
    left, right = _ranks(first) - (len(first) + 1) / 2, _ranks(second) - (len(second) + 1) / 2
    scale = math.sqrt(float(left @ left) * float(right @ right))
    return float(left @ right) / scale if scale > 0 else 0.0


def _ranks(values: Array) -> Array:
    """Ranks from 1, equal values sharing the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], dtype=np.float64)


def _normal_scores(values: Array) -> Array:
    from scipy.special import ndtri

    return np.asarray(ndtri((_ranks(values) - 0.5) / len(values)))
