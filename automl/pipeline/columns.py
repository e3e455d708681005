"""Routing: which columns go through which parts. Categories come first, so that their positions are known."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Step
from automl.data import Column, Container, Kind, Schema
from automl.pipeline.dates import date_format, date_numbers
from automl.pipeline.encode import (
    cross_codes,
    finite,
    one_hot,
    ordinal_codes,
    standard,
    strings,
    target_means,
)
from automl.pipeline.parts import apply, chain, make, takes
from automl.pipeline.texts import words
from automl.space import Catalog, Component, Facts, Preparation, Role
from automl.space.facts import date_parts, is_category, is_number

__all__ = ["Columns", "route"]

_Block = tuple[str, Any, Any]
_CODES = ("ordinal", "ordinal_and_means")  # encoders whose columns of few levels are codes
_SKEWED = 0.99
_MANY_NAMES = 2000


@dataclass(frozen=True)
class Columns:
    """The first step of a pipeline, and how many of its leading outputs are codes of categories."""

    transformer: Any
    n_codes: int


@dataclass(frozen=True)
class _Router:
    """What all blocks of one pipeline share."""

    steps: Mapping[Role, Step]
    schema: Schema
    facts: Facts
    catalog: Catalog
    model: Component
    seed: int

    def component(self, role: Role) -> Component | None:
        step = self.steps.get(role)
        return None if step is None else self.catalog.get(step.component)

    def part(self, role: Role, **offered: Any) -> Any:
        """Return the chosen part of a role as an estimator, or None."""
        component = self.component(role)
        if component is None:
            return None
        return make(component, self.steps[role].values, self.facts, self.seed, offered=offered)

    @property
    def dense(self) -> bool:
        return self.model.preparation is Preparation.DENSE

    @property
    def encoder(self) -> str:
        """Name of the chosen encoder, or of the one that suits the model best."""
        step = self.steps.get(Role.ENCODER)
        return step.component if step else "one_hot" if self.dense else "ordinal"

    @cached_property
    def most_levels(self) -> int | None:
        """Most levels of the columns of few levels, where the encoder says so itself."""
        component = self.component(Role.ENCODER)
        if component is None:
            return None
        tuned = component.values(self.steps[Role.ENCODER].values, self.facts.task)
        most = {**component.constants, **tuned}.get("most_levels")
        return int(most) if isinstance(most, int | float) else None

    def has_many(self, column: Column) -> bool:
        """Whether a category has too many levels to be treated level by level."""
        if self.model.all_levels and self.encoder == "ordinal":
            return False
        if column.kind is Kind.HIGH_CARDINALITY:
            return True
        return self.most_levels is not None and column.n_unique > self.most_levels

    def imputed(self) -> tuple[str, Any] | None:
        """The imputer as a step: always for models that take no missing values."""
        if "missing" in self.model.accepts:
            return None
        chosen = self.part(Role.IMPUTER)
        if chosen is None:
            from sklearn.impute import SimpleImputer

            chosen = SimpleImputer(strategy="median", keep_empty_features=True)
        return "impute", chosen

    def is_afar(self, column: Column) -> bool:
        """Whether a column has to be brought near for whatever is to tell its values apart."""
        alone = Role.FEATURE not in self.steps and Role.STACK not in self.steps
        return column.afar and not (self.model.exact and alone)

    def brought_near(self, columns: list[Column]) -> tuple[str, Any] | None:
        return ("near", standard(self.facts)) if any(map(self.is_afar, columns)) else None

    def scaled(self, *, skewed: bool = False) -> tuple[str, Any] | None:
        chosen = self.part(Role.SCALER, skewed=skewed)
        return None if chosen is None else ("scale", chosen)

    def category_encoder(self, *, many: bool) -> list[tuple[str, Any] | None]:
        """The steps that turn strings or number codes into numbers."""
        from sklearn.preprocessing import OneHotEncoder, TargetEncoder

        if many and self.most_levels is None and self.facts.may_encode_target and self.encoder != "target":
            encoder: Any = target_means(self.facts, self.seed)
        elif self.model.all_levels and self.encoder == "ordinal":
            encoder = ordinal_codes(max_categories=None)
        else:
            encoder = self.part(Role.ENCODER, many=many) or (one_hot(self.facts) if self.dense else ordinal_codes())
        scales = isinstance(encoder, TargetEncoder) and (self.dense or self.facts.target_afar)
        fills = not isinstance(encoder, TargetEncoder | OneHotEncoder)
        return [
            ("encode", encoder),
            self.imputed() if fills else None,
            ("scale", standard(self.facts)) if scales else None,
        ]


def route(
    steps: Mapping[Role, Step], schema: Schema, facts: Facts, *, catalog: Catalog, model: Component, seed: int
) -> Columns:
    """Return the first step of the pipeline of these steps; unused columns are dropped by name."""
    router = _Router(steps, schema, facts, catalog, model, seed)
    if model.preparation is Preparation.NONE:
        return Columns(_unchanged(), 0)
    if schema.container is Container.SPARSE:
        return Columns(_sparse(router), 0)
    from sklearn.compose import ColumnTransformer

    categories = [column for column in schema.used if is_category(column)]
    few = [column for column in categories if not router.has_many(column)]
    many = [column for column in categories if router.has_many(column)]
    blocks = [*_categories(router, "levels", few, many=False), *_categories(router, "many_levels", many, many=True)]
    if router.encoder == "ordinal_and_means" and facts.may_encode_target:
        beside = [column for column in few if column.n_unique > 2]  # the mean of two levels says no more than the code
        blocks += _categories(router, "means", beside, many=True)
    blocks += [*_numbers(router), *_dates(router), *_texts(router), *_crosses(router)]
    transformer = ColumnTransformer(blocks, remainder="drop", sparse_threshold=0.0, verbose_feature_names_out=False)
    return Columns(transformer, len(few) if router.encoder in _CODES else 0)


def _selected(router: _Router, columns: list[Column]) -> list[Hashable]:
    """Select columns by name where scikit-learn can, else by position; fitted on a frame it finds them by name again.

    scikit-learn looks names up in a list, which takes two seconds for 20,000.
    """
    names = router.schema.names
    few = len(names) <= _MANY_NAMES
    if few and router.schema.container is Container.FRAME and all(isinstance(name, str) for name in names):
        return [column.name for column in columns]
    position = {name: index for index, name in enumerate(names)}
    return [position[column.name] for column in columns]


def _categories(router: _Router, name: str, columns: list[Column], *, many: bool) -> list[_Block]:
    container = router.schema.container
    blocks: list[_Block] = []
    for suffix, chosen, reading in (
        ("", [c for c in columns if not c.numeric], strings()),
        ("_numbered", [c for c in columns if c.numeric], finite(container)),
    ):
        if chosen:
            steps = chain(*reading, *router.category_encoder(many=many))
            blocks.append((name + suffix, steps, _selected(router, chosen)))
    return blocks


def _numbers(router: _Router) -> list[_Block]:
    columns = [column for column in router.schema.used if is_number(column)]
    if not columns:
        return []
    container = router.schema.container
    single = container is Container.ARRAY and all(column.dtype in ("float32", "float16") for column in columns)
    scaler = router.component(Role.SCALER)
    by_skew = scaler is not None and takes(scaler, router.facts, "skewed")
    blocks: list[_Block] = []
    # those that are afar by themselves: others may need the differences that a standard scale makes small
    for name, skewed, afar in (
        ("numbers", False, False),
        ("numbers_afar", False, True),
        ("skewed", True, False),
        ("skewed_afar", True, True),
    ):
        kind = (skewed, afar)
        chosen = [c for c in columns if (by_skew and abs(c.skew) > _SKEWED, router.is_afar(c)) == kind]
        if chosen:
            reading = [*finite(container, "float32" if single else "float64"), router.brought_near(chosen)]
            blocks.append(
                (name, chain(*reading, router.imputed(), router.scaled(skewed=skewed)), _selected(router, chosen))
            )
    imputer = router.steps.get(Role.IMPUTER)
    gaps = [column for column in columns if column.missing_share > 0]
    if imputer is not None and imputer.component == "median_indicator" and gaps and router.imputed():
        from sklearn.impute import MissingIndicator

        marks = ("marks", MissingIndicator(features="all"))
        blocks.append(("missing", chain(*finite(container), marks), _selected(router, gaps)))
    return blocks


def _dates(router: _Router) -> list[_Block]:
    blocks: list[_Block] = []
    for index, column in enumerate(router.schema.of(Kind.DATE)):
        numbers = date_numbers(date_format(column), date_parts(column), waves=router.dense)
        steps = chain(("dates", numbers), router.imputed(), router.scaled())
        blocks.append((f"date{index}", steps, _selected(router, [column])[0]))
    return blocks


def _texts(router: _Router) -> list[_Block]:
    blocks: list[_Block] = []
    for index, column in enumerate(router.schema.of(Kind.TEXT)):
        part = router.part(Role.TEXT, dense=router.dense) or words(router.seed, router.dense)
        steps = chain(
            ("strings", apply(pd.Series.astype, dtype=pd.StringDtype(na_value=np.nan))),
            ("present", apply(pd.Series.fillna, value="")),
            ("text", part),
        )
        blocks.append((f"text{index}", steps, _selected(router, [column])[0]))
    return blocks


def _crosses(router: _Router) -> list[_Block]:
    """Columns made of several, of what their part asks for: codes of categories, then numbers and days of dates."""
    from sklearn.compose import ColumnTransformer

    component = router.component(Role.CROSS)
    if component is None:
        return []
    codes, numbers = component.min_categorical or 0, component.min_numeric or 0
    container = router.schema.container
    categories = [column for column in router.schema.used if is_category(column) and codes]
    dates = [column for column in router.schema.of(Kind.DATE) if numbers]
    kinds = [
        ("codes", [c for c in categories if not c.numeric], chain(*strings(), ("codes", cross_codes()))),
        ("numbered", [c for c in categories if c.numeric], chain(*finite(container), ("codes", cross_codes()))),
        ("numbers", [c for c in router.schema.used if is_number(c) and numbers], chain(*finite(container))),
    ]
    blocks: list[_Block] = []
    columns: list[Column] = []
    for name, chosen, steps in kinds:
        if chosen:
            blocks.append((name, steps, slice(len(columns), len(columns) + len(chosen))))
            columns += chosen
    for index, column in enumerate(dates):
        blocks.append((f"date{index}", date_numbers(date_format(column), ("days",)), len(columns)))
        columns.append(column)
    n_numbers = len(columns) - len(categories)
    if len(categories) < codes or n_numbers < numbers:
        return []
    part = router.part(Role.CROSS, n_codes=len(categories), n_numbers=n_numbers)
    inputs = ColumnTransformer(blocks, sparse_threshold=0.0)
    near = router.brought_near(columns)  # of what is made: ratios are of the numbers as they were
    steps = chain(("inputs", inputs), ("cross", part), near, router.imputed(), router.scaled(skewed=True))
    return [("crosses", steps, _selected(router, columns))]


def _sparse(router: _Router) -> Any:
    """Sparse tables have numbers only; zeros stay zeros."""
    from sklearn.impute import SimpleImputer

    fill = ("impute", SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True))
    near = router.brought_near(list(router.schema.used))
    steps = [fill if router.facts.has_missing else None, near, router.scaled()]
    return chain(*steps) if any(steps) else _unchanged()


def _unchanged() -> Any:
    """Return a step that changes nothing; other than 'passthrough' it remembers the columns it saw."""
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer()
