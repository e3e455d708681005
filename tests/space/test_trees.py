"""Unions and stacks in a space: what belongs, what is refused and why, and the space of one shape."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.core import Config, SpaceError, Step
from automl.data import Container
from automl.optimize import BayesSearch
from automl.space import build_space, default_catalog
from automl.space.trees import parse_shape
from tests.space.test_build import MIXED, NUMERIC, SPACES

NUMBERS, BOTH = SPACES["n"], SPACES["m"]


def of(*names: str) -> Config:
    return Config(tuple(Step.of(name) for name in names))


def union(*branches: Config, **params: object) -> Step:
    return Step.of("union", *branches, **params)


def stack(*branches: Config) -> Step:
    return Step.of("stack", *branches)


TREES = [
    Config.of(union(of("pca"), of("variance", "polynomial")), Step.of("ridge")),
    Config.of(union(of("spline"), of("pca"), of("pca", "polynomial"), keep=False), Step.of("knn")),
    Config.of(union(of("polynomial", "univariate"), of("nystroem", "pca")), stack(of("pca", "knn")), Step.of("ridge")),
    Config.of(stack(of("ridge"), of("rotation", "extra_trees")), Step.of("lightgbm")),
    Config.of(Step.of("pca"), stack(Config.of(union(of("rotation")), Step.of("knn"))), Step.of("ridge")),
]


@pytest.mark.parametrize("tree", TREES, ids=Config.shape)
def test_a_tree_belongs_and_has_a_canonical_form(tree: Config):
    whole = NUMBERS.complete(tree)
    NUMBERS.check(tree)
    assert NUMBERS.complete(whole) == whole == Config.from_json(whole.to_json())
    assert parse_shape(whole.shape()).shape() == whole.shape()
    assert whole.steps[-1].component == tree.steps[-1].component and not whole.linear


def test_the_order_of_branches_does_not_matter():
    there = Config.of(union(of("pca"), of("spline")), Step.of("ridge"))
    back = Config.of(union(of("spline"), of("pca")), Step.of("ridge"))
    assert NUMBERS.complete(there) == NUMBERS.complete(back)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (Config.of(union(), Step.of("ridge")), "'union' has 1 to 3 branches, got 0"),
        (
            Config.of(union(of("pca"), of("spline"), of("ica"), of("variance")), Step.of("ridge")),
            "has 1 to 3 branches, got 4",
        ),
        (Config.of(union(of("pca"), of("pca")), Step.of("ridge")), "two branches of 'union' are the same"),
        (Config.of(union(of("pca", "ica", "spline")), Step.of("ridge")), "has 1 to 2 steps, got 'pca > ica > spline'"),
        (Config.of(union(of("pca", "pca")), Step.of("ridge")), "has one step twice"),
        (Config.of(union(of("spline", "polynomial")), Step.of("ridge")), "'polynomial' cannot stand behind 'spline'"),
        (
            Config.of(Step.of("polynomial"), stack(of("binning", "ridge")), Step.of("ridge")),
            "'binning' cannot stand behind 'polynomial', which makes many columns",
        ),
        (
            Config.of(union(of("pca"), of("nystroem")), stack(of("ica", "ridge")), Step.of("ridge")),
            "'ica' cannot stand behind 'nystroem'",
        ),
        (Config.of(union(of("pca"), keep=False), Step.of("ridge")), "of one step alone, 'pca', is that step itself"),
        (Config.of(union(of("pca"), keep=1), Step.of("ridge")), "union:keep is True or False, got 1"),
        (Config.of(union(of("pca")), Step.of("lightgbm")), "'pca' in a branch is not offered to 'lightgbm'"),
        (Config.of(union(of("standard")), Step.of("ridge")), "'standard' in a branch is not offered"),
        (Config.of(union(Config.of(union(of("pca")))), Step.of("ridge")), "'union' in a branch is not offered"),
        (Config.of(union(of("pca")), Step.of("variance"), Step.of("ridge")), "at most one step of each other role"),
        (Config.of(union(of("pca")), Step.of("prior")), "cannot stand before 'prior', which looks at no column"),
        (Config.of(stack(of("lightgbm")), Step.of("ridge")), "'lightgbm', which stops early, cannot stand"),
        (Config.of(stack(of("prior")), Step.of("ridge")), "'prior', which looks at no column, cannot stand"),
        (Config.of(stack(of("pca")), Step.of("ridge")), "is a model, perhaps behind one feature step or union"),
        (Config.of(stack(Config.of(stack(of("ridge")), Step.of("knn"))), Step.of("ridge")), "got 'stack.ridge. > knn'"),
        (Config.of(stack(of("pca", "extra_trees")), Step.of("ridge")), "'pca' in a branch is not offered"),
        (Config.of(stack(of("magic")), Step.of("ridge")), "no component 'magic'"),
        (Config.of(stack(of("logistic")), Step.of("ridge")), "'logistic' is not in this space: not for regression"),
        (Config.of(Step.of("ridge", of("pca"))), "'ridge' takes no branches, got 1"),
        (Config.of(union(Config.of(Step.of("pca", kept=2.0))), Step.of("ridge")), r"pca:kept lies in \[0.5, 0.999\]"),
    ],
)
def test_what_does_not_belong_is_refused(tree: Config, message: str):
    with pytest.raises(SpaceError, match=message):
        NUMBERS.check(tree)


def test_a_tree_has_no_vector_among_sequences_and_bayesian_optimization_passes_over_it():
    with pytest.raises(SpaceError, match="a tree has no vector in the space of sequences"):
        NUMBERS.to_vector(TREES[0])
    for seed in range(40):
        assert NUMBERS.sample(np.random.default_rng(seed)).linear


@pytest.mark.parametrize("tree", TREES, ids=Config.shape)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_leaves_of_a_tree_are_a_space(tree: Config, seed: int):
    leaves = NUMBERS.shaped(NUMBERS.complete(tree).shape())
    try:
        config = leaves.sample(np.random.default_rng(seed))
    except SpaceError as error:  # one of the draws that no ConfigSpace can forbid
        assert "is that step itself" in str(error)
        return
    NUMBERS.check(config)
    assert config.shape() == leaves.shape
    assert leaves.from_vector(leaves.to_vector(config)) == config


def test_a_component_that_stands_twice_has_its_own_hyperparameters_in_each_place():
    leaves = NUMBERS.of("median > standard > union(pca, pca > spline) > ridge")
    assert {"union.0/pca:kept", "union.1/pca:kept", "union:keep", "ridge:alpha"} <= set(leaves)


def test_another_shape_and_an_unknown_component_are_refused():
    leaves = NUMBERS.shaped("median_indicator > standard > ridge")
    with pytest.raises(SpaceError, match="expected a configuration of shape 'median_indicator > standard > ridge'"):
        leaves.to_vector(NUMBERS.complete(TREES[0]))
    with pytest.raises(SpaceError, match="no component 'magic'"):
        NUMBERS.shaped("stack(magic) > ridge")


def test_bayesian_optimization_tunes_the_leaves_of_a_shape():
    shape = "median_indicator > standard > stack(knn, ridge) > ridge"
    proposals = BayesSearch(NUMBERS.shaped(shape), 0).ask(5)
    assert {proposal.config.shape() for proposal in proposals} == {shape}


@pytest.mark.parametrize(
    ("facts", "name", "reason"),
    [
        (replace(MIXED, has_groups=True), "stack", "tear groups"),
        (replace(MIXED, has_times=True), "stack", "past and future"),
        (replace(MIXED, has_weights=True), "stack", "takes no sample weights"),
        (replace(MIXED, min_class_count=9), "stack", "needs 10 members of every class"),
        (replace(MIXED, container=Container.SPARSE), "union", "takes no sparse table"),
    ],
)
def test_trees_leave_where_they_would_not_be_honest(facts, name: str, reason: str):
    assert reason in dict(build_space(facts, default_catalog()).left_out)[name]


def test_unions_stay_where_weights_groups_and_times_are_given():
    bound = build_space(replace(MIXED, has_weights=True, has_groups=True, has_times=True), default_catalog())
    bound.check(Config.of(union(of("pca")), Step.of("logistic")))


def test_what_is_included_does_not_decide_about_trees_unless_they_are_named():
    some = build_space(NUMERIC, default_catalog(), include=["ridge", "pca"])
    some.check(Config.of(union(of("pca")), stack(of("ridge")), Step.of("ridge")))
    without = build_space(NUMERIC, default_catalog(), exclude=["join"])
    assert dict(without.left_out)["union"] == dict(without.left_out)["stack"] == "excluded by the user"
    named = build_space(NUMERIC, default_catalog(), include=["union"])
    assert {"union", "stack", "pca", "spline"} <= {component.name for component in named.active}
