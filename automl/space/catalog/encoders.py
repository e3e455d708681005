"""Categories to numbers."""

from __future__ import annotations

from automl.space.component import Choice, Component, Float, Preparation, Role

__all__ = ["COMPONENTS"]

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
        hyperparameters=(Float("smooth", 0.5, 200.0, 10.0, log=True),),
        accepts=frozenset({"missing"}),
        weights=True,
        groups=False,  # its cross-fitting draws rows at random
        order=False,
        min_rows=20,
        max_classes=10,
        share=1.0,
    ),
)
