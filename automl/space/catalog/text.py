"""Text to numbers."""

from __future__ import annotations

from automl.space.component import Choice, Component, Cost, Int, Preparation, Role

__all__ = ["COMPONENTS"]

_ANY = frozenset({Preparation.NATIVE, Preparation.DENSE})

COMPONENTS = (
    Component(
        name="words",
        role=Role.TEXT,
        target="automl.pipeline.texts:words",
        family="text",
        hyperparameters=(Int("n_components", 8, 100, 30, log=True),),
        accepts=frozenset({"missing"}),
        weights=True,
        preparations=_ANY,
        share=2.0,
        cost=Cost(0.2),
    ),
    Component(
        name="characters",
        role=Role.TEXT,
        target="automl.pipeline.texts:characters",
        family="text",
        hyperparameters=(Int("n_components", 8, 100, 30, log=True),),
        accepts=frozenset({"missing"}),
        weights=True,
        preparations=_ANY,
        cost=Cost(0.5),
    ),
    Component(
        name="hashed_words",
        role=Role.TEXT,
        target="automl.pipeline.texts:hashed_words",
        family="text",
        hyperparameters=(Choice("n_features", (32, 64, 128, 256, 512), 128),),
        accepts=frozenset({"missing"}),
        weights=True,
        preparations=_ANY,
        cost=Cost(0.05),
    ),
)
