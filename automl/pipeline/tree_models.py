"""Forests and other ensembles of scikit-learn's trees whose hyperparameters need translating."""

from __future__ import annotations

from typing import Any

from automl.space.facts import Facts

__all__ = ["adaptive_boosting", "bagged_trees", "extra_trees", "random_forest"]


def extra_trees(facts: Facts, random_state: int, max_leaf_nodes: int, **params: Any) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    forest = ExtraTreesClassifier if facts.task.classifies else ExtraTreesRegressor
    return forest(max_leaf_nodes=_leaves(max_leaf_nodes, facts), n_jobs=1, random_state=random_state, **params)


def random_forest(facts: Facts, random_state: int, max_leaf_nodes: int, **params: Any) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    forest = RandomForestClassifier if facts.task.classifies else RandomForestRegressor
    return forest(max_leaf_nodes=_leaves(max_leaf_nodes, facts), n_jobs=1, random_state=random_state, **params)


def _leaves(limit: int, facts: Facts) -> int | None:
    """No limit where the rows set a lower one: trees grown best leaf first reserve memory for all leaves allowed."""
    return limit if limit < facts.n_rows else None


def bagged_trees(facts: Facts, random_state: int, min_samples_leaf: int, **params: Any) -> Any:
    """Trees on random rows and columns; other than in a forest, a tree has the same columns in all its nodes."""
    from sklearn.ensemble import BaggingClassifier, BaggingRegressor
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    bagging, tree = (
        (BaggingClassifier, DecisionTreeClassifier)
        if facts.task.classifies
        else (BaggingRegressor, DecisionTreeRegressor)
    )
    return bagging(tree(min_samples_leaf=min_samples_leaf), n_jobs=1, random_state=random_state, **params)


def adaptive_boosting(facts: Facts, random_state: int, max_depth: int, **params: Any) -> Any:
    """Small trees, each on rows weighted by the errors of those before."""
    from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    boosting, tree = (
        (AdaBoostClassifier, DecisionTreeClassifier)
        if facts.task.classifies
        else (AdaBoostRegressor, DecisionTreeRegressor)
    )
    return boosting(tree(max_depth=max_depth), random_state=random_state, **params)
