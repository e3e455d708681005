"""Perceptrons trained with a falling rate and kept at their best epoch."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier, MLPRegressor

from automl.evaluate.network import fit_network
from automl.evaluate.part import Part
from automl.pipeline.networks import perceptron_classifier, perceptron_regressor
from automl.space import default_catalog, facts_of
from tests.builders import array_dataset

SIZES = {"hidden_layer_sizes": (16, 8), "batch_size": 16, "random_state": 0, "n_iter_no_change": 20}


def table(n: int = 300, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    X, y = make_classification(n, 8, n_informative=5, n_classes=classes, random_state=seed, class_sep=0.8)
    return X, np.array(["a", "b", "c"])[y]


def halves(X: np.ndarray, y: np.ndarray) -> tuple[Part, Part]:
    return Part(X[::2], y[::2]), Part(X[1::2], y[1::2])


def train(network: object, fit: Part, stop: Part | None = None, **settings: object) -> int:
    return fit_network(network, fit, stop, settings.pop("seconds", None), False, **settings)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_it_learns_classes_better_than_their_shares(classes: int, activation: str):
    X, y = table(classes=classes)
    network = MLPClassifier(max_iter=60, learning_rate_init=0.01, activation=activation, **SIZES)
    fit, stop = halves(X, y)
    train(network, fit, stop)
    shares = np.tile(np.unique(y, return_counts=True)[1] / len(y), (len(stop.y), 1))
    assert log_loss(stop.y, network.predict_proba(stop.X)) < 0.7 * log_loss(stop.y, shares)
    assert list(network.classes_) == sorted(set(y)) and set(network.predict(X)) <= set(y)


def test_it_learns_numbers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]
    network = MLPRegressor(max_iter=200, learning_rate_init=0.01, **SIZES)
    train(network, *halves(X, y))
    assert np.mean((network.predict(X[1::2]) - y[1::2]) ** 2) < 0.25 * np.var(y)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_its_gradient_has_the_signs_of_scikit_learns(activation: str):
    # One epoch of one batch of all rows from the same start: Adam's first step is the rate times the sign of the
    # gradient, plain descent steps along the gradient itself.
    X, y = table(64)
    settings = {"hidden_layer_sizes": (8,), "max_iter": 1, "alpha": 0.5, "activation": activation, "random_state": 0}
    ours = MLPClassifier(batch_size=64, **settings)
    train(ours, Part(X, y))
    theirs = MLPClassifier(solver="sgd", momentum=0.0, learning_rate_init=1e-3, **settings)
    theirs.partial_fit(X, y, classes=np.unique(y))
    start = np.random.default_rng(0)
    for coefs, intercepts in zip(theirs.coefs_, theirs.intercepts_, strict=True):
        bound = np.sqrt(6 / sum(coefs.shape))
        coefs[...] = start.uniform(-bound, bound, coefs.shape)
        intercepts[...] = start.uniform(-bound, bound, intercepts.shape)
    before = [weights.copy() for weights in (*theirs.coefs_, *theirs.intercepts_)]
    theirs.partial_fit(X, y)
    for first, one, other in zip(
        before, (*ours.coefs_, *ours.intercepts_), (*theirs.coefs_, *theirs.intercepts_), strict=True
    ):
        np.testing.assert_allclose(np.abs(one - first), 1e-3, rtol=0.01)
        np.testing.assert_array_equal(np.sign(one - first), np.sign(other - first))


def test_the_epoch_with_the_least_loss_on_the_stop_set_is_kept():
    X, y = table(120)
    rng = np.random.default_rng(1)
    noisy = Part(X[::2], rng.permutation(y[::2]))  # only memory helps to fit these, and it hurts elsewhere
    stop = Part(X[1::2], y[1::2])
    network = MLPClassifier(max_iter=300, learning_rate_init=0.02, **SIZES)
    length = train(network, noisy, stop)
    assert network.n_iter_ < 20 and length == max(1, round(1.5 * network.n_iter_))
    memorised = clone(network)
    train(memorised, noisy, epochs=300)
    assert memorised.score(noisy.X, noisy.y) > network.score(noisy.X, noisy.y)
    assert log_loss(stop.y, network.predict_proba(stop.X)) < log_loss(stop.y, memorised.predict_proba(stop.X))


def test_the_same_seed_gives_the_same_weights_and_another_others():
    fit, stop = halves(*table())
    first, again, other = (MLPClassifier(max_iter=5, **{**SIZES, "random_state": seed}) for seed in (0, 0, 1))
    for network in (first, again, other):
        train(network, fit, stop)
    assert pickle.dumps(first.coefs_) == pickle.dumps(again.coefs_) != pickle.dumps(other.coefs_)


def test_sparse_rows_are_as_good_as_dense_ones():
    X, y = table()
    X[np.abs(X) < 0.5] = 0
    dense, thin = (MLPClassifier(max_iter=5, **SIZES) for _ in range(2))
    train(dense, Part(X, y))
    train(thin, Part(sparse.csr_matrix(X), y))
    np.testing.assert_allclose(dense.predict_proba(X), thin.predict_proba(sparse.csr_matrix(X)), atol=1e-4)


def test_rows_without_weight_do_not_count():
    X, y = table()
    poisoned = np.where(np.arange(len(y)) % 3 == 0, np.random.default_rng(0).permutation(y), y)
    weights = np.where(np.arange(len(y)) % 3 == 0, 0.0, 2.0)
    one, other = (MLPClassifier(max_iter=10, **{**SIZES, "alpha": 0.0}) for _ in range(2))
    train(one, Part(X, y, weights))
    train(other, Part(X, poisoned, weights))
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_several_seeds_are_joined_as_if_the_voter_had_been_fitted(task: str):
    X, y = table(classes=2)
    facts = facts_of(array_dataset(len(X)))
    if task == "classification":
        voter = perceptron_classifier(facts, 5, seeds=3, width=8, layers=1, max_iter=8)
    else:
        y = X[:, 0] - X[:, 1]
        voter = perceptron_regressor(facts, 5, seeds=3, width=8, layers=1, max_iter=8)
    train(voter, Part(X, y))
    each = [
        network.predict_proba(X) if task == "classification" else network.predict(X) for network in voter.estimators_
    ]
    assert len(each) == 3 and not np.allclose(each[0], each[1])
    joined = voter.predict_proba(X) if task == "classification" else voter.predict(X)
    np.testing.assert_allclose(joined, np.mean(each, axis=0), rtol=1e-6)
    restored = pickle.loads(pickle.dumps(voter))
    np.testing.assert_array_equal(restored.predict(X), voter.predict(X))


def test_time_that_is_up_leaves_a_network_that_predicts():
    fit, stop = halves(*table())
    network = MLPClassifier(max_iter=100_000, **SIZES)
    train(network, fit, stop, seconds=0.0)
    assert network.n_iter_ == 1 and np.isfinite(network.predict_proba(stop.X)).all()


def test_a_network_that_diverges_is_an_error_that_says_what_to_do():
    fit, stop = halves(*table())
    network = MLPRegressor(max_iter=5, learning_rate_init=1e30, **SIZES)
    y = np.arange(len(fit.y), dtype=float)
    with pytest.raises(ValueError, match=r"diverged with learning_rate_init=1e\+30; take a lower one"):
        train(network, Part(fit.X, y), Part(stop.X, y))


def test_the_parameters_are_those_asked_for_and_scikit_learn_can_fit_a_copy():
    X, y = table()
    network = MLPClassifier(max_iter=5, **SIZES)
    train(network, Part(X, y))
    assert network.get_params() == MLPClassifier(max_iter=5, **SIZES).get_params()
    with pytest.warns(UserWarning, match="converge"):
        clone(network).fit(X, y)


def test_the_catalogue_trains_its_networks_so():
    assert default_catalog().get("mlp").stopping == "network"
