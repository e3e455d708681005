import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import ShuffleSplit, TimeSeriesSplit

from automl.core import DataError, SettingError
from automl.data import make_dataset
from automl.evaluate import Rule, default_folds, make_folds, stop_split
from automl.evaluate.splits import HOLDOUT_ROWS


def dataset(y, groups=None, classifies=True):
    return make_dataset(np.arange(len(y), dtype=float).reshape(-1, 1) ** 1.5, y, classifies=classifies, groups=groups)


@settings(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(1, 30), min_size=2, max_size=6), seed=st.integers(0, 5), cv=st.integers(1, 6))
def test_every_training_part_holds_every_class(counts, seed, cv):
    y = np.repeat(np.arange(len(counts)), counts)
    table = dataset(y)
    if sorted(counts)[-2] < 2:
        with pytest.raises(DataError, match="only one class has more than 1 member"):
            make_folds(table, cv=cv, seed=seed)
        return
    folds = make_folds(table, cv=cv, seed=seed)
    for train, test in folds.pairs:
        assert set(y[train]) == set(y)
        assert not set(train) & set(test)
        assert len(train) + len(test) == len(y) - sum(
            len(np.flatnonzero(y == c)) for c in () if c in folds.unscored_classes
        )
    scored = set(folds.scored.tolist())
    for code in folds.unscored_classes:
        assert not scored & set(np.flatnonzero(y == code).tolist())


@settings(max_examples=40, deadline=None)
@given(n_groups=st.integers(3, 12), seed=st.integers(0, 20), share=st.floats(0.1, 0.9))
def test_group_folds_and_stop_sets_keep_groups_whole(n_groups, seed, share):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, n_groups, 90)
    y = (rng.random(90) < share).astype(int)
    y[:2] = [0, 1]
    table = dataset(y, groups)
    try:
        folds = make_folds(table, seed=seed)
    except DataError as error:
        assert "too few" in str(error)
        return
    assert folds.rule is Rule.GROUPS
    for train, test in folds.pairs:
        assert not set(groups[train]) & set(groups[test])
        assert set(y[train]) == {0, 1}
        part = table.rows(train)
        fit, stop = stop_split(part, 0.1, folds.rule, seed)
        assert not set(part.groups[fit]) & set(part.groups[stop])
        assert set(part.y[fit]) == {0, 1}


@given(n=st.integers(20, 300), share=st.floats(0.05, 0.5), seed=st.integers(0, 9))
def test_a_stop_set_is_a_share_of_every_class(n, share, seed):
    y = np.arange(n) % 3
    fit, stop = stop_split(dataset(y), share, Rule.RANDOM, seed)
    assert sorted([*fit, *stop]) == list(range(n))
    assert set(y[fit]) == {0, 1, 2}
    assert abs(len(stop) - share * n) <= 3


def test_an_ordered_stop_set_is_the_last_part():
    fit, stop = stop_split(dataset(np.arange(100) % 2), 0.1, Rule.ORDERED, 0)
    assert fit.max() < stop.min() and len(stop) == 10


def test_out_of_fold_layout():
    folds = make_folds(dataset(np.arange(60) % 2), cv=3)
    for fold, (_, test) in enumerate(folds.pairs):
        assert (folds.scored[folds.numbers == fold] == test).all()


def test_fold_counts_follow_rows_and_time():
    assert default_folds(200, 60) == (5, 2)
    assert default_folds(2_000, 60) == (5, 1)
    assert default_folds(10_000, 60) == (3, 1) and default_folds(10_000, 3600) == (8, 1)
    assert default_folds(500_000, 60) == (1, 1)


def test_splitters_and_pairs_are_taken_as_they_are():
    table = dataset(np.arange(40) % 2)
    assert make_folds(table, cv=TimeSeriesSplit(3)).rule is Rule.ORDERED
    assert len(make_folds(table, cv=ShuffleSplit(4, random_state=0))) == 4
    pairs = [(np.arange(20), np.arange(20, 40))]
    assert make_folds(table, cv=pairs).holdout


@pytest.mark.parametrize("cv", [0, -1, "five", True, [(np.arange(30), np.arange(20, 40))], [(np.arange(30), [])]])
def test_unusable_cv_is_refused(cv):
    with pytest.raises(SettingError, match="cv="):
        make_folds(dataset(np.arange(40) % 2), cv=cv)


