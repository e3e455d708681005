"""Columns made of several, beside the ordinary ones."""

from __future__ import annotations

from automl.space.component import Choice, Component, Cost, Flag, Float, Int, Preparation, Role

__all__ = ["COMPONENTS"]

_ANY = frozenset({Preparation.NATIVE, Preparation.DENSE})
_MISSING = frozenset({"missing"})

COMPONENTS = (
    Component(
        name="arithmetic",
        role=Role.CROSS,
        target="automl.pipeline.crosses:arithmetic",
        family="cross",
        hyperparameters=(Int("columns", 4, 12, 8), Int("kept", 10, 60, 30, log=True)),
        accepts=_MISSING,
        weights=True,
        preparations=_ANY,
        min_rows=200,
        max_rows=200_000,
        min_numeric=3,
        max_numeric=150,
        share=2.0,
        cost=Cost(0.1, rows=0.7, columns=0.2, outputs=0.5),
    ),
    Component(
        name="category_crosses",
        role=Role.CROSS,
        target="automl.pipeline.crosses:category_crosses",
        family="cross",
        hyperparameters=(
            Int("columns", 3, 8, 6),
            Choice("order", (2, 3), 2),
            Float("smooth", 0.5, 200.0, 10.0, log=True),
            Int("kept", 5, 50, 20, log=True),
        ),
        accepts=_MISSING,
        weights=True,
        groups=False,  # its cross-fitting draws rows at random
        order=False,
        preparations=_ANY,
        min_rows=200,
        max_rows=200_000,
        max_classes=10,
        min_categorical=2,
        share=2.0,
        cost=Cost(0.1, rows=0.9, columns=0.2, outputs=1.0),
    ),
    Component(
        name="group_statistics",
        role=Role.CROSS,
        target="automl.pipeline.crosses:group_statistics",
        family="cross",
        hyperparameters=(Int("columns", 2, 8, 5), Int("categories", 1, 3, 2)),
        accepts=_MISSING,
        weights=True,
        preparations=_ANY,
        min_rows=200,
        max_rows=50_000,
        min_numeric=1,
        max_numeric=150,
        min_categorical=1,
        cost=Cost(0.1, rows=0.8, columns=0.2, outputs=0.5),
    ),
    Component(
        name="all_crosses",
        role=Role.CROSS,
        target="automl.pipeline.crosses:all_crosses",
        family="cross",
        hyperparameters=(Int("kept", 10, 60, 30, log=True), Choice("order", (2, 3), 2), Flag("groups", False)),
        accepts=_MISSING,
        weights=True,
        groups=False,
        order=False,
        preparations=_ANY,
        min_rows=200,
        max_rows=50_000,
        max_classes=10,
        min_numeric=3,
        max_numeric=150,
        min_categorical=2,
        cost=Cost(0.2, rows=0.9, columns=0.2, outputs=1.0),
    ),
)
