from __future__ import annotations

import importlib.util
import json
import re
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from automl.data import Column, Container, Dataset, Kind, Schema, Task
from automl.pipeline import build
from automl.space import Space, build_space, default_catalog, facts_of
from meta.portfolio.published import (
    Record,
    Refusal,
    Translation,
    first_fitting,
    main,
    published,
    reference_spaces,
    to_config,
    translate,
)

CLASSES = {"binary": 2, "multiclass": 3, "regression": 0}
RECORDS = published()
SHORT = {"n_estimators": 8, "iterations": 8, "max_iter": 8}  # more would show nothing else


@pytest.fixture(scope="module")
def spaces() -> list[Space]:
    """As where all optional packages are installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: object())
        return list(reference_spaces())


@pytest.fixture(scope="module")
def mixed(spaces: list[Space]) -> Space:
    """Two classes, columns of numbers and of categories."""
    return spaces[0]


def record(family: str, estimator: str, *, task: str = "any", **params: object) -> Record:
    plain = {"encoder": "native", "imputer": "native", "scaler": "none"}
    return Record("made-up", {"repo": "none"}, task, family, estimator, params, plain)


def test_records_are_read_with_their_sources():
    assert len(RECORDS) == len({r.id for r in RECORDS}) == 500
    assert all({"repo", "commit", "file"} <= set(r.source) for r in RECORDS)
    assert len({r.source["repo"] for r in RECORDS}) == 8


def test_each_record_is_a_configuration_or_refused_with_a_reason(spaces: list[Space]):
    results = [first_fitting(r, spaces) for r in RECORDS]
    loaded = [result for result in results if not isinstance(result, Refusal)]
    assert len(loaded) >= 360
    for space, translation in loaded:
        space.check(translation.config)
        assert space.complete(translation.config) == translation.config
    assert all(result.reason for result in results if isinstance(result, Refusal))


@pytest.mark.parametrize("family, least", [("lightgbm", 80), ("catboost", 38), ("xgboost", 43), ("mlp", 35)])
def test_most_of_the_strong_families_load(family: str, least: int, spaces: list[Space]):
    results = [first_fitting(r, spaces) for r in RECORDS if r.family == family]
    assert sum(not isinstance(result, Refusal) for result in results) >= least


def table(task: str, *, categories: bool) -> Dataset:
    rng = np.random.default_rng(0)
    n = 90
    X = pd.DataFrame({name: rng.normal(size=n) for name in "abcdef"})
    columns = [Column(name, Kind.NUMERIC, True, n, 0.1 * (name == "a"), dtype="float64") for name in "abcdef"]
    signal = (X["a"] + X["b"] * X["c"] + 0.3 * rng.normal(size=n)).to_numpy()
    X.loc[::9, "a"] = np.nan
    if categories:
        for name in ("city", "kind"):
            X[name] = rng.choice(["x", "y", "z"], n).astype(object)
            columns.append(Column(name, Kind.CATEGORICAL, False, 3))
    classes = CLASSES[task]
    y = pd.qcut(signal, classes, labels=False).astype(np.int64) if classes else np.exp(signal)
    return Dataset(X, y, Task(task), Schema(tuple(columns), Container.FRAME), np.arange(classes) if classes else None)


@cache
def toys() -> list[tuple[Dataset, Space]]:
    tables = [table(task, categories=categories) for task in CLASSES for categories in (True, False)]
    return [(data, build_space(facts_of(data), default_catalog())) for data in tables]


@pytest.mark.parametrize("part", range(25))
def test_a_sample_builds_fits_and_predicts(part: int):
    # the first of its twenty that loads, on one table after the other
    sample = RECORDS[part * 20 : part * 20 + 20][::-1]
    for chosen in sample:
        for data, space in toys()[part % 6 :] + toys()[: part % 6]:
            config = to_config(chosen, space)
            if isinstance(config, Refusal):
                continue
            pipeline = build(config, data.schema, space.facts, catalog=space.catalog, seed=0)
            known = pipeline.get_params()
            short = {name: SHORT[name.rpartition("__")[2]] for name in known if name.rpartition("__")[2] in SHORT}
            numbers = {name: value for name, value in short.items() if isinstance(known[name], int)}
            with warnings.catch_warnings(), threadpool_limits(1):
                warnings.simplefilter("ignore")  # as in a run: too few rounds to converge
                pipeline.set_params(**numbers).fit(data.X, data.y)
            predicted = pipeline.predict_proba(data.X) if data.task.classifies else pipeline.predict(data.X)
            assert len(predicted) == data.n_rows and np.isfinite(predicted).all()
            return
    missing = {"xgboost", "catboost"} - {model.name for model in toys()[0][1].models}
    if missing >= {chosen.family for chosen in sample}:
        pytest.skip(f"not installed: {', '.join(missing)}")
    pytest.fail("none of the sample loads")


def test_hyperparameters_arrive_as_published(mixed: Space):
    chosen = next(r for r in RECORDS if r.family == "lightgbm" and {"cat_l2", "reg_alpha"} <= set(r.params))
    values = to_config(chosen, mixed).steps[-1].values
    shared = set(values) & set(chosen.params)
    assert len(shared) >= 8
    assert {name: values[name] for name in shared} == {name: chosen.params[name] for name in shared}


def test_what_a_record_leaves_open_is_what_its_library_takes(mixed: Space):
    values = to_config(record("xgboost", "xgboost.XGBClassifier"), mixed).steps[-1].values
    assert (values["learning_rate"], values["max_depth"], values["subsample"]) == (0.3, 6, 1.0)
    values = to_config(record("extra_trees", "sklearn.ensemble.ExtraTreesClassifier"), mixed).steps[-1].values
    assert not values["bootstrap"] and int(values["max_features"] * mixed.facts.code_width) == 3  # the root of 12


def test_rounds_are_left_out_and_a_penalty_of_zero_is_the_lowest(mixed: Space):
    values = to_config(record("lightgbm", "lightgbm.LGBMClassifier", n_estimators=7, reg_alpha=0.0), mixed)
    values = values.steps[-1].values
    assert "n_estimators" not in values and values["reg_alpha"] == 1e-3


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"learning_rate": 1e-4}, r"learning_rate lies in .* got 0.0001"),
        ({"boosting_type": "dart"}, "no boosting_type, here 'dart'"),
        ({"max_depth": 5}, "no max_depth, here 5"),
    ],
)
def test_what_has_no_counterpart_is_refused_not_changed(params: dict[str, object], reason: str, mixed: Space):
    refusal = to_config(record("lightgbm", "lightgbm.LGBMClassifier", **params), mixed)
    assert isinstance(refusal, Refusal) and re.search(reason, refusal.reason)


def test_a_record_for_another_task_is_refused(mixed: Space):
    refusal = to_config(record("linear", "sklearn.linear_model.Ridge", task="regression"), mixed)
    assert refusal == Refusal("published for regression, not for binary")


def test_what_is_prepared_otherwise_is_said(mixed: Space):
    chosen = next(r for r in RECORDS if r.family == "knn" and r.preprocessing["scaler"] == "standard")
    result = translate(chosen, mixed)
    assert isinstance(result, Translation) and result.differences
    trees = translate(record("catboost", "catboost.CatBoostClassifier", learning_rate=0.05), mixed)
    assert isinstance(trees, Translation) and trees.differences == ()


def test_the_command_counts(capsys: pytest.CaptureFixture[str], tmp_path):
    lines = [json.dumps({**r.__dict__}) for r in RECORDS if r.family in ("qda", "knn")]
    (tmp_path / "few.jsonl").write_text("\n".join(lines))
    assert main([str(tmp_path / "few.jsonl")]) == 0
    said = capsys.readouterr().out
    assert "automl/auto-sklearn" in said and "refused: " in said and "covariances" in said
    assert main([str(tmp_path / "few.jsonl"), "--refused"]) == 0
    assert "askl1-cls-qda-1: " in capsys.readouterr().out
