"""The menu of a fit: smaller and faster models out of the same members, and bags fitted again as one model."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import automl
from automl import AutoClassifier, AutoRegressor
from automl.cli.app import app
from automl.core import SettingError
from automl.pipeline.assemble import leaves, undecided

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"a": RNG.normal(size=240), "b": RNG.normal(size=240), "kind": RNG.choice(["x", "y", "z"], 240)})
FRAME["same"] = "one"
VALUE = pd.Series(2 * FRAME["a"] + np.abs(FRAME["b"]) + 1.5 * (FRAME["kind"] == "x") + RNG.normal(size=240))
LABEL = pd.Series(np.where(VALUE > 2, "high", np.where(VALUE < 0, "low", "middle")))


def fitted(kind: Any, y: pd.Series, **settings: Any) -> Any:
    settings = {"cv": 3, "max_trials": 6, "include": ["linear", "tree"], **settings}
    return kind(None, executor="serial", random_state=0, verbose=0, **settings).fit(FRAME, y)


@pytest.fixture(scope="module")
def regressor() -> AutoRegressor:
    return fitted(AutoRegressor, VALUE)


@pytest.fixture(scope="module")
def classifier() -> AutoClassifier:
    return fitted(AutoClassifier, LABEL)


def test_the_first_point_is_the_delivered_model(regressor: AutoRegressor):
    first = regressor.menu().iloc[0]
    assert len(regressor.outcome_.members) > 1
    assert first["members"] == len(regressor.outcome_.members) and first["models"] == 3 * first["members"]
    assert first["loss_increase"] == 0 and first["score"] == pytest.approx(regressor.search_score_.value, rel=0.05)
    assert first["columns"] == 3  # the constant one is never looked at


def test_points_get_smaller_and_single_models_are_cheaper_than_bags(regressor: AutoRegressor):
    table = regressor.menu().set_index("point")
    count = len(regressor.outcome_.members)
    for k in range(1, count + 1):
        bags, models = (table.loc[f"{k} {kind}{'' if k == 1 else 's'}"] for kind in ("bag", "model"))
        assert bags["models"] == 3 * k and models["models"] == k
        assert bags["size_mb"] > models["size_mb"] and bags["score"] == models["score"]
    sizes = [table.loc[f"{k} models", "size_mb"] for k in range(2, count + 1)]
    assert sizes == sorted(sizes)
    assert table["score_label"].eq("search score (optimistic)").all()


def test_scores_are_those_of_the_members_held_out(regressor: AutoRegressor):
    chosen = regressor.select("1 model")
    place = [m.trial for m in regressor.outcome_.members].index(chosen.outcome_.members[0].trial)
    kept = regressor.outcome_.out_of_fold
    by_hand = np.sqrt(np.mean((kept.parts[place] - kept.y) ** 2))
    assert chosen.estimate_.value == pytest.approx(by_hand)
    mixed = np.tensordot([m.weight for m in regressor.outcome_.members], kept.parts, axes=1)
    np.testing.assert_allclose(mixed, kept.prediction, rtol=1e-12)


def test_a_selected_point_is_a_plain_model_like_any_other(classifier: AutoClassifier, tmp_path: Path):
    chosen = classifier.select("1 model")
    assert b"automl" not in pickle.dumps(chosen.pipeline_)
    assert len(leaves(undecided(chosen.pipeline_))) == 1 and len(leaves(undecided(classifier.pipeline_))) > 1
    expected = chosen.predict_proba(FRAME)
    again = automl.load(chosen.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.predict_proba(FRAME), expected)
    chosen.export(tmp_path / "export")
    assert chosen.predict_set(FRAME.head(5)).shape == (5, 3)
    assert chosen.leaderboard().equals(classifier.leaderboard())


def test_the_delivered_point_predicts_what_the_model_does(classifier: AutoClassifier):
    chosen = classifier.select(classifier.menu()["point"].iloc[0])
    np.testing.assert_allclose(chosen.predict_proba(FRAME), classifier.predict_proba(FRAME), rtol=0, atol=1e-12)
    assert len(chosen.outcome_.out_of_fold.models) == 3


def test_limits_choose_the_best_within_them(regressor: AutoRegressor):
    table = regressor.menu()
    least = table["size_mb"].min()
    small = regressor.select(max_model_mb=least * 1.0001)
    assert small.menu()["size_mb"].iloc[0] == pytest.approx(least, rel=0.02)
    anything = regressor.select(max_loss_increase=1e9)  # then the fastest: never bags
    assert len(leaves(anything.pipeline_)) == len(anything.outcome_.members)
    assert regressor.select(max_predict_ms=1e9).estimate_.value <= table["score"].iloc[0]


def test_limits_that_nothing_meets_and_wrong_ones_are_refused(regressor: AutoRegressor):
    with pytest.raises(SettingError, match="max_model_mb=1e-06: no point .* the least is"):
        regressor.select(max_model_mb=1e-6)
    with pytest.raises(SettingError, match="no point 'many'; the menu has"):
        regressor.select("many")
    with pytest.raises(SettingError, match="max_predict_ms=-1; give a number"):
        regressor.select(max_predict_ms=-1)


def test_bags_are_fitted_again_as_one_model_each(classifier: AutoClassifier):
    single = classifier.refitted(FRAME, LABEL)
    found = leaves(undecided(single.pipeline_))
    assert len(found) == len(classifier.outcome_.members) and all(m.refitted for m in single.outcome_.members)
    assert (single.predict(FRAME) == LABEL).mean() > 0.65
    assert 0 < np.abs(single.predict_proba(FRAME) - classifier.predict_proba(FRAME)).mean() < 0.15
    assert b"automl" not in pickle.dumps(single.pipeline_)
    np.testing.assert_array_equal(single.refitted(FRAME, LABEL).predict_proba(FRAME), single.predict_proba(FRAME))


def test_a_decision_is_kept(tmp_path: Path):
    rare = pd.Series(np.where(VALUE > VALUE.quantile(0.85), "rare", "usual"))
    model = fitted(AutoClassifier, rare, metric="balanced_accuracy")
    chosen = model.select("1 model")
    assert chosen.outcome_.decision == model.outcome_.decision
    assert set(chosen.predict(FRAME)) == {"rare", "usual"}
    if model.outcome_.decision.threshold is not None:
        cut = chosen.predict_proba(FRAME)[:, 1] >= model.outcome_.decision.threshold
        np.testing.assert_array_equal(chosen.predict(FRAME) == "usual", cut)


def test_the_command_prints_the_menu_and_writes_a_point(tmp_path: Path):
    table, out = tmp_path / "table.csv", tmp_path / "model"
    FRAME.assign(y=VALUE).to_csv(table, index=False)
    run = CliRunner().invoke
    made = run(
        app, ["fit", str(table), "--target", "y", "--out", str(out), "--trials", "2", "--quiet", "--include", "linear"]
    )
    assert made.exit_code == 0, made.output
    shown = json.loads(run(app, ["menu", str(out), "--json"]).stdout)
    assert shown["points"][0]["loss_increase"] == 0 and shown["metric"] == "root_mean_squared_error"
    assert "delivered: root_mean_squared_error" in run(app, ["menu", str(out)]).stdout
    where = tmp_path / "small"
    written = run(app, ["menu", str(out), "--max-loss-increase", "1000", "--out", str(where)])
    assert written.exit_code == 0 and (where / "predict.py").is_file()
