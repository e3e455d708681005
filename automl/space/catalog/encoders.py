"""Categories to numbers."""

from __future__ import annotations

from automl.space.component import Choice, Component, Cost, Float, Int, Preparation, Role

__all__ = ["COMPONENTS"]

_SMOOTH = Float("smooth", 0.5, 200.0, 10.0, log=True)

COMPONENTS = (
    Component(
        name="ordinal",
        role=Role.ENCODER,
        target="automl.pipeline.encode:ordinal_codes",
        family="encoder",
        accepts=frozenset({"missing"}),
        weights=True,
        preparations=frozenset({Preparation.NATIVE}),
        share=2.0,
    ),
    Component(
        name="one_hot",
        role=Role.ENCODER,
        target="automl.pipeline.encode:one_hot",
        family="encoder",
        hyperparameters=(Choice("max_categories", (10, 25, 50), 50),),
        accepts=frozenset({"missing"}),
        weights=True,
        share=1.0,
    ),
    Component(
        name="target",
        role=Role.ENCODER,
        target="automl.pipeline.encode:target_means",
        family="encoder",
        hyperparameters=(_SMOOTH,),
        accepts=frozenset({"missing"}),
        weights=True,
        groups=False,  # its cross-fitting draws rows at random
        order=False,
        min_rows=20,
        max_classes=10,
        share=1.0,
    ),
    Component(
        name="ordinal_and_means",
        role=Role.ENCODER,
        target="automl.pipeline.encode:ordinal_and_means",
        family="encoder",
        hyperparameters=(Int("most_levels", 4, 50, 32, log=True), _SMOOTH),
        accepts=frozenset({"missing"}),
        weights=True,
        groups=False,
        order=False,
        preparations=frozenset({Preparation.NATIVE}),
        min_rows=20,
        max_classes=10,
        share=1.0,
    ),
    Component(
        name="mixed",
        role=Role.ENCODER,
        target="automl.pipeline.encode:mixed",
        family="encoder",
        hyperparameters=(Int("most_levels", 4, 50, 9, log=True), _SMOOTH),
        accepts=frozenset({"missing"}),
        weights=True,
        groups=False,
        order=False,
        preparations=frozenset({Preparation.DENSE}),
        min_rows=20,
        max_classes=10,
        share=1.0,
    ),
    Component(
        name="hashed",
        role=Role.ENCODER,
        target="automl.pipeline.encode:hashed",
        family="encoder",
        hyperparameters=(Choice("n_features", (16, 32, 64, 128), 64),),
        constants={"most_levels": 50},
        accepts=frozenset({"missing"}),
        weights=True,
        min_high=1,
        share=0.5,
        cost=Cost(0.1),
    ),
)
