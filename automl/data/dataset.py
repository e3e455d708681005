"""The values that describe a table: Task, Kind, Column, Schema, Dataset."""

from __future__ import annotations

import enum
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.core import Array

__all__ = ["Column", "Container", "Dataset", "Kind", "Schema", "Task"]


class Task(enum.StrEnum):
    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"

    @property
    def classifies(self) -> bool:
        return self is not Task.REGRESSION


class Kind(enum.StrEnum):
    """What a column holds, as far as preparation is concerned."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    HIGH_CARDINALITY = "high_cardinality"
    DATE = "date"
    TEXT = "text"
    BOOLEAN = "boolean"
    CONSTANT = "constant"
    ID = "id"


class Container(enum.StrEnum):
    """How the pipeline receives a table: a pandas DataFrame, a 2-D NumPy array of numbers, or a CSR matrix."""

    FRAME = "frame"
    ARRAY = "array"
    SPARSE = "sparse"


@dataclass(frozen=True)
class Column:
    """One column of the table as seen in fit.

    Parameters
    ----------
    name : hashable
        Label in the DataFrame, or position (int) in an array or a sparse matrix.
    numeric : bool
        Whether the values are stored as numbers or booleans (then a categorical column is encoded by number).
    n_unique : int
        Distinct present values, counted on at most 100,000 rows.
    missing_share : float
        Share of missing values, infinite ones included.
    date_format : str or None
        strptime format of a DATE column stored as strings.
    reason : str
        Why it has this kind, for ``automl plan``.
    skew : float
        Skewness of a column of numbers, over at most 20,000 rows; 0 where it is not known.
    padded : bool
        Whether levels are digits behind a zero ("007"): no number spells them.
    afar : bool
        Whether its numbers lie so close, or so far from zero for their range, that single precision blurs them.
    """

    name: Hashable
    kind: Kind
    numeric: bool
    n_unique: int
    missing_share: float = 0.0
    date_format: str | None = None
    dtype: str = ""
    reason: str = ""
    skew: float = 0.0
    padded: bool = False
    afar: bool = False


@dataclass(frozen=True)
class Schema:
    """The columns in the order of fit, and the container that the pipeline expects."""

    columns: tuple[Column, ...]
    container: Container

    def of(self, *kinds: Kind) -> tuple[Column, ...]:
        """Return the columns of these kinds, in order."""
        return tuple(column for column in self.columns if column.kind in kinds)

    @property
    def names(self) -> tuple[Hashable, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def used(self) -> tuple[Column, ...]:
        """Columns that reach a model: all but constants and identifiers."""
        return tuple(column for column in self.columns if column.kind not in (Kind.CONSTANT, Kind.ID))

    @property
    def has_missing(self) -> bool:
        return any(column.missing_share > 0 for column in self.used)

    def to_json(self) -> dict[str, Any]:
        return {
            "container": str(self.container),
            "columns": [{**vars(column), "kind": str(column.kind), "name": column.name} for column in self.columns],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Schema:
        columns = tuple(Column(**{**column, "kind": Kind(column["kind"])}) for column in data["columns"])
        return cls(columns, Container(data["container"]))


@dataclass(frozen=True)
class Dataset:
    """A table with its target, checked and encoded; nothing in X has been changed but its container.

    Parameters
    ----------
    X : DataFrame, ndarray of shape (n, d) or CSR matrix
    y : ndarray of shape (n,)
        int64 codes 0..K-1 into ``classes`` for classification, float64 for regression.
    classes : ndarray of shape (K,) or None
        Sorted original labels; None for regression.
    groups, times, weights : ndarray of shape (n,) or None
        Times are int64 nanoseconds since 1970 where they are dates, else float64.
    """

    X: Any
    y: Array
    task: Task
    schema: Schema
    classes: Array | None = None
    groups: Array | None = None
    times: Array | None = None
    weights: Array | None = None

    @property
    def n_rows(self) -> int:
        return len(self.y)

    @property
    def n_columns(self) -> int:
        return len(self.schema.columns)

    @property
    def n_classes(self) -> int:
        """K for classification, 0 for regression."""
        return 0 if self.classes is None else len(self.classes)

    def rows(self, index: Array) -> Dataset:
        """Return the dataset restricted to these rows; ``classes`` and ``schema`` stay those of the whole table."""

        def take(values: Array | None) -> Array | None:
            return None if values is None else np.asarray(values)[index]

        X = self.X.iloc[index] if self.schema.container is Container.FRAME else self.X[index]
        return Dataset(
            X,
            np.asarray(self.y)[index],
            self.task,
            self.schema,
            self.classes,
            take(self.groups),
            take(self.times),
            take(self.weights),
        )
