import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from automl.evaluate import Preparations, Rule, stop_split
from automl.evaluate.fitting import SMALL, fit_pipeline
from automl.evaluate.preparation import Preparer
from automl.space import default_catalog
from tests.builders import array_dataset

pytestmark = pytest.mark.filterwarnings("ignore:The argument 'eval_set'")  # as folds do

LIGHTGBM = default_catalog().get("lightgbm")
RIDGE = default_catalog().get("ridge_path")


def boosting(kind=LGBMClassifier, **parameters):
    def build(rounds):
        model = kind(n_estimators=rounds or 300, num_leaves=4, n_jobs=1, verbose=-1, random_state=0, **parameters)
        return Pipeline([("scale", StandardScaler()), ("model", model)])

    return build


def fit(build, train, model=LIGHTGBM, **settings):
    return fit_pipeline(build, model, train, rule=Rule.RANDOM, seed=0, **settings)


def mean_of(fitted):
    """Of the rows that the preparation was fitted on."""
    return fitted.pipeline[0].mean_


def test_a_small_table_finds_the_rounds_and_fits_all_rows_again():
    train = array_dataset(400)
    fitted = fit(boosting(), train)
    rows, stop = stop_split(train, 0.2, Rule.RANDOM, 0)
    alone = boosting()(None)
    X, held = alone[:-1].fit_transform(train.X[rows]), alone[0].transform(train.X[stop])
    losses = LGBMClassifier(**alone[-1].get_params()).fit(X, train.y[rows], eval_set=[(held, train.y[stop])])
    best = int(np.argmin(losses.evals_result_["valid_0"]["binary_logloss"])) + 1
    assert fitted.rounds == fitted.pipeline[-1].n_estimators == max(10, int(1.15 * best))
    assert mean_of(fitted) == pytest.approx(train.X.mean(axis=0))


def test_a_larger_table_is_fitted_once_and_keeps_its_best_round():
    train = array_dataset(SMALL + 200)
    fitted = fit(boosting(learning_rate=0.3), train)
    rows, stop = stop_split(train, 120 / 1200, Rule.RANDOM, 0)
    assert len(stop) == 120
    assert fitted.rounds == fitted.pipeline[-1].best_iteration_ < 300
    assert mean_of(fitted) == pytest.approx(train.X[rows].mean(axis=0))


@pytest.mark.parametrize("rows", [300, SMALL + 200])
def test_known_rounds_hold_nothing_out(rows):
    train = array_dataset(rows)
    fitted = fit(boosting(), train, rounds=17)
    assert fitted.rounds == fitted.pipeline[-1].n_estimators == 17
    assert mean_of(fitted) == pytest.approx(train.X.mean(axis=0))


def test_with_too_few_rows_for_a_stop_set_the_rounds_are_limited():
    train = array_dataset(20)
    assert fit(boosting(), train).rounds == 200


def test_time_that_is_up_ends_boosting():
    train = array_dataset(SMALL + 200)
    fitted = fit(boosting(learning_rate=0.001), train, seconds=1e-6)
    assert fitted.rounds < 10
    assert len(fitted.pipeline.predict(train.X)) == train.n_rows


def test_a_model_of_the_transformed_target_stops_on_that_scale():
    train = array_dataset(SMALL + 200, classes=0)
    train.y[:] = 1e6 + 1e3 * train.y
    inner = boosting(LGBMRegressor, learning_rate=0.3)

    def build(rounds):
        pipeline = inner(rounds)
        wrapped = TransformedTargetRegressor(pipeline[-1], transformer=StandardScaler())
        return Pipeline([pipeline.steps[0], ("model", wrapped)])

    fitted = fit(build, train)
    assert fitted.rounds == fitted.pipeline[-1].regressor_.best_iteration_
    assert abs(fitted.pipeline.predict(train.X) - train.y).mean() < 0.5 * train.y.std()


@pytest.mark.parametrize("cached", [False, True])
def test_weights_reach_the_model_and_the_preparation_does_not_see_them(cached, tmp_path):
    weights = np.linspace(0.1, 5.0, 150)
    train = array_dataset(150, classes=0, weights=weights)
    preparer = Preparer(Preparations(tmp_path, 10.0, 0.0, np.inf) if cached else None)

    def build(rounds):
        return Pipeline([("scale", StandardScaler()), ("model", Ridge())])

    for _ in range(2):
        fitted = fit(build, train, RIDGE, preparer=preparer)
    scaled = StandardScaler().fit_transform(train.X)
    assert preparer.hits == cached
    assert (fitted.pipeline[-1].coef_ == Ridge().fit(scaled, train.y, sample_weight=weights).coef_).all()
    assert [name for name, _ in fitted.pipeline.steps] == ["scale", "model"]


def test_weights_count_in_the_stop_set_too():
    plain = array_dataset(SMALL + 200)
    odd = np.where(np.arange(SMALL + 200) % 2, 1e-6, 1.0)
    weighted = array_dataset(SMALL + 200, weights=odd)
    fitted = fit(boosting(learning_rate=0.3), weighted)
    rows, stop = stop_split(weighted, 0.1, Rule.RANDOM, 0)
    alone = boosting(learning_rate=0.3)(None)
    X, held = alone[:-1].fit_transform(plain.X[rows]), alone[0].transform(plain.X[stop])
    alone[-1].fit(X, plain.y[rows], odd[rows], eval_set=[(held, plain.y[stop])], eval_sample_weight=[odd[stop]])
    best = int(np.argmin(alone[-1].evals_result_["valid_0"]["binary_logloss"])) + 1
    assert fitted.rounds == best


@pytest.mark.parametrize("rows", [300, SMALL + 200])
def test_a_fit_that_the_clock_ended_is_done_again_without_it(rows):
    train = array_dataset(rows)
    build = boosting(learning_rate=0.001)  # would go on for long
    cut = fit(build, train, seconds=0.01)
    again = fit(build, train, at_most=cut.rounds)
    assert again.rounds == cut.rounds < 300
    np.testing.assert_array_equal(again.pipeline.predict_proba(train.X), cut.pipeline.predict_proba(train.X))
