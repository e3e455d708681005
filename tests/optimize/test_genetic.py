"""Children are valid trees, good parts spread, the front is the front, and nothing leaks."""

import copy
import pickle
import random
import threading

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace, EqualsCondition
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from automl.core import Config, Measures, Result, SettingError, Status, Step, Trial
from automl.data import make_dataset
from automl.optimize import BayesSearch, GeneticSearch, RandomSearch
from automl.optimize.genetic import TreeBreeder, fronts, survivors
from automl.pipeline import build
from automl.space import FreeSpace, RowSpace, build_space, default_catalog, facts_of, start_portfolio
from tests.builders import mixed_dataset

CATALOG = default_catalog()
MIXED = mixed_dataset(160)
SPACE = build_space(facts_of(MIXED), CATALOG)


def result(number, config, loss=0.5, status=Status.OK, seconds=0.0):
    loss = loss if status is Status.OK else None
    return Result(Trial(number, config, ""), status, loss, Measures(predict_seconds=seconds))


def run(optimizer, loss_of, n):
    """Ask and tell n times; return the configurations and their losses."""
    configs, losses = [], []
    for number in range(n):
        [proposal] = optimizer.ask(1)
        configs.append(proposal.config)
        losses.append(loss_of(proposal.config))
        optimizer.tell(result(number, proposal.config, losses[-1]))
    return configs, np.array(losses)


def hashed(config):
    """A loss that means nothing, but always the same."""
    return int(config.key(), 16) / 16**16


def depth(config):
    return 1 + max((depth(branch) for step in config.steps for branch in step.branches), default=0)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_every_child_belongs_to_the_space(seed):
    rng, breeder = np.random.default_rng(seed), TreeBreeder(SPACE)
    trees = [breeder.draw(rng) for _ in range(4)]
    for _ in range(12):
        try:
            child = breeder.mutate(trees[-1], rng) if rng.random() < 0.6 else breeder.cross(trees[-1], trees[0], rng)
        except ValueError:  # came to nothing, and said so
            continue
        SPACE.check(child)
        assert SPACE.complete(child) == child and depth(child) <= 4
        trees.append(child)
        trees = trees[-4:]


def test_children_are_trees_and_can_be_built():
    configs, _ = run(GeneticSearch(SPACE, 0), hashed, 80)
    assert len({config.shape() for config in configs}) > 40
    for name in ("union(", "stack("):
        assert sum(name in config.shape() for config in configs) >= 5
    for config in configs:
        build(config, MIXED.schema, facts_of(MIXED), catalog=CATALOG, seed=0)


def test_each_operator_does_what_its_name_says():
    rng, breeder = np.random.default_rng(0), TreeBreeder(SPACE)
    tree = SPACE.complete(
        Config.of(
            Step.of("union", Config.of(Step.of("pca")), Config.of(Step.of("spline"))),
            Step.of("stack", Config.of(Step.of("knn"))),
            Step.of("logistic"),
        )
    )
    genome = breeder._genome
    changed, longer, shorter = (
        [operator(tree, rng) for _ in range(40)] for operator in (genome.change, genome.insert, genome.shrink)
    )
    assert all(count(child) <= count(tree) and child.shape() != tree.shape() for child in changed)
    assert all(count(child) > count(tree) for child in longer)
    assert all(count(child) < count(tree) for child in shorter)
    assert min(len({child.shape() for child in made}) for made in (changed, longer, shorter)) >= 5
    other = SPACE.complete(Config.of(Step.of("nystroem"), Step.of("svm")))
    children = [genome.cross(tree, other, rng) for _ in range(60)]
    assert {"nystroem", "svm"} & {step.component for child in children for step in child.steps}


def count(config):
    return sum(1 + sum(count(branch) for branch in step.branches) for step in config.steps)


