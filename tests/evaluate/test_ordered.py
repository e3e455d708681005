"""Folds and stop sets in the order of time: whatever the times, nothing is fitted on what comes later."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit

from automl import BatchFolds, TimeFolds
from automl.core import DataError, SettingError
from automl.data import make_dataset
from automl.evaluate import Rule, make_folds, stop_split


def dataset(times, y=None, groups=None):
    n = len(times)
    X = np.random.default_rng(0).normal(size=(n, 2))
    y = np.arange(n) % 2 if y is None else np.asarray(y)
    return make_dataset(X, y, classifies=y.dtype.kind == "i", times=times, groups=groups)


# Times with ties and of few values, in any order; classes that come and go; groups that live for a while or for ever.
TABLES = st.tuples(
    st.integers(12, 150),
    st.sampled_from([3, 10, 1000]),  # distinct times
    st.sampled_from([0, 2, 4]),  # classes
    st.sampled_from([None, "lasting", "passing"]),
    st.integers(0, 10**6),
)


def drawn(table):
    n, distinct, classes, kind, seed = table
    rng = np.random.default_rng(seed)
    times = rng.integers(0, distinct, n).astype(float)
    assume(len(np.unique(times)) > 1)
    y = rng.normal(size=n)
    if classes:
        drift = rng.integers(0, 2) * 2 * times / distinct
        y = np.clip(rng.normal(drift, 0.7) + 0.5, 0, classes - 1).astype(int)
        assume(len(np.unique(y)) > 1)
    groups = {None: None, "lasting": rng.integers(0, 5, n), "passing": (times * 30 // distinct).astype(int)}[kind]
    assume(groups is None or len(np.unique(groups)) > 1)
    return dataset(times, y, groups)


def check(table, folds, ahead=0.0, window=np.inf):
    """The promises of folds in the order of time; rows of classes that come too late to be scored are set aside."""
    pinned = np.isin(table.y, folds.unscored_classes) if table.classes is not None else np.zeros(table.n_rows, bool)
    assert folds.rule is Rule.ORDERED and folds.forward and folds.n_unscored == pinned.sum()
    assert not pinned[folds.scored].any()
    assert len(set(folds.scored.tolist())) == len(folds.scored)
    for train, test in folds.pairs:
        assert (np.diff(train) > 0).all() and not np.intersect1d(train, test).size
        assert set(np.flatnonzero(pinned)) <= set(train)
        past = train[~pinned[train]]
        assert table.times[past].max() + ahead < table.times[test].min()
        assert table.times[past].min() + ahead + window >= table.times[test].min()
        if table.classes is not None:
            assert set(table.y[train]) == set(range(table.n_classes))
        if table.groups is not None:
            assert not np.intersect1d(table.groups[train], table.groups[test]).size


@settings(max_examples=150, deadline=None)
@given(table=TABLES, cv=st.sampled_from(["auto", "time", 1, 2, 7]))
def test_training_lies_before_what_is_scored(table, cv):
    table = drawn(table)
    try:
        folds = make_folds(table, cv=cv)
    except DataError as error:
        assert "too few rows" in str(error) or "at least 2 classes" in str(error)
        return
    check(table, folds)
    assert len(folds) <= {"auto": 5, "time": 5}.get(cv, cv)
    if table.groups is None:  # times are never cut: all rows of a time are scored together, or fitted on together
        for train, test in folds.pairs:
            inside = np.isin(table.times, np.unique(table.times[test]))
            assert not inside[np.setdiff1d(train, np.flatnonzero(np.isin(table.y, folds.unscored_classes)))].any()


@settings(max_examples=80, deadline=None)
@given(table=TABLES, gap=st.floats(0, 5), purge=st.integers(0, 5), window=st.none() | st.floats(1, 20))
def test_gap_purge_and_window(table, gap, purge, window):
    table = drawn(table)
    try:
        folds = make_folds(table, cv=TimeFolds(3, gap, purge, window))
    except DataError:
        return
    check(table, folds, gap + purge, np.inf if window is None else window + 1e-9)


@settings(max_examples=80, deadline=None)
@given(
    table=TABLES,
    protocol=st.sampled_from(["walk_forward", "last_batch", "first_vs_rest"]),
    window=st.none() | st.integers(1, 3),
)
def test_batches_are_whole(table, protocol, window):
    table = drawn((table[0], 10, *table[2:]))
    batches = np.unique(table.times)
    try:
        folds = make_folds(table, cv=BatchFolds(protocol, window))
    except (DataError, SettingError):
        return
    check(table, folds)
    for train, test in folds.pairs:
        [tested] = np.unique(table.times[test])
        before = batches[batches < tested]
        known = before if window is None else before[-window:]
        known = batches[: window or 1] if protocol == "first_vs_rest" else known
        late = np.isin(table.y, folds.unscored_classes) if table.classes is not None else False
        assert set(table.times[train]) <= set(known) | set(table.times[late])
        if table.groups is None and not folds.unscored_classes:
            assert len(train) == np.isin(table.times, known).sum() and len(test) == (table.times == tested).sum()


@settings(max_examples=60, deadline=None)
@given(n=st.integers(8, 300), n_folds=st.integers(2, 8), seed=st.integers(0, 99))
def test_the_default_is_that_of_scikit_learn(n, n_folds, seed):
    assume(n > n_folds)
    order = np.random.default_rng(seed).permutation(n)
    times = np.empty(n)
    times[order] = np.sort(np.random.default_rng(seed).normal(size=n))
    folds = make_folds(dataset(times, y=np.linspace(0, 1, n)), cv=TimeFolds(n_folds))
    theirs = [pair for pair in TimeSeriesSplit(n_folds).split(order) if len(pair[0]) > 1]
    assert len(folds) == len(theirs)
    for (train, test), (their_train, their_test) in zip(folds.pairs, theirs, strict=True):
        assert set(train) == set(order[their_train]) and test.tolist() == order[their_test].tolist()


def test_lengths_of_dates_are_days_or_durations():
    days = pd.date_range("2024-01-01", periods=120, freq="12h").to_series().sample(frac=1, random_state=0)
    for gap in (3, "3D", pd.Timedelta(days=3), np.timedelta64(72, "h")):
        table = dataset(days)
        for train, test in make_folds(table, cv=TimeFolds(4, gap=gap, window="10D")).pairs:
            latest, first = days.iloc[train].max(), days.iloc[test].min()
            assert latest == first - pd.Timedelta(days=3, hours=12)
            assert days.iloc[train].min() >= first - pd.Timedelta(days=13)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (lambda: TimeFolds(0), "n_folds=0"),
        (lambda: BatchFolds("backward"), "protocol='backward'"),
        (lambda: BatchFolds(window=0), "window=0"),
        (lambda: TimeFolds(gap=-1), "gap=-1"),
        (lambda: TimeFolds(purge="7D"), "purge='7D'"),
        (lambda: TimeFolds(window=np.nan), "window=nan"),
        (lambda: "fortnight", "'walk_forward'"),
        (lambda: BatchFolds(), "119 folds"),
        (lambda: BatchFolds("first_vs_rest", 120), "no batch to score"),
    ],
)
def test_what_makes_no_folds_is_refused(asked, says):
    with pytest.raises(SettingError, match=says):
        make_folds(dataset(np.arange(120)), cv=asked())


@pytest.mark.parametrize("cv", ["time", "last_batch", TimeFolds(), BatchFolds()])
def test_folds_in_the_order_of_time_need_times(cv):
    with pytest.raises(SettingError, match="give times"):
        make_folds(make_dataset(np.arange(40.0).reshape(-1, 1) ** 1.5, np.arange(40) % 2, classifies=True), cv=cv)


def test_what_leaves_nothing_to_fit_on_is_refused():
    with pytest.raises(DataError, match="smaller gap"):
        make_folds(dataset(np.arange(60)), cv=TimeFolds(gap=1000))
    with pytest.raises(DataError, match="groups that end"):
        make_folds(dataset(np.arange(60), groups=np.arange(60) % 3))
    with pytest.raises(DataError, match="one value only"):
        make_folds(dataset(np.zeros(60)))
    with pytest.raises(DataError, match="hold class.es. 0 only"):
        make_folds(dataset(np.arange(60), y=np.repeat([0, 1], [55, 5])))


def test_folds_begin_once_every_class_is_known():
    y = np.where(np.arange(600) < 300, np.arange(600) % 2, np.arange(600) % 3)
    folds = make_folds(dataset(np.arange(600), y), cv=5)
    assert len(folds) == 5 and not folds.unscored_classes
    assert min(len(train) for train, _ in folds.pairs) > 300


def test_a_class_that_comes_too_late_is_learned_but_not_scored():
    y = np.where(np.arange(600) >= 590, 2, np.arange(600) % 2)
    folds = make_folds(dataset(np.arange(600), y), cv=5)
    assert folds.unscored_classes == (2,) and len(folds) == 5
    check(dataset(np.arange(600), y), folds)


def test_a_holdout_is_the_last_fifth():
    rng = np.random.default_rng(0)
    times = rng.permutation(500)
    folds = make_folds(dataset(times), cv=1)
    assert folds.holdout and sorted(times[folds.pairs[0][1]]) == list(range(400, 500))


def test_few_batches_are_folds_by_themselves():
    batch = np.repeat([1, 2, 3, 4], [60, 10, 20, 10])
    folds = make_folds(dataset(batch), cv=5)
    assert [set(batch[test]) for _, test in folds.pairs] == [{2}, {3}, {4}]


def test_splitters_are_taken_as_they_are_and_times_order_the_stop_sets():
    times = np.random.default_rng(1).permutation(90).astype(float)
    table = dataset(times, groups=np.arange(90) // 3)
    assert make_folds(table, cv=GroupKFold(3)).rule is Rule.ORDERED
    table = dataset(times)
    folds = make_folds(table, cv=KFold(3))
    assert folds.rule is Rule.ORDERED and not folds.forward
    assert folds.pairs[0][1].tolist() == list(range(30))
    early = np.argsort(times)
    assert make_folds(table, cv=[(early[:60], early[60:])]).forward


def test_scikit_learns_own_time_series_split_follows_times():
    times = np.random.default_rng(2).permutation(60).astype(float)
    folds = make_folds(dataset(times), cv=TimeSeriesSplit(3, gap=2))
    for train, test in folds.pairs:
        assert times[train].max() + 2 < times[test].min()


@settings(max_examples=150, deadline=None)
@given(table=TABLES, share=st.sampled_from([0.1, 0.2]))
def test_stop_sets_come_last_and_tear_no_group(table, share):
    table = drawn(table)
    fit, stop = stop_split(table, share, Rule.ORDERED, 0)
    assert not np.intersect1d(fit, stop).size
    assert len(stop) <= 0.5 * table.n_rows and len(fit) >= 0.5 * table.n_rows
    if table.classes is not None:
        assert set(table.y[fit]) == set(table.y)
    if table.groups is not None:
        assert not np.intersect1d(table.groups[fit], table.groups[stop]).size
    elif len(stop) and table.classes is None:
        assert len(fit) + len(stop) == table.n_rows
        size = np.unique(table.times, return_counts=True)[1].max()
        if size <= share * table.n_rows / 2:
            assert table.times[fit].max() < table.times[stop].min()


def test_a_stop_set_of_one_batch_is_drawn_from_it():
    fit, stop = stop_split(dataset(np.repeat([1.0, 2.0], [50, 150])), 0.1, Rule.ORDERED, 0)
    assert len(stop) == 20 and stop.min() >= 50
    fit, stop = stop_split(dataset(np.ones(100)), 0.2, Rule.ORDERED, 0)
    assert len(stop) == 20 and len(fit) == 80


def test_stop_sets_do_not_depend_on_how_rows_are_sorted():
    times = np.random.default_rng(3).permutation(200).astype(float)
    _, stop = stop_split(dataset(times), 0.1, Rule.ORDERED, 0)
    assert sorted(times[stop]) == list(range(180, 200))
