from __future__ import annotations

import numpy as np
import pandas as pd

from automl.metalearn.rows import column_hashes, pick_rows, row_hashes


def test_equal_values_have_equal_hashes_whatever_their_type():
    assert (column_hashes(pd.Series([0, 1, 2])) == column_hashes(pd.Series([-0.0, 1.0, 2.0]))).all()
    assert len(set(column_hashes(pd.Series([1, "1", None, 1.5, "a"], dtype=object)))) == 5
    assert column_hashes(np.array([np.nan, -np.nan]))[0] == column_hashes(np.array([np.nan, -np.nan]))[1]


def test_rows_with_the_same_values_in_other_columns_differ():
    X = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    hashes, _ = row_hashes(X, np.zeros(4))
    assert hashes[0] == hashes[2]
    assert len(set(hashes)) == 3


def test_the_target_is_part_of_a_row():
    hashes, _ = row_hashes(np.zeros((2, 1)), np.array([0, 1]))
    assert hashes[0] != hashes[1]


def test_columns_are_ordered_by_what_they_hold():
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": list("xyz"), "c": [4.0, 4.0, 5.0]})
    _, order = row_hashes(X, [0, 1, 0])
    _, other = row_hashes(X[["c", "a", "b"]], [0, 1, 0])
    assert [X.columns[i] for i in order] == [["c", "a", "b"][i] for i in other]


def test_of_too_many_cells_the_telling_columns_are_looked_at():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.zeros(100), rng.normal(size=100), np.zeros(100)])
    hashes, order = row_hashes(X, np.zeros(100), cells=100)
    assert len(set(hashes)) == 100
    assert order == [1, 0, 2]


def test_nothing_more_is_hashed_after_a_stop():
    X = pd.DataFrame({"a": list("xy"), "b": list("uv")})
    assert (row_hashes(X, [0, 0], stop=lambda: True)[0] == row_hashes(X[["a"]], [0, 0])[0]).all()


def test_every_class_keeps_its_share_and_at_least_two_rows():
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], [700, 297, 3])
    rows = pick_rows(rng.integers(0, 2**63, 1000, dtype=np.uint64), 100, codes)
    assert np.bincount(codes[rows]).tolist() == [70, 30, 2]


def test_fewer_rows_are_among_more():
    hashes = np.random.default_rng(0).integers(0, 2**63, 1000, dtype=np.uint64)
    assert set(pick_rows(hashes, 100)) <= set(pick_rows(hashes, 300))
    assert sorted(pick_rows(hashes, 5000)) == list(range(1000))
