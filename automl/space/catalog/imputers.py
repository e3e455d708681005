"""Missing values filled in, for models that do not take them."""

from __future__ import annotations

from collections.abc import Mapping

from automl.core import Param
from automl.space.component import Component, Preparation, Role

__all__ = ["COMPONENTS"]


def _imputer(name: str, constants: Mapping[str, Param]) -> Component:
    return Component(
        name=name,
        role=Role.IMPUTER,
        target="sklearn.impute:SimpleImputer",
        family="imputer",
        constants={"keep_empty_features": True, **constants},
        accepts=frozenset({"missing"}),
        weights=True,
        preparations=frozenset({Preparation.DENSE}),
    )


COMPONENTS = (
    # The indicator is a block of its own in pipeline/columns.py, so that no scaler touches it.
    _imputer("median_indicator", {"strategy": "median"}),
    _imputer("median", {"strategy": "median"}),
    _imputer("mean", {"strategy": "mean"}),
    _imputer("constant", {"strategy": "constant", "fill_value": 0.0}),
)
