"""The forest, the acquisition functions, and what they find together."""

from types import SimpleNamespace

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace, EqualsCondition, ForbiddenEqualsClause
from hypothesis import given
from hypothesis import strategies as st
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

from automl.core import Config, Measures, Result, SettingError, Status, Step, Trial
from automl.optimize import BayesSearch, RandomSearch
from automl.optimize.bayes import (
    Forest,
    Leaves,
    expected_improvement,
    grow,
    log_expected_improvement,
    lower_bound,
    probability,
)
from automl.optimize.bayes.process import Process, Scales, tune
from automl.optimize.bayes.search import UNDER_WAY
from automl.space import FreeSpace, RowSpace


def one(value):
    return np.array([value])


def test_the_known_numbers_of_the_acquisition_functions():
    assert expected_improvement(one(0.6), one(0.3), 0.7)[0] == pytest.approx(0.1763, abs=5e-5)
    assert probability(one(0.6), one(0.3), 0.7)[0] == pytest.approx(0.6306, abs=5e-5)
    assert lower_bound(one(0.6), one(0.3), 0.7)[0] == pytest.approx(0.0, abs=1e-12)


def test_expected_improvement_is_what_simulation_says():
    draws = np.random.default_rng(0).normal(0.2, 0.5, 400_000)
    gains = np.maximum(0.1 - draws, 0.0)
    expected = expected_improvement(one(0.2), one(0.5), 0.1)[0]
    assert abs(gains.mean() - expected) < 4 * gains.std() / np.sqrt(len(draws))


def test_without_uncertainty_the_improvement_is_the_difference():
    assert expected_improvement(one(0.6), one(1e-9), 0.7)[0] == pytest.approx(0.1)
    assert expected_improvement(one(0.8), one(1e-9), 0.7)[0] == 0.0


@given(mean=st.floats(-3, 3), deviation=st.floats(0.05, 3), best=st.floats(-3, 3))
def test_the_logarithm_agrees_and_is_finite_far_away(mean, deviation, best):
    plain = expected_improvement(one(mean), one(deviation), best)[0]
    logarithm = log_expected_improvement(one(mean), one(deviation), best)[0]
    assert np.isfinite(logarithm)
    if plain > 1e-10:
        assert logarithm == pytest.approx(np.log(plain), abs=1e-5)


def test_the_logarithm_still_ranks_where_the_improvement_itself_is_zero():
    means = np.array([30.0, 35.0, 50.0, 400.0])
    values = log_expected_improvement(means, np.full(4, 0.5), 0.0)
    assert np.isfinite(values).all() and (np.diff(values) < 0).all()


def two_trees():
    """Rows below .5 fall into leaf 0, the others into leaf 1, in both trees."""
    tree = SimpleNamespace(apply=lambda rows: (rows[:, 0] >= 0.5).astype(int))
    first = Leaves(np.array([2.0, 1.0]), np.array([4.0, 5.0]), np.array([10.0, 25.0]))  # means 2, 5; variances 1, 0
    second = Leaves(np.array([1.0, 2.0]), np.array([4.0, 6.0]), np.array([16.0, 20.0]))  # means 4, 3; variances 0, 1
    return Forest([tree, tree], [first, second])


def test_the_variance_is_that_within_trees_and_that_between_them():
    mean, deviation = two_trees().predict(np.array([[0.0], [1.0]]))
    assert mean.tolist() == [3.0, 4.0]
    assert (deviation**2).tolist() == pytest.approx([0.5 + 1.0, 0.5 + 1.0])


def test_values_go_into_the_leaves_of_a_copy():
    forest = two_trees()
    mean, _ = forest.add(np.array([[0.0]]), np.array([8.0])).predict(np.array([[0.0], [1.0]]))
    assert mean.tolist() == [(4 + 6) / 2, 4.0]
    assert forest.predict(np.array([[0.0]]))[0].tolist() == [3.0]


def test_a_forest_knows_more_where_it_has_seen_more():
    rng = np.random.default_rng(0)
    rows = rng.random((300, 3))
    forest = grow(rows, 5 * (rows[:, 0] > 0.5) + rng.normal(0, 0.1, 300), rng)
    mean, _ = forest.predict(np.array([[0.1, 0.5, 0.5], [0.9, 0.5, 0.5]]))
    assert mean == pytest.approx([0.0, 5.0], abs=0.5)


def test_a_process_goes_through_what_it_has_seen_and_is_unsure_elsewhere():
    rng = np.random.default_rng(0)
    cells = rng.random((25, 2))
    values = np.sin(6 * cells[:, 0]) + 3.0
    scales = tune(cells, values)
    process = Process(cells, values, scales)
    mean, deviation = process.predict(cells)
    assert mean == pytest.approx(values, abs=0.02) and deviation.max() < 0.05
    new = rng.random((200, 2))
    mean, deviation = process.predict(new)
    assert np.abs(mean - np.sin(6 * new[:, 0]) - 3.0).mean() < 0.1
    assert process.predict(np.array([[5.0, 5.0]]))[1][0] > 3 * np.median(deviation)


