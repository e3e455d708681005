"""Predictions of a fitted ensemble: what members have in common is computed once, and the rest without detours.

The parts of an ensemble are public estimators, which check and copy the table each time they are called. That is most
of the time to predict a few hundred rows. Here the known ones among them are followed from the inside, with the same
operations on the same numbers; all others are called as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from automl.core import Array
from automl.pipeline.forests import boosted, grown
from automl.pipeline.kernels import decided_by_kernel, kernel_values
from automl.pipeline.levels import Levels, encoded, find_levels
from automl.pipeline.numeric import filled, marked, scaled
from automl.pipeline.quantiles import normal_by_quantiles

__all__ = ["predict", "predict_proba", "transform"]

KNOWN = ("1.9",)  # of scikit-learn, whose parts do as they are followed here; behind a later one they are called


def predict(model: Any, X: Any) -> Array:
    """Return what ``model.predict(X)`` does; probabilities and values may differ in their last bits."""
    return np.asarray(_Once(model, X).predict(model, X) if _usual() else model.predict(X))


def predict_proba(model: Any, X: Any) -> Array:
    """Return what ``model.predict_proba(X)`` does, but for its last bits."""
    return np.asarray(_Once(model, X).predict_proba(model, X) if _usual() else model.predict_proba(X))


def transform(step: Any, X: Any) -> Any:
    """Return what ``step.transform(X)`` does."""
    return _Once(step, X).transform(step, X) if _usual() else step.transform(X)


def _usual() -> bool:
    """Whether this is a library whose parts are known, and transformers return what they make, not a frame of it."""
    from sklearn import __version__, get_config

    known = ".".join(__version__.split(".")[:2]) in KNOWN
    return known and get_config()["transform_output"] == "default"


class _Once:
    """One prediction. What a step that occurs several times makes of a table is kept until its last use."""

    def __init__(self, model: Any, X: Any) -> None:
        self._table = X
        self._uses = Counter(id(step) for step in _steps_of(model, set()))
        self._made: dict[tuple[int, int], tuple[Any, Any]] = {}  # with the input, so that its id stays its own
        self._selected: dict[Any, Any] = {}
        self._levels: dict[int, tuple[Any, Levels | None]] = {}

    # ---- preparation

    def transform(self, step: Any, X: Any) -> Any:
        if step is None or isinstance(step, str):  # "passthrough", of a pipeline
            return X
        key = (id(step), id(X))
        self._uses[key[0]] -= 1
        if key in self._made:
            made = self._made[key][1]
        else:
            made = self._transformed(step, X)
        if self._uses[key[0]] > 0:
            self._made[key] = (X, made)
        else:
            self._made.pop(key, None)
        return made

    def _transformed(self, step: Any, X: Any) -> Any:
        follow = _TRANSFORMERS.get(_name(step))
        made = None if follow is None else follow(self, step, X)
        if made is not None:
            return made
        if getattr(step, "copy", True) is False:  # it works in place, and the table may be another step's too
            X = X.copy()
        return step.transform(X)

    def _chain(self, pipeline: Any, X: Any) -> Any:
        for _, step in pipeline.steps:
            X = self.transform(step, X)
        return X

    def _call(self, step: Any, X: Any) -> Any:
        if step.validate:
            return None
        return X if step.func is None else step.func(X, **(step.kw_args or {}))

    def _columns(self, step: Any, X: Any) -> Any:
        if step.sparse_output_ or step.transformer_weights:
            return None
        parts = []
        for _, part, columns in step.transformers_:
            if isinstance(part, str):
                if part == "drop":
                    continue
                return None
            selected = self._select(X, columns)
            if selected is None:
                return None
            if selected.shape[1]:
                parts.append(self.transform(part, selected))
        return _joined(parts)

    def _select(self, X: Any, columns: Any) -> Any:
        """Return some columns of a table; None where their description is none of the usual ones."""
        if isinstance(columns, slice):
            key: Any = (columns.start, columns.stop, columns.step)
        elif isinstance(columns, list) and columns and type(columns[0]) in (int, str):
            key = tuple(columns)
        else:
            return None
        if X is self._table and key in self._selected:
            return self._selected[key]
        if isinstance(X, np.ndarray) and not isinstance(key[0], str):
            made = X[:, columns]
        elif hasattr(X, "iloc") and isinstance(columns, list) and isinstance(key[0], str):
            made = X[columns]
        elif hasattr(X, "iloc") and not isinstance(key[0], str):
            made = X.iloc[:, columns]
        else:
            return None
        if X is self._table:
            self._selected[key] = made
        return made

    def _union(self, step: Any, X: Any) -> Any:
        if step.transformer_weights:
            return None
        parts = [part for _, part in step.transformer_list if not isinstance(part, str) or part != "drop"]
        return _joined([X if isinstance(part, str) else self.transform(part, X) for part in parts])

    def _voted(self, voter: Any, X: Any) -> Any:
        if voter.voting != "soft" or not voter.flatten_transform:
            return None
        return np.hstack([self.predict_proba(model, X) for model in voter.estimators_])

    def _encoded(self, encoder: Any, X: Any) -> Any:
        if not isinstance(X, np.ndarray) or X.dtype != object:
            return None
        if id(X) not in self._levels:
            self._levels[id(X)] = (X, find_levels(X))
        levels = self._levels[id(X)][1]
        return None if levels is None else encoded(encoder, levels)

    # ---- models

    def predict_proba(self, model: Any, X: Any) -> Any:
        name = _name(model)
        if name == "Pipeline":
            return self.predict_proba(model.steps[-1][1], self._before(model, X))
        if name == "VotingClassifier" and model.voting == "soft":
            found = np.asarray([self.predict_proba(one, X) for one in model.estimators_])
            return np.average(found, axis=0, weights=_weights(model))
        if name == "FixedThresholdClassifier":
            return self.predict_proba(model.estimator_, X)
        known = decided_by_kernel(model, X) if name == "CalibratedClassifierCV" else _of_trees(name, model, X)
        return model.predict_proba(X) if known is None else known

    def predict(self, model: Any, X: Any) -> Any:
        name = _name(model)
        if name == "Pipeline":
            return self.predict(model.steps[-1][1], self._before(model, X))
        if name == "VotingClassifier" and model.voting == "soft":
            return model.le_.inverse_transform(np.argmax(self.predict_proba(model, X), axis=1))
        if name == "VotingRegressor":
            found = np.asarray([self.predict(one, X) for one in model.estimators_]).T
            return np.average(found, axis=1, weights=_weights(model))
        if name == "FixedThresholdClassifier" and model.pos_label == model.classes_[1]:
            likely = self.predict_proba(model.estimator_, X)[:, 1]
            return model.classes_[(likely >= model.threshold).astype(int)]
        if name == "TransformedTargetRegressor":
            found = np.asarray(self.predict(model.regressor_, X)).reshape(-1, 1)
            return np.asarray(model.transformer_.inverse_transform(found)).reshape(-1)
        if hasattr(model, "classes_"):  # not in an ensemble
            return model.predict(X)
        known = kernel_values(model, X) if name == "SVR" else _of_trees(name, model, X)
        return model.predict(X) if known is None else known

    def _before(self, pipeline: Any, X: Any) -> Any:
        for _, step in pipeline.steps[:-1]:
            X = self.transform(step, X)
        return X


def _alone(follow: Callable[[Any, Any], Any]) -> Callable[[_Once, Any, Any], Any]:
    """Return the function of a step that calls no others."""
    return lambda _, step, X: follow(step, X)


_TRANSFORMERS: dict[str, Callable[[_Once, Any, Any], Any]] = {
    "Pipeline": _Once._chain,
    "FunctionTransformer": _Once._call,
    "ColumnTransformer": _Once._columns,
    "FeatureUnion": _Once._union,
    "VotingClassifier": _Once._voted,
    "OrdinalEncoder": _Once._encoded,
    "OneHotEncoder": _Once._encoded,
    "TargetEncoder": _Once._encoded,
    "QuantileTransformer": _alone(normal_by_quantiles),
    "SimpleImputer": _alone(filled),
    "MissingIndicator": _alone(marked),
    "StandardScaler": _alone(scaled),
    "RobustScaler": _alone(scaled),
}


def _name(step: Any) -> str:
    """Return the class of a library's estimator; nothing for classes of others, and for those that return frames."""
    kind = type(step)
    library = kind.__module__.partition(".")[0]
    return kind.__name__ if library in ("sklearn", "lightgbm") and not hasattr(step, "_sklearn_output_config") else ""


