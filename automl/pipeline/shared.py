"""Steps that fitted pipelines have in common, found by what they hold: made one object, they are computed once."""

from __future__ import annotations

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
    (or the same everywhere) on all folds.
    """
    from sklearn.pipeline import Pipeline

    known: dict[bytes, Any] = {}

    def with_known(model: Any) -> Any:
        if type(model) is not Pipeline:
            return model
        steps = []
        for name, step in model.steps[:-1]:
            key = _content(step)
            steps.append((name, step if key is None else known.setdefault(key, step)))
        return Pipeline([*steps, model.steps[-1]])

    return [[with_known(model) for model in bag] for bag in bags]


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