def test_row_positions_are_counted_instead_of_printed():
    pair = (np.arange(30), np.arange(20, 40))
    with pytest.raises(SettingError, match=r"^cv=\(a list of 2 splits\) gives folds whose .* overlap$"):
        make_folds(dataset(np.arange(40) % 2), cv=[pair, pair])


def test_a_splitter_that_leaves_a_class_out_of_training_is_refused():
    y = np.repeat(["a", "b"], 20)
    with pytest.raises(SettingError, match="'b' out of some training part"):
        make_folds(dataset(y), cv=[(np.arange(20), np.arange(20, 40))])


def test_every_row_a_group_of_its_own():
    table = dataset(np.repeat([0, 1], 4), groups=np.arange(8))
    folds = make_folds(table)
    assert sorted(folds.scored.tolist()) == list(range(8))


def test_a_few_large_groups_still_give_a_stop_set():
    table = dataset(np.arange(90) % 2, groups=np.arange(90) // 30)
    fit, stop = stop_split(table, 0.1, Rule.GROUPS, 0)
    assert len(stop) == 30 and not set(table.groups[fit]) & set(table.groups[stop])


@pytest.mark.parametrize("rows", [[100, 101], [-1, 2]])
def test_row_positions_out_of_range_are_refused(rows):
    with pytest.raises(SettingError, match="cannot split this table"):
        make_folds(dataset(np.arange(40) % 2), cv=[(np.arange(20), np.array(rows))])


def test_masks_are_row_positions_too():
    mask = np.arange(40) < 20
    folds = make_folds(dataset(np.arange(40) % 2), cv=[(mask, ~mask)])
    assert folds.pairs[0][1].tolist() == list(range(20, 40))


def test_wide_tables_are_not_repeated():
    assert default_folds(200, 60, 20_000) == (5, 1)
    assert default_folds(200, 60, 100) == (5, 2)


@pytest.mark.parametrize("classifies", [True, False])
def test_a_holdout_of_a_large_table_is_capped(classifies):
    n = 5 * HOLDOUT_ROWS
    folds = make_folds(dataset(np.arange(n) % 2, classifies=classifies), cv=1)
    assert len(folds.pairs[0][1]) == HOLDOUT_ROWS and folds.description.startswith("holdout of 20 %")
    folds = make_folds(dataset(np.arange(2 * n) % 2, classifies=classifies), cv=1)
    [(train, test)] = folds.pairs
    assert len(test) == HOLDOUT_ROWS and len(train) == 2 * n - HOLDOUT_ROWS
    assert folds.description.startswith("holdout of 30,000 rows")


@pytest.mark.parametrize("n_groups", [20, 40_000])
def test_a_holdout_of_many_rows_in_groups_is_capped_and_keeps_them_whole(n_groups):
    groups = np.arange(8 * HOLDOUT_ROWS) % n_groups
    folds = make_folds(dataset(np.arange(len(groups)) % 3 // 2, groups), cv=1)
    [(train, test)] = folds.pairs
    assert len(test) <= HOLDOUT_ROWS and len(test) + len(train) == len(groups)
    assert not np.isin(groups[test], groups[train]).any()
    assert len(test) > 0.5 * HOLDOUT_ROWS


def test_a_holdout_of_groups_is_a_fifth_of_a_small_table():
    groups = np.repeat(np.arange(300), 3)
    [(_, test)] = make_folds(dataset(np.arange(900) % 2, groups), cv=1).pairs
    assert 160 <= len(test) <= 180


def test_pairs_in_the_order_of_time_end_with_the_most_recent():
    data = make_dataset(np.zeros((90, 1)), np.arange(90.0), classifies=False, times=np.arange(90))
    pairs = [(np.arange(end), np.arange(end, end + 30)) for end in (60, 30)]
    folds = make_folds(data, cv=pairs)
    assert folds.forward and [test[0] for _, test in folds.pairs] == [30, 60]


def test_thousands_of_groups_are_dealt_into_folds_of_as_many_rows():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 3_000, 20_000)
    data = make_dataset(rng.normal(size=(20_000, 1)), rng.integers(0, 2, 20_000), classifies=True, groups=groups)
    folds = make_folds(data, cv=5)
    assert sorted(np.concatenate([test for _, test in folds.pairs])) == list(range(20_000))
    sizes = [len(test) for _, test in folds.pairs]
    assert max(sizes) - min(sizes) < 0.01 * 20_000
    for train, test in folds.pairs:
        assert not np.intersect1d(groups[train], groups[test]).size
