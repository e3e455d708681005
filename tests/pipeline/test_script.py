"""The script says in source what the pipelines are, to the last parameter, and runs without automl."""

import operator
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from automl.core import Config, SpaceError, Step
from automl.data import Column, Container, Kind, Schema
from automl.pipeline import build
from automl.pipeline.layout import flat, rendered
from automl.pipeline.script import Part, write_script
from automl.pipeline.source import Writer
from automl.space import Component, facts_of
from tests.pipeline.test_catalog_contract import CASES, CATALOG, kinds, mixed, places, table
from tests.pipeline.test_export import REFUSE

ARRAY = Schema(tuple(Column(i, Kind.NUMERIC, True, 90, dtype="float64") for i in range(3)), Container.ARRAY)


def script(*parts: Part, schema: Schema = ARRAY, classes: Any = None, encodes: bool = False) -> str:
    return write_script(parts, about="A model.", schema=schema, classes=classes, encodes=encodes)


def module(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "pipeline"}
    exec(compile(source, "pipeline.py", "exec"), names)
    return names


def by_name(item: tuple[Any, Any]) -> str:
    return repr(item[0])


def assert_same(one: Any, two: Any) -> None:
    """Compare parameters all the way down."""
    assert type(one) is type(two)
    if isinstance(one, dict):
        assert_same(sorted(one.items(), key=by_name), sorted(two.items(), key=by_name))
    elif isinstance(one, list | tuple):
        assert len(one) == len(two)
        for a, b in zip(one, two, strict=True):
            assert_same(a, b)
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, two, strict=True)
    elif isinstance(one, partial):
        assert_same([one.func, one.args, one.keywords], [two.func, two.args, two.keywords])
    elif hasattr(one, "get_params") and not isinstance(one, type):
        assert_same(one.get_params(deep=False), two.get_params(deep=False))
    elif hasattr(one, "get_n_splits"):
        assert_same(vars(one), vars(two))
    else:
        assert (repr(one), getattr(one, "unit", None)) == (repr(two), getattr(two, "unit", None))


def pipelines(component: Component, task: str):
    for data, space in kinds(component, task):
        for steps in places(component, space):
            config = Config.of(*steps, Step.of(component.name))
            yield data, build(config, data.schema, facts_of(data), catalog=CATALOG, seed=3)


@pytest.mark.parametrize(("component", "task"), CASES, ids=lambda x: getattr(x, "name", x))
def test_every_component_can_be_written(component: Component, task: str):
    cases = list(pipelines(component, task))
    if not cases and component.needs:
        pytest.skip(f"needs {component.needs}")
    data, pipeline = cases[-1]
    source = script(Part(pipeline), schema=data.schema, classes=data.classes)
    assert_same(module(source)["build"](), pipeline)


VALUES = [
    *(None, True, -3, 0.1, 1e30, -1e-7, float("nan"), float("inf"), -float("inf"), 2j, b"ab", ...),
    *("", "it's", 'say "no"', "both ' and \"", "line\nbreak\\", "wer weiß", "{x}"),
    *([], (), {}, [1], (1,), {"a": (1, [2.5, None])}, {0: "x", 1: "x", 2: "x"}, {1: "x", 2: "x"}, {0: "x", 1: "y"}),
    *(set(), {1, 2}, frozenset(), frozenset({"a"}), slice(None), slice(3), slice(1, 4), slice(1, None, 2), range(3)),
    *([*range(40)], [*range(5, 40)], sorted([*range(3)] * 9), [*range(2, 9)] * 4, [1] * 30, [3, 1, 2] * 9, [0.5] * 50),
    *(np.float64(0.1), np.float32("nan"), np.int64(4), np.bool_(True), np.dtype("float32"), np.float32, int, dict),
    *(np.arange(4), np.arange(3, dtype="int8"), np.eye(3, 5), np.full((4, 3), np.nan), np.array([["a", None]], object)),
    *(np.where(np.eye(33, 32, dtype=bool), 0.0, np.nan), np.arange(60.0).reshape(2, 30), np.zeros((0,))),
    *(np.log1p, np.add.reduce, np.clip, np.nan_to_num, np.linalg.norm, pd.to_datetime, pd.Series.to_frame, len),
    *(pd.DataFrame.astype, pd.StringDtype(na_value=np.nan), pd.StringDtype(), pd.CategoricalDtype([0, 1, 2])),
    *(pd.CategoricalDtype(["b", "a"], ordered=True), pd.CategoricalDtype(), pd.Timedelta(days=2), pd.Timedelta("5s")),
    *(pd.Timestamp(0, tz="UTC"), pd.Timestamp(1_700_000_000_000_000_000), pd.Timestamp(9, unit="s").as_unit("s")),
    *(pd.Timestamp("9999-12-31", tz="UTC").as_unit("us"), KFold(3, shuffle=True, random_state=0)),
    *(partial(np.multiply, 1 / 3), partial(np.take, np.eye(2), axis=0), operator.attrgetter("dt.month", "dt.day")),
    *(operator.itemgetter((slice(None), [0, 1])), operator.methodcaller("sub", 1), StandardScaler(with_std=False)),
    operator.methodcaller("to_dict", orient="records"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value).split(" at 0x")[0][:40])