def test_the_process_is_scikit_learns():
    rng = np.random.default_rng(1)
    cells, values, new = rng.random((15, 3)), rng.normal(size=15), rng.random((20, 3))
    lengths, noise = np.array([0.3, 0.8, 2.0]), 0.1
    mean, deviation = Process(cells, values, Scales(lengths**-2.0, noise)).predict(new)
    kernel = Matern(lengths, nu=2.5)
    other = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None).fit(cells, values - values.mean())
    expected, spread = other.predict(new, return_std=True)
    centred = values - values.mean()
    amplitude = centred @ np.linalg.solve(kernel(cells) + noise * np.eye(15), centred) / 15
    assert mean == pytest.approx(expected + values.mean())
    assert deviation == pytest.approx(spread * np.sqrt(amplitude))


def test_columns_that_do_not_matter_lose_their_weight():
    rng = np.random.default_rng(2)
    cells = rng.random((60, 4))
    weights = tune(cells, np.sin(5 * cells[:, 1]) + cells[:, 1]).weights
    assert weights[1] > 0 and weights[[0, 2, 3]].max() < 0.1 * weights[1]


def test_noise_is_seen_as_noise():
    rng = np.random.default_rng(3)
    cells = rng.random((80, 1))
    values = cells[:, 0] + 0.5 * rng.normal(size=80)
    scales = tune(cells, values)
    assert scales.noise == 0.3
    assert np.abs(Process(cells, values, scales).predict(cells)[0] - values).mean() > 0.2


def conditional():
    space = ConfigurationSpace({"kind": ["a", "b", "c"], "x": (0.0, 1.0), "y": (0.0, 1.0), "k": (1, 20)})
    space.add(EqualsCondition(space["x"], space["kind"], "a"), EqualsCondition(space["y"], space["kind"], "b"))
    return space


def loss_of(values):
    offset = {"a": 0.0, "b": 0.3, "c": 0.6}[values["kind"]]
    return offset + (values.get("x", 0.8) - 0.8) ** 2 + (values.get("y", 0.2) - 0.2) ** 2 + 0.02 * abs(values["k"] - 7)


def search(optimizer, space, n, status=lambda number: Status.OK):
    losses = []
    for number in range(n):
        [proposal] = optimizer.ask(1)
        losses.append(loss_of(space.values(proposal.config)))
        how = status(number)
        loss = losses[-1] if how is Status.OK else None
        optimizer.tell(Result(Trial(number, proposal.config, proposal.origin), how, loss, Measures(fit_seconds=1.0)))
    return np.array(losses)


def test_it_finds_better_configurations_than_random_search():
    space = FreeSpace(conditional())
    guided = [search(BayesSearch(space, seed), space, 50).min() for seed in range(8)]
    random = [search(RandomSearch(space, seed), space, 50).min() for seed in range(8)]
    assert np.median(guided) < 0.6 * np.median(random)
    assert sum(g < r for g, r in zip(guided, random, strict=True)) >= 6


def test_inactive_values_do_not_matter():
    rows = RowSpace(conditional())
    drawn = rows.draw(200, np.random.default_rng(0))
    inactive = np.isnan(drawn)
    cells = rows.encoded(drawn)
    filled = np.where(inactive, np.nan, drawn)  # whatever stood there is not looked at
    np.testing.assert_array_equal(rows.encoded(filled), cells)
    assert np.isfinite(cells).all() and inactive.any()


@pytest.mark.parametrize("acquisition", ["log_ei", "ei", "pi", "lcb"])
def test_every_acquisition_function_searches(acquisition):
    space = FreeSpace(conditional())
    assert search(BayesSearch(space, 0, acquisition=acquisition), space, 40).min() < 0.2


def test_it_goes_on_when_trials_fail_and_avoids_what_failed():
    space = FreeSpace(conditional())
    optimizer, kinds = BayesSearch(space, 0), []
    for number in range(60):
        [proposal] = optimizer.ask(1)
        values = space.values(proposal.config)
        kinds.append(values["kind"])
        failed = values["kind"] == "a"
        status, loss = (Status.CRASHED, None) if failed else (Status.OK, loss_of(values))
        optimizer.tell(Result(Trial(number, proposal.config, ""), status, loss, Measures()))
    assert kinds[40:].count("a") < kinds[:20].count("a") + 3


def test_proposals_under_way_are_not_crowded_around():
    space = FreeSpace(conditional())
    optimizer = BayesSearch(space, 0)
    search(optimizer, space, 24)
    batch = [space.values(proposal.config) for proposal in optimizer.ask(8)]
    assert len({(values["kind"], values.get("x"), values.get("y"), values["k"]) for values in batch}) == 8


def test_what_never_comes_back_is_forgotten_and_never_proposed_again():
    space = FreeSpace(conditional())
    optimizer = BayesSearch(space, 0)
    search(optimizer, space, 24)
    asked = [proposal.config.key() for proposal in optimizer.ask(80)]  # refused: nobody tells of them
    assert len(set(asked)) == 80
    assert len(vars(optimizer)["_waiting"]) == UNDER_WAY


