"""Feature steps: each keeps at least one column, whatever it is given."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from automl.pipeline.models import kernel_width
from automl.pipeline.parts import chain
from automl.space.facts import Facts

__all__ = [
    "l1_selection",
    "nystroem",
    "polynomial",
    "principal_components",
    "splines",
    "tree_selection",
    "univariate",
    "variance",
]


def variance(threshold: float) -> Any:
    from sklearn.feature_selection import VarianceThreshold

    return VarianceThreshold(threshold)


def univariate(facts: Facts, percentile: float) -> Any:
    from sklearn.feature_selection import SelectPercentile, VarianceThreshold, f_classif, f_regression

    score = f_classif if facts.task.classifies else f_regression
    # Constant columns of a fold would divide by zero; a share that rounds to no column would select none.
    least = math.ceil(100 / max(facts.n_columns, 1)) + 1
    select = SelectPercentile(score, percentile=min(100.0, max(percentile, least)))
    return chain(("varying", VarianceThreshold()), ("select", select))


def l1_selection(facts: Facts, random_state: int, strength: float, threshold: str) -> Any:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.feature_selection import SelectFromModel
    from sklearn.linear_model import Lasso, SGDClassifier
    from sklearn.preprocessing import StandardScaler

    # A threshold relative to the mean keeps a column even where all coefficients are zero.
    if facts.task.classifies:
        ranking: Any = SGDClassifier(
            loss="log_loss", penalty="l1", alpha=strength / 10, max_iter=200, random_state=random_state
        )
    else:
        ranking = TransformedTargetRegressor(Lasso(alpha=strength, max_iter=500), transformer=StandardScaler())
    getter = "auto" if facts.task.classifies else "regressor_.coef_"
    return SelectFromModel(ranking, threshold=threshold, importance_getter=getter)


def tree_selection(facts: Facts, random_state: int, threshold: str) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
    from sklearn.feature_selection import SelectFromModel

    trees = (ExtraTreesClassifier if facts.task.classifies else ExtraTreesRegressor)(
        n_estimators=50, min_samples_leaf=3, n_jobs=1, random_state=random_state
    )
    return SelectFromModel(trees, threshold=threshold)


def principal_components(random_state: int, kept: float, whiten: bool) -> Any:
    from sklearn.decomposition import PCA

    return PCA(n_components=kept, whiten=whiten, random_state=random_state)


def polynomial(interaction_only: bool) -> Any:
    from sklearn.preprocessing import PolynomialFeatures

    return PolynomialFeatures(2, interaction_only=interaction_only, include_bias=False)


def splines(n_knots: int, degree: int) -> Any:
    """The columns themselves beside smooth functions of each."""
    from sklearn.pipeline import FeatureUnion
    from sklearn.preprocessing import SplineTransformer

    bent = SplineTransformer(n_knots=n_knots, degree=degree, knots="uniform", include_bias=False)
    return FeatureUnion([("straight", "passthrough"), ("bent", bent)])


def nystroem(facts: Facts, random_state: int, n_components: int, gamma_scale: float) -> Any:
    from sklearn.kernel_approximation import Nystroem

    # It warns when asked for more components than a fold has rows.
    count = int(np.clip(n_components, 1, max(1, facts.n_rows // 2)))
    return Nystroem(gamma=kernel_width(facts, gamma_scale), n_components=count, random_state=random_state)
