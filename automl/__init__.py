"""AutoML for tables: a deadline in, a plain scikit-learn pipeline out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl.estimator import AutoClassifier, AutoRegressor, load
    from automl.evaluate import BatchFolds, Estimate, TimeFolds, drift_report
    from automl.metalearn import KnowledgeBase, metafeatures
    from automl.space import Component

__version__ = "0.1.0"

__all__ = [
    "AutoClassifier",
    "AutoRegressor",
    "BatchFolds",
    "Component",
    "Estimate",
    "KnowledgeBase",
    "TimeFolds",
    "drift_report",
    "load",
    "metafeatures",
]

_HOMES = {
    "AutoClassifier": "automl.estimator",
    "AutoRegressor": "automl.estimator",
    "BatchFolds": "automl.evaluate",
    "Component": "automl.space",
    "Estimate": "automl.evaluate",
    "KnowledgeBase": "automl.metalearn",
    "TimeFolds": "automl.evaluate",
    "drift_report": "automl.evaluate",
    "load": "automl.estimator",
    "metafeatures": "automl.metalearn",
}


def __getattr__(name: str) -> Any:
    """Import public names when they are first used, so that ``import automl`` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'automl' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