def test_dear_regions_are_avoided_where_seconds_count():
    space = FreeSpace(ConfigurationSpace({"x": (0.0, 1.0), "z": (0.0, 1.0)}))

    def spent(per_second):
        optimizer, seconds = BayesSearch(space, 1, per_second=per_second), []
        for number in range(50):
            [proposal] = optimizer.ask(1)
            values = space.values(proposal.config)
            seconds.append(100.0 if values["x"] > 0.5 else 1.0)
            measures = Measures(fit_seconds=seconds[-1])
            optimizer.tell(Result(Trial(number, proposal.config, ""), Status.OK, (values["z"] - 0.3) ** 2, measures))
        return sum(seconds[20:])

    assert spent(1.0) < 0.7 * spent(0.0)


def test_a_branch_that_is_good_first_is_not_polished_for_good():
    """Branch a is good at once and never better than .3; branch b is poor at first, and has the optimum."""
    declared = ConfigurationSpace({"kind": ["a", "b"], "x": (0.0, 1.0), "y": (0.0, 1.0), "z": (0.0, 1.0)})
    declared.add(*(EqualsCondition(declared[n], declared["kind"], k) for n, k in (("x", "a"), ("y", "b"), ("z", "b"))))
    space = FreeSpace(declared)

    def found(seed):
        optimizer, best = BayesSearch(space, seed), 9.0
        for number in range(60):
            [proposal] = optimizer.ask(1)
            v = space.values(proposal.config)
            loss = 0.3 + 0.01 * v["x"] if v["kind"] == "a" else 4 * (v["y"] - 0.3) ** 2 + 4 * (v["z"] - 0.8) ** 2
            optimizer.tell(Result(Trial(number, proposal.config, ""), Status.OK, loss, Measures()))
            best = min(best, loss)
        return best

    assert max(found(seed) for seed in range(2)) < 0.05


def test_a_branch_of_bad_losses_is_searched_on_a_scale_of_its_own():
    """All that is known of branch b is worse than nearly all of a: cut like the worst, nothing would tell it apart."""
    declared = ConfigurationSpace({"kind": ["a", "b"], "x": (0.0, 1.0), "y": (0.0, 1.0), "z": (0.0, 1.0)})
    declared.add(*(EqualsCondition(declared[n], declared["kind"], k) for n, k in (("x", "a"), ("y", "b"), ("z", "b"))))
    space, rng, optimizer = FreeSpace(declared), np.random.default_rng(0), BayesSearch(FreeSpace(declared), 0)

    def tell(number, config, v):
        loss = 0.3 if v["kind"] == "a" else 5.0 + (v["y"] - 0.3) ** 2 + (v["z"] - 0.8) ** 2
        optimizer.tell(Result(Trial(number, config, ""), Status.OK, loss, Measures()))
        return loss

    for number, kind in enumerate(rng.permutation(["a"] * 34 + ["b"] * 14)):
        values = {"kind": kind} | {name: rng.random() for name in (("x",) if kind == "a" else ("y", "z"))}
        tell(number, space.from_vector(space.to_vector(Config.of(Step.of("objective", **values)))), values)
    there = []
    for number in range(24):
        [proposal] = optimizer.ask(1)
        values = space.values(proposal.config)
        loss = tell(48 + number, proposal.config, values)
        there += [loss] if values["kind"] == "b" else []
    assert len(there) >= 8, "a has long been at its best"
    assert min(there) < 5.003 and np.median(there) < 5.06


def test_it_goes_on_where_a_branch_has_nothing_new():
    """Kind c has no parameters of its own: once tried, all of it is known."""
    space = FreeSpace(ConfigurationSpace({"kind": ["a", "b", "c"], "x": (0.0, 1.0)}))
    declared = space.configspace
    declared.add(EqualsCondition(declared["x"], declared["kind"], "a"))
    optimizer = BayesSearch(space, 0)
    for number in range(50):
        [proposal] = optimizer.ask(1)
        v = space.values(proposal.config)
        loss = {"a": 1.0, "b": 2.0, "c": 0.0}[v["kind"]] + v.get("x", 0.0)
        optimizer.tell(Result(Trial(number, proposal.config, ""), Status.OK, loss, Measures()))


def test_forbidden_combinations_are_never_proposed():
    declared = conditional()
    declared.add(ForbiddenEqualsClause(declared["kind"], "b"))
    space = FreeSpace(declared)
    optimizer = BayesSearch(space, 0)
    search(optimizer, space, 30)
    assert all(space.values(proposal.config)["kind"] != "b" for proposal in optimizer.ask(5))


def test_what_cannot_be_asked_for_is_refused():
    space = FreeSpace(conditional())
    with pytest.raises(SettingError, match="acquisition='best'"):
        BayesSearch(space, 0, acquisition="best")
    with pytest.raises(SettingError, match="needs acquisition='log_ei'"):
        BayesSearch(space, 0, acquisition="pi", per_second=1.0)
