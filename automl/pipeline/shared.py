"""Steps that fitted pipelines have in common, found by what they hold: made one object, they are computed once."""

from __future__ import annotations

import copy
import hashlib
import pickle
from collections.abc import Sequence
from typing import Any

__all__ = ["interned"]


class _Digest:
    """A file that only sums up what is written."""

    def __init__(self) -> None:
        self.sum = hashlib.blake2b(digest_size=20)

    def write(self, block: Any) -> int:
        self.sum.update(block)
        return memoryview(block).nbytes


def interned(bags: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return fitted pipelines, in lists as they came, with equal steps before the model being one object.

    Steps are equal where classes, parameters and all that was learned are: they make the same of any table. That is
    the case for members with the same preparation, fitted on the same fold, and for preparation that learns nothing
    (or the same everywhere) on all folds. Steps within steps, such as the conversion of a block of columns, are shared
    also where the others beside them differ.
    """
    from sklearn.pipeline import Pipeline

    known: dict[bytes, Any] = {}

    def with_known(model: Any) -> Any:
        if type(model) is not Pipeline:
            return model
        steps = [(name, _known(step, known)) for name, step in model.steps[:-1]]
        return Pipeline([*steps, model.steps[-1]])

    return [[with_known(model) for model in bag] for bag in bags]


def _known(step: Any, known: dict[bytes, Any]) -> Any:
    """Return the step that is equal to this one, if there is one; else this one with what is known inside of it."""
    if isinstance(step, str):  # "drop"
        return step
    key = _content(step)
    if key is not None and key in known:
        return known[key]
    step = _inside(step, known)
    if key is not None:
        known[key] = step
    return step


def _inside(step: Any, known: dict[bytes, Any]) -> Any:
    """Return a step of steps with those that are known already."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion, Pipeline

    names = {Pipeline: "steps", FeatureUnion: "transformer_list", ColumnTransformer: "transformers_"}
    if type(step) not in names:
        return step
    name, step = names[type(step)], copy.copy(step)
    parts = [(part[0], _known(part[1], known), *part[2:]) for part in getattr(step, name)]
    setattr(step, name, parts)
    return step


def _content(step: Any) -> bytes | None:
    """Return a digest of everything that a step holds; None where it cannot be had."""
    digest = _Digest()
    pickler = pickle.Pickler(digest, protocol=5)
    pickler.fast = True  # without references to what came before, so that equal values give equal bytes
    try:
        pickler.dump(step)
    except Exception:  # refers to itself, or cannot be pickled: parts of the user's own
        return None
    return digest.sum.digest()
