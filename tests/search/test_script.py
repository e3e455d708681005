"""The script of a fit: on the same rows it gives the model of a fit that refitted."""

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from automl import AutoClassifier, AutoRegressor
from automl.core import Config, SpaceError, Step, StoreError
from automl.data import Dataset
from automl.evaluate import Rule, refit_params
from automl.evaluate.fitting import fit_pipeline
from automl.pipeline import build
from automl.pipeline.assemble import assemble
from automl.pipeline.script import Part, write_script
from automl.space import Component, Role, Space, default_catalog, facts_of
from tests.builders import mixed_frame, mixed_target
from tests.pipeline.test_catalog_contract import table

CATALOG = default_catalog()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def refitted(data: Dataset, space: Space, model: str, *more: str) -> tuple[Any, dict[str, Any]]:
    """Fit a configuration on all rows, as a refit does, with steps more than its model needs."""
    roles = {CATALOG.get(name).role for name in more}
    steps = [s for s in space.default(model).steps if CATALOG.get(s.component).role not in roles]
    config = Config.of(*steps[:-1], *map(Step.of, more), steps[-1])
    space.check(config)
    component = CATALOG.get(model)

    def make(rounds: int | None) -> Any:
        made = build(config, data.schema, facts_of(data), catalog=CATALOG, seed=5)
        last = made["model"]
        return made if rounds is None else made.set_params(model=told(last, refit_params(component, rounds)))

    fitted = fit_pipeline(make, component, data, rule=Rule.RANDOM, seed=0, rounds=15 if component.rounds else None)
    return fitted.pipeline, refit_params(component, fitted.rounds)


def told(model: Any, settings: dict[str, Any]) -> Any:
    getattr(model, "regressor", model).set_params(**settings)
    return model


FAMILIES = {
    "binary": [
        ("lightgbm", "target", "arithmetic"),
        ("hist_gradient_boosting", "ordinal"),
        ("extra_trees", "category_crosses"),
        ("logistic", "one_hot", "group_statistics"),
        ("svm", "target"),
        ("knn",),
    ],
    "regression": [
        ("lightgbm", "target", "log_target"),
        ("hist_gradient_boosting", "ordinal"),
        ("extra_trees", "category_crosses"),
        ("ridge", "one_hot", "group_statistics"),
        ("svm", "quantile_target"),
        ("knn",),
    ],
}


@pytest.mark.parametrize("task", FAMILIES)
def test_all_families_are_fitted_as_by_a_refit(task: str, tmp_path: Path):
    data, space = table("mixed", task, False)
    fitted = [refitted(data, space, *names) for names in FAMILIES[task]]
    weights = [0.1 + 0.05 * number for number in range(len(fitted))]
    members = [(weight, [pipeline]) for weight, (pipeline, _) in zip(weights, fitted, strict=True)]
    model = assemble(members, classes=data.classes, task=data.task)
    parts = [Part(p, w, settings=settings) for w, (p, settings) in zip(weights, fitted, strict=True)]
    source = write_script(parts, about="All.", schema=data.schema, classes=data.classes, encodes=True)
    path = tmp_path / "pipeline.py"
    path.write_text(source, encoding="utf-8")
    again = runpy.run_path(str(path))["fit"](data.X, data.y)
    method = "predict_proba" if data.task.classifies else "predict"
    assert np.allclose(getattr(again, method)(data.X), getattr(model, method)(data.X), rtol=1e-9, atol=1e-9)


def fit(classes: int, **settings: Any) -> tuple[pd.DataFrame, Any, Any]:
    X = mixed_frame(140)
    y = mixed_target(X, classes)
    kind = AutoClassifier if classes else AutoRegressor
    common = {"max_trials": 4, "cv": 2, "executor": "serial", "random_state": 0, "verbose": 0}
    return X, y, kind(None, **{**common, **settings}).fit(X, y)


@pytest.mark.parametrize(
    ("classes", "include"), [(2, ["lightgbm", "logistic"]), (3, ["extra_trees"]), (0, ["hist_gradient_boosting"])]
)
def test_with_refit_the_script_gives_the_same_model(classes: int, include: list[str], tmp_path: Path):
    X, y, model = fit(classes, include=include, refit=True)
    path = model.export_script(tmp_path / "deep" / "pipeline.py")
    assert path.parent.is_dir() and [file.name for file in path.parent.iterdir()] == ["pipeline.py"]
    made = runpy.run_path(str(path))
    again = made.get("decided", lambda model: model)(made["fit"](X, y))
    if not classes:
        assert np.allclose(again.predict(X), model.predict(X), rtol=1e-9, atol=1e-9)
    else:
        assert np.allclose(again.predict_proba(X), model.predict_proba(X), rtol=0, atol=1e-9)
        assert again.predict(X).tolist() == model.predict(X).tolist()
        assert again.classes_.tolist() == model.classes_.tolist()


def test_of_fold_models_the_script_has_one_with_the_rounds_of_a_refit(tmp_path: Path):
    bag = fit(2, include=["lightgbm"], refit=False, max_trials=2)[2]
    whole = fit(2, include=["lightgbm"], refit=True, max_trials=2)[2]
    sources = [m.export_script(tmp_path / f"{name}.py") for name, m in (("bag", bag), ("whole", whole))]
    names = [runpy.run_path(str(path)) for path in sources]
    rounds = [member.settings["n_estimators"] for member in bag.outcome_.members]
    assert rounds and rounds == [member.settings["n_estimators"] for member in whole.outcome_.members]
    for number, count in enumerate(rounds, 1):
        for made in names:
            assert made[f"member_{number}"]()["model"].n_estimators == count
    text = sources[0].read_text(encoding="utf-8")
    assert "A classifier (binary)" in text and "optimising roc_auc: 0." in text and "Trial " in text


def test_a_bag_of_perceptrons_becomes_one_of_scikit_learns_own_training(tmp_path: Path):
    model = fit(2, include=["mlp"], max_trials=2)[2]
    path = model.export_script(tmp_path / "pipeline.py")
    assert "falling learning rate" in path.read_text(encoding="utf-8")
    built = runpy.run_path(str(path))["member_1"]()
    epochs = model.outcome_.members[0].settings["max_iter"]
    assert {v for name, v in built.get_params().items() if name.endswith("__max_iter")} == {epochs}


def test_a_member_that_cannot_be_written_is_named(tmp_path: Path):
    own = Component("own", Role.MODEL, f"{__name__}:with_a_nameless_part")
    model = fit(2, include=[own], max_trials=2, refit=True)[2]
    target = tmp_path / "pipeline.py"
    with pytest.raises(
        SpaceError, match=r"member 1 \(Trial 1: .*own\.\) cannot be written as Python: .*Twice has no source"
    ):
        model.export_script(target)
    assert not target.exists()


class Twice:
    """Can be pickled, but has neither a name of its own nor parameters."""

    def __call__(self, X: Any) -> Any:
        return 2 * X


def with_a_nameless_part() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(Twice()), LogisticRegression())


def test_a_place_that_cannot_be_written_to_is_a_store_error(tmp_path: Path):
    model = fit(2, include=["naive_bayes"], max_trials=1)[2]
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot write"):
        model.export_script(tmp_path / "file" / "pipeline.py")
    with pytest.raises(StoreError, match="cannot write"):
        model.export_script(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
