"""Routing: which columns go through which parts. Categories come first, so that their positions are known."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from automl.core import Step
from automl.data import Column, Container, Kind, Schema
from automl.pipeline.encode import (
    date_numbers,
    finite,
    one_hot,
    ordinal_codes,
    standard,
    strings,
    target_means,
    text_numbers,
)
from automl.pipeline.parts import chain, make
from automl.space import Catalog, Component, Facts, Preparation, Role
from automl.space.facts import is_category, is_number

__all__ = ["Columns", "route"]

_Block = tuple[str, Any, Any]


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

    def part(self, role: Role) -> Any:
        """Return the chosen part of a role as an estimator, or None."""
        step = self.steps.get(role)
        return None if step is None else make(self.catalog.get(step.component), step.values, self.facts, self.seed)

    @property
    def dense(self) -> bool:
        return self.model.preparation is Preparation.DENSE

    @property
    def encoder(self) -> str:
        """Name of the chosen encoder, or of the one that suits the model best."""
        step = self.steps.get(Role.ENCODER)
        return step.component if step else "one_hot" if self.dense else "ordinal"

    def imputed(self) -> tuple[str, Any] | None:
        """The imputer as a step: always for models that take no missing values."""
        if "missing" in self.model.accepts:
            return None
        chosen = self.part(Role.IMPUTER)
        if chosen is None:
            from sklearn.impute import SimpleImputer

            chosen = SimpleImputer(strategy="median", keep_empty_features=True)
        return "impute", chosen

    def scaled(self) -> tuple[str, Any] | None:
        chosen = self.part(Role.SCALER)
        return None if chosen is None else ("scale", chosen)

    def category_encoder(self, *, high: bool) -> list[tuple[str, Any] | None]:
        """The steps that turn strings or number codes into numbers."""
        if high and self.encoder != "target":
            if self.facts.may_encode_target:
                encoder: Any = target_means(self.facts, self.seed)
                return [("encode", encoder), ("scale", standard(self.facts)) if self.dense else None]
            encoder = one_hot(self.facts) if self.encoder == "one_hot" else ordinal_codes()
            return [("encode", encoder), self.imputed()]
        encoder = self.part(Role.ENCODER) or (one_hot(self.facts) if self.dense else ordinal_codes())
        scales = self.encoder == "target" and self.dense
        fills = self.encoder not in ("target", "one_hot")
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
    low = [column for column in categories if column.kind is not Kind.HIGH_CARDINALITY]
    high = [column for column in categories if column.kind is Kind.HIGH_CARDINALITY]
    blocks = [*_categories(router, low, high=False), *_categories(router, high, high=True)]
    blocks += [*_numbers(router), *_dates(router), *_texts(router)]
    transformer = ColumnTransformer(blocks, remainder="drop", sparse_threshold=0.0, verbose_feature_names_out=False)
    return Columns(transformer, len(low) if router.encoder == "ordinal" else 0)


def _selected(router: _Router, columns: list[Column]) -> list[Hashable]:
    """Select columns by name where scikit-learn can, else by position."""
    names = router.schema.names
    if router.schema.container is Container.FRAME and all(isinstance(name, str) for name in names):
        return [column.name for column in columns]
    position = {name: index for index, name in enumerate(names)}
    return [position[column.name] for column in columns]


def _categories(router: _Router, columns: list[Column], *, high: bool) -> list[_Block]:
    name = "many_levels" if high else "levels"
    container = router.schema.container
    blocks: list[_Block] = []
    for suffix, chosen, reading in (
        ("", [c for c in columns if not c.numeric], [("strings", strings())]),
        ("_numbered", [c for c in columns if c.numeric], finite(container)),
    ):
        if chosen:
            steps = chain(*reading, *router.category_encoder(high=high))
            blocks.append((name + suffix, steps, _selected(router, chosen)))
    return blocks


def _numbers(router: _Router) -> list[_Block]:
    columns = [column for column in router.schema.used if is_number(column)]
    if not columns:
        return []
    container = router.schema.container
    single = container is Container.ARRAY and all(column.dtype in ("float32", "float16") for column in columns)
    reading = finite(container, "float32" if single else "float64")
    blocks = [("numbers", chain(*reading, router.imputed(), router.scaled()), _selected(router, columns))]
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
        date_format = column.date_format or (
            "ISO8601" if column.dtype.startswith(("datetime", "timestamp")) else "mixed"
        )
        steps = chain(("dates", date_numbers(date_format)), router.imputed(), router.scaled())
        blocks.append((f"date{index}", steps, _selected(router, [column])[0]))
    return blocks


def _texts(router: _Router) -> list[_Block]:
    blocks: list[_Block] = []
    for index, column in enumerate(router.schema.of(Kind.TEXT)):
        scale = ("scale", standard(router.facts)) if router.dense else None
        blocks.append(
            (f"text{index}", chain(("text", text_numbers(router.seed)), scale), _selected(router, [column])[0])
        )
    return blocks


def _sparse(router: _Router) -> Any:
    """Sparse tables have numbers only; zeros stay zeros."""
    from sklearn.impute import SimpleImputer

    fill = ("impute", SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True))
    steps = [fill if router.facts.has_missing else None, router.scaled()]
    return chain(*steps) if any(steps) else _unchanged()


def _unchanged() -> Any:
    """Return a step that changes nothing; other than 'passthrough' it remembers the columns it saw."""
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer()
