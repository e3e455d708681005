"""Which family is tried next: the estimate by hand, what it is drawn to, who is left out."""

import math

import pytest

from automl.core import Config, Measures, Result, Status, Step, Trial
from automl.data import Task
from automl.optimize import LearnerChoice, Portfolio, RandomSearch
from automl.optimize.learners import History, Shortlist
from automl.space import Facts, build_space, default_catalog

FACTS = Facts(Task.REGRESSION, 500, 8, n_numeric=8, min_class_count=500)


@pytest.fixture(scope="module")
def space():
    return build_space(FACTS, default_catalog(), include=["linear", "forest", "neighbors"])


def told(number, proposal, loss, seconds=1.0, status=Status.OK):
    trial = Trial(number, proposal.config, proposal.origin)
    return Result(trial, status, loss, Measures(fit_seconds=seconds))


def family(space, config):
    return space.component(config.steps[-1].component).family


def test_the_estimate_by_hand():
    history = History()
    history.add(0.9, 2.0, entered=False, reference=0.9)  # the first counts as an improvement, of nothing
    assert (history.at_last, history.estimated_cost(bar=0.5)) == (2.0, 2.0)
    history.add(0.7, 3.0, entered=False, reference=0.9)  # from .9 to .7
    assert history.estimated_cost(bar=0.8) == 3.0  # within the ensemble: what the last improvement took
    assert history.estimated_cost(bar=0.5) == pytest.approx(2 * 0.2 * 3.0 / 0.2)  # .2 behind, at .2 in 3 seconds
    history.add(0.75, 4.0, entered=False, reference=0.9)
    assert history.estimated_cost(bar=0.8) == 4.0  # so long without any
    history.add(0.75, 1.0, entered=True, reference=0.9)  # no best, but a place in the ensemble
    assert (history.best, history.at_last, history.estimated_cost(bar=0.8)) == (0.7, 10.0, 5.0)


def test_failures_cost_and_improve_nothing():
    history = History()
    history.add(math.inf, 2.0, entered=False, reference=1.0)
    history.add(math.inf, 2.0, entered=False, reference=1.0)
    assert history.at_last == 0.0 and history.estimated_cost(bar=math.inf) == 8.0


def test_a_family_has_so_many_places_and_the_worst_leaves():
    shortlist = Shortlist(places=4, of_a_family=2)
    assert [shortlist.add(loss, "a") for loss in (0.5, 0.4, 0.6, 0.3)] == [True, True, False, True]
    assert shortlist.bar == math.inf
    assert shortlist.add(0.9, "b") and shortlist.add(0.8, "c") and shortlist.bar == 0.9
    assert shortlist.add(0.7, "c") and not shortlist.add(0.9, "d")
    assert shortlist.held == [(0.3, "a"), (0.4, "a"), (0.7, "c"), (0.8, "c")]


def test_families_share_alike_at_first_and_the_one_that_improves_gets_most(space):
    optimizer = LearnerChoice(space, 0, make=RandomSearch)
    chances = optimizer.probabilities()
    assert set(chances) == {"linear", "forest", "neighbors"}  # not the constant model
    assert all(chance == pytest.approx(1 / 3) for chance in chances.values())
    drawn = []
    for number in range(90):
        [proposal] = optimizer.ask(1)
        drawn.append(family(space, proposal.config))
        loss = 1 / (10 + number) if drawn[-1] == "forest" else 1.0 + number / 1000
        optimizer.tell(told(number, proposal, loss))
    assert drawn[45:].count("forest") > 30 and len(set(drawn[45:])) > 1


def test_what_costs_less_is_tried_more_where_seconds_count(space):
    counts = {}
    for timed in (False, True):
        optimizer, drawn = LearnerChoice(space, 1, make=RandomSearch, timed=timed), []
        for number in range(80):
            [proposal] = optimizer.ask(1)
            drawn.append(family(space, proposal.config))
            seconds = 10.0 if drawn[-1] == "forest" else 1.0
            optimizer.tell(told(number, proposal, 1.0 - 0.001 * number, seconds))  # all improve alike
        counts[timed] = drawn.count("forest")
    assert counts[True] < 0.6 * counts[False]


def test_a_family_that_always_fails_is_tried_seldom_but_not_never(space):
    optimizer, drawn = LearnerChoice(space, 2, make=RandomSearch), []
    for number in range(80):
        [proposal] = optimizer.ask(1)
        drawn.append(family(space, proposal.config))
        failed = drawn[-1] == "neighbors"
        status = Status.CRASHED if failed else Status.OK
        optimizer.tell(told(number, proposal, None if failed else 1.0 - 0.001 * number, status=status))
    assert 1 <= drawn.count("neighbors") < 12


def test_an_exhausted_family_leaves_the_others_their_turn(space):
    class Few(RandomSearch):
        def ask(self, n):
            forest = any(model.family == "forest" for model in self._space.models)
            return [] if forest else super().ask(n)

    proposals = LearnerChoice(space, 0, make=Few).ask(20)
    assert {family(space, p.config) for p in proposals} == {"linear", "neighbors"}
    assert LearnerChoice(space, 0, make=lambda space, seed: Portfolio(())).ask(3) == []


def test_results_from_elsewhere_reach_the_optimizer_of_their_family(space):
    heard = []

    class Spy(RandomSearch):
        def tell(self, result):
            heard.append((result.trial.id, [model.family for model in self._space.models]))
            super().tell(result)

    optimizer = LearnerChoice(space, 0, make=Spy)
    foreign = RandomSearch(space, 7).ask(20)
    for number, proposal in enumerate(foreign):
        optimizer.tell(told(number, proposal, 0.5))
    optimizer.tell(Result(Trial(99, Config.of(Step.of("unheard of")), ""), Status.OK, 0.1, Measures()))
    optimizer.ask(30)  # makes the optimizers of all families
    families = {number: family(space, proposal.config) for number, proposal in enumerate(foreign)}
    expected = {number: name for number, name in families.items() if name != "prior"}
    assert {number: set(names) - {"prior"} for number, names in heard} == {n: {f} for n, f in expected.items()}
