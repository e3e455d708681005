"""Under drift: which training rows and columns a model is given."""

from dataclasses import replace

import numpy as np
import pytest

from automl import AutoClassifier
from automl.core import Config, Fidelity, Step
from automl.data import Kind, dump_dataset, make_dataset
from automl.evaluate import Evaluation, Preparations, make_folds, run_fold, save_evaluation
from automl.evaluate.recent import rearranged, recency_weights, recent_rows, rows_step, stable_columns
from automl.metrics import get_metric
from automl.space import build_space, default_catalog, facts_of, start_portfolio

CATALOG = default_catalog()


def table(n: int = 400, seed: int = 0):
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    times = np.repeat(np.arange(n // 40), 40)[order]
    X = rng.normal(size=(n, 5))
    X[:, 2] += times
    y = (X[:, 0] + 0.3 * rng.normal(size=n) > 0).astype(int)
    return make_dataset(X, y, classifies=True, times=times)


def test_the_weight_of_a_row_halves_with_its_age():
    data = table()
    weighed = recency_weights(data, half_life=0.5, weighs=True, seed=0)
    by_time = [weighed.weights[data.times == time] for time in np.unique(data.times)]
    assert all(np.ptp(part) == 0 for part in by_time)
    assert by_time[9][0] / by_time[4][0] == pytest.approx(2.0)  # half of the rows are newer
    assert weighed.weights.sum() == pytest.approx(data.n_rows)
    own = replace(data, weights=np.where(data.y == 1, 3.0, 1.0))
    twice = recency_weights(own, half_life=0.5, weighs=True, seed=0)
    np.testing.assert_allclose(
        twice.weights / weighed.weights, own.weights * (twice.weights / weighed.weights)[0] / own.weights[0]
    )


def test_models_without_weights_get_the_newer_rows_more_often():
    data = table(4000)
    drawn = recency_weights(data, half_life=0.25, weighs=False, seed=0)
    shares = [np.isin(drawn.times, t).sum() / 40 for t in (99, 74, 49)]
    assert shares[0] == 1.0 and shares[0] > shares[1] > shares[2] > 0


def test_only_the_newest_rows_stay_and_those_of_one_time_together():
    data = table()
    kept = recent_rows(data, share=0.3, weighs=True, seed=0)
    assert sorted(set(kept.times)) == [7, 8, 9] and kept.n_rows == 120


def test_no_class_is_lost_with_the_old_rows():
    data = table()
    data = replace(data, y=(data.times == 0).astype(int))
    kept = recent_rows(data, share=0.2, weighs=True, seed=0)
    assert set(kept.y) == {0, 1} and (kept.y == 1).sum() == 2


def test_the_column_that_moves_is_left_out_first():
    data = stable_columns(table(), dropped=0.2, weighs=True, seed=0)
    assert [column.name for column in data.schema.columns if column.kind is Kind.CONSTANT] == [2]
    everything = stable_columns(table(), dropped=0.6, weighs=True, seed=0)
    assert len(everything.schema.used) == 2


def test_a_configuration_says_what_it_is_fitted_on():
    plain = Config.of(Step.of("ordinal"), Step.of("lightgbm"))
    recent = Config.of(Step.of("recent_rows", share=0.5), *plain.steps)
    assert rows_step(plain, CATALOG) == "" != rows_step(recent, CATALOG)
    data = table()
    assert rearranged(plain, CATALOG, data, 0) is data
    assert rearranged(recent, CATALOG, data, 0).n_rows == 200
    assert rearranged(recent, CATALOG, replace(data, times=None), 0).n_rows == 400


def test_it_is_offered_where_rows_have_times_only():
    names = {"recency_weights", "recent_rows", "stable_columns"}
    facts = facts_of(table())
    for has_times in (False, True):
        known = replace(facts, has_times=has_times)
        space = build_space(known, CATALOG)
        portfolio = {step.component for config in start_portfolio(known, space) for step in config.steps}
        assert ({c.name for c in space.active} & names == names) is has_times
        assert (portfolio & names == names) is has_times


def test_under_drift_a_fit_uses_it_and_still_exports_public_parts_only(tmp_path):
    import pickle

    data = table(600, 1)
    y = np.where(data.times < 10, data.y, 1 - data.y)  # what was true has turned round
    model = AutoClassifier(
        None, max_trials=6, executor="serial", random_state=0, verbose=0, include=["lightgbm", "logistic"]
    ).fit(data.X, y, times=data.times)
    shapes = [member.config.shape() for member in model.outcome_.members]
    assert any("rec" in shape for shape in shapes)
    assert b"automl" not in pickle.dumps(model.pipeline_)
    newest = data.times == data.times.max()
    assert model.score(data.X[newest], y[newest]) > 0.9


@pytest.mark.parametrize("models", [("logistic", "linear_discriminant"), ("linear_discriminant", "logistic")])
def test_models_with_and_without_weights_share_no_prepared_rows(models, tmp_path):
    data = table(800)
    folder = tmp_path / "prepared"
    folder.mkdir()
    cache = Preparations(folder, 500.0, least_seconds=0.0, write_mb_per_second=1e9)
    path = dump_dataset(data, tmp_path / "data")
    evaluation = Evaluation(
        str(path), make_folds(data, cv=3), (get_metric("auc", task="binary"),), facts_of(data), CATALOG, 0, cache
    )
    prepared = [Step.of(name) for name in ("ordinal", "median", "standard")]
    losses = []
    for number, evaluated in enumerate((evaluation, replace(evaluation, preparations=None))):
        save_evaluation(evaluated, tmp_path / f"{number}.pkl")
        for model in models:
            config = Config.of(Step.of("recency_weights", half_life=0.2), *prepared, Step.of(model))
            artifact = str(tmp_path / f"{number}-{model}" / "model")
            output = run_fold(str(tmp_path / f"{number}.pkl"), config, 0, Fidelity(), artifact, None)
            losses.append(output.losses["roc_auc"])
    assert losses[:2] == losses[2:]


def test_a_script_says_which_member_was_given_other_rows(tmp_path):
    data = table(600, 1)
    y = np.where(data.times < 10, data.y, 1 - data.y)
    model = AutoClassifier(
        None, max_trials=6, executor="serial", random_state=0, verbose=0, include=["lightgbm", "logistic"]
    ).fit(data.X, y, times=data.times)
    text = model.export_script(tmp_path / "pipeline.py").read_text()
    used = [m for m in model.outcome_.members if "rec" in m.config.shape()]
    assert text.count("training rows by their times") == len(used) > 0
