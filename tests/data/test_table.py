import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from automl.core import DataError
from automl.data import Container, Kind, Task, make_dataset

X = pd.DataFrame({"a": [1.0, 2.0, None, 4.0], "b": ["x", "y", "x", None]})
Y = ["no", "yes", "yes", "no"]


def test_everything_comes_together():
    dataset = make_dataset(
        X,
        Y,
        classifies=True,
        groups=["u", "v", "u", "w"],
        times=["1/2/2020", "13/2/2020", "3/4/2020", "1/1/2020"],
        weights=[1, 2, 0, 1],
    )
    assert dataset.X is X
    assert dataset.y.tolist() == [0, 1, 1, 0]
    assert dataset.task is Task.BINARY
    assert dataset.schema.container is Container.FRAME
    assert dataset.groups.tolist() == [0, 1, 0, 2]
    assert np.argsort(dataset.times).tolist() == [3, 0, 1, 2]
    assert (dataset.weights.dtype, dataset.weights.sum()) == (np.float64, 4.0)


def test_rows_keep_everything_together():
    dataset = make_dataset(X, Y, classifies=True, groups=[1, 2, 1, 2]).rows(np.array([3, 0]))
    assert dataset.X["a"].tolist() == [4.0, 1.0]
    assert (dataset.y.tolist(), dataset.groups.tolist()) == ([0, 0], [1, 0])


def test_kinds_can_be_given():
    assert (
        make_dataset(X, Y, classifies=True, column_kinds={"a": "categorical"}).schema.columns[0].kind
        is Kind.CATEGORICAL
    )


@pytest.mark.parametrize("table", [np.eye(4), sparse.csc_array(np.eye(4)), pl.from_pandas(X), [[1], [2], [3], [4]]])
def test_any_container(table):
    assert make_dataset(table, [1.5, 2.5, 3.5, 1.0], classifies=False).n_rows == 4


@pytest.mark.parametrize("container", [list, tuple, np.array, pd.Series, pl.Series])
def test_extras_in_any_container(container):
    dataset = make_dataset(
        X,
        Y,
        classifies=True,
        groups=container([5, 5, 6, 6]),
        times=container([4, 3, 2, 1]),
        weights=container([1, 2, 3, 4]),
    )
    assert dataset.groups.tolist() == [0, 0, 1, 1]
    assert dataset.times.tolist() == [4, 3, 2, 1]
    assert dataset.weights.tolist() == [1, 2, 3, 4]


def test_times_with_zones_are_compared_in_utc():
    times = pd.to_datetime(["2020-01-01T00:00+05:00", "2019-12-31T20:00Z", "2021", "2022"], format="ISO8601", utc=True)
    dataset = make_dataset(X, Y, classifies=True, times=times)
    assert dataset.times.dtype == "int64" and dataset.times[2] == pd.Timestamp("2021").value
    assert dataset.times[0] < dataset.times[1]


def test_one_weight_for_all():
    assert make_dataset(X, Y, classifies=True, weights=2).weights.tolist() == [2.0] * 4


@pytest.mark.parametrize("scale", [1e-300, 1e-4, 1e300, 1.7e308])
def test_the_scale_of_very_small_and_large_weights_does_not_count(scale):
    weights = make_dataset(X, Y, classifies=True, weights=np.array([0.25, 0, 0.5, 1]) * scale).weights
    np.testing.assert_allclose(weights / weights.sum(), [1 / 7, 0, 2 / 7, 4 / 7], rtol=1e-12)
    assert weights.max() >= 0.01


def test_other_weights_stay_as_they_are():
    given = np.array([0.7, 0.0, 1.1, 1.2000000000000002])
    assert make_dataset(X, Y, classifies=True, weights=3 * given).weights.tolist() == (3 * given).tolist()
    assert make_dataset(X, Y, classifies=True, weights=given).weights.tolist() == given.tolist()


REFUSED = {
    "y too short": ({"y": Y[:3]}, "X has 4 rows, y has 3"),
    "weights too long": ({"weights": np.ones(8)}, "X has 4 rows, sample_weight has 8"),
    "weights 2-D": ({"weights": np.ones((4, 2))}, "one dimension"),
    "weights zero": ({"weights": np.zeros(4)}, "weights are all zero"),
    "weights negative": ({"weights": [1, 1, -1, 1]}, "1 negative"),
    "weights infinite": ({"weights": [1, 1, np.inf, 1]}, "1 infinite"),
    "weights missing": ({"weights": [1, 1, None, 1]}, "1 missing"),
    "weights strings": ({"weights": Y}, "expected numbers"),
    "weights name": ({"weights": "w"}, "pass the column itself"),
    "groups name": ({"groups": "patient"}, "pass the column itself"),
    "groups missing": ({"groups": ["a", None, "b", "b"]}, "1 missing"),
    "groups alike": ({"groups": ["a"] * 4}, "one group only, 'a'"),
    "groups short": ({"groups": ["a"]}, "groups has 1"),
    "groups nested": ({"groups": pd.Series([[1], [2], [3], [4]])}, "cannot be compared"),
    "times missing": ({"times": pd.to_datetime(["2020", None, "2021", "2022"])}, "1 missing"),
    "times far away": ({"times": np.array(["2020", "9999", "2021", "2022"], "M8[s]")}, "such as 9999-01-01"),
    "times far away, written": ({"times": ["2020-01-01", "2021-01-01", "1000-01-01", "2022-01-01"]}, "1677-09-21 to"),
    "times words": ({"times": ["soon", "later", "now", "never"]}, "cannot be ordered"),
    "times infinite": ({"times": [1, 2, np.inf, 4]}, "infinite"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(change, message):
    arguments = {"y": Y, "classifies": True, **change}
    with pytest.raises(DataError, match=message):
        make_dataset(X, **arguments)


def test_shuffled_indices_are_pointed_out():
    y = pd.Series(Y)
    with pytest.warns(UserWarning, match="matched by position"):
        make_dataset(X, y.iloc[::-1], classifies=True)
    make_dataset(X, y.set_axis([5, 6, 7, 8]), classifies=True)


def test_inputs_are_never_written_to():
    table, y, weights = np.eye(6), np.arange(6) % 2, np.ones(6)
    for values in (table, y, weights):
        values.flags.writeable = False
    make_dataset(table, y, classifies=True, groups=y, weights=weights)
