"""How fast this machine is now: seconds of a small fixed piece of work, the unit in which fits are paid."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import statistics
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

__all__ = ["Unit", "fixed_work", "versions"]

AGAIN_AFTER = 600.0  # seconds
LIBRARIES = ("automl", "scikit-learn", "lightgbm", "xgboost-cpu", "xgboost", "catboost", "numpy", "scipy", "pandas")


def fixed_work() -> float:
    """Return the processor seconds of a fixed LightGBM fit and a fixed logistic regression.

    The unit of all recorded seconds: never change it, or give the format a new number.
    """
    import lightgbm
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 20))
    y = (X[:, 0] * X[:, 1] + X[:, 2] + rng.normal(size=2000) > 0).astype(int)
    with threadpool_limits(1):
        started = time.process_time()
        lightgbm.LGBMClassifier(n_estimators=100, num_leaves=31, n_jobs=1, verbose=-1, random_state=0).fit(X, y)
        LogisticRegression(C=10.0, max_iter=100, tol=1e-10).fit(np.hstack([X, X**2, X**3 / 10]), y)
        return time.process_time() - started


class Unit:
    """Seconds of the fixed work, measured again every ten minutes; the median of the last three counts."""

    def __init__(
        self, work: Callable[[], float] = fixed_work, clock: Callable[[], float] = time.monotonic, first: int = 3
    ) -> None:
        self._work, self._clock, self._first = work, clock, first
        self._measured: list[float] = []
        self._at = -float("inf")

    def seconds(self) -> float:
        """Return the seconds of one unit now."""
        if self._clock() - self._at >= AGAIN_AFTER:
            for _ in range(1 if self._measured else self._first):
                self._measured.append(self._work())
            self._at = self._clock()
        return statistics.median(self._measured[-3:])


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that fit models; ``code``: a checksum of our own rooms."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "code": _code()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _code() -> str:
    """Return a checksum of what decides how a configuration is fitted."""
    import automl

    root = Path(str(automl.__file__)).parent
    digest = hashlib.sha256()
    for room in ("data", "evaluate", "pipeline", "space"):
        for path in sorted((root / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
