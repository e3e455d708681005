"""From what a user asks for to a metric: a name, a scikit-learn scorer, or a callable."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from automl.core import Array, SettingError
from automl.metrics.calls import LIBRARY, UserMetric, call_kernel
from automl.metrics.catalog import ALIASES, CATALOG, FAMILIES, entry_of, family_of, metric_names, scorer_name
from automl.metrics.kernels import KERNELS, Kernel, family_kernel
from automl.metrics.named import NamedMetric
from automl.metrics.usual import usual_metric

__all__ = ["get_metric"]


def get_metric(
    spec: Any,
    *,
    task: str,
    classes: Array | None = None,
    positive: int | None = None,
    y: Array | None = None,
    weights: Array | None = None,
) -> NamedMetric:
    """Return the metric that ``spec`` asks for.

    Parameters
    ----------
    spec : str, scorer, callable or NamedMetric
        ``"auto"`` (see :func:`usual_metric`); the name of a scikit-learn scorer, ``neg_`` optional, or a common short
        name such as ``"auc"`` or ``"rmse"``; a name with a number, such as ``"pinball_0.9"`` (also ``"quantile_0.9"``),
        ``"d2_pinball_0.9"`` or ``"top_3_accuracy"``; a scorer made by ``sklearn.metrics.make_scorer``;
        ``f(y_true, y_pred)`` or ``f(estimator, X, y)``, greater is better. Callables see original labels, are given
        ``sample_weight`` if they have such a parameter, and ``f(y_true, y_pred)`` is given labels for classification.
        A NamedMetric is returned as it is.
    task : {"binary", "multiclass", "regression"}
    classes : ndarray of shape (K,), optional
        Original labels in the order of the codes. The positive class of two is the second, unless a scorer
        names another one.
    positive : int, optional
        Code of the positive class, for names of metrics that single one out.
    y, weights : ndarray of shape (n,), optional
        The target and its weights, by which ``"auto"`` is decided.

    Raises
    ------
    SettingError
        For an unknown name, a metric of another task, or something that is no metric.

    Examples
    --------
    >>> import numpy as np
    >>> from automl.metrics import get_metric
    >>> metric = get_metric("rmse", task="regression")
    >>> metric.name, metric.sign, metric.loss(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    ('root_mean_squared_error', -1, 1.4142135623730951)
    """
    if isinstance(spec, NamedMetric):
        return spec
    metric_names(task)  # refuses a task that does not exist
    classes = None if classes is None or task == "regression" else np.asarray(classes)
    if isinstance(spec, str) and spec == "auto":
        usual = usual_metric(task, y, weights, classes)
        return replace(_named(usual.name, scorer_name(usual.name), usual.positive), why=usual.why)
    if isinstance(spec, str):
        name = _resolve(spec, task, classes)
        return _named(name, spec, positive)
    if not callable(spec) or isinstance(spec, type):
        raise SettingError(
            f"metric must be one name, one scikit-learn scorer or one callable, not {spec!r}; "
            f"names for {task} are {_listed(task)}"
        )
    if hasattr(spec, "_score_func"):
        return _from_scorer(spec, task, classes)
    if (getattr(spec, "__module__", None) or "").startswith("sklearn.metrics"):
        return _from_function(spec, task, classes)
    return _from_callable(spec, task, classes)


def _resolve(spec: str, task: str, classes: Array | None) -> str:
    """Return the full name that a scorer name or an alias stands for."""
    plain = spec.strip().lower().removeprefix("neg_")
    plain = f"pinball_{plain.removeprefix('quantile_')}" if plain.startswith("quantile_") else plain
    name = ALIASES.get(plain, plain)
    entry, family = entry_of(name), family_of(name)
    if entry is None:
        near = difflib.get_close_matches(plain, [*CATALOG, *ALIASES, *(f.example for f in FAMILIES)], n=3, cutoff=0.5)
        close = f"did you mean {' or '.join(near)}? " if near else ""
        raise SettingError(f"there is no metric {spec!r}; {close}Names for {task} are {_listed(task)}")
    if task not in entry.tasks:
        kin = [other for other in metric_names(task) if name in other]
        raise SettingError(
            f"metric {spec!r} is for {' and '.join(entry.tasks)}, this task is {task}; "
            f"use {', '.join(kin) or _listed(task)}"
        )
    if family is None:
        return name
    kind, number = family
    if kind.counts and classes is not None and number >= len(classes):
        raise SettingError(
            f"metric {spec!r} is 1 for every model: the target has {len(classes)} classes; use a smaller number"
        )
    return kind.name(number)


def _listed(task: str) -> str:
    """Return the names for a task, those with a number by an example."""
    examples = [f"{family.example} (or another number)" for family in FAMILIES if task in family.entry.tasks]
    return ", ".join([*metric_names(task), *examples])


def _named(name: str, requested: str, positive: int | None = None) -> NamedMetric:
    """Return a metric of the catalogue; ``positive`` is the code of the class that it singles out, if it does."""
    entry, family, quantile = entry_of(name), family_of(name), None
    assert entry is not None
    if name in KERNELS:
        kernel = KERNELS[name]
    elif family is not None:
        kind, number = family
        kernel, quantile = family_kernel(kind.function, number), None if kind.counts else number
    else:
        kernel = call_kernel(partial(_defined, LIBRARY[name]), entry.sign)
    flipped = entry.positive and positive == 0
    if flipped:
        kernel = replace(kernel, view=partial(_flipped_view, kernel), losses=partial(_flipped_losses, kernel))
    return NamedMetric(
        name, entry.sign, entry.needs, requested, True, kernel, positive=0 if flipped else None, quantile=quantile
    )


def _defined(call: Callable[..., float], y: Array, prediction: Array, weights: Array | None) -> float:
    """Score with scikit-learn's function, which raises where it is not defined on these values."""
    try:
        return call(y, prediction, weights)
    except ValueError:
        return float("nan")


def _flipped_view(kernel: Kernel, y: Array, stack: Array) -> Array:
    return kernel.view(1 - y, stack[:, :, ::-1])


def _flipped_losses(kernel: Kernel, y: Array, view: Array, weights: Array | None) -> Array:
    return kernel.losses(1 - y, view, weights)


def _from_scorer(scorer: Any, task: str, classes: Array | None) -> NamedMetric:
    """Use the fast metric where the scorer is one of scikit-learn's, else call it with a stand-in estimator."""
    function, sign, options = scorer._score_func, int(scorer._sign), dict(scorer._kwargs)
    response = scorer._response_method
    responses = (response,) if isinstance(response, str) else tuple(response)
    if "predict" not in responses and "predict_proba" not in responses:
        raise SettingError(
            f"metric {scorer!r} asks for {', '.join(responses)}, but only predict and predict_proba are stored; "
            'pass response_method=("decision_function", "predict_proba") or "predict" to make_scorer'
        )
    probability = "predict_proba" in responses and task != "regression"
    family = _family_of_scorer(function, options, sign, task)
    if family is not None:
        return _named(family, scorer_name(family))
    positive = options.pop("pos_label", None)
    known = [name for name in _same_function(function, task) if _looks_at_probability(name) == probability]
    for name in known:
        if _expressible(positive, name, classes) and CATALOG[name].sign == sign and _options(name) == options:
            return _named(name, scorer_name(name), _code_of(positive, classes))
    builtin = (function.__module__ or "").startswith("sklearn.")
    needs = "value" if task == "regression" else "probability" if probability else "label"
    call = UserMetric(scorer, True, task != "regression", classes, _takes_weights(function), sign)
    name = _name(function).removesuffix("_score") if builtin else _name(function)
    return NamedMetric(name, sign, needs, name, builtin, call_kernel(call, sign))


def _family_of_scorer(function: Any, options: dict[str, Any], sign: int, task: str) -> str | None:
    """Return the name of a scorer made of a function that takes a number, and of nothing else."""
    import sklearn.metrics

    for family in FAMILIES:
        known = task in family.entry.tasks and sign == family.entry.sign and set(options) == {family.option}
        if known and getattr(sklearn.metrics, family.function) is function:
            name = family.name(options[family.option])
            return name if family.number(name) is not None else None
    return None


def _code_of(label: Any, classes: Array | None) -> int | None:
    return 0 if label is not None and classes is not None and classes[0] == label else None


def _expressible(positive: Any, name: str, classes: Array | None) -> bool:
    """Whether the named metric can single out this positive class."""
    if positive is None:
        return True
    return CATALOG[name].positive and classes is not None and any(label == positive for label in classes)


def _same_function(function: Any, task: str) -> list[str]:
    from sklearn.metrics import get_scorer

    return [
        name
        for name, entry in CATALOG.items()
        if task in entry.tasks and entry.scorer and get_scorer(scorer_name(name))._score_func is function
    ]


def _looks_at_probability(name: str) -> bool:
    return CATALOG[name].needs == "probability"


def _options(name: str) -> dict[str, Any]:
    """Return the options of scikit-learn's own scorer, the positive class aside."""
    from sklearn.metrics import get_scorer

    return {key: value for key, value in get_scorer(scorer_name(name))._kwargs.items() if key != "pos_label"}


def _from_function(function: Any, task: str, classes: Array | None) -> NamedMetric:
    """Take one of scikit-learn's functions for the scorer it belongs to: alone it does not tell its direction."""
    names = _same_function(function, task)
    plain = [name for name in names if _options(name) in ({}, {"average": "binary"})]
    if plain:
        return _named(plain[0], scorer_name(plain[0]))
    advice = (
        f"name one of {', '.join(scorer_name(name) for name in names)}"
        if names
        else f"wrap it: make_scorer({_name(function)}, greater_is_better=..., response_method=...)"
    )
    raise SettingError(f"metric {_name(function)} of scikit-learn is not clear for a {task} task; {advice}")


def _from_callable(function: Callable[..., Any], task: str, classes: Array | None) -> NamedMetric:
    classifies = task != "regression"
    by_estimator = _wants_estimator(function)
    call = UserMetric(function, by_estimator, classifies, classes, _takes_weights(function))
    needs = "value" if not classifies else "probability" if by_estimator else "label"
    name = _name(function)
    return NamedMetric(name, 1, needs, name, False, call_kernel(call, 1))


def _wants_estimator(function: Callable[..., Any]) -> bool:
    """Tell f(estimator, X, y) from f(y_true, y_pred) by the number of parameters without a default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [p.name for p in parameters if p.kind in places and p.default is p.empty and p.name != "sample_weight"]
    if len(required) in (2, 3) or any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return len(required) == 3
    raise SettingError(
        f"metric {_name(function)} takes {len(required)} required arguments ({', '.join(required)}); "
        "expected f(y_true, y_pred) or f(estimator, X, y), greater is better"
    )


def _takes_weights(function: Callable[..., Any]) -> bool:
    try:
        return "sample_weight" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def _name(function: Any) -> str:
    name = getattr(function, "__name__", None) or type(function).__name__
    return "custom" if name == "<lambda>" else str(name)