def test_values_come_back_as_they_were(value: Any):
    if value is ...:
        with pytest.raises(SpaceError, match="ellipsis has no source"):
            Writer().write(value)
        return
    for narrow in (False, True):
        writer = Writer()
        expression = writer.write(value)
        names: dict[str, Any] = {}
        text = rendered(expression, before=110 if narrow else 0)
        exec(f"{writer.imports()}\nfound = {text}", names)
        assert_same(names["found"], value)
        assert narrow or text == flat(expression) or len(flat(expression)) > 120


def member_of(task: str, *steps: Step, model: str) -> tuple[Any, Any]:
    data, space = table("mixed", task, False)
    config = Config.of(*steps, Step.of(model)) if steps else space.default(model)
    return data, build(config, data.schema, facts_of(data), catalog=CATALOG, seed=0)


def test_a_script_looks_as_a_formatter_would_leave_it(tmp_path: Path):
    pytest.importorskip("ruff")
    for name, steps in {"hist_gradient_boosting": (), "logistic": (Step.of("group_statistics"),), "mlp": ()}.items():
        data, pipeline = member_of("binary", *steps, model=name)
        part = Part(pipeline, weight=0.25, title=f'Trial 3: "{name}".')
        source = script(part, part, schema=data.schema, classes=data.classes)
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    for command in (["format", "--check"], ["check", "--select", "E,F,I,W,UP,B,C4"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "--line-length", "120", str(tmp_path)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_columns_are_named_once_and_every_member_says_its_title():
    data, pipeline = member_of("binary", model="extra_trees")
    source = script(
        Part(pipeline, title="One."), Part(pipeline, title="Two."), schema=data.schema, classes=data.classes
    )
    assert source.count('["size", "price", "age", "late"]') == 1
    assert '"""One."""' in source and '"""Two."""' in source and "differs from a bag of fold models" in source


def test_rounds_are_literal_wherever_the_model_keeps_them():
    data, pipeline = member_of("regression", Step.of("log_target"), model="lightgbm")
    part = Part(pipeline, settings={"n_estimators": 100}, shown=frozenset({"num_leaves"}))
    source = script(part, schema=data.schema)
    assert "n_estimators=100" in source  # which is LightGBM's own default
    built = module(source)["build"]()["model"]
    assert type(built).__name__ == "TransformedTargetRegressor" and built.regressor.n_estimators == 100
    assert pipeline["model"].regressor.n_estimators != 100, "the model itself must not change"

    data, pipeline = member_of("binary", model="hist_gradient_boosting")
    source = script(
        Part(pipeline, settings={"max_iter": 100, "early_stopping": False}), schema=data.schema, classes=data.classes
    )
    assert "max_iter=100" in source and "early_stopping=False" in source


def test_a_perceptron_says_that_it_was_trained_otherwise():
    data, pipeline = member_of("binary", model="mlp")
    settings = {"max_iter": 37, "early_stopping": False}
    source = script(Part(pipeline, settings=settings), schema=data.schema, classes=data.classes)
    assert "falling learning rate" in source
    assert [network.max_iter for _, network in module(source)["build"]()["model"].estimators] == [37, 37]
    data, pipeline = member_of("binary", model="logistic")
    assert "learning rate" not in script(Part(pipeline), schema=data.schema, classes=data.classes)


def test_weights_reach_every_model_and_rows_without_weight_none():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3))
    y = np.array(["no", "yes"])[(X[:, 0] + 0.5 * rng.normal(size=90) > 0).astype(int)]
    weights = rng.random(90) * (np.arange(90) % 5 > 0)
    plain = make_pipeline(StandardScaler(), LogisticRegression())
    forest = make_pipeline(StandardScaler(), ExtraTreesClassifier(5, random_state=0))
    plain.steps[-1] = ("model", plain[-1])
    forest.steps[-1] = ("model", forest[-1])
    classes = np.array(["no", "yes"], dtype=object)
    names = module(script(Part(plain, 3.0), Part(forest, 1.0), classes=classes))
    model = names["fit"](X, y, weights)
    kept = weights > 0
    shares = weights[kept]
    expected = [m.fit(X[kept], y[kept], model__sample_weight=shares).predict_proba(X) for m in (plain, forest)]
    assert np.allclose(model.predict_proba(X), 0.75 * expected[0] + 0.25 * expected[1], atol=1e-12, rtol=0)
    assert model.predict(X[:1])[0] in classes
    alone = module(script(Part(plain), classes=classes))["fit"](X, y, weights)
    assert np.array_equal(alone.predict_proba(X), expected[0])


