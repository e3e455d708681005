"""One contract for every optimizer."""

import pytest

from automl.core import Config, Measures, Result, SettingError, Status, Step, Trial
from automl.optimize import (
    ASHA,
    BayesSearch,
    Chain,
    GeneticSearch,
    Hyperband,
    LearnerChoice,
    Policy,
    Portfolio,
    RandomSearch,
    SuccessiveHalving,
    ladder,
    start_optimizer,
)
from automl.space import build_space, default_catalog, facts_of, start_portfolio
from tests.builders import mixed_dataset


@pytest.fixture(scope="module")
def space():
    return build_space(facts_of(mixed_dataset(), 60.0), default_catalog())


def portfolio_of(space):
    return start_portfolio(facts_of(mixed_dataset(), 60.0), space)


MAKERS = {
    "random": lambda space, seed: RandomSearch(space, seed),
    "bayes": lambda space, seed: BayesSearch(space, seed, initial=8),
    "genetic": lambda space, seed: GeneticSearch(space, seed, population=12, initial=8),
    "portfolio": lambda space, seed: Portfolio(portfolio_of(space)),
    "auto": lambda space, seed: start_optimizer("auto", space, portfolio_of(space), seed),
    "policy": lambda space, seed: Policy(space, portfolio_of(space)[:3], seed, seconds=600.0),
    "learners": LearnerChoice,
    "random learners": lambda space, seed: LearnerChoice(space, seed, make=RandomSearch),
    "asha": lambda space, seed: ASHA(RandomSearch(space, seed), ladder(1 / 9)),
    "asha around the forest": lambda space, seed: ASHA(BayesSearch(space, seed, initial=8), ladder(1 / 9)),
    "successive halving": lambda space, seed: SuccessiveHalving(RandomSearch(space, seed), ladder(1 / 9)),
    "hyperband": lambda space, seed: Hyperband(RandomSearch(space, seed), ladder(1 / 9)),
}


@pytest.fixture(params=MAKERS, name="make")
def _make(request, space):
    return lambda seed=0: MAKERS[request.param](space, seed)


def told(config, status=Status.OK, number=0):
    return Result(Trial(number, config, "foreign"), status, 0.5 if status is Status.OK else None, Measures())


def answered(proposal, number):
    """What came of a proposal, at its own fidelity; one in seven fails."""
    trial = Trial(number, proposal.config, proposal.origin, proposal.fidelity)
    status = Status.OK if number % 7 else Status.CRASHED
    loss = int(proposal.config.key(), 16) % 1000 / 1000 - proposal.fidelity.rows if number % 7 else None
    return Result(trial, status, loss, Measures())


def test_proposals_are_valid(make, space):
    for proposal in make().ask(30):
        space.check(proposal.config)


def test_the_same_seed_proposes_the_same(make):
    assert [p.config for p in make(3).ask(20)] == [p.config for p in make(3).ask(20)]


def test_how_many_are_asked_at_once_does_not_matter(make):
    one_by_one = make(1)
    assert make(1).ask(12) == [one_by_one.ask(1)[0] for _ in range(12)]


def test_nothing_is_proposed_twice(make):
    keys = [p.config.key() for p in make().ask(60)]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("status", list(Status))
def test_it_survives_every_status_and_foreign_results(make, status):
    optimizer = make()
    optimizer.tell(told(optimizer.ask(1)[0].config, status))
    optimizer.tell(told(Config.of(Step.of("unheard of", a=1)), status))
    assert optimizer.ask(1)


def test_what_was_told_is_not_proposed_again(make):
    known = make().ask(1)[0].config
    optimizer = make()
    optimizer.tell(told(known))
    assert known not in [p.config for p in optimizer.ask(20)]


@pytest.mark.parametrize("told_too", [False, True])
@pytest.mark.parametrize("n", [1, 5, 30])
def test_it_goes_on_behind_what_an_earlier_process_was_given(make, n, told_too):
    whole, later = make(), make()
    for number, proposal in enumerate(whole.ask(n)):
        assert later.recall(proposal.config)
        if told_too:
            for optimizer in (whole, later):
                optimizer.tell(told(proposal.config, number=number))
    assert later.ask(10) == whole.ask(10)


def test_it_goes_on_in_the_middle_of_a_run(make):
    """Results come back late; a second process is given the same trials and Results."""
    whole, later, flying = make(5), make(5), []
    for number in range(24):
        [proposal] = whole.ask(1)
        assert later.recall(proposal.config)
        flying.append(answered(proposal, number))
        if len(flying) > 4:
            whole.tell(flying[0])
            later.tell(flying.pop(0))
    assert later.ask(4) == whole.ask(4)


def test_the_same_configuration_comes_again_at_another_fidelity_only(make):
    optimizer, seen = make(2), set()
    for number in range(30):
        for proposal in optimizer.ask(1):
            assert (proposal.config, proposal.fidelity) not in seen
            seen.add((proposal.config, proposal.fidelity))
            optimizer.tell(answered(proposal, number))


def test_nothing_left_cannot_be_recalled(space):
    portfolio = Portfolio(portfolio_of(space)[:1])
    [proposal] = portfolio.ask(1)
    assert not portfolio.recall(proposal.config)


def test_a_chain_goes_on_with_the_next_optimizer(space):
    first = portfolio_of(space)[:2]
    chain = Chain([Portfolio(first), RandomSearch(space, 0)])
    assert [p.origin for p in chain.ask(4)] == ["portfolio", "portfolio", "random", "random"]


def test_an_exhausted_portfolio_proposes_nothing(space):
    portfolio = Portfolio(portfolio_of(space)[:1])
    assert len(portfolio.ask(5)) == 1 and portfolio.ask(5) == []


def test_names_objects_and_factories(space):
    own = RandomSearch(space, 0)
    assert start_optimizer(own, space, (), 0).ask(3) == own.ask(3)
    assert start_optimizer(own, space, (), 0).ask(1) == own.ask(1)  # what a fit asks, it asks of a copy
    assert isinstance(start_optimizer(RandomSearch, space, (), 0), RandomSearch)
    with pytest.raises(SettingError, match="optimizer='annealing'"):
        start_optimizer("annealing", space, (), 0)
