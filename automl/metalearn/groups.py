"""What is computed in each group of meta-features; the formulas are in :mod:`automl.metalearn.declared`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from automl.core import Array
from automl.data import Dataset, Kind
from automl.metalearn.sample import Sample
from automl.space.facts import is_category, is_number

__all__ = ["components", "information", "levels", "missing", "numbers", "rows", "simple", "target"]

BINS = 8

Values = dict[str, float]


def simple(dataset: Dataset) -> Values:
    schema = dataset.schema
    n, d = dataset.n_rows, len(schema.used)
    per = max(d, 1)
    return {
        "log_rows": float(np.log10(n)),
        "log_columns": float(np.log10(per)),
        "log_cells": float(np.log10(n * per)),
        "columns_per_row": float(np.log10(per / n)),
        "numeric_share": sum(is_number(column) for column in schema.used) / per,
        "categorical_share": sum(is_category(column) for column in schema.used) / per,
        "high_cardinality_share": len(schema.of(Kind.HIGH_CARDINALITY)) / per,
        "date_columns": float(len(schema.of(Kind.DATE))),
        "text_columns": float(len(schema.of(Kind.TEXT))),
        "unused_share": 1.0 - d / max(len(schema.columns), 1),
    }


def target(dataset: Dataset) -> Values:
    y = np.asarray(dataset.y)
    if dataset.task.classifies:
        counts = np.bincount(y, minlength=dataset.n_classes)
        shares = counts / counts.sum()
        entropy = _entropy(counts)
        return {
            "classes": float(dataset.n_classes),
            "log_class_min": float(np.log10(max(counts.min(), 1))),
            "class_share_min": float(shares.min()),
            "class_share_max": float(shares.max()),
            "class_share_std": float(shares.std()),
            "class_entropy": entropy,
            "class_balance": entropy / float(np.log2(dataset.n_classes)),
        }
    values = np.sort(y) / (np.abs(y).max() or 1.0)
    _, counts = np.unique(values, return_counts=True)
    skewness, kurtosis = _shape(values[:, None])
    return {
        "classes": 0.0,
        "target_skewness": float(skewness[0]),
        "target_kurtosis": float(kurtosis[0]),
        "target_distinct_share": len(counts) / len(values),
        "target_mode_share": float(counts.max()) / len(values),
        "target_outlier_share": float(_outliers(values[:, None])[0]),
    }


def missing(dataset: Dataset) -> Values:
    shares = np.sort([column.missing_share for column in dataset.schema.used])
    if len(shares) == 0:
        return {}
    return {
        "missing_share": float(shares.mean()),
        "missing_columns_share": float((shares > 0).mean()),
        "missing_max": float(shares.max()),
        "missing_std": float(shares.std()),
    }


def levels(dataset: Dataset) -> Values:
    counts = np.sort([column.n_unique for column in dataset.schema.used if is_category(column)])
    if len(counts) == 0:
        return {"levels_sum": 0.0, "levels_per_row_max": 0.0}
    return {
        "levels_sum": float(np.log10(1 + counts.sum())),
        **_moments("levels", np.log10(np.maximum(counts, 1))),
        "levels_per_row_max": float(counts.max()) / dataset.n_rows,
    }


def rows(sample: Sample) -> Values:
    values = {
        "duplicate_share": sample.duplicate_share,
        "missing_rows_share": float(
            (np.isnan(sample.numbers).any(axis=1) | (sample.codes < 0).any(axis=1)).mean() if len(sample.y) else 0.0
        ),
    }
    counts = [np.unique(column[column >= 0], return_counts=True)[1] for column in sample.codes.T]
    counts = [found for found in counts if len(found)]
    if not counts:
        return values
    return values | {
        "level_entropy_mean": _mean(_entropy(c) / np.log2(len(c)) if len(c) > 1 else 0.0 for c in counts),
        "level_mode_mean": _mean(c.max() / c.sum() for c in counts),
        "level_rare_mean": _mean((c == 1).sum() / c.sum() for c in counts),
    }


def numbers(sample: Sample) -> Values:
    values = sample.numbers
    if values.shape[1] == 0:
        return {}
    present = np.maximum(np.isfinite(values).sum(axis=0), 1)
    distinct = np.array([len(np.unique(column[np.isfinite(column)])) for column in values.T])
    skewness, kurtosis = _shape(values)
    found = {
        **_moments("skewness", skewness),
        **_moments("kurtosis", kurtosis),
        "distinct_mean": float((distinct / present).mean()),
        "zeros_mean": float(((values == 0).sum(axis=0) / present).mean()),
        "whole_share": float(sample.whole.mean()),
        "outliers_mean": float(_outliers(values).mean()),
    }
    if sample.filled.shape[1] < 2:
        return found
    correlations = np.abs(sample.filled.T @ sample.filled / len(sample.filled))
    pairs = correlations[np.triu_indices(len(correlations), 1)]
    return found | {"correlation_mean": float(pairs.mean()), "correlation_max": float(min(1.0, pairs.max()))}


def information(sample: Sample) -> Values:
    y = _cut(sample.y.astype(np.float64)) if not sample.classifies else sample.y
    columns = [_cut(column) for column in sample.numbers.T] + list(sample.codes.T)
    if not columns:
        return {}
    entropy = _entropy(np.unique(y, return_counts=True)[1])
    both = [_mutual(column, y) for column in columns]
    shared = np.array([mutual for mutual, _ in both])
    own = np.array([alone for _, alone in both])
    mean = max(float(shared.mean()), 1e-6)
    return {
        "information_mean": float(shared.mean()),
        "information_max": float(shared.max()),
        "information_share": float(shared.max()) / entropy if entropy > 0 else 0.0,
        "column_entropy_mean": float(own.mean()),
        "equivalent_columns": float(np.log10(max(entropy, 1e-6) / mean)),
        "noise_to_signal": float(np.log10(max(float(own.mean()) - mean, 1e-6) / mean)),
    }


def components(sample: Sample) -> Values:
    X = sample.filled
    if X.shape[1] < 2 or len(X) < 3:
        return {}
    left, singular, _ = np.linalg.svd(X, full_matrices=False)
    shares = singular**2 / (singular**2).sum()
    first = left[:, :1] * singular[0]
    skewness, kurtosis = _shape(first)
    return {
        "components_95": float(np.searchsorted(np.cumsum(shares), 0.95 - 1e-12) + 1) / len(shares),
        "component_1_share": float(shares[0]),
        "component_1_skewness": abs(float(skewness[0])),
        "component_1_kurtosis": float(kurtosis[0]),
    }


# ---- formulas


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _moments(name: str, values: Array) -> Values:
    return {
        f"{name}_min": float(values.min()),
        f"{name}_max": float(values.max()),
        f"{name}_mean": float(values.mean()),
        f"{name}_std": float(values.std()),
    }


def _entropy(counts: Array) -> float:
    """Return the entropy in bits of counts."""
    shares = counts[counts > 0] / counts.sum()
    return abs(float(-(shares * np.log2(shares)).sum()))


def _shape(values: Array) -> tuple[Array, Array]:
    """Return skewness and excess kurtosis of each column with gaps; 0 where nothing varies."""
    present = np.maximum(np.isfinite(values).sum(axis=0), 1)
    filled = np.where(np.isfinite(values), values, 0.0)
    deviation = np.where(np.isfinite(values), values - filled.sum(axis=0) / present, 0.0)
    spread = np.sqrt((deviation**2).sum(axis=0) / present)
    varies = spread > 1e-12
    scaled = np.where(varies, deviation / np.where(varies, spread, 1.0), 0.0)
    skewness = (scaled**3).sum(axis=0) / present
    kurtosis = np.where(varies, (scaled**4).sum(axis=0) / present - 3.0, 0.0)
    return skewness, kurtosis


def _outliers(values: Array) -> Array:
    """Return the share of each column farther than 1.5 quartile ranges from the quartiles."""
    some = values[:, np.isfinite(values).any(axis=0)]
    if some.shape[1] == 0:
        return np.zeros(1)
    low, high = np.nanquantile(some, [0.25, 0.75], axis=0)
    reach = 1.5 * (high - low)
    far = (some < low - reach) | (some > high + reach)
    shares: Array = far.sum(axis=0) / np.isfinite(some).sum(axis=0)
    return shares


def _cut(column: Array) -> Array:
    """Return the eighth of its column that each number lies in; -1 where missing."""
    present = column[np.isfinite(column)]
    if len(present) == 0:
        return np.full(len(column), -1)
    edges = np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.where(np.isfinite(column), np.searchsorted(edges, column), -1)


def _mutual(column: Array, y: Array) -> tuple[float, float]:
    """Return the mutual information of two columns of codes, and the entropy of the first, in bits."""
    _, one = np.unique(column, return_inverse=True)
    _, other = np.unique(y, return_inverse=True)
    joint = np.bincount(one * (other.max() + 1) + other)
    own = _entropy(np.bincount(one))
    return max(0.0, own + _entropy(np.bincount(other)) - _entropy(joint)), own
