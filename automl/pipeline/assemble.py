"""Join the members of an ensemble into one plain, fitted scikit-learn estimator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.core import Array, InputError
from automl.pipeline.parts import apply

if TYPE_CHECKING:
    from automl.data.dataset import Task

__all__ = ["FLOOR", "Leaf", "assemble", "decided", "is_binary", "leaves", "undecided", "vote"]

FLOOR = 1e-12  # probabilities below it count as it, for their logarithms
_MODELS = "models"  # the last step of pipelines that several models share


@dataclass(frozen=True)
class Leaf:
    """A fitted model of an ensemble, with its share of the vote.

    Parameters
    ----------
    member : int
        Number of the member that it belongs to: one of its fold models, or the only one.
    weight : float
        All of an ensemble sum up to 1.
    steps : tuple of (str, estimator)
        Its preparation, then the model itself.
    """

    member: int
    weight: float
    steps: tuple[tuple[str, Any], ...]

    @property
    def model(self) -> Any:
        """What predicts by itself: a pipeline where there is preparation."""
        from sklearn.pipeline import Pipeline

        return Pipeline(list(self.steps)) if len(self.steps) > 1 else self.steps[0][1]


def vote(
    models: Sequence[Any],
    *,
    classes: Array | None,
    weights: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
) -> Any:
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
    names : sequence of str, optional
        m0, m1, ... by default.
    """
    from sklearn.base import clone
    from sklearn.ensemble import VotingClassifier, VotingRegressor
    from sklearn.preprocessing import LabelEncoder

    names = names or [f"m{position}" for position in range(len(models))]
    unfitted = [(name, clone(model)) for name, model in zip(names, models, strict=True)]
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

    Steps that are one object in several models (see :func:`automl.pipeline.shared.interned`) stand before them all,
    and are computed once: Pipeline(step, voter over what follows).

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
    first = kept[0][1][0]
    single = len(kept) == 1 and len(kept[0][1]) == 1
    if single and (classes is None or _same_labels(classes, codes)) and not _predicts_a_column(first, task):
        return first
    total = sum(weight for weight, _ in kept)
    found = [
        (f"m{number}_{place}", Leaf(number, weight / total / len(models), _steps(model)))
        for number, (weight, models) in enumerate(kept)
        for place, model in enumerate(models)
    ]
    return _voter(found, classes, codes)


def leaves(model: Any) -> list[Leaf]:
    """Return the fitted models of what :func:`assemble` made, in the order of their members.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from automl.data import Task
    >>> from automl.pipeline.assemble import assemble, leaves
    >>> lines = [LinearRegression().fit([[0.0], [1.0]], [0.0, slope]) for slope in (1.0, 2.0)]
    >>> model = assemble([(3, lines[:1]), (1, lines[1:])], classes=None, task=Task.REGRESSION)
    >>> [(leaf.member, leaf.weight) for leaf in leaves(model)]
    [(0, 0.75), (1, 0.25)]
    """
    from sklearn.ensemble import VotingClassifier, VotingRegressor

    if not isinstance(model, VotingClassifier | VotingRegressor):
        return [Leaf(0, 1.0, _steps(model))]
    return sorted(_below(model, 1.0, ()), key=lambda leaf: leaf.member)


def _below(voter: Any, share: float, before: tuple[tuple[str, Any], ...]) -> list[Leaf]:
    found: list[Leaf] = []
    total = sum(voter.weights)
    for (name, _), weight, model in zip(voter.estimators, voter.weights, voter.estimators_, strict=True):
        steps = (*before, *_steps(model))
        if steps[-1][0] == _MODELS:
            found += _below(steps[-1][1], share * weight / total, steps[:-1])
        else:
            found.append(Leaf(int(name[1:].partition("_")[0]), share * weight / total, steps))
    return found


def _steps(model: Any) -> tuple[tuple[str, Any], ...]:
    from sklearn.pipeline import Pipeline

    return tuple(model.steps) if type(model) is Pipeline else (("model", model),)


def _voter(found: Sequence[tuple[str, Leaf]], classes: Array | None, codes: Array | None) -> Any:
    """Return a voter over leaves; those that begin with the same step are one of its models."""
    groups: dict[int, list[tuple[str, Leaf]]] = {}
    for place, (name, leaf) in enumerate(found):
        key = id(leaf.steps[0][1]) if len(leaf.steps) > 1 else -1 - place
        groups.setdefault(key, []).append((name, leaf))
    names: list[str] = []
    models: list[Any] = []
    weights: list[float] = []
    for group in groups.values():
        name, leaf = group[0]
        names.append(name if len(group) == 1 else f"shared{len(names)}")
        models.append(leaf.model if len(group) == 1 else _behind(group, codes))
        weights.append(sum(leaf.weight for _, leaf in group))
    return vote(models, classes=classes, weights=weights, names=names)