def product_table():
    """The product of two of five columns, with a little noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 5))
    return make_dataset(X, X[:, 0] * X[:, 1] + 0.05 * rng.normal(size=300), classifies=False)


def test_a_linear_model_behind_the_right_step_is_found_for_a_product():
    data = product_table()
    train, test = data.rows(np.arange(200)), data.rows(np.arange(200, 300))
    steps = ["pca", "polynomial", "spline", "variance", "binning", "nystroem", "rotation", "cluster_distances"]
    space = build_space(facts_of(train), CATALOG, include=["ridge", *steps], exclude=["cross", "stack"])

    def loss(config):
        if config.shape() == "prior":
            return 1.0
        pipeline = build(config, data.schema, facts_of(train), catalog=CATALOG, seed=0)
        residuals = test.y - pipeline.fit(train.X, train.y).predict(test.X)
        return float(np.mean(residuals**2) / np.var(test.y))

    optimizer = GeneticSearch(space, 0)
    plain = space.default("ridge")
    optimizer.tell(result(0, plain, loss(plain)))
    with threadpool_limits(1):
        configs, losses = run(optimizer, loss, 60)
    assert loss(plain) > 0.9 and losses.min() < 0.05
    assert configs[int(losses.argmin())].steps[-1].component == "ridge"


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=25))
def test_the_first_front_is_what_nothing_dominates(pairs):
    values = [(float(loss), float(cost)) for loss, cost in pairs]

    def dominated(one):
        return any(other != one and other[0] <= one[0] and other[1] <= one[1] for other in values)

    assert [rank > 0 for rank in fronts(values)] == [dominated(one) for one in values]
    kept = survivors(values, min(len(values), 5))
    ranks = fronts(values)
    assert len(kept) == len(set(kept)) == min(len(values), 5)
    assert max(ranks[place] for place in kept) <= min([ranks[p] for p in range(len(values)) if p not in kept] or [99])


def test_the_front_of_a_search_is_that_of_all_it_was_told():
    optimizer = GeneticSearch(SPACE, 0, population=10, initial=4, timed=True)
    told = []
    for number in range(60):
        [proposal] = optimizer.ask(1)
        loss, seconds = hashed(proposal.config), 10.0 ** (number % 4)
        told.append((loss, seconds, proposal.config))
        optimizer.tell(result(number, proposal.config, loss, seconds=seconds))
    best = [c for loss, s, c in told if not any(o < loss and t <= s or o <= loss and t < s for o, t, _ in told)]
    assert set(optimizer.front) == set(best)


def test_failures_are_the_first_to_go():
    optimizer = GeneticSearch(SPACE, 0, population=6, initial=4)
    proposals = [proposal.config for proposal in optimizer.ask(12)]
    for number, config in enumerate(proposals):
        failed = number % 2 == 0
        optimizer.tell(result(number, config, 0.5 + number, Status.CRASHED if failed else Status.OK))
    survived = {member.config for member in optimizer._members}
    assert survived == set(proposals[1::2])
    with_failures = GeneticSearch(SPACE, 0, population=6, initial=4)
    for number, config in enumerate(proposals):
        with_failures.tell(result(number, config, status=Status.TIMEOUT))
    assert with_failures.ask(5)


def test_losses_are_lowered_from_generation_to_generation():
    wanted = ("union", "spline", "pca", "stack", "knn")

    def loss(config):
        return -float(sum(name in config.shape() for name in wanted))

    best = {
        kind: np.mean([run(kind(SPACE, seed), loss, 80)[1].min() for seed in range(4)])
        for kind in (GeneticSearch, RandomSearch)
    }
    assert best[GeneticSearch] < best[RandomSearch] - 0.5


def test_the_same_results_make_the_same_children_whatever_was_asked_at_once():
    one, two = GeneticSearch(SPACE, 5, initial=4), GeneticSearch(SPACE, 5, initial=4)
    for number in range(12):
        told = result(number, one.ask(1)[0].config, number % 5)
        two.ask(1)
        one.tell(told)
        two.tell(told)
    assert one.ask(6) == [two.ask(1)[0] for _ in range(6)]


@pytest.mark.parametrize("stopped", [3, 20, 35])
def test_it_goes_on_where_an_earlier_process_stopped(stopped):
    whole, later = GeneticSearch(SPACE, 1, population=8, initial=5), GeneticSearch(SPACE, 1, population=8, initial=5)
    configs, losses = run(whole, hashed, stopped)
    for number, (config, loss) in enumerate(zip(configs, losses, strict=True)):
        assert later.recall(config)
        later.tell(result(number, config, float(loss)))
    assert later.ask(8) == whole.ask(8)


def test_copies_and_pickles_go_on_alike():
    optimizer = GeneticSearch(SPACE, 2, initial=4)
    run(optimizer, hashed, 15)
    others = copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))
    proposed = optimizer.ask(5)
    assert all(other.ask(5) == proposed for other in others)


def test_what_others_found_is_bred_from():
    portfolio = start_portfolio(facts_of(MIXED), SPACE)
    optimizer = GeneticSearch(SPACE, 0, initial=5)
    for number, config in enumerate(portfolio[:20]):
        optimizer.tell(result(number, config, float(config.steps[-1].component != "lightgbm")))
    models = [proposal.config.steps[-1].component for proposal in optimizer.ask(40)]
    told = [config.steps[-1].component for config in portfolio[:20]]
    assert models.count("lightgbm") / 40 > 1.5 * told.count("lightgbm") / 20


def test_seeds_cross_between_genetic_and_bayesian_search():
    genetic, bayes = GeneticSearch(SPACE, 0, initial=4), BayesSearch(SPACE, 0, initial=8)
    for number in range(24):
        [proposal] = (genetic if number % 2 else bayes).ask(1)
        for optimizer in (genetic, bayes):
            optimizer.tell(result(number, proposal.config, hashed(proposal.config)))
    assert genetic.ask(2) and all(proposal.config.linear for proposal in bayes.ask(2))


def test_nothing_global_is_touched():
    import deap.creator

    names, state, legacy = set(vars(deap.creator)), random.getstate(), np.random.get_state()[1].copy()
    run(GeneticSearch(SPACE, 0, population=8, initial=4), hashed, 30)
    assert set(vars(deap.creator)) == names
    assert random.getstate() == state and np.array_equal(np.random.get_state()[1], legacy)


def test_two_fits_in_threads_do_not_disturb_each_other():
    spaces = [build_space(facts_of(MIXED), CATALOG) for _ in range(2)]
    alone = [run(GeneticSearch(SPACE, seed, initial=4), hashed, 25)[0] for seed in range(2)]
    together = [[], []]

    def search(seed):
        together[seed] += run(GeneticSearch(spaces[seed], seed, initial=4), hashed, 25)[0]

    threads = [threading.Thread(target=search, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def conditional():
    space = ConfigurationSpace({"kind": ["a", "b", "c"], "x": (0.0, 1.0), "y": (0.0, 1.0), "k": (1, 20)})
    space.add(EqualsCondition(space["x"], space["kind"], "a"), EqualsCondition(space["y"], space["kind"], "b"))
    return space


def test_any_objective_over_a_configspace():
    space = FreeSpace(conditional())

    def loss(config):
        values = space.values(config)
        return {"a": 0.0, "b": 0.3, "c": 0.6}[values["kind"]] + abs(values.get("x", 0.8) - 0.8) + abs(values["k"] - 7)

    bred = [run(GeneticSearch(space, seed), loss, 60)[1].min() for seed in range(5)]
    drawn = [run(RandomSearch(space, seed), loss, 60)[1].min() for seed in range(5)]
    assert np.median(bred) < 0.5 * np.median(drawn)


def test_a_space_with_nothing_left_says_so():
    space = FreeSpace(ConfigurationSpace({"kind": ["a", "b", "c"]}))
    assert len(GeneticSearch(space, 0).ask(10)) == 3


@given(st.integers(0, 2**32 - 1))
def test_crossed_rows_are_valid_and_take_their_values_from_their_parents(seed):
    declared, rng = conditional(), np.random.default_rng(seed)
    rows, space = RowSpace(declared), FreeSpace(declared)
    first, second = rows.draw(20, rng), rows.draw(20, rng)
    for child, *parents in zip(rows.crossed(first, second, rng), first, second, strict=True):
        space.check(space.from_vector(child))
        for place in np.flatnonzero(~np.isnan(child)):
            assert child[place] in [parent[place] for parent in parents]


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(SettingError, match="population=1, initial=10; each must be at least 2"):
        GeneticSearch(SPACE, 0, population=1)