def _steps_of(model: Any, known: set[int]) -> Iterator[Any]:
    """Return the steps that a prediction asks for, as often as it does; what is inside of a known one is not called."""
    if id(model) in known:
        return
    known.add(id(model))
    name = _name(model)
    if name == "Pipeline":
        inside = [step for _, step in model.steps]
    elif name == "ColumnTransformer":
        inside = [part for _, part, _ in model.transformers_]
    elif name == "FeatureUnion":
        inside = [part for _, part in model.transformer_list]
    elif name in ("VotingClassifier", "VotingRegressor"):
        inside = list(model.estimators_)
    elif name == "FixedThresholdClassifier":
        inside = [model.estimator_]
    else:
        inside = [model.regressor_] if name == "TransformedTargetRegressor" else []
    for one in inside:
        yield one
        yield from _steps_of(one, known)


def _of_trees(name: str, model: Any, X: Any) -> Array | None:
    if name.startswith("LGBM"):
        return boosted(model, X)
    return grown(model, X) if name.startswith(("ExtraTrees", "RandomForest")) else None


def _weights(voter: Any) -> list[float] | None:
    if voter.weights is None:
        return None
    return [weight for (_, one), weight in zip(voter.estimators, voter.weights, strict=True) if one != "drop"]


def _joined(parts: list[Any]) -> Any:
    """Return arrays side by side; None for those that are not all dense."""
    if not parts or any(hasattr(part, "tocsr") for part in parts):
        return None
    return np.hstack(parts)