def _behind(group: Sequence[tuple[str, Leaf]], codes: Array | None) -> Any:
    """Return the first step of several leaves, and behind it a voter over what remains of them."""
    from sklearn.pipeline import Pipeline

    first = group[0][1].steps[0]
    rest = _voter([(name, Leaf(leaf.member, leaf.weight, leaf.steps[1:])) for name, leaf in group], codes, codes)
    inner = _steps(rest.estimators_[0]) if len(rest.estimators_) == 1 else ((_MODELS, rest),)
    return Pipeline([first, *inner])


def decided(
    model: Any,
    *,
    classes: Array,
    temperature: float | None = None,
    threshold: float | None = None,
    multipliers: Sequence[float] | None = None,
) -> tuple[Any, Any]:
    """Return a fitted classifier with its last stage, and the one whose ``predict`` is the decision.

    Both are the same object except with multipliers: no public part keeps the probabilities of several classes apart
    from what ``predict`` makes of them, so that the second one's ``predict_proba`` is tilted. It holds the same models.
    (Two labels such as 0.5 and 1.5, which scikit-learn does not take for classes, have multipliers too.)
    The numbers are settings: a clone that is fitted anew fits the models and keeps temperature, threshold, multipliers.

    Parameters
    ----------
    model : fitted classifier
        As :func:`assemble` returns it.
    temperature : float, optional
        Divides the logarithms of the probabilities, which are then normalised (Guo et al. 2017).
    threshold : float, optional
        Of two classes the second is predicted from this probability on; probabilities stay as they are.
    multipliers : sequence of K floats, optional
        Multiply the probabilities before the greatest is taken.
    """
    if temperature is not None:
        model = _scaled(model, classes, 1.0 / temperature, np.zeros(len(classes)))
    if threshold is not None and is_binary(classes):
        model = _with_threshold(model, classes, threshold)
    elif threshold is not None:
        multipliers = (threshold, 1.0 - threshold)
    if multipliers is not None:
        return model, _scaled(model, classes, 1.0, np.log(np.asarray(multipliers, dtype=np.float64)))
    return model, model


def _scaled(model: Any, classes: Array, slope: float, shifts: Array) -> Any:
    """Return softmax(slope * log p + shifts) of a model's probabilities.

    The logistic regression that does it is frozen: fitted anew, on probabilities of rows that the models were fitted
    on, it would trust them too much. It works on codes; the voter around it knows the labels.
    """
    from sklearn.frozen import FrozenEstimator
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    n_classes = len(classes)
    scale = LogisticRegression()
    scale.classes_, scale.n_features_in_ = np.arange(n_classes), n_classes
    if n_classes == 2:
        scale.coef_ = np.array([[-slope, slope]])
        scale.intercept_ = np.array([shifts[1] - shifts[0]])
    else:
        scale.coef_, scale.intercept_ = slope * np.eye(n_classes), np.asarray(shifts, dtype=np.float64)
    chain = Pipeline(
        [
            ("ensemble", vote([model], classes=classes)),  # a voter's transform returns the probabilities of its one
            ("clip", apply(np.clip, a_min=FLOOR, a_max=1.0)),
            ("log", apply(np.log)),
            ("scale", FrozenEstimator(scale)),
        ]
    )
    return vote([chain], classes=classes)


def undecided(model: Any) -> Any:
    """Return the ensemble under the last stage that :func:`decided` put on it; the model itself where there is none."""
    from sklearn.frozen import FrozenEstimator
    from sklearn.model_selection import FixedThresholdClassifier

    if isinstance(model, FixedThresholdClassifier):
        return model.estimator_
    parts = list(getattr(model, "estimators_", []))
    steps = list(getattr(parts[0], "steps", [])) if len(parts) == 1 else []
    if steps and steps[0][0] == "ensemble" and isinstance(steps[-1][1], FrozenEstimator):
        return steps[0][1].estimators_[0]
    return model


def is_binary(classes: Array) -> bool:
    """Whether scikit-learn takes these labels for two classes."""
    from sklearn.utils.multiclass import type_of_target

    return str(type_of_target(classes)) == "binary"


def _with_threshold(model: Any, classes: Array, threshold: float) -> Any:
    from sklearn.base import clone
    from sklearn.model_selection import FixedThresholdClassifier

    final = FixedThresholdClassifier(
        clone(model), threshold=float(threshold), pos_label=classes[1:].tolist()[0], response_method="predict_proba"
    )
    final.estimator_ = model  # as fit leaves it, but fitted by others
    for name in ("n_features_in_", "feature_names_in_"):
        if hasattr(model, name):
            setattr(final, name, getattr(model, name))
    return final


def _predicts_a_column(model: Any, task: Task) -> bool:
    """Whether labels come in an array of shape (n, 1), as CatBoost's do for more than two classes; a voter's do not."""
    last = model[-1] if hasattr(model, "steps") else model
    last = getattr(last, "final_estimator", last)  # of a stack
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
