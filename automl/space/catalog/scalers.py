"""Numbers brought to one scale."""

from __future__ import annotations

from automl.space.component import Component, Preparation, Role

__all__ = ["COMPONENTS"]

_DENSE = frozenset({Preparation.DENSE})

COMPONENTS = (
    Component(
        name="standard",
        role=Role.SCALER,
        target="automl.pipeline.encode:standard",
        family="scaler",
        accepts=frozenset({"sparse"}),
        weights=True,
        preparations=_DENSE,
    ),
    Component(
        name="robust_clip",
        role=Role.SCALER,
        target="automl.pipeline.encode:robust_clip",
        family="scaler",
        weights=True,
        preparations=_DENSE,
    ),
    Component(
        name="quantile_normal",
        role=Role.SCALER,
        target="automl.pipeline.encode:quantile_normal",
        family="scaler",
        weights=True,
        preparations=_DENSE,
    ),
    Component(
        name="min_max",
        role=Role.SCALER,
        target="sklearn.preprocessing:MinMaxScaler",
        family="scaler",
        weights=True,
        preparations=_DENSE,
        share=0.3,
    ),
    Component(
        name="skew_normal",
        role=Role.SCALER,
        target="automl.pipeline.encode:skew_normal",
        family="scaler",
        weights=True,
        preparations=_DENSE,
    ),
)
