"""Dates become numbers: parts, elapsed days, and the cycles that parts go round in. Public library parts only."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from automl.data import Column
from automl.data.dates import EPOCH
from automl.pipeline.parts import apply, chain
from automl.space.facts import DATE_CYCLES

__all__ = ["date_format", "date_numbers"]


def date_format(column: Column) -> str:
    """Return how a column of dates is to be read."""
    return column.date_format or ("ISO8601" if column.dtype.startswith(("datetime", "timestamp")) else "mixed")


def date_numbers(written: str, parts: Sequence[str], *, waves: bool = False) -> Any:
    """Numbers made of one date column.

    Times of different zones are compared in UTC. skrub has the same; importing it costs every worker two seconds.

    Parameters
    ----------
    written : str
        The format.
    parts : sequence of str
        Attributes of pandas' ``dt``, or "days" since 1970.
    waves : bool
        Sine and cosine of parts that come round, so that December is next to January.
    """
    from sklearn.pipeline import FeatureUnion

    numbers = [(part, chain(*_reading(part), *_column())) for part in parts]
    if waves:
        numbers += [(f"{part}_wave", _wave(part)) for part in parts if part in DATE_CYCLES]
    parse = ("parse", apply(pd.to_datetime, format=written, errors="coerce", utc=True))
    return chain(parse, ("numbers", FeatureUnion(numbers)))


def _reading(part: str) -> list[tuple[str, Any]]:
    if part != "days":
        return [("part", apply(operator.attrgetter(f"dt.{part}")))]
    return [
        ("elapsed", apply(operator.methodcaller("sub", EPOCH.tz_localize("UTC")))),
        ("days", apply(operator.methodcaller("div", pd.Timedelta(days=1)))),
    ]


def _column() -> list[tuple[str, Any]]:
    return [("float", apply(pd.Series.astype, dtype="float64")), ("column", apply(pd.Series.to_frame))]


def _wave(part: str) -> Any:
    from sklearn.pipeline import FeatureUnion

    angle = ("angle", apply(partial(np.multiply, 2 * np.pi / DATE_CYCLES[part])))
    wave = FeatureUnion([("sine", apply(np.sin)), ("cosine", apply(np.cos))])
    return chain(*_reading(part), *_column(), angle, ("wave", wave))
