"""Columns made of several, through whole pipelines and, where values matter, part by part."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from automl.core import Config, Step
from automl.data import Dataset, Task, make_dataset
from automl.pipeline import build
from automl.pipeline.crosses import arithmetic, category_crosses, group_statistics
from automl.space import Facts, build_space, default_catalog, facts_of
from tests.builders import array_dataset, mixed_frame, mixed_target

CATALOG = default_catalog()
CROSSES = [
    Step.of("arithmetic", columns=4),
    Step.of("category_crosses"),
    Step.of("category_crosses", order=3),
    Step.of("group_statistics"),
    Step.of("all_crosses", groups=True),
]
EACH_CROSS = pytest.mark.parametrize("cross", CROSSES, ids=lambda step: f"{step.component}{len(step.params)}")


def table(classes: int, n: int = 300) -> Dataset:
    frame = mixed_frame(n)
    frame["x3"], frame["code"] = np.random.default_rng(1).normal(size=n), np.arange(n) * 7 % 12
    frame["left"] = frame["day"] + pd.to_timedelta(np.arange(n) % 50, unit="D")
    return make_dataset(
        frame, mixed_target(frame, classes), classifies=classes > 0, column_kinds={"code": "categorical"}
    )


def pipeline(data: Dataset, *steps: Step, **model: object) -> object:
    """The completed configuration of these steps, unfitted; boosting of 40 rounds."""
    facts = facts_of(data)
    space = build_space(facts, CATALOG)
    config = space.complete(Config.of(*steps))
    space.check(config)
    built = build(config, data.schema, facts, catalog=CATALOG, seed=0)
    if CATALOG.get(steps[-1].component).rounds:
        built.set_params(model__n_estimators=40)
    return built.set_params(**{f"model__{name}": value for name, value in model.items()})


def output(fitted: object, X: object) -> np.ndarray:
    return fitted.predict_proba(X) if hasattr(fitted, "predict_proba") else fitted.predict(X)


@EACH_CROSS
@pytest.mark.parametrize(("classes", "dense"), [(0, False), (2, False), (3, False), (0, True), (3, True)])
def test_crosses_are_public_parts_that_take_surprises_and_can_be_fitted_again(cross: Step, classes: int, dense: bool):
    data = table(classes)
    steps = (Step.of("standard"), Step.of("logistic" if classes else "ridge")) if dense else (Step.of("lightgbm"),)
    fitted = pipeline(data, cross, *steps).fit(data.X, data.y)
    odd = data.X.head(6).copy()
    odd["size"], odd["city"], odd["left"] = np.nan, ["paris", None] * 3, pd.NaT
    odd["shop"], odd["code"], odd["x3"] = None, [99, 1, 2, 3, 4, 5], [1e300, -np.inf, 0, 0, 0, 0]
    expected = output(fitted, odd)
    assert np.isfinite(expected).all()
    content = pickle.dumps(fitted)
    assert b"automl" not in content
    assert np.array_equal(output(pickle.loads(content), odd), expected)
    assert np.array_equal(output(clone(fitted).fit(data.X, data.y), odd), expected)


@EACH_CROSS
@pytest.mark.parametrize("classes", [0, 3])
def test_labels_outside_the_training_part_change_nothing(cross: Step, classes: int):
    data = table(classes)
    poisoned = data.y.copy()
    poisoned[200:] = (poisoned[200:] + 1) % classes if classes else -50 * poisoned[200:]
    one, other = (
        pickle.dumps(pipeline(d, cross, Step.of("lightgbm")).fit(d.X[:200], d.y[:200]))
        for d in (data, replace(data, y=poisoned))
    )
    assert one == other


@EACH_CROSS
@pytest.mark.parametrize("encoder", ["ordinal", "ordinal_and_means"])
def test_native_codes_stay_where_the_model_expects_them(cross: Step, encoder: str):
    data = table(2)
    plain, crossed = (pipeline(data, Step.of(encoder), *steps, Step.of("lightgbm")) for steps in ((), (cross,)))
    assert crossed["model"].get_params()["categorical_column"] == [0, 1]
    before, after = (p[:-1].fit_transform(data.X, data.y) for p in (plain, crossed))
    assert after.shape[1] > before.shape[1]
    assert np.array_equal(after[:, : before.shape[1]], before, equal_nan=True)


def test_tables_without_names_are_crossed_by_position():
    data = array_dataset(300, 4)
    crossed = pipeline(data, Step.of("arithmetic", columns=4, kept=20), Step.of("lightgbm"))
    assert crossed[:-1].fit_transform(data.X, data.y).shape == (300, 4 + 20)


def score(data: Dataset, *steps: Step, **model: object) -> float:
    """Accuracy, or the share of the variance explained, on the second half."""
    half = data.n_rows // 2
    fitted = pipeline(data, *steps, **model).fit(data.X[:half], data.y[:half])
    return fitted.score(data.X[half:], data.y[half:])


@pytest.mark.parametrize(("kind", "gain"), [("product", 0.15), ("ratio", 0.05)])
def test_arithmetic_helps_small_trees(kind: str, gain: float):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 12)) if kind == "product" else np.exp(rng.normal(size=(1000, 12)))
    y = X[:, 3] * X[:, 7] if kind == "product" else X[:, 3] / (X[:, 3] + X[:, 7])
    data = make_dataset(X, y + 0.1 * rng.normal(size=1000), classifies=False)
    small = Step.of("lightgbm_additive", num_leaves=3)
    assert score(data, Step.of("arithmetic"), small) > score(data, small) + gain


@pytest.mark.parametrize("columns", [2, 12])
@pytest.mark.parametrize("model", ["logistic", "lightgbm_additive"])
def test_category_crosses_solve_a_pure_interaction(columns: int, model: str):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({f"c{i}": rng.choice(["a", "b"], 1200) for i in range(columns)})
    data = make_dataset(X, (X["c0"] == X["c1"]) ^ (rng.random(1200) < 0.05), classifies=True)
    simple = {"num_leaves": 2} if model == "lightgbm_additive" else {}
    assert score(data, Step.of(model, **simple)) < 0.65
    assert score(data, Step.of("category_crosses", columns=6), Step.of(model, **simple)) > 0.9


def test_cross_fitted_means_do_not_tell_the_labels_of_training():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({f"c{i}": rng.integers(0, 30, 800).astype(str) for i in range(4)})
    data = make_dataset(X, rng.integers(0, 2, 800), classifies=True, column_kinds=dict.fromkeys(X, "categorical"))
    crossed = pipeline(data, Step.of("target"), Step.of("category_crosses"), Step.of("standard"), Step.of("logistic"))
    prepared = crossed[:-1].fit_transform(data.X, data.y)
    assert np.mean(crossed[-1].fit(prepared, data.y).predict(prepared) == data.y) < 0.6


def test_differences_of_dates_are_numbers_too():
    rng = np.random.default_rng(0)
    begun = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 3000, 600), unit="D")
    lasted = rng.integers(0, 30, 600)
    X = pd.DataFrame({"begun": begun, "ended": begun + pd.to_timedelta(lasted, unit="D"), "x": rng.normal(size=600)})
    data = make_dataset(X, lasted > 12, classifies=True)
    assert score(data, Step.of("lightgbm")) < 0.9
    assert score(data, Step.of("arithmetic"), Step.of("lightgbm")) > 0.97


def test_group_statistics_help_where_only_the_distance_to_the_group_counts():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 20, 2000)
    x = rng.normal(0, 50, 20)[group] + rng.normal(size=2000)
    X = pd.DataFrame({"x": x, "noise": rng.normal(size=2000), "group": group.astype(str)})
    y = x - pd.Series(x).groupby(group).transform("mean") + 0.3 * rng.normal(size=2000)
    data = make_dataset(X, y, classifies=False, column_kinds={"group": "categorical"})
    model = Step.of("lightgbm", num_leaves=8)
    assert score(data, Step.of("group_statistics"), model) > score(data, model) + 0.2


# ---- values

FACTS = Facts(Task.REGRESSION, 300, 3, n_numeric=3)


def test_a_missing_number_is_missing_in_its_own_pairs_only():
    X = np.random.default_rng(0).normal(size=(300, 3))
    X[0, 0], X[1] = np.nan, 0.0
    made = arithmetic(FACTS, 0, 3, columns=3, kept=12).fit_transform(X, X[:, 1])
    a, b, c = X.T
    expected = [a + b, a + c, b + c, a - b, a - c, b - c, a * b, a * c, b * c]
    assert np.allclose(made[:, :9], np.column_stack(expected), equal_nan=True)
    assert np.isnan(made[0]).tolist() == [True, True, False] * 4
    assert np.allclose(made[:, 11], np.arctan2(b, c))


def test_joint_levels_have_means_of_their_own():
    codes = np.array([[i, j] for i in (-2, -1, 0, 1) for j in (-2, 0, 1, 2)] * 25, dtype=float)
    y = np.arange(16.0)[np.arange(400) % 16]
    means = category_crosses(replace(FACTS, n_rows=400), 0, 2, smooth=0.5).fit(codes, y)
    assert np.allclose(means.transform(codes)[:, 0], y, rtol=0.05, atol=0.3)
    assert np.allclose(means.transform([[7.0, 7.0]]), y.mean())


def test_deviations_are_those_from_the_group_means():
    rng = np.random.default_rng(0)
    codes = rng.integers(-2, 5, 300).astype(float)
    codes[codes == -1] = 5
    x = 1000.0 + 3 * codes + rng.normal(size=300)
    x[7] = np.nan
    part = group_statistics(FACTS, 0, 1, 2, columns=2, categories=1)
    made = part.fit_transform(np.column_stack([codes, x, -x]), rng.normal(size=300))
    expected = (x - pd.Series(x).groupby(codes).transform("mean")).fillna(0).to_numpy()
    assert np.allclose(made, np.column_stack([expected, -expected]), atol=1e-9)
    unseen = part.transform(np.array([[-1.0, 3.0, 4.0], [0.0, np.nan, np.nan]]))
    assert np.allclose(unseen, 0, atol=1e-9)


def test_rare_levels_are_one_group():
    codes = np.concatenate([np.repeat(np.arange(31.0), 9), np.arange(31.0, 52.0)])
    x = np.where(codes < 31, codes, 100 + codes)
    made = group_statistics(FACTS, 0, 1, 1, columns=1, categories=1).fit_transform(np.column_stack([codes, x]), x)
    assert np.allclose(made[:279], 0, atol=1e-9)
    assert np.allclose(made[279:, 0], np.arange(-10.0, 11.0), atol=1e-9)
