"""Encoders of categories on columns whose levels were found once, for all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array

__all__ = ["Levels", "encoded", "find_levels"]

Levels = list[tuple[Array, list[str]]]  # of each column: which of its levels each row has, -1 if missing; the levels


def find_levels(X: Array) -> Levels | None:
    """Return the levels of columns of strings and NaN; None where there is anything else."""
    found: Levels = []
    for column in X.T:
        codes, levels = pd.factorize(column)
        if not all(type(level) is str for level in levels):
            return None
        if not all(type(value) is float for value in column[codes < 0]):
            return None
        found.append((codes, list(levels)))
    return found


def encoded(encoder: Any, levels: Levels) -> Array | None:
    """Return what a fitted encoder of scikit-learn makes of these columns; None where it has to say so itself."""
    if len(levels) != len(encoder.categories_) or any(category.dtype != object for category in encoder.categories_):
        return None
    known = [_Known.of(categories) for categories in encoder.categories_]
    if any(one is None for one in known):
        return None
    places = [one.places(names)[codes] for one, (codes, names) in zip(known, levels, strict=True) if one is not None]
    if not places:
        return None
    kind = type(encoder).__name__
    if kind == "TargetEncoder":
        return _means(encoder, places)
    rare = _rare(encoder)
    if kind == "OrdinalEncoder":
        return None if any(rare) else _codes(encoder, places, [bool(one and one.missing) for one in known])
    return _indicators(encoder, places, rare)


class _Known:
    """Categories of a column by name; those behind the last are unknown."""

    def __init__(self, names: list[Any], missing: bool) -> None:
        self.at = {name: place for place, name in enumerate(names)}
        self.missing = missing
        self.n = len(names) + missing

    @classmethod
    def of(cls, categories: Array) -> _Known | None:
        names = categories.tolist()
        missing = bool(names) and type(names[-1]) is float
        names = names[:-1] if missing else names
        return cls(names, missing) if all(type(name) is str for name in names) else None

    def places(self, names: list[str]) -> Array:
        """Return the place of each level among the categories; the last one is that of what is missing."""
        found = [self.at.get(name, self.n) for name in names]
        return np.array([*found, self.n - 1 if self.missing else self.n], dtype=np.intp)


def _rare(encoder: Any) -> list[set[Any]]:
    """Return the categories of each column that share one output."""
    if encoder.min_frequency is None and encoder.max_categories is None:
        return [set() for _ in encoder.categories_]
    return [set() if some is None else set(some.tolist()) for some in encoder.infrequent_categories_]


def _codes(encoder: Any, places: list[Array], missing: list[bool]) -> Array | None:
    if encoder.handle_unknown != "use_encoded_value":
        return None
    made = np.empty((len(places[0]), len(places)), dtype=encoder.dtype)
    for column, (place, categories) in enumerate(zip(places, encoder.categories_, strict=True)):
        values = np.arange(len(categories) + 1, dtype=np.float64)
        values[-1] = encoder.unknown_value
        if missing[column]:
            values[-2] = encoder.encoded_missing_value
        made[:, column] = values[place]
    return made


def _means(encoder: Any, places: list[Array]) -> Array:
    several = encoder.target_type_ == "multiclass"
    n = len(encoder.classes_) if several else 1
    made = np.empty((len(places[0]), n * len(places)))
    for column, means in enumerate(encoder.encodings_):
        unknown = encoder.target_mean_[column % n] if several else encoder.target_mean_
        made[:, column] = np.append(means, unknown)[places[column // n]]
    return made


def _indicators(encoder: Any, places: list[Array], rare: list[set[Any]]) -> Array | None:
    if encoder.drop is not None or encoder.sparse_output or encoder.handle_unknown != "infrequent_if_exist":
        return None
    outputs, first = [], 0
    for place, categories, few in zip(places, encoder.categories_, rare, strict=True):
        common = [name not in few and not (few and name != name and _has_gap(few)) for name in categories.tolist()]
        order = np.cumsum(common) - 1
        n = int(np.sum(common))
        target = np.where(common, order, n)
        unknown = n if few else -1
        outputs.append((first, np.append(target, unknown)[place]))
        first += n + bool(few)
    made = np.zeros((len(places[0]), first), dtype=encoder.dtype)
    rows = np.arange(len(made))
    for start, target in outputs:
        there = target >= 0
        made[rows[there], start + target[there]] = 1.0
    return made


def _has_gap(names: set[Any]) -> bool:
    return any(name != name for name in names)
