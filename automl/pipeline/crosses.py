"""Columns made of several: chosen, made and chosen again inside the training part. Public library parts only.

Each part takes an array of ``n_codes`` codes of categories (missing -2, unseen -1) and ``n_numbers`` numbers with NaN.
"""

from __future__ import annotations

import operator
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from automl.pipeline.encode import target_means
from automl.pipeline.parts import apply, chain
from automl.space.facts import Facts

__all__ = ["all_crosses", "arithmetic", "category_crosses", "group_statistics", "strongest"]

_LARGEST = 1e30
_LEVELS_OF_PAIRS = 2.0**26  # codes are joined as digits of a number: these keep below 2^53, where floats are exact
_LEVELS_OF_TRIPLES = 2.0**17
_GROUPS = 32  # levels of a category that count as groups of their own; the rest is one group


def strongest(facts: Facts, random_state: int, most: int) -> Any:
    """Select the columns with the highest gain in a small LightGBM; missing values are welcome."""
    from lightgbm import LGBMClassifier, LGBMRegressor
    from sklearn.feature_selection import SelectFromModel

    trees = (LGBMClassifier if facts.task.classifies else LGBMRegressor)(
        n_estimators=max(8, 40 // max(1, facts.n_classes - 1)),
        num_leaves=7,
        learning_rate=0.2,
        colsample_bytree=0.7,
        subsample=min(1.0, 50_000 / facts.n_rows),
        subsample_freq=1,
        max_bin=63,
        importance_type="gain",
        force_col_wise=True,
        n_jobs=1,
        verbose=-1,
        random_state=random_state,
    )
    return SelectFromModel(trees, threshold=-np.inf, max_features=most)


def arithmetic(facts: Facts, random_state: int, n_numbers: int, columns: int = 8, kept: int = 30) -> Any:
    """Sums, differences, products and ratios of pairs of the strongest columns; of these the strongest.

    A ratio is taken as the angle of the two numbers, which grows with it and is finite where the divisor is 0.
    """
    from sklearn.pipeline import FeatureUnion

    chosen = min(columns, n_numbers)
    first, second = (list(positions) for positions in zip(*combinations(range(chosen), 2), strict=True))
    operations = {"sum": np.add, "difference": np.subtract, "product": np.multiply, "ratio": np.arctan2}
    results = [(name, apply(operation.reduce, axis=1)) for name, operation in operations.items()]
    made = len(first) * len(results)
    return chain(
        ("strongest", strongest(facts, random_state, chosen)) if chosen < n_numbers else None,
        ("pairs", apply(operator.itemgetter((slice(None), [first, second])))),
        ("results", FeatureUnion(results)),
        ("bounded", apply(np.clip, a_min=-_LARGEST, a_max=_LARGEST)),
        ("best", strongest(facts, random_state, min(kept, made))),
    )


def category_crosses(
    facts: Facts,
    random_state: int,
    n_codes: int,
    columns: int = 6,
    order: int = 2,
    smooth: float = 10.0,
    kept: int = 20,
) -> Any:
    """Cross-fitted target means of the joint levels of two (or also three) of the strongest columns."""
    chosen = min(columns, n_codes)
    groups = [group for size in range(2, order + 1) for group in combinations(range(chosen), size)]
    base = _LEVELS_OF_PAIRS if order == 2 else _LEVELS_OF_TRIPLES
    digits = np.zeros((chosen, len(groups)))
    for position, group in enumerate(groups):
        digits[list(group), position] = base ** np.arange(len(group))
    made = len(groups) * max(1, facts.n_classes if facts.n_classes > 2 else 1)
    return chain(
        ("strongest", strongest(facts, random_state, chosen)) if chosen < n_codes else None,
        ("bounded", apply(np.clip, a_min=-2.0, a_max=base - 4)),
        ("joined", apply(np.dot, b=digits)),
        ("means", target_means(facts, random_state, smooth)),
        ("best", strongest(facts, random_state, kept)) if kept < made else None,
    )


def group_statistics(
    facts: Facts, random_state: int, n_codes: int, n_numbers: int, columns: int = 5, categories: int = 2
) -> Any:
    """How far the strongest numbers lie from the mean of their group, for the groups of the strongest categories."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion
    from sklearn.preprocessing import OrdinalEncoder

    numbers, groupings = min(columns, n_numbers), min(categories, n_codes)
    levels = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=_GROUPS, max_categories=_GROUPS)
    codes = chain(
        ("strongest", strongest(facts, random_state, groupings)) if groupings < n_codes else None, ("levels", levels)
    )
    amounts = strongest(facts, random_state, numbers) if numbers < n_numbers else "passthrough"
    inputs = ColumnTransformer(
        [("numbers", amounts, slice(n_codes, n_codes + n_numbers)), ("codes", codes, slice(0, n_codes))]
    )
    deviations = [(f"group{index}", _deviations(numbers, numbers + index)) for index in range(groupings)]
    return chain(("inputs", inputs), ("groups", FeatureUnion(deviations)))


def _deviations(numbers: int, grouping: int) -> Any:
    """The first columns of an array less their means in the groups of one column of codes."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    # Row k is 0 at level k and NaN elsewhere: added to a number, it leaves the number in the column of its level alone.
    apart = np.full((_GROUPS + 1, _GROUPS), np.nan)
    np.fill_diagonal(apart, 0.0)
    level = chain(
        ("whole", apply(np.asarray, dtype="int64")),
        ("apart", apply(partial(np.take, apart, axis=0))),
        ("flat", apply(np.reshape, shape=(-1, _GROUPS))),
    )
    cells = [(number, numbers + level) for number in range(numbers) for level in range(_GROUPS)]
    return chain(
        ("level", ColumnTransformer([("numbers", "passthrough", slice(0, numbers)), ("level", level, [grouping])])),
        ("pairs", apply(operator.itemgetter((slice(None), [list(part) for part in zip(*cells, strict=True)])))),
        ("spread", apply(np.add.reduce, axis=1)),
        # What is not in a group takes its mean, which is then subtracted from all.
        ("means", SimpleImputer(keep_empty_features=True, copy=False)),
        ("deviations", StandardScaler(with_std=False, copy=False)),
        ("cells", apply(np.reshape, shape=(-1, numbers, _GROUPS))),
        ("sums", apply(np.sum, axis=2)),
    )


def all_crosses(
    facts: Facts, random_state: int, n_codes: int, n_numbers: int, kept: int = 30, order: int = 2, groups: bool = False
) -> Any:
    """Arithmetic beside crosses of categories, with or without deviations from groups."""
    from sklearn.compose import ColumnTransformer

    blocks = [
        ("arithmetic", arithmetic(facts, random_state, n_numbers, kept=kept), slice(n_codes, n_codes + n_numbers)),
        ("crosses", category_crosses(facts, random_state, n_codes, order=order, kept=kept), slice(0, n_codes)),
    ]
    if groups:
        together = group_statistics(facts, random_state, n_codes, n_numbers)
        blocks.append(("groups", together, slice(0, n_codes + n_numbers)))
    return ColumnTransformer(blocks)
