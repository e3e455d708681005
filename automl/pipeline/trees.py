"""What joins branches: columns side by side, and predictions of other models. Public library parts only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from automl.space.facts import Facts

__all__ = ["STACK_FOLDS", "stack", "union"]

STACK_FOLDS = 5


def union(parts: Sequence[Any], keep: bool) -> Any:
    """The columns that each part makes, side by side, behind the columns themselves if they are kept."""
    from sklearn.pipeline import FeatureUnion

    first = [("columns", "passthrough")] if keep else []
    return FeatureUnion([*first, *((f"part{number}", part) for number, part in enumerate(parts, 1))])


def stack(facts: Facts, random_state: int, parts: Sequence[Any], final: Any, passthrough: bool) -> Any:
    """A model of the predictions of others, with or without the columns (Wolpert, Stacked generalization, 1992).

    It is fitted on predictions for rows that the others did not see, made on five random folds of its training rows.
    """
    from sklearn.ensemble import StackingClassifier, StackingRegressor
    from sklearn.model_selection import KFold, StratifiedKFold

    named = [(f"part{number}", part) for number, part in enumerate(parts, 1)]
    if facts.task.classifies:
        folds: Any = StratifiedKFold(STACK_FOLDS, shuffle=True, random_state=random_state)
        return StackingClassifier(
            named, final, cv=folds, stack_method="predict_proba", n_jobs=None, passthrough=passthrough
        )
    folds = KFold(STACK_FOLDS, shuffle=True, random_state=random_state)
    return StackingRegressor(named, final, cv=folds, passthrough=passthrough)
