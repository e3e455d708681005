import numpy as np
import pandas as pd
import pytest

from automl.core import Config, Step
from automl.data import Column, Container, Dataset, Kind, Schema, Task
from automl.pipeline import build
from automl.pipeline.encode import date_numbers, one_hot, robust_clip, text_numbers
from automl.space import Facts, default_catalog, facts_of

KINDS = {"n": Kind.NUMERIC, "c": Kind.CATEGORICAL, "h": Kind.HIGH_CARDINALITY, "b": Kind.BOOLEAN, "d": Kind.DATE}
TREES = Config.of(Step.of("ordinal"), Step.of("extra_trees", n_estimators=50))
LINEAR = Config.of(Step.of("one_hot"), Step.of("median_indicator"), Step.of("robust_clip"), Step.of("logistic"))


def columns_step(config: Config, X: pd.DataFrame, *columns: Column) -> np.ndarray:
    """What a model sees of X."""
    y = np.arange(len(X)) % 2
    data = Dataset(X, y, Task.BINARY, Schema(columns, Container.FRAME), np.array([0, 1]))
    pipeline = build(config, data.schema, facts_of(data), catalog=default_catalog(), seed=0)
    return np.asarray(pipeline[:-1].fit_transform(X, y), dtype=float)


@pytest.mark.parametrize(
    "values",
    [
        pd.array([1, None, 3] * 10, dtype="Int64"),
        pd.array([True, None, False] * 10, dtype="boolean"),
        pd.Series([True, None, False] * 10, dtype=object),
        pd.Series(["1", None, "2.5"] * 10),
        pd.Series([1.5, -np.inf, 2.0] * 10),
        pd.Series([1.5, None, 2.0] * 10, dtype="double[pyarrow]"),
    ],
)
def test_numbers_of_any_type_become_floats_and_gaps_stay_gaps(values: object):
    seen = columns_step(TREES, pd.DataFrame({"a": values}), Column("a", Kind.NUMERIC, True, 2, 0.3))
    assert np.isnan(seen[1::3]).all() and np.isfinite(seen[0::3]).all()
    dense = columns_step(LINEAR, pd.DataFrame({"a": values}), Column("a", Kind.NUMERIC, True, 2, 0.3))
    assert np.isfinite(dense).all()
    assert dense[:, 1].tolist() == [0.0, 1.0, 0.0] * 10, "the indicator is not scaled"


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(["x", None, "y"] * 10, dtype="string"),
        pd.Series([1, None, "y"] * 10, dtype=object),
        pd.Categorical(["x", None, "y"] * 10),
        pd.Series(["x", None, "y"] * 10, dtype="string[pyarrow]"),
    ],
)
def test_categories_of_any_type_become_codes(values: object):
    seen = columns_step(TREES, pd.DataFrame({"a": values}), Column("a", Kind.CATEGORICAL, False, 2, 0.3))
    assert np.isnan(seen[1::3]).all() and set(seen[0::3].ravel()) | set(seen[2::3].ravel()) == {0.0, 1.0}


def test_categories_come_first_and_unused_columns_are_dropped():
    X = pd.DataFrame({"n": np.arange(30.0) / 7, "c": ["x", "y", "z"] * 10, "k": 1, "g": [2, 3] * 15})
    seen = columns_step(
        TREES,
        X,
        Column("n", Kind.NUMERIC, True, 30),
        Column("c", Kind.CATEGORICAL, False, 3),
        Column("k", Kind.CONSTANT, True, 1),
        Column("g", Kind.CATEGORICAL, True, 2),
    )
    assert seen.shape == (30, 3)
    assert seen[:3].tolist() == [[0, 0, 0], [1, 1, 1 / 7], [2, 0, 2 / 7]]


def test_labels_that_are_not_strings_are_routed_by_position():
    X = pd.DataFrame({5: np.arange(30.0), 9: [1.0] * 30, 2: np.arange(30.0) ** 2})
    kinds = (Kind.NUMERIC, Kind.CONSTANT, Kind.NUMERIC)
    seen = columns_step(TREES, X, *(Column(n, k, True, 30) for n, k in zip(X, kinds, strict=True)))
    assert np.array_equal(seen, X[[5, 2]].to_numpy())


@pytest.mark.parametrize("kind", ["n", "c", "h", "d"])
@pytest.mark.parametrize("config", [TREES, LINEAR])
def test_a_single_column_of_any_kind_is_enough(kind: str, config: Config):
    values = {
        "n": np.arange(60.0),
        "c": ["x", "y", "z"] * 20,
        "h": [f"v{i}" for i in range(60)],
        "d": pd.date_range("2024-01-01", periods=60).astype(str),
    }
    column = Column("a", KINDS[kind], kind == "n", 60, date_format="%Y-%m-%d" if kind == "d" else None)
    assert columns_step(config, pd.DataFrame({"a": values[kind]}), column).shape[0] == 60


def test_dates_become_parts_and_days():
    dates = pd.Series(["31/12/2024 23:00", "nonsense", None])
    numbers = date_numbers("%d/%m/%Y %H:%M").fit_transform(dates)
    assert numbers[0].tolist() == [2024, 12, 31, 23, 1, 366, pytest.approx(20088 + 23 / 24)]
    assert np.isnan(numbers[1:]).all()


@pytest.mark.parametrize("values", [["2024-05-01"] * 3, pd.Series([pd.Timestamp("2024-05-01")] * 3).dt.date])
def test_dates_stored_as_objects_are_read(values: object):
    X = pd.DataFrame({"a": pd.Series(values, dtype=object)})
    seen = columns_step(TREES, X, Column("a", Kind.DATE, False, 1, dtype="object"))
    assert seen[0, :3].tolist() == [2024, 5, 1]


@pytest.mark.parametrize("texts", [["big red car", "old dog runs home"] * 20, ["", None] * 20])
@pytest.mark.filterwarnings("ignore:invalid value encountered in divide:RuntimeWarning")  # nothing to explain
def test_text_becomes_a_fixed_number_of_columns(texts: list[str | None]):
    numbers = text_numbers(0).fit_transform(pd.Series(texts, dtype=object))
    assert numbers.shape == (40, 30) and np.isfinite(numbers).all()


def test_robust_clip_is_the_smooth_clip_of_real_mlp():
    from sklearn.preprocessing import RobustScaler

    X = np.random.default_rng(0).standard_cauchy(size=(200, 2))
    scaled = RobustScaler().fit_transform(X)
    assert np.allclose(robust_clip().fit_transform(X), scaled / np.sqrt(1 + (scaled / 3) ** 2), atol=1e-12)


def test_many_categorical_columns_share_the_outputs():
    facts = Facts(Task.BINARY, 100, 1000, n_categorical=1000)
    assert one_hot(facts).max_categories == 4
    assert one_hot(Facts(Task.BINARY, 100, 3, n_categorical=3)).max_categories == 50
