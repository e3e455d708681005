"""Loaders: a name in, a table and its target out. Nothing is downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["Table", "load", "names"]

FOLDER = Path(__file__).parent
OWN = {"orders": "returned", "repairs": "cost", "machines": "state"}
BUNDLED = ("iris", "wine", "breast_cancer", "digits", "diabetes")


@dataclass(frozen=True)
class Table:
    """A table with its target. ``classifies`` is False for regression."""

    name: str
    X: pd.DataFrame
    y: pd.Series[Any]
    classifies: bool


def names() -> tuple[str, ...]:
    """Return every name that :func:`load` knows."""
    return (*OWN, *BUNDLED)


def load(name: str) -> Table:
    """Load a table by name.

    Parameters
    ----------
    name : str
        ``orders``, ``repairs`` or ``machines`` (our own), or ``iris``, ``wine``, ``breast_cancer``, ``digits`` or
        ``diabetes`` (bundled with scikit-learn; class names instead of codes).

    Examples
    --------
    >>> table = load("machines")
    >>> table.X.shape, table.y.name
    ((609, 9), 'state')
    """
    if name in OWN:
        frame = pd.read_csv(FOLDER / f"{name}.csv.gz")
        return Table(name, frame.drop(columns=OWN[name]), frame[OWN[name]], classifies=name != "repairs")
    if name in BUNDLED:
        import sklearn.datasets

        bunch = getattr(sklearn.datasets, f"load_{name}")(as_frame=True)
        y = bunch.target
        if name != "diabetes":
            y = pd.Series(bunch.target_names[y.to_numpy()], index=y.index, name=y.name)
        return Table(name, bunch.data, y, classifies=name != "diabetes")
    raise ValueError(f"no table is called {name!r}; there are: {', '.join(names())}")
