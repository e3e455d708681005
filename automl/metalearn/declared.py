"""The meta-features: names, groups and formulas. What computes them is held to this list by a test.

Symbols: n rows and d used columns of the whole table; sums over columns and rows are over the sample. H is entropy in
bits, I mutual information in bits, s skewness m3 / m2^1.5, k excess kurtosis m4 / m2^2 - 3, with central moments m.
Most are those of auto-sklearn (Feurer et al., NeurIPS 2015) and of Rivolli et al. (Knowledge-Based Systems 2022).
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GROUPS", "METAFEATURES", "MetaFeature"]


@dataclass(frozen=True)
class MetaFeature:
    """One number that describes a table. Groups are computed in the order of ``GROUPS``, the cheapest first."""

    name: str
    group: str
    formula: str


def _declared(group: str, **formulas: str) -> tuple[MetaFeature, ...]:
    return tuple(MetaFeature(name, group, formula) for name, formula in formulas.items())


def _moments(what: str, name: str) -> dict[str, str]:
    """Return the least, greatest, mean and standard deviation of something that each column has."""
    words = {"min": "least", "max": "greatest", "mean": "mean", "std": "standard deviation of"}
    return {f"{name}_{short}": f"{long} {what}" for short, long in words.items()}


METAFEATURES: tuple[MetaFeature, ...] = (
    *_declared(
        "simple",
        log_rows="log10 n",
        log_columns="log10 d (0 columns: 0)",
        log_cells="log10 (n d)",
        columns_per_row="log10 (d / n)",
        numeric_share="columns of numbers / d",
        categorical_share="columns of categories / d",
        high_cardinality_share="columns of categories with too many levels for one column each / d",
        date_columns="number of columns of dates",
        text_columns="number of columns of text",
        unused_share="constant columns and identifiers / all columns",
    ),
    *_declared(
        "target",
        classes="number of classes; 0 for regression",
        log_class_min="log10 of the members of the rarest class",
        class_share_min="share of the rarest class",
        class_share_max="share of the most frequent class",
        class_share_std="standard deviation of the shares of the classes",
        class_entropy="H(y)",
        class_balance="H(y) / log2 (number of classes)",
        target_skewness="regression: s(y)",
        target_kurtosis="regression: k(y)",
        target_distinct_share="regression: distinct values of y / n",
        target_mode_share="regression: share of the most frequent value of y",
        target_outlier_share="regression: share of y farther than 1.5 quartile ranges from the quartiles",
    ),
    *_declared(
        "missing",
        missing_share="mean over columns of the share of missing values",
        missing_columns_share="columns with missing values / d",
        missing_max="greatest share of missing values in a column",
        missing_std="standard deviation over columns of the share of missing values",
    ),
    *_declared(
        "levels",
        levels_sum="log10 (1 + distinct levels of all columns of categories)",
        **_moments("log10 of the levels of a column of categories", "levels"),
        levels_per_row_max="greatest number of levels of a column / n",
    ),
    *_declared(
        "rows",
        duplicate_share="1 - distinct rows, target included / n",
        missing_rows_share="rows with a missing value / rows",
        level_entropy_mean="mean over columns of categories of H(x) / log2 (levels)",
        level_mode_mean="mean over columns of categories of the share of the most frequent level",
        level_rare_mean="mean over columns of categories of the share of rows whose level occurs once in the sample",
    ),
    *_declared(
        "numbers",
        **_moments("s(x) of a column of numbers", "skewness"),
        **_moments("k(x) of a column of numbers", "kurtosis"),
        distinct_mean="mean over columns of numbers of distinct values / present values",
        zeros_mean="mean over columns of numbers of the share of zeros",
        whole_share="columns of whole numbers / columns of numbers",
        outliers_mean="mean over columns of the share of values farther than 1.5 quartile ranges from the quartiles",
        correlation_mean="mean over pairs of columns of |Pearson correlation|",
        correlation_max="greatest |Pearson correlation| of two columns",
    ),
    *_declared(
        "information",
        information_mean="mean over columns of I(x, y); numbers cut at their octiles",
        information_max="greatest I(x, y)",
        information_share="greatest I(x, y) / H(y)",
        column_entropy_mean="mean over columns of H(x); numbers cut at their octiles",
        equivalent_columns="log10 (H(y) / mean I(x, y))",
        noise_to_signal="log10 ((mean H(x) - mean I(x, y)) / mean I(x, y))",
    ),
    *_declared(
        "components",
        components_95="share of the principal components that hold 95 % of the variance",
        component_1_share="share of the variance in the first principal component",
        component_1_skewness="|s| of the first principal component",
        component_1_kurtosis="k of the first principal component",
    ),
    *_declared(
        "landmarks",
        landmark_node="score of a tree of one split",
        landmark_tree="score of a decision tree with at least two rows in a leaf",
        landmark_bayes="score of Gaussian naive Bayes; regression: not computed",
        landmark_linear="score of linear discriminant analysis; regression: of ridge regression",
        landmark_neighbor="score of the nearest neighbour",
        landmark_neighbors="score of the ten nearest neighbours",
        landmark_best="the greatest of these scores",
        landmark_curvature="landmark_neighbors - landmark_linear",
        landmark_depth="landmark_tree - landmark_node",
    ),
)

GROUPS: tuple[str, ...] = tuple(dict.fromkeys(feature.group for feature in METAFEATURES))
