"""Nearest neighbours."""

from __future__ import annotations

from automl.space.component import Choice, Component, Cost, Int, Role

__all__ = ["COMPONENTS"]

COMPONENTS = (
    Component(
        name="knn",
        role=Role.MODEL,
        target="automl.pipeline.models:nearest_neighbours",
        family="neighbors",
        hyperparameters=(
            Int("n_neighbors", 1, 200, 20, log=True),
            Choice("weights", ("uniform", "distance"), "distance"),
            Choice("metric", ("minkowski", "cosine"), "minkowski"),
            Choice("p", (1, 2), 2, when=("metric", ("minkowski",))),
        ),
        accepts=frozenset({"sparse"}),
        max_rows=50_000,
        max_cells=5_000_000,
        share=0.7,
        cost=Cost(0.01, rows=1.5, columns=0.8),
    ),
)
