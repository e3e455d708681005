"""Facts: what the search space and the pipelines need to know about a table, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl.core import Array
from automl.data import Column, Container, Dataset, Kind, Task

__all__ = [
    "DATE_CYCLES",
    "MAX_LEVELS",
    "TEXT_PARTS",
    "Facts",
    "date_parts",
    "facts_of",
    "is_category",
    "is_number",
]

DATE_CYCLES = {"month": 12, "day_of_week": 7, "hour": 24}  # parts of a date that come round, and how soon
TEXT_PARTS = 30  # numbers made of one text column
MAX_LEVELS = 50  # one-hot columns made of one category

# Of the standard deviation of a target: beyond them a penalty in its unit, or a least gain, decides all
_LEAST_SPREAD, _MOST_SPREAD = 1e-3, 1e18
_FARTHEST = 1e4  # of its mean, in standard deviations: single precision keeps differences of a thousandth of them


@dataclass(frozen=True)
class Facts:
    """Sizes and properties of a table, counted over the columns that reach a model.

    Parameters
    ----------
    n_columns : int
        Used columns: all but constants and identifiers.
    n_categorical, n_high : int
        Categorical columns including those of high cardinality; only those of high cardinality.
    n_levels : int
        Columns of a one-hot encoding, at most ``MAX_LEVELS`` for each categorical column.
    n_date_parts, n_date_waves : int
        Numbers made of all dates; sines and cosines beside them, for models of numbers.
    n_classes : int
        0 for regression.
    min_class_count : int
        Members of the rarest class; the number of rows for regression.
    target_low, target_skew : float
        Least value and skewness of the target of a regression; they only say which target transforms are offered.
    target_afar : bool
        Whether the target of a regression has a unit, or lies at a distance, that blinds models to its differences.
    seconds : float or None
        Time budget of the whole fit.
    quantile : float or None
        Level of the quantile that a regression is to predict; None for the mean.
    """

    task: Task
    n_rows: int
    n_columns: int
    n_numeric: int = 0
    n_categorical: int = 0
    n_high: int = 0
    n_levels: int = 0
    n_dates: int = 0
    n_date_parts: int = 0
    n_date_waves: int = 0
    n_text: int = 0
    n_classes: int = 0
    min_class_count: int = 0
    container: Container = Container.FRAME
    has_missing: bool = False
    has_weights: bool = False
    has_groups: bool = False
    has_times: bool = False
    target_low: float = 0.0
    target_skew: float = 0.0
    target_afar: bool = False
    seconds: float | None = None
    quantile: float | None = None

    @property
    def width(self) -> int:
        """Columns that a model sees after one-hot encoding."""
        return self.code_width - self.n_categorical + self.n_levels + self.n_date_waves

    @property
    def code_width(self) -> int:
        """Columns that a model sees where each category is one column of codes."""
        return self.n_numeric + self.n_categorical + self.n_date_parts + TEXT_PARTS * self.n_text

    @property
    def ordinary_rows(self) -> bool:
        """Whether inner random splits are fair: neither groups nor times bind rows together."""
        return not (self.has_groups or self.has_times)

    @property
    def may_encode_target(self) -> bool:
        """Whether categories may be encoded by cross-fitted target means."""
        return self.ordinary_rows and self.n_classes <= 10 and self.n_rows >= 20


def facts_of(dataset: Dataset, seconds: float | None = None) -> Facts:
    """Collect the facts of a dataset."""
    schema = dataset.schema
    high = schema.of(Kind.HIGH_CARDINALITY)
    categorical = tuple(column for column in schema.used if is_category(column))
    counts = np.bincount(np.asarray(dataset.y, dtype=np.int64)) if dataset.task.classifies else np.empty(0, dtype=int)
    parts = [part for column in schema.of(Kind.DATE) for part in date_parts(column)]
    low, skew = _shape(np.asarray(dataset.y, dtype=np.float64)) if not dataset.task.classifies else (0.0, 0.0)
    return Facts(
        task=dataset.task,
        n_rows=dataset.n_rows,
        n_columns=len(schema.used),
        n_numeric=sum(1 for column in schema.used if is_number(column)),
        n_categorical=len(categorical),
        n_high=len(high),
        n_levels=sum(min(column.n_unique, MAX_LEVELS) for column in categorical),
        n_dates=len(schema.of(Kind.DATE)),
        n_date_parts=len(parts),
        n_date_waves=2 * sum(part in DATE_CYCLES for part in parts),
        n_text=len(schema.of(Kind.TEXT)),
        n_classes=dataset.n_classes,
        min_class_count=int(counts.min()) if len(counts) else dataset.n_rows,
        container=schema.container,
        has_missing=schema.has_missing,
        has_weights=dataset.weights is not None,
        has_groups=dataset.groups is not None,
        has_times=dataset.times is not None,
        target_low=low,
        target_skew=skew,
        target_afar=not dataset.task.classifies and _is_afar(np.asarray(dataset.y, dtype=np.float64)),
        seconds=seconds,
    )


def _shape(y: Array) -> tuple[float, float]:
    """Return the least value and the skewness of a target."""
    scaled = y / (np.abs(y).max() or 1.0)  # squares of the largest floats overflow
    deviation = scaled - scaled.mean()
    spread = float(np.sqrt(np.mean(deviation**2)))
    return float(y.min()), float(np.mean((deviation / spread) ** 3)) if spread > 1e-12 else 0.0


def _is_afar(y: Array) -> bool:
    """Whether single precision is coarse for a target, or its differences are near what trees take for none."""
    if y.min() == y.max():  # its standard deviation may still be a rounding error
        return False
    largest = float(np.abs(y).max())
    scaled = y / largest  # squares of the largest floats overflow, those of the least are zero
    spread = float(np.std(scaled))
    return not _LEAST_SPREAD <= spread * largest <= _MOST_SPREAD or abs(float(scaled.mean())) > _FARTHEST * spread


def date_parts(column: Column) -> tuple[str, ...]:
    """Return the parts of a date column that become numbers: attributes of pandas' ``dt``, and "days" since 1970.

    Parts that its format does not hold, such as the hour of plain dates, never vary and are left out.
    """
    held = {
        "month": ("%m", "%b", "%B"),
        "day": ("%d",),
        "hour": ("%H", "%I"),
        "day_of_week": ("%d",),
        "day_of_year": ("%d",),
    }
    given = column.date_format
    varying = [part for part, signs in held.items() if given is None or any(sign in given for sign in signs)]
    return ("year", *varying, "days")


def is_number(column: Column) -> bool:
    """Whether a column goes the numeric way: numbers, and booleans stored as such."""
    return column.kind is Kind.NUMERIC or (column.kind is Kind.BOOLEAN and column.numeric)


def is_category(column: Column) -> bool:
    """Whether a column goes the categorical way; booleans spelled as strings do."""
    return column.kind in (Kind.CATEGORICAL, Kind.HIGH_CARDINALITY) or (
        column.kind is Kind.BOOLEAN and not column.numeric
    )
