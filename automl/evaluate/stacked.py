"""A stack whose last model stops early: on rows that neither it nor the models before it have seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from automl.core import Array
from automl.evaluate.part import Part

__all__ = ["fit_stacked", "last_model"]


def last_model(estimator: Any) -> Any:
    """Return the model itself: the regressor of a transformed target, the final estimator of a stack."""
    for name in ("regressor", "final_estimator"):
        estimator = getattr(estimator, name, estimator)
    return estimator


def fit_stacked(
    stack: Any, fit_stopping: Callable[..., int], fit: Part, stop: Part | None, seconds: float | None, patient: bool
) -> int:
    """Fit a scikit-learn stack in place, its final estimator with a stop set; return the best round.

    The final estimator is fitted on predictions for rows that the other models did not see, as scikit-learn does it.
    """
    from sklearn.base import clone, is_classifier
    from sklearn.frozen import FrozenEstimator
    from sklearn.model_selection import cross_val_predict

    started = time.monotonic()
    method = "predict_proba" if is_classifier(stack) else "predict"
    unseen = [cross_val_predict(model, fit.X, fit.y, cv=stack.cv, method=method) for _, model in stack.estimators]
    inner = [clone(model).fit(fit.X, fit.y) for _, model in stack.estimators]
    final, asked = clone(stack.final_estimator), stack.get_params(deep=False)

    def joined(part: Part, predictions: list[Array]) -> Part:
        blocks = [_block(found) for found in predictions]
        return replace(part, X=np.hstack([*blocks, part.X] if stack.passthrough else blocks))

    held = stop and joined(stop, [getattr(model, method)(stop.X) for model in inner])
    left = None if seconds is None else max(0.1 * seconds, seconds - (time.monotonic() - started))
    rounds = fit_stopping(final, joined(fit, unseen), held, left, patient)
    # Frozen parts are fitted by nothing: this makes the attributes that a fit leaves.
    names = [name for name, _ in stack.estimators]
    frozen = [(name, FrozenEstimator(model)) for name, model in zip(names, inner, strict=True)]
    stack.set_params(estimators=frozen, final_estimator=FrozenEstimator(final), cv="prefit").fit(fit.X, fit.y)
    stack.set_params(**asked)
    stack.estimators_, stack.final_estimator_ = inner, final
    stack.named_estimators_.update(zip(names, inner, strict=True))
    return rounds


def _block(found: Array) -> Array:
    """Return the columns of one model's predictions: of two classes only the second, as scikit-learn has it."""
    if found.ndim == 1:
        return found.reshape(-1, 1)
    return found[:, 1:] if found.shape[1] == 2 else found
