"""Strings that are numbers to people, but not to float(): decimal commas, signs of currencies, a '?' where none is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from automl.core import Array

__all__ = ["Numerals", "find_numerals"]

_ENOUGH = 0.95  # share of the values that must be numbers or stand for a missing one
_LEAST_NUMBERS = 0.5
_GROUPS = r" '\u00a0\u202f"  # what stands between thousands, beside commas and dots
_PLAIN = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_THOUSANDS = r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?"
_SPACED = rf"[+-]?\d{{1,3}}(?:[{_GROUPS}]\d{{3}})+(?:\.\d+)?"
_DECIMAL = rf"[+-]?(?:\d{{1,3}}(?:[.{_GROUPS}]\d{{3}})+|\d+),\d+"
_ANY = f"(?:{_DECIMAL}|{_THOUSANDS}|{_SPACED}|{_PLAIN})"
_SIGN = "[$€£¥₹₽]"
_WRITINGS = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "plain": _PLAIN,
        "percent": rf"{_ANY}\s?%",
        "currency": rf"[+-]?{_SIGN}\s?{_ANY}|{_ANY}\s?{_SIGN}",
        "thousands": _THOUSANDS,  # before decimal commas: 1,234 may be either, and the other values tell
        "decimal": _DECIMAL,
        "spaced": _SPACED,
    }.items()
}
_GAP = re.compile(r"\W*|#?n/?a|n\.?d\.?|null|none|nil|missing|unknown", re.IGNORECASE)
_CURE = {
    "percent": ("a percent sign", "X[name].str.rstrip('% ').astype(float)"),
    "currency": ("a sign of a currency", "X[name].str.replace(r'[^0-9.+-]', '', regex=True).astype(float)"),
    "decimal": ("a decimal comma", "pandas.read_csv(decimal=',')"),
    "thousands": ("commas between thousands", "pandas.read_csv(thousands=',')"),
    "spaced": ("thousands set apart", "X[name].str.replace(r'[^0-9.+-]', '', regex=True).astype(float)"),
}


@dataclass(frozen=True)
class Numerals:
    """How the strings of a column write numbers.

    Parameters
    ----------
    writing : {"plain", "percent", "currency", "decimal", "thousands", "spaced"}
    n_numbers, n_present : int
        How many of how many values are numbers.
    gaps : tuple of str
        The first few values that seem to stand for missing ones.
    """

    writing: str
    n_numbers: int
    n_present: int
    gaps: tuple[str, ...] = ()

    @property
    def seen(self) -> str:
        """What the values look like, in words."""
        share = f"{self.n_numbers} of {self.n_present} values"
        gaps = ", ".join(map(repr, self.gaps))
        if self.writing == "plain":
            return f"{share} are numbers, the others {gaps}"
        others = f", others {gaps}, which may mean missing" if gaps else ""
        return f"{share} look like numbers with {_CURE[self.writing][0]}{others}"

    def __str__(self) -> str:
        if self.writing == "plain":
            gaps = ", ".join(map(repr, self.gaps))
            return f"{self.seen}; if that means missing, say so: pandas.read_csv(na_values=[{gaps}])"
        return f"{self.seen}; read them as numbers, such as by {_CURE[self.writing][1]}"


def find_numerals(values: Array, counts: Array) -> Numerals | None:
    """Return how strings write numbers, if most of them do and ``float`` would not take them all.

    Parameters
    ----------
    values : ndarray of str
        Distinct values.
    counts : ndarray of int
        How often each occurs.

    Examples
    --------
    >>> import numpy as np
    >>> from automl.data.numerals import find_numerals
    >>> print(find_numerals(np.array(["0,5", "12,25"], dtype=object), np.array([1, 2])))
    3 of 3 values look like numbers with a decimal comma; read them as numbers, such as by pandas.read_csv(decimal=',')
    """
    probe = values[:: max(1, len(values) // 100)]
    if sum(writing not in ("", "gap") for writing in _written(probe)) <= _LEAST_NUMBERS / 2 * len(probe):
        return None
    written = np.array(_written(values))
    gap = written == "gap"
    number = ~gap & (written != "")
    present, n_numbers = int(counts.sum()), int(counts[number].sum())
    found = set(written[number])
    if found == {"plain"} and not gap.any():
        return None
    if n_numbers < _LEAST_NUMBERS * present or n_numbers + int(counts[gap].sum()) < _ENOUGH * present:
        return None
    writing = next((name for name in _CURE if name in found), "plain")
    return Numerals(writing, n_numbers, present, tuple(values[gap][:3]))


def _written(values: Iterable[str]) -> list[str]:
    """Name the writing of each value: "gap" for what stands for a missing one, "" for what is no number."""
    return [_writing(value.strip()) for value in values]


def _writing(value: str) -> str:
    for name, pattern in _WRITINGS.items():
        if pattern.fullmatch(value):
            return name
    return "gap" if _GAP.fullmatch(value) else ""
