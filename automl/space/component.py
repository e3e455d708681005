"""Component: one declaration makes a model or a preparation step part of the search."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from automl.core import Param

__all__ = [
    "CLASSIFICATION",
    "Choice",
    "Component",
    "Cost",
    "Flag",
    "Float",
    "Hyperparameter",
    "Int",
    "Preparation",
    "REGRESSION",
    "Role",
    "TASKS",
]


class Role(enum.StrEnum):
    """Where a component stands in a pipeline; this is also the order of the steps."""

    ROWS = "rows"  # what is fitted on, where rows have times
    ENCODER = "encoder"  # categories -> numbers
    TEXT = "text"  # text -> numbers
    IMPUTER = "imputer"
    SCALER = "scaler"
    CROSS = "cross"  # columns made of several, beside the ordinary ones
    FEATURE = "feature"
    STACK = "stack"  # predictions of other models, beside the columns
    TARGET = "target"  # the target of a regression, transformed
    MODEL = "model"


class Preparation(enum.StrEnum):
    """What kind of input a model likes, hence which encoders, imputers, scalers and features it is combined with."""

    NATIVE = "native"  # trees: codes, missing values kept, no scaling
    DENSE = "dense"  # everything else: imputed, scaled, one-hot or target-encoded
    NONE = "none"  # models that look at no column


TASKS = ("binary", "multiclass", "regression")
CLASSIFICATION = ("binary", "multiclass")
REGRESSION = ("regression",)


@dataclass(frozen=True)
class Float:
    """A real hyperparameter in [low, high].

    Parameters
    ----------
    when : (name, values) or None
        Active only if that sibling has one of these values.
    tasks : tuple of str
        Tasks for which the target has this parameter; two hyperparameters of one name must not share a task.
    categories : bool
        Active only if the table has categorical columns.
    """

    name: str
    low: float
    high: float
    default: float
    log: bool = False
    when: tuple[str, tuple[Param, ...]] | None = None
    tasks: tuple[str, ...] = TASKS
    categories: bool = False


@dataclass(frozen=True)
class Int:
    name: str
    low: int
    high: int
    default: int
    log: bool = False
    when: tuple[str, tuple[Param, ...]] | None = None
    tasks: tuple[str, ...] = TASKS
    categories: bool = False


@dataclass(frozen=True)
class Choice:
    name: str
    choices: tuple[Param, ...]
    default: Param
    when: tuple[str, tuple[Param, ...]] | None = None
    tasks: tuple[str, ...] = TASKS
    categories: bool = False


@dataclass(frozen=True)
class Flag:
    name: str
    default: bool
    when: tuple[str, tuple[Param, ...]] | None = None
    tasks: tuple[str, ...] = TASKS
    categories: bool = False


Hyperparameter = Float | Int | Choice | Flag


@dataclass(frozen=True)
class Cost:
    """Nominal fit seconds of one core: ``seconds`` at 1,000 rows x 10 columns, growing as rows^a columns^b outputs^c.

    Outputs: classes of a multiclass task, else 1. Used before anything is measured, and in counted runs. ``grows`` says
    how it depends on hyperparameters: (name, e) multiplies by (value / default)^e.
    """

    seconds: float
    rows: float = 1.0
    columns: float = 1.0
    outputs: float = 0.0
    grows: tuple[tuple[str, float], ...] = ()

    def estimate(self, *, rows: int, columns: int, outputs: int = 1) -> float:
        """Return the nominal seconds of one fit."""
        size = (max(rows, 1) / 1000) ** self.rows * (max(columns, 1) / 10) ** self.columns
        return float(self.seconds * size * max(outputs, 1) ** self.outputs)

    def relative(self, values: Mapping[str, Param], defaults: Mapping[str, Param]) -> float:
        """Return how much dearer than with its defaults a component is with these hyperparameters."""
        factor = 1.0
        for name, exponent in self.grows:
            value, default = values.get(name), defaults.get(name)
            if isinstance(value, (int, float)) and isinstance(default, (int, float)) and value > 0 and default > 0:
                factor *= (value / default) ** exponent
        return factor


@dataclass(frozen=True)
class Component:
    """A declaration; importing it imports no model library.

    Parameters
    ----------
    name : str
        Unique in the catalogue; appears in Configs.
    role : Role
    target : mapping or str
        Import path ``"package.module:Class"``; where they differ, a mapping
        {"classification": path, "regression": path}. A path may also name a function that returns an estimator.
        Either is called with the hyperparameters, the constants and, where its signature has these names,
        ``random_state``, ``n_jobs=1``, ``facts`` and what the role adds (see Notes).
    family : str
        Groups models for breadth ("boosting", "forest", "linear", ...); the name by which include/exclude select.
    hyperparameters : tuple
        What the search may change. Names are parameter names of the target; values are translated (one width to a
        tuple of layers, for example) by target functions in ``pipeline/``, nowhere else.
    constants : mapping
        Always passed to the target.
    tasks : frozenset of {"binary", "multiclass", "regression"}
    accepts : frozenset of {"missing", "sparse"}
        What its input may hold besides finite dense numbers.
    weights, groups, order : bool
        Whether it honours sample weights, groups and time order. Components that cannot leave the space when given.
    preparation : Preparation
        Models: the kind of input it likes. Other roles: for which models it is offered (see ``preparations``).
    preparations : frozenset of Preparation
        For roles other than MODEL.
    rounds : str or None
        Name of the parameter that counts boosting rounds, if it stops early on a stop set.
    stopping : str or None
        How early stopping is done: "lightgbm", "xgboost", "catboost", "hist", "network" or None.
    scale_target : bool
        Regression only: fitted on the standardised target.
    bounded : bool
        Regression only: predictions are cut half the range of the training targets beyond it. For models that
        extrapolate without measure where one value of a row is out of all proportion.
    exact : bool
        Models: tells numbers apart however small their differences, and however far from zero they are. For others
        such columns are standardised.
    min_rows, max_rows, max_columns, max_cells, max_classes : int or None
        Where it stays out of the space.
    min_numeric, max_numeric, min_categorical, min_high : int or None
        Likewise, by columns of numbers (a date counts as one), of categories, of categories of high cardinality.
    min_target, min_target_skew : float or None
        Regression only: least value and least absolute skewness of the target.
    min_class_count : int or None
        Classification only: least members that every class must have.
    quantile_parameter : str or None
        Regression only: parameter of the target that takes the level where a quantile is to be predicted; models
        without one leave the space then.
    quantile_constants : mapping
        What the target is called with, besides, to predict a quantile.
    needs_times : bool
        Offered only where the rows have times.
    needs : str or None
        Optional package that must be installed.
    category_parameter : str or None
        Models: parameter of the target that takes the positions of categorical columns given as codes.
    category_dtype : {"category", "int"} or None
        Models: what these columns have to be, in a DataFrame; None: codes in an array, with NaN.
    all_levels : bool
        Models: copes with codes of any number of levels, so that columns of high cardinality are given as codes too.
    branches : (least, most) or None
        How many branches it joins; None for ordinary steps. FEATURE: branches of feature steps, in place of one step.
        STACK: branches that end with a model.
    widens : bool
        Feature steps: makes many columns. Behind it, in a tree, stands no other that does or that takes few only.
    share : float
        How often it is drawn at random, relative to others of its role; 0: only when named (portfolio, user).
    cost : Cost

    Notes
    -----
    What the parts of each role are given, beyond a user's own needs:

    - ROWS: the training part as a Dataset, and returns another one; ``weighs`` says whether the model takes weights.
    - ENCODER: columns of one type, strings or numbers with NaN. One with a hyperparameter ``most_levels`` is called
      with ``many=True`` for the columns of more levels, with ``many=False`` for the others.
    - TEXT: a pandas Series of strings without gaps; ``dense`` says whether the model wants numbers of one scale.
    - SCALER: numbers; ``skewed`` says whether theirs is a skewed distribution.
    - CROSS: an array of ``n_codes`` columns of category codes (missing -2, unseen -1), none unless ``min_categorical``
      is set, then ``n_numbers`` columns of numbers with NaN, none unless ``min_numeric`` is set.
    - FEATURE with branches: its branches as ``parts``, unfitted.
    - STACK: its branches as ``parts``, and the model behind it as ``final``; returns the model made of all.
    - TARGET: the target as one column.
    """

    name: str
    role: Role
    target: str | Mapping[str, str]
    family: str = ""
    hyperparameters: tuple[Hyperparameter, ...] = ()
    constants: Mapping[str, Param] = field(default_factory=dict)
    tasks: frozenset[str] = frozenset({"binary", "multiclass", "regression"})
    accepts: frozenset[str] = frozenset()
    weights: bool = False
    groups: bool = True
    order: bool = True
    preparation: Preparation = Preparation.DENSE
    preparations: frozenset[Preparation] = frozenset(Preparation)
    rounds: str | None = None
    stopping: str | None = None
    scale_target: bool = False
    bounded: bool = False
    exact: bool = False
    min_rows: int | None = None
    max_rows: int | None = None
    max_columns: int | None = None
    max_cells: int | None = None
    max_classes: int | None = None
    min_numeric: int | None = None
    max_numeric: int | None = None
    min_categorical: int | None = None
    min_high: int | None = None
    min_target: float | None = None
    min_target_skew: float | None = None
    min_class_count: int | None = None
    quantile_parameter: str | None = None
    quantile_constants: Mapping[str, Param] = field(default_factory=dict)
    needs_times: bool = False
    needs: str | None = None
    category_parameter: str | None = None
    category_dtype: str | None = None
    all_levels: bool = False
    branches: tuple[int, int] | None = None
    widens: bool = False
    share: float = 1.0
    cost: Cost = Cost(0.05)

    @property
    def heeds_clock(self) -> bool:
        """Whether a fit can be cut short by the clock and still leaves a model."""
        return self.stopping in ("lightgbm", "xgboost", "catboost", "network")

    def path(self, classifies: bool) -> str:
        """Return the import path for the task."""
        if isinstance(self.target, str):
            return self.target
        return self.target["classification" if classifies else "regression"]

    def predicting(self, quantile: float) -> Component:
        """Return the declaration of this model as one that predicts a quantile; anything else as it is."""
        if self.quantile_parameter is None:
            return self
        fixed = {**self.quantile_constants, self.quantile_parameter: quantile}
        free = tuple(h for h in self.hyperparameters if h.name not in fixed)
        return replace(self, hyperparameters=free, constants={**self.constants, **fixed})

    def tunes(self, task: str, *, categories: bool = True) -> tuple[Hyperparameter, ...]:
        """Return the hyperparameters that exist for this task, with or without categorical columns."""
        return tuple(h for h in self.hyperparameters if task in h.tasks and (categories or not h.categories))

    def values(self, given: Mapping[str, Param], task: str, *, categories: bool = True) -> dict[str, Param]:
        """Return the values of all active hyperparameters: those given, else the defaults."""
        values: dict[str, Param] = {}
        for h in self.tunes(task, categories=categories):
            if h.when is None or values.get(h.when[0]) in h.when[1]:
                values[h.name] = given.get(h.name, h.default)
        return values
