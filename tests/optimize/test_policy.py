"""Which proposer when: shares from the budget, what pays, and never too much time for thinking."""

import pytest
from ConfigSpace import ConfigurationSpace

from automl.core import Measures, Result, SettingError, Status, Trial
from automl.optimize import BayesSearch, Policy, RandomSearch, explain_optimizer, start_optimizer
from automl.optimize.policy import LARGE_ROWS, LONG_SECONDS, LONG_TRIALS, first_shares
from automl.space import FreeSpace, build_space, default_catalog, facts_of, start_portfolio
from tests.builders import mixed_dataset

SPACE = FreeSpace(ConfigurationSpace({"x": (-5.0, 5.0), "kind": ["a", "b"]}))


def told(number, proposal, loss, seconds=0.1):
    trial = Trial(number, proposal.config, proposal.origin)
    return Result(trial, Status.OK, loss, Measures(fit_seconds=seconds))


def bowl(config):
    values = SPACE.values(config)
    return (values["x"] - 1) ** 2 + (values["kind"] == "a")


def run(policy, n, objective=bowl):
    origins = []
    for number in range(n):
        [proposal] = policy.ask(1)
        origins.append(proposal.origin)
        policy.tell(told(number, proposal, objective(proposal.config)))
    return origins


def test_genetic_programming_joins_where_the_budget_is_long_and_the_table_not_large():
    assert first_shares(seconds=60.0).shares == {"bayes": 0.495, "learners": 0.405, "random": 0.1}
    assert set(first_shares(seconds=LONG_SECONDS).shares) == {"bayes", "learners", "genetic", "random"}
    assert "genetic" not in first_shares(seconds=LONG_SECONDS, rows=LARGE_ROWS + 1).shares
    assert "genetic" not in first_shares(trials=LONG_TRIALS - 1).shares
    assert first_shares(trials=LONG_TRIALS).shares["genetic"] > 0
    assert "genetic" not in first_shares(seconds=10.0, trials=LONG_TRIALS).shares  # the clock ends it first
    for budget in (60.0, LONG_SECONDS):
        assert sum(first_shares(seconds=budget).shares.values()) == pytest.approx(1.0)


def test_the_plan_says_who_proposes_and_why():
    text = "; ".join(explain_optimizer("auto", seconds=60.0))
    assert "portfolio first" in text and "no genetic programming: the budget is below" in text
    assert f"more than {LARGE_ROWS:,} rows" in "; ".join(explain_optimizer("auto", seconds=900.0, rows=60_000))
    assert explain_optimizer("random") == ("random search",)
    assert explain_optimizer(RandomSearch) == ("an optimizer of the user's own",)


def test_the_portfolio_first_then_the_others_by_their_shares():
    portfolio = [p.config for p in RandomSearch(SPACE, 9).ask(5)]
    policy = Policy(SPACE, portfolio, 0, trials=LONG_TRIALS)
    proposals = policy.ask(65)
    assert [p.config for p in proposals[:5]] == portfolio
    origins = [p.origin for p in proposals[5:]]
    assert set(origins) == {"bayes", "genetic", "random"}
    assert 30 <= origins.count("bayes") <= 52 and 4 <= origins.count("genetic") <= 22


def test_whoever_proposes_what_pays_is_asked_more():
    policy = Policy(SPACE, (), 0, seconds=60.0, make=RandomSearch)
    before = policy.shares()
    for number in range(60):
        [proposal] = policy.ask(1)
        policy.tell(told(number, proposal, -number if proposal.origin == "random" else number))
    after = policy.shares()
    assert after["random"] > 2 * before["random"] and after["bayes"] >= 0.05
    assert sum(after.values()) == pytest.approx(1.0)


def test_a_change_of_the_leader_is_told_once():
    policy = Policy(SPACE, (), 0, seconds=60.0, make=RandomSearch)
    policy.ask(1)
    [first] = policy.news()
    assert first == "proposals from now on: bayes 90%, random 10%" and policy.news() == []
    for number in range(150):
        [proposal] = policy.ask(1)
        policy.tell(told(number, proposal, -number if proposal.origin == "random" else number))
    [second] = policy.news()
    assert second.startswith("proposals from now on")


class Clock:
    """Stands still but for what proposing takes."""

    def __init__(self, now=100.0):
        self.now = now

    def __call__(self):
        return self.now


def test_where_proposing_takes_too_much_of_the_time_chance_steps_in():
    clock, slow = Clock(), 1.0

    class Slow(BayesSearch):
        def ask(self, n):
            clock.now += slow
            return super().ask(n)

    policy = Policy(SPACE, (), 0, seconds=600.0, clock=clock, make=Slow)
    origins = run(policy, 40)
    assert origins.count("bayes") == 2  # of 100 seconds 2 are for proposing
    assert any("bayes waits" in text for text in policy.news())
    clock.now = 1000.0
    origins = run(policy, 40)
    assert origins.count("bayes") > 10


def test_whoever_is_dear_waits_and_the_others_go_on():
    clock = Clock(30.0)

    class Slow(RandomSearch):
        """Over all models it takes long."""

        def ask(self, n):
            clock.now += 0.5 if len(self._space.models) > 8 else 0.001
            return super().ask(n)

    facts = facts_of(mixed_dataset(), 60.0)
    policy = Policy(build_space(facts, default_catalog()), (), 0, seconds=60.0, clock=clock, make=Slow)
    origins = [p.origin for p in policy.ask(40)]
    assert origins.count("bayes") <= 2 and origins.count("learners") > 15


def test_counted_runs_do_not_look_at_measured_seconds():
    def proposals(seconds):
        policy, seen = Policy(SPACE, (), 3, trials=100), []
        for number in range(40):
            [proposal] = policy.ask(1)
            seen.append(proposal.config)
            policy.tell(told(number, proposal, bowl(proposal.config), seconds(number)))
        return seen

    assert proposals(lambda number: 0.1) == proposals(lambda number: 1.0 + number % 3)


def test_it_finds_more_than_chance_in_a_space_of_its_users():
    def best(make, seed):
        optimizer, losses = make(seed), []
        for number in range(60):
            [proposal] = optimizer.ask(1)
            losses.append(bowl(proposal.config))
            optimizer.tell(told(number, proposal, losses[-1]))
        return min(losses)

    ours = sum(best(lambda seed: Policy(SPACE, (), seed), seed) for seed in range(3))
    assert ours < 0.2 * sum(best(lambda seed: RandomSearch(SPACE, seed), seed) for seed in range(3))


def test_auto_is_the_policy_and_knows_the_run():
    dataset = mixed_dataset()
    facts = facts_of(dataset, 60.0)
    space = build_space(facts, default_catalog())
    portfolio = start_portfolio(facts, space)
    policy = start_optimizer("auto", space, portfolio, 0, seconds=600.0, rows=dataset.n_rows)
    assert isinstance(policy, Policy) and "genetic" in policy.shares()
    origins = [p.origin for p in policy.ask(len(portfolio) + 12)]
    assert origins[: len(portfolio)] == ["portfolio"] * len(portfolio)
    assert set(origins[len(portfolio) :]) <= {"bayes", "learners", "genetic", "random"}


def test_a_small_space_is_exhausted_and_nothing_comes_twice():
    small = FreeSpace(ConfigurationSpace({"a": [1, 2, 3], "b": [1, 2]}))
    keys = [p.config.key() for p in Policy(small, (), 0, trials=300).ask(20)]
    assert len(keys) == len(set(keys)) == 6


def test_wrong_choices_are_still_refused():
    with pytest.raises(SettingError):
        start_optimizer("policy", SPACE, (), 0)
