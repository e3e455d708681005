"""Columns made of one or two others: powers, curves, bins, leaves of trees."""

from __future__ import annotations

from math import comb
from typing import Any

from automl.pipeline.parts import chain
from automl.space.facts import Facts

__all__ = ["binning", "polynomial", "splines", "tree_embedding"]

_MOST_POWERS, _MOST_VALUES = 1500, 50_000_000  # columns made of powers, numbers in them


def polynomial(facts: Facts, interaction_only: bool, degree: int = 2) -> Any:
    """Products of columns; those of three only while they are not too many."""
    from sklearn.preprocessing import PolynomialFeatures

    made = comb(facts.width + degree, degree)
    affordable = made <= _MOST_POWERS and made * facts.n_rows <= _MOST_VALUES
    return PolynomialFeatures(degree if affordable else 2, interaction_only=interaction_only, include_bias=False)


def splines(n_knots: int, degree: int) -> Any:
    """The columns themselves beside smooth functions of each."""
    from sklearn.pipeline import FeatureUnion
    from sklearn.preprocessing import SplineTransformer

    bent = SplineTransformer(n_knots=n_knots, degree=degree, knots="uniform", include_bias=False)
    return FeatureUnion([("straight", "passthrough"), ("bent", bent)])


def binning(facts: Facts, random_state: int, n_bins: int, strategy: str) -> Any:
    """A column of zeros and ones for each bin of each column."""
    from sklearn.preprocessing import KBinsDiscretizer

    count = max(2, min(n_bins, facts.n_rows // 4))
    return KBinsDiscretizer(
        count,
        encode="onehot-dense",
        strategy=strategy,
        quantile_method="averaged_inverted_cdf",
        subsample=20_000,
        random_state=random_state,
    )


def tree_embedding(
    facts: Facts, random_state: int, n_estimators: int, max_depth: int, min_samples_leaf: int, n_components: int
) -> Any:
    """Leading directions of the leaves that rows fall into, in trees grown without the target."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.ensemble import RandomTreesEmbedding

    trees = RandomTreesEmbedding(
        n_estimators,
        max_depth=max_depth,
        min_samples_leaf=min_samples_leaf,
        sparse_output=True,
        random_state=random_state,
        n_jobs=1,
    )
    # Each tree has one leaf at least.
    count = max(1, min(n_components, n_estimators, facts.n_rows // 2))
    return chain(("leaves", trees), ("directions", TruncatedSVD(count, random_state=random_state)))
