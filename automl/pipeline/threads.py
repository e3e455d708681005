"""Threads for prediction: where every row is predicted by itself, so that their number changes no bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from automl.pipeline.assemble import leaves, undecided

__all__ = ["set_threads"]

# Forests are not among them: they add up the trees in the order in which threads come to an end.
_BY_ROW = ("LGBMClassifier", "LGBMRegressor", "XGBClassifier", "XGBRegressor")
_INSIDE = ("regressor_", "final_estimator_")


def set_threads(model: Any, n_jobs: int) -> None:
    """Let the boosters of a fitted ensemble predict with so many threads; a clone is fitted with one, as before."""
    for leaf in leaves(undecided(model)):
        for part in _parts(leaf.steps[-1][1]):
            if type(part).__name__ in _BY_ROW:
                part.n_jobs = n_jobs


def _parts(model: Any) -> Iterator[Any]:
    """Return a fitted model, and those inside of a transformed target or a stack."""
    yield model
    inside = [getattr(model, name) for name in _INSIDE if hasattr(model, name)]
    if hasattr(model, "final_estimator_"):
        inside += [one.steps[-1][1] if hasattr(one, "steps") else one for one in model.estimators_]
    for one in inside:
        yield from _parts(one)
