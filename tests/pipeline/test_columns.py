import numpy as np
import pandas as pd
import pytest

from automl.core import Config, Step
from automl.data import Column, Container, Dataset, Kind, Schema, Task
from automl.pipeline import build
from automl.pipeline.dates import date_numbers
from automl.pipeline.encode import one_hot, robust_clip
from automl.pipeline.texts import characters, hashed_words, words
from automl.space import Facts, default_catalog, facts_of
from automl.space.facts import date_parts

KINDS = {"n": Kind.NUMERIC, "c": Kind.CATEGORICAL, "h": Kind.HIGH_CARDINALITY, "b": Kind.BOOLEAN, "d": Kind.DATE}
TREES = Config.of(Step.of("ordinal"), Step.of("extra_trees", n_estimators=50))
LINEAR = Config.of(Step.of("one_hot"), Step.of("median_indicator"), Step.of("robust_clip"), Step.of("logistic"))


def unfitted(config: Config, X: pd.DataFrame, *columns: Column) -> object:
    """What comes before the model."""
    data = Dataset(X, np.arange(len(X)) % 2, Task.BINARY, Schema(columns, Container.FRAME), np.array([0, 1]))
    return build(config, data.schema, facts_of(data), catalog=default_catalog(), seed=0)[:-1]


def columns_step(config: Config, X: pd.DataFrame, *columns: Column) -> np.ndarray:
    """What a model sees of X."""
    return np.asarray(unfitted(config, X, *columns).fit_transform(X, np.arange(len(X)) % 2), dtype=float)


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
    written = "%d/%m/%Y %H:%M"
    parts = date_parts(Column("a", Kind.DATE, False, 3, date_format=written))
    numbers = date_numbers(written, parts).fit_transform(dates)
    assert numbers[0].tolist() == [2024, 12, 31, 23, 1, 366, pytest.approx(20088 + 23 / 24)]
    assert np.isnan(numbers[1:]).all()


@pytest.mark.parametrize("stored", [str, "datetime64[s]", "datetime64[us]"])
def test_dates_that_nanoseconds_cannot_hold_become_days(stored: object):
    dates = pd.Series(np.array(["9999-12-31", "0001-01-01", "1970-01-03"], dtype="datetime64[s]")).astype(stored)
    days = date_numbers("%Y-%m-%d" if stored is str else "ISO8601", ("days", "year")).fit_transform(dates)
    assert days.tolist() == [[2932896.0, 9999.0], [-719162.0, 1.0], [2.0, 1970.0]]


def test_parts_of_dates_come_round_for_models_of_numbers():
    dates = pd.Series(["2024-12-29", "2025-01-05", None])  # Sundays
    numbers = date_numbers("%Y-%m-%d", ("month", "day_of_week"), waves=True).fit_transform(dates)
    month, weekday = 2 * np.pi * np.array([12, 1]) / 12, 2 * np.pi * 6 / 7
    assert np.allclose(numbers[:2, 2:4], np.column_stack([np.sin(month), np.cos(month)]))
    assert np.allclose(numbers[:2, 4:], [[np.sin(weekday), np.cos(weekday)]] * 2)
    assert np.isnan(numbers[2]).all()


def test_facts_count_what_becomes_of_dates():
    X = pd.DataFrame({"a": pd.date_range("2024-01-01", periods=60, freq="31h")})
    X["b"] = X["a"].dt.strftime("%m/%Y")
    columns = Column("a", Kind.DATE, False, 60, dtype="datetime64[ns]"), Column("b", Kind.DATE, False, 3, 0, "%m/%Y")
    facts = facts_of(Dataset(X, np.arange(60) % 2, Task.BINARY, Schema(columns, Container.FRAME), np.array([0, 1])))
    assert columns_step(TREES, X, *columns).shape[1] == facts.code_width == 7 + 3
    assert columns_step(LINEAR, X, *columns).shape[1] == facts.width == 7 + 6 + 3 + 2


@pytest.mark.parametrize("values", [["2024-05-01"] * 3, pd.Series([pd.Timestamp("2024-05-01")] * 3).dt.date])
def test_dates_stored_as_objects_are_read(values: object):
    X = pd.DataFrame({"a": pd.Series(values, dtype=object)})
    seen = columns_step(TREES, X, Column("a", Kind.DATE, False, 1, dtype="object"))
    assert seen[0, :3].tolist() == [2024, 5, 1]


@pytest.mark.parametrize("texts", [["big red car", "old dog runs home"] * 20, ["", None] * 20])
@pytest.mark.filterwarnings("ignore:invalid value encountered in divide:RuntimeWarning")  # nothing to explain
def test_text_becomes_a_fixed_number_of_columns(texts: list[str | None]):
    X = pd.DataFrame({"a": pd.Series(texts, dtype=object)})
    for name, model, width in (("words", "logistic", 30), ("characters", "knn", 30), ("hashed_words", "svm", 128)):
        config = Config.of(Step.of(name), Step.of(model))
        numbers = columns_step(config, X, Column("a", Kind.TEXT, False, 2))
        assert numbers.shape == (40, width) and np.isfinite(numbers).all()


@pytest.mark.parametrize("rows", [2, 12])
@pytest.mark.parametrize("part", [words(0, True, 100), characters(0, False, 100), hashed_words(16)])
def test_few_rows_of_text_are_enough(part: object, rows: int):
    texts = pd.Series(["red car", "blue old car", "dog"] * 4)[:rows]
    seen = part.fit_transform(texts)
    assert seen.shape[0] == rows
    assert part.transform(pd.Series(["", "unheard of"])).shape == (2, seen.shape[1])