def test_it_runs_on_a_file_where_automl_cannot_be_imported(tmp_path: Path):
    data = replace(mixed("binary"), classes=np.array(["01", "02"], dtype=object))
    space = table("mixed", "binary", False)[1]
    parts = [
        Part(build(space.default(name), data.schema, facts_of(data), catalog=CATALOG, seed=0), settings=settings)
        for name, settings in (("lightgbm", {"n_estimators": 12}), ("logistic", {}))
    ]
    source = script(*parts, schema=data.schema, classes=data.classes)
    assert "import automl" not in source and "from automl" not in source
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "pipeline.py").write_text(source, encoding="utf-8")
    data.X.assign(label=data.classes[data.y]).to_csv(folder / "table.csv", index=False)
    command = [sys.executable, "-I", "-W", "error", "-c", REFUSE, "pipeline.py", "table.csv", "label", "model.joblib"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    model = joblib.load(folder / "model.joblib")
    assert model.classes_.tolist() == ["01", "02"]
    with threadpool_limits(1):
        here = module(source)["fit"](pd.read_csv(folder / "table.csv"), data.classes[data.y])
        assert np.allclose(here.predict_proba(data.X), model.predict_proba(data.X), atol=1e-9, rtol=0)


class Rounding(BaseEstimator):
    """Does not keep the parameter that it is given."""

    def __init__(self, size: int = 1) -> None:
        self.size = size + 1 if size == 7 else size

    def fit(self, X: Any, y: Any) -> "Rounding":
        return self


def test_what_has_no_public_name_is_refused_by_member():
    fine = Part(make_pipeline(StandardScaler(), LogisticRegression()), title="Trial 1")
    local = make_pipeline(FunctionTransformer(lambda X: X), LogisticRegression())
    with pytest.raises(SpaceError, match=r"member 2 \(Trial 2\) cannot be written as Python: .*<lambda>.*by name"):
        script(fine, Part(local, title="Trial 2"))
    ours = make_pipeline(FunctionTransformer(facts_of), LogisticRegression())
    with pytest.raises(SpaceError, match="member 1 cannot be written as Python: automl.space.facts.facts_of"):
        script(Part(ours))
    odd = Rounding()
    odd.size = 7
    with pytest.raises(SpaceError, match="member 1"):
        script(Part(make_pipeline(odd)))


def test_a_class_of_an_importable_module_is_imported():
    source = script(Part(make_pipeline(StandardScaler(), Rounding(3))))
    assert "import Rounding\n" in source
    assert type(module(source)["build"]()[-1]) is Rounding
