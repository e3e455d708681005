"""Join the members of an ensemble into one plain, fitted scikit-learn estimator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.core import Array, InputError

if TYPE_CHECKING:
    from automl.data.dataset import Task

__all__ = ["assemble", "vote"]


def vote(models: Sequence[Any], *, classes: Array | None, weights: Sequence[float] | None = None) -> Any:
    """Return a fitted soft VotingClassifier over fitted models, or a VotingRegressor where ``classes`` is None.

    The voter is in the state that ``fit`` leaves: unfitted copies in ``estimators``, the models in ``estimators_``.
    So a clone of it can be fitted anew (cross-validating it is honest), labels may be of any sortable type, and no
    model is referred to twice (hence no ``named_estimators_``): skops writes each reference again.

    Parameters
    ----------
    models : sequence of fitted estimators
        Classifiers are trained on codes 0..K-1.
    classes : ndarray of shape (K,) or None
        Sorted labels that the voter's ``predict`` returns.
    weights : sequence of float, optional
        Equal ones by default.
    """
    from sklearn.base import clone
    from sklearn.ensemble import VotingClassifier, VotingRegressor
    from sklearn.preprocessing import LabelEncoder

    unfitted = [(f"m{position}", clone(model)) for position, model in enumerate(models)]
    # Weights are always given: the mean is then taken in double precision also over single precision models.
    shares = [1.0] * len(unfitted) if weights is None else [float(weight) for weight in weights]
    if classes is None:
        voter = VotingRegressor(unfitted, weights=shares)
    else:
        voter = VotingClassifier(unfitted, voting="soft", weights=shares)
        voter.le_ = LabelEncoder().fit(classes)
        voter.classes_ = voter.le_.classes_
        if not np.array_equal(voter.classes_, classes):
            raise InputError(
                f"classes are {list(classes)!r}; they must be distinct and sorted. Pass np.unique(labels)."
            )
    voter.estimators_ = list(models)
    named = [model for model in models if hasattr(model, "feature_names_in_")]
    if named:  # a model that ignores its input has no names
        voter.feature_names_in_ = named[0].feature_names_in_
    return voter


def assemble(members: Sequence[tuple[float, Sequence[Any]]], *, classes: Array | None, task: Task) -> Any:
    """Return one fitted estimator whose output is the weighted mean of the members' outputs.

    Parameters
    ----------
    members : sequence of (weight, fitted models)
        Several models of one member (one per fold) share its weight equally. Members of weight 0 are left out.
        Classifiers are trained on codes 0..K-1 and have seen every class.
    classes : ndarray of shape (K,) or None
        Sorted original labels, None for regression. Only the outermost estimator knows them.
    task : Task

    Returns
    -------
    estimator
        A voter, or the model itself where there is only one and its codes are the labels.
    """
    if task.classifies != (classes is not None):
        raise InputError(f"classes is {classes!r} for task {str(task)!r}: pass them for classification and only then.")
    kept = [(float(weight), list(models)) for weight, models in members if weight != 0]
    if not kept or not all(math.isfinite(weight) and weight > 0 and models for weight, models in kept):
        shown = [(weight, len(models)) for weight, models in members]
        raise InputError(f"members are {shown} (weight, models): at least one positive weight and a model each needed.")
    codes = None if classes is None else np.arange(len(classes))
    if codes is not None:
        _check_classes([model for _, models in kept for model in models], codes)
    if len(kept) > 1:
        joined = [models[0] if len(models) == 1 else vote(models, classes=codes) for _, models in kept]
        total = sum(weight for weight, _ in kept)
        return vote(joined, classes=classes, weights=[weight / total for weight, _ in kept])
    models = kept[0][1]
    if (
        len(models) == 1
        and (classes is None or _same_labels(classes, codes))
        and not _predicts_a_column(models[0], task)
    ):
        return models[0]
    return vote(models, classes=classes)


def _predicts_a_column(model: Any, task: Task) -> bool:
    """Whether labels come in an array of shape (n, 1), as CatBoost's do for more than two classes; a voter's do not."""
    last = model[-1] if hasattr(model, "steps") else model
    return task == "multiclass" and type(last).__module__.partition(".")[0] == "catboost"


def _same_labels(classes: Array, codes: Array | None) -> bool:
    return codes is not None and classes.dtype == codes.dtype and np.array_equal(classes, codes)


def _check_classes(models: Sequence[Any], codes: Array) -> None:
    """Refuse models that did not see every class: their columns of probabilities would mean something else."""
    for model in models:
        seen = getattr(model, "classes_", None)
        if seen is None or not np.array_equal(seen, codes):
            raise InputError(
                f"A member ({type(model).__name__}) was trained on classes {None if seen is None else list(seen)}; "
                f"each must have seen all codes 0..{len(codes) - 1}. Keep rows of rare classes in every training fold."
            )