def test_characters_see_through_inflections():
    texts = pd.Series(["runner wins", "winner runs", "house on sale"] * 10)
    for part, sees in ((words(0, False, 3), False), (characters(0, False, 3), True)):
        one, other, _ = part.fit_transform(texts)[:3]
        cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
        assert (cosine > 0.2) == sees


def test_robust_clip_is_the_smooth_clip_of_real_mlp():
    from sklearn.preprocessing import RobustScaler

    X = np.random.default_rng(0).standard_cauchy(size=(200, 2))
    scaled = RobustScaler().fit_transform(X)
    assert np.allclose(robust_clip().fit_transform(X), scaled / np.sqrt(1 + (scaled / 3) ** 2), atol=1e-12)


def test_many_categorical_columns_share_the_outputs():
    facts = Facts(Task.BINARY, 100, 1000, n_categorical=1000)
    assert one_hot(facts).max_categories == 4
    assert one_hot(Facts(Task.BINARY, 100, 3, n_categorical=3)).max_categories == 50


# ---- encoders that tell few levels from many


def many_and_few(n: int = 120) -> tuple[pd.DataFrame, Column, Column, Column]:
    X = pd.DataFrame({"few": ["x", "y", "z"] * (n // 3), "some": np.arange(n) % 12, "flag": np.arange(n) % 2})
    few, some = Column("few", Kind.CATEGORICAL, False, 3), Column("some", Kind.CATEGORICAL, True, 12)
    return X, few, some, Column("flag", Kind.CATEGORICAL, True, 2)


def shape_of(*steps: Step) -> int:
    return columns_step(Config.of(*steps), *many_and_few()).shape[1]


def test_mixed_has_a_column_for_each_of_few_levels_and_means_for_many():
    logistic = Step.of("logistic")
    assert shape_of(Step.of("mixed"), logistic) == 3 + 2 + 1
    assert shape_of(Step.of("mixed", most_levels=12), logistic) == 3 + 2 + 12
    assert shape_of(Step.of("one_hot"), logistic) == 3 + 2 + 12
    assert shape_of(Step.of("one_hot", max_categories=10), Step.of("quantile_normal"), logistic) == 3 + 2 + 10
    means = columns_step(Config.of(Step.of("mixed"), logistic), *many_and_few())[:, -1]
    assert abs(means.mean()) < 0.2 and 0.8 < means.std() < 1.2, "means are standardised for models of numbers"


def test_codes_stand_beside_means():
    X, *columns = many_and_few()
    seen = columns_step(Config.of(Step.of("ordinal_and_means"), Step.of("lightgbm")), X, *columns)
    assert np.array_equal(seen[:, :3], np.column_stack([np.arange(120) % 3, X["some"], X["flag"]]))
    assert seen.shape[1] == 3 + 2, "two levels have no means"
    seen = columns_step(Config.of(Step.of("ordinal_and_means", most_levels=8), Step.of("lightgbm")), X, *columns)
    assert np.array_equal(seen[:, :2], np.column_stack([np.arange(120) % 3, X["flag"]]))
    assert seen.shape[1] == 2 + 2, "many levels have means alone"


@pytest.mark.parametrize("values", [[f"v{i % 60}" for i in range(120)], np.arange(120) % 60])
@pytest.mark.parametrize("model", ["logistic", "extra_trees"])
def test_levels_of_one_hash_share_a_column(values: object, model: str):
    X = pd.DataFrame({"a": values, "b": ["x", "y"] * 60})
    column = Column("a", Kind.HIGH_CARDINALITY, not isinstance(values, list), 60)
    config = Config.of(Step.of("hashed", n_features=16), Step.of(model))
    part = unfitted(config, X, column, Column("b", Kind.CATEGORICAL, False, 2)).fit(X, np.arange(120) % 2)
    seen = part.transform(X)
    assert seen.shape == (120, 2 + 16)
    assert (np.abs(seen[:, 2:]).sum(axis=1) == 1).all()
    assert np.array_equal(seen[:60], seen[60:])
    surprises = X.head(3).assign(a=pd.Series([None, None, "new" if isinstance(values, list) else 999], dtype=object))
    assert np.isfinite(part.transform(surprises)).all()


# ---- scalers


def test_skewed_columns_take_their_quantiles_and_the_others_stay_as_they_are():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=200), "b": np.exp(2 * rng.normal(size=200)), "c": rng.random(200)})
    columns = [Column("a", Kind.NUMERIC, True, 200, skew=0.1), Column("b", Kind.NUMERIC, True, 200, skew=-3.0)]
    seen = columns_step(
        Config.of(Step.of("skew_normal"), Step.of("logistic")), X, *columns, Column("c", Kind.NUMERIC, True, 200)
    )
    for position, name in ((0, "a"), (1, "c")):
        assert np.allclose(seen[:, position], (X[name] - X[name].mean()) / X[name].std(ddof=0))
    assert abs(pd.Series(seen[:, 2]).skew()) < 0.3
    assert (np.argsort(seen[:, 2]) == np.argsort(X["b"])).mean() > 0.9
    plain = columns_step(Config.of(Step.of("standard"), Step.of("logistic")), X, *columns)
    assert abs(pd.Series(plain[:, 1]).skew()) > 3


def test_a_wide_frame_is_still_matched_by_name():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 2100)), columns=[f"c{i}" for i in range(2100)])
    columns = [Column(name, Kind.CONSTANT if name == "c7" else Kind.NUMERIC, True, 40) for name in frame.columns]
    step = unfitted(TREES, frame, *columns).fit(frame, np.arange(40) % 2)
    shuffled = frame.drop(columns="c7").iloc[:, rng.permutation(2099)]
    np.testing.assert_array_equal(step.transform(shuffled), step.transform(frame))
