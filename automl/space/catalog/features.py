"""Steps that select or make features, between the columns and the model."""

from __future__ import annotations

from automl.space.component import Choice, Component, Cost, Flag, Float, Int, Preparation, Role

__all__ = ["COMPONENTS"]

_DENSE = frozenset({Preparation.DENSE})

COMPONENTS = (
    Component(
        name="variance",
        role=Role.FEATURE,
        target="automl.pipeline.features:variance",
        family="feature",
        hyperparameters=(Float("threshold", 1e-6, 1e-2, 1e-4, log=True),),
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        share=0.5,
    ),
    Component(
        name="univariate",
        role=Role.FEATURE,
        target="automl.pipeline.features:univariate",
        family="feature",
        hyperparameters=(Float("percentile", 5.0, 95.0, 50.0),),
        accepts=frozenset({"sparse"}),
        weights=True,
        preparations=_DENSE,
        cost=Cost(0.01),
    ),
    Component(
        name="l1_selection",
        role=Role.FEATURE,
        target="automl.pipeline.features:l1_selection",
        family="feature",
        hyperparameters=(
            Float("strength", 1e-3, 1.0, 0.05, log=True),
            Choice("threshold", ("0.01*mean", "0.1*mean", "0.5*mean"), "0.1*mean"),
        ),
        accepts=frozenset({"sparse"}),
        weights=True,
        preparations=_DENSE,
        max_cells=20_000_000,
        max_classes=30,
        cost=Cost(0.03, outputs=1.0),
    ),
    Component(
        name="tree_selection",
        role=Role.FEATURE,
        target="automl.pipeline.features:tree_selection",
        family="feature",
        hyperparameters=(Choice("threshold", ("0.1*mean", "0.5*mean", "median", "mean"), "0.5*mean"),),
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        max_cells=20_000_000,
        cost=Cost(0.15),
    ),
    Component(
        name="pca",
        role=Role.FEATURE,
        target="automl.pipeline.features:principal_components",
        family="feature",
        hyperparameters=(Float("kept", 0.5, 0.999, 0.95), Flag("whiten", False)),
        weights=True,
        preparations=_DENSE,
        max_columns=3_000,
        max_cells=50_000_000,
        cost=Cost(0.01, columns=1.5),
    ),
    Component(
        name="polynomial",
        role=Role.FEATURE,
        target="automl.pipeline.features:polynomial",
        family="feature",
        hyperparameters=(Flag("interaction_only", False),),
        weights=True,
        preparations=_DENSE,
        max_columns=40,
        max_cells=2_000_000,
        cost=Cost(0.02, columns=2.0),
    ),
    Component(
        name="spline",
        role=Role.FEATURE,
        target="automl.pipeline.features:splines",
        family="feature",
        hyperparameters=(Int("n_knots", 3, 10, 5), Int("degree", 2, 3, 3)),
        weights=True,
        preparations=_DENSE,
        max_columns=100,
        max_cells=5_000_000,
        cost=Cost(0.02),
    ),
    Component(
        name="nystroem",
        role=Role.FEATURE,
        target="automl.pipeline.features:nystroem",
        family="feature",
        hyperparameters=(
            Int("n_components", 50, 1000, 300, log=True),
            Float("gamma_scale", 0.05, 10.0, 1.0, log=True),
        ),
        accepts=frozenset({"sparse"}),
        weights=True,
        preparations=_DENSE,
        max_columns=3_000,
        max_rows=200_000,
        cost=Cost(0.05, columns=0.5),
    ),
)
