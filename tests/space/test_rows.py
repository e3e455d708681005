"""Rows of numbers are ConfigSpace's own vectors, whatever is done to them."""

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace, EqualsCondition, OrdinalHyperparameter
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.core import Config, SpaceError, Step
from automl.space import FreeSpace, RowSpace, build_space, default_catalog, facts_of
from tests.builders import mixed_dataset


@pytest.fixture(scope="module")
def space():
    return build_space(facts_of(mixed_dataset(), 60.0), default_catalog())


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_what_is_drawn_or_changed_is_a_valid_configuration(space, seed):
    rng, rows = np.random.default_rng(seed), RowSpace(space.configspace)
    drawn = rows.draw(3, rng)
    changed = rows.neighbours(drawn, 4, rng)
    for row in [*drawn, *changed]:
        config = space.from_vector(row)
        space.check(config)
        np.testing.assert_allclose(
            space.to_vector(config), row, atol=1e-3
        )  # whole numbers lie at one of several places


def test_a_neighbour_differs_in_one_value_and_what_hangs_on_it(space):
    rng, rows = np.random.default_rng(0), RowSpace(space.configspace)
    drawn = rows.draw(40, rng)
    changed = rows.neighbours(drawn, 1, rng)
    both = ~np.isnan(drawn) & ~np.isnan(changed)
    differing = ((drawn != changed) & both).sum(axis=1)
    assert differing.max() <= 1 and (differing == 1).mean() > 0.7


def test_parameters_are_active_as_often_as_their_parents_say(space):
    rows = RowSpace(space.configspace).draw(2_000, np.random.default_rng(0))
    own = [dict(configuration)["model"] for configuration in space.configspace.sample_configuration(2_000)]
    names = space.configspace["model"].choices
    drawn = [names[int(place)] for place in rows[:, list(space.configspace).index("model")]]
    for name in names:
        assert drawn.count(name) / 2_000 == pytest.approx(own.count(name) / 2_000, abs=0.035)


def test_a_space_of_ones_own_goes_both_ways():
    declared = ConfigurationSpace({"x": (0.0, 1.0), "n": (1, 5), "kind": ["a", "b"], "z": (0.0, 1.0)})
    declared.add(EqualsCondition(declared["z"], declared["kind"], "b"))
    space = FreeSpace(declared)
    for seed in range(20):
        config = space.sample(np.random.default_rng(seed))
        space.check(config)
        assert space.from_vector(space.to_vector(config)) == config
        assert ("z" in space.values(config)) == (space.values(config)["kind"] == "b")
        assert Config.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Config.of(Step.of("other", x=1.0)), "expected one step"),
        (Config.of(Step.of("objective", y=1.0)), "there is no hyperparameter 'y'"),
        (Config.of(Step.of("objective", x=7.0)), "not a configuration of this space"),
    ],
)
def test_what_does_not_belong_is_refused(config, message):
    with pytest.raises(SpaceError, match=message):
        FreeSpace(ConfigurationSpace({"x": (0.0, 1.0)})).check(config)


def test_ordered_values_move_to_another_place():
    declared = ConfigurationSpace({"size": OrdinalHyperparameter("size", ["small", "middle", "large"])})
    space, rows, rng = FreeSpace(declared), RowSpace(declared), np.random.default_rng(0)
    changed = rows.neighbours(np.ones((1, 1)), 200, rng)
    assert {space.values(space.from_vector(row))["size"] for row in changed} == {"small", "middle", "large"}
