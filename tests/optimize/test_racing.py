"""Successive halving, Hyperband and ASHA: known numbers, what goes on, what fidelities tell of each other."""

import math

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace
from scipy.stats import spearmanr

from automl.core import Config, Fidelity, Measures, Result, SettingError, Status, Step, Trial
from automl.optimize import ASHA, BayesSearch, Hyperband, Portfolio, RandomSearch, SuccessiveHalving, ladder
from automl.optimize.racing import Rungs, bracket_sizes, rank_correlation
from automl.space import FreeSpace

SPACE = FreeSpace(ConfigurationSpace({"x": (-5.0, 5.0), "y": (-5.0, 5.0)}))
FULL = Fidelity()


def bowl(config, fidelity):
    values = SPACE.values(config)
    return (values["x"] - 1) ** 2 + (values["y"] + 2) ** 2


def told(proposal, number, loss, status=Status.OK):
    trial = Trial(number, proposal.config, proposal.origin, proposal.fidelity)
    return Result(trial, status, loss, Measures())


def run(optimizer, n, objective=bowl, late=0):
    """Ask and tell n times, each Result ``late`` proposals late; the proposals."""
    proposals, flying = [], []
    for number in range(n):
        asked = optimizer.ask(1)
        if not asked:
            break
        proposals += asked
        loss = objective(asked[0].config, asked[0].fidelity)
        status = Status.CRASHED if loss is None else Status.OK
        flying.append(told(asked[0], number, loss, status))
        if len(flying) > late:
            optimizer.tell(flying.pop(0))
    return proposals


def numbers(count):
    """Configurations that are nothing but a number."""
    return [Config.of(Step.of("objective", number=number)) for number in range(count)]


def number_of(config):
    return float(config.steps[0].values["number"])


def counts(proposals):
    return [sum(p.fidelity.rows == share for p in proposals) for share in sorted({p.fidelity.rows for p in proposals})]


def test_the_sizes_of_hyperband_at_81_and_3():
    assert bracket_sizes(5) == ((81, 27, 9, 3, 1), (34, 11, 3, 1), (15, 5, 1), (8, 2), (5,))


def test_a_ladder_has_the_shares_asked_for():
    assert ladder(1 / 9, of=("rows", "rounds")) == (
        Fidelity(1 / 9, 1 / 9),
        Fidelity(1 / 3, 1 / 3),
        FULL,
    )
    assert ladder(0.1) == ladder(1 / 9) and ladder(1 / 8, eta=2, of=["folds"])[0] == Fidelity(folds=0.125)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ladder(0.0),
        lambda: ladder(0.1, of=("columns",)),
        lambda: ladder(0.1, eta=1),
        lambda: ASHA(RandomSearch(SPACE, 0), (FULL,)),
        lambda: SuccessiveHalving(RandomSearch(SPACE, 0), (FULL, FULL)),
    ],
)
def test_what_makes_no_ladder_is_refused(wrong):
    with pytest.raises(SettingError):
        wrong()


def test_successive_halving_goes_81_27_9_3_1_at_equal_cost_for_each_rung():
    proposals = run(SuccessiveHalving(RandomSearch(SPACE, 0), ladder(1 / 81)), 121)
    assert [round(81 * p.fidelity.rows) for p in proposals] == [1] * 81 + [3] * 27 + [9] * 9 + [27] * 3 + [81]
    assert sum(81 * p.fidelity.rows for p in proposals) == pytest.approx(405)
    losses = [bowl(p.config, None) for p in proposals]
    assert losses[-1] == min(losses)  # where fidelities agree, the best survives
    assert sorted(losses[81:108]) == sorted(losses[:81])[:27]


def test_the_next_bracket_begins_while_a_rung_waits():
    halving = SuccessiveHalving(RandomSearch(SPACE, 0), ladder(1 / 3))
    first = halving.ask(3)
    [waiting] = halving.ask(1)
    assert waiting.fidelity.rows == pytest.approx(1 / 3)
    for number, proposal in enumerate(first):
        halving.tell(told(proposal, number, bowl(proposal.config, None)))
    [promoted] = halving.ask(1)
    assert promoted.fidelity == FULL
    assert promoted.config == min(first, key=lambda p: bowl(p.config, None)).config


def test_hyperband_takes_all_brackets_in_turn():
    proposals = run(Hyperband(RandomSearch(SPACE, 0), ladder(1 / 9)), 13 + 6 + 3)
    shares = [round(9 * p.fidelity.rows) for p in proposals]
    assert bracket_sizes(3) == ((9, 3, 1), (5, 1), (3,))
    assert shares == [1] * 9 + [3] * 3 + [9] + [3] * 5 + [9] + [9] * 3


def test_a_proposer_that_ends_ends_the_bracket_with_what_there_is():
    proposals = run(SuccessiveHalving(Portfolio(numbers(5)), ladder(1 / 3)), 20, lambda c, f: number_of(c))
    assert [number_of(p.config) for p in proposals] == [0, 1, 2, 0, 3, 4, 3]


def test_failures_take_a_place_and_are_never_promoted():
    fails = lambda config, fidelity: None if number_of(config) % 2 == 0 else number_of(config)  # noqa: E731
    for optimizer in (
        SuccessiveHalving(Portfolio(numbers(9)), ladder(1 / 9)),
        ASHA(Portfolio(numbers(9)), ladder(1 / 9)),
    ):
        proposals = run(optimizer, 20, fails)
        promoted = [number_of(p.config) for p in proposals if p.fidelity.rows > 0.2]
        assert promoted and all(number % 2 for number in promoted)


def test_whoever_asha_promotes_was_among_the_best_third_at_that_moment():
    asha, seen = ASHA(RandomSearch(SPACE, 1), ladder(1 / 27)), {}
    for number in range(150):
        [proposal] = asha.ask(1)
        loss = bowl(proposal.config, None)
        if proposal.origin == "promoted":
            below = seen[round(proposal.fidelity.rows / 3, 6)]
            assert loss in sorted(below)[: len(below) // 3]
        seen.setdefault(round(proposal.fidelity.rows, 6), []).append(loss)
        asha.tell(told(proposal, number, loss))
    sizes = asha.sizes
    assert sizes == tuple(len(seen[share]) for share in sorted(seen))
    assert all(high >= low // 3 for low, high in zip(sizes[:3], sizes[1:], strict=True))


def test_asha_never_waits_for_results_and_promotes_from_the_top_rung_down():
    asha = ASHA(Portfolio(numbers(100)), ladder(1 / 9))
    first = asha.ask(9)
    assert len(first) == 9 and counts(first) == [9]
    for number, proposal in enumerate(first):
        asha.tell(told(proposal, number, number_of(proposal.config)))
    second = asha.ask(4)
    assert [p.origin for p in second] == ["promoted"] * 3 + ["portfolio"]
    for number, proposal in enumerate(second[:3]):
        asha.tell(told(proposal, 9 + number, number_of(proposal.config)))
    [top] = asha.ask(1)
    assert top.fidelity == FULL and number_of(top.config) == 0


def test_a_promotion_that_was_cancelled_comes_again():
    asha = ASHA(Portfolio(numbers(4)), ladder(1 / 3))
    for number, proposal in enumerate(asha.ask(3)):
        asha.tell(told(proposal, number, number_of(proposal.config)))
    [promoted] = asha.ask(1)
    asha.tell(told(promoted, 3, None, Status.CANCELLED))
    assert asha.ask(1) == [promoted]


@pytest.mark.parametrize("make", [ASHA, SuccessiveHalving, Hyperband])
def test_resumed_in_the_middle_it_goes_on_as_it_would_have(make):
    whole, later = (make(RandomSearch(SPACE, 3), ladder(1 / 9)) for _ in range(2))
    flying = []
    for number in range(40):
        [proposal] = whole.ask(1)
        assert later.recall(proposal.config)
        flying.append(told(proposal, number, bowl(proposal.config, None)))
        if len(flying) > 5:
            whole.tell(flying[0])
            later.tell(flying.pop(0))
    assert later.ask(5) == whole.ask(5)


def test_the_rank_correlation_is_scipys():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 8, 40).astype(float)  # with ties
    second = first + rng.normal(size=40)
    assert rank_correlation(first, second) == pytest.approx(spearmanr(first, second).statistic)
    assert rank_correlation(first, np.zeros(40)) == 0.0


def test_the_correlation_of_those_promoted_is_corrected_to_that_of_all():
    """The best third by the low fidelity, as after promotions: without correction it looks much worse."""
    rng, found, plain = np.random.default_rng(0), [], []
    for _ in range(40):
        rungs, low = Rungs(ladder(1 / 3)), rng.normal(size=300)
        high = 0.7 * low + math.sqrt(1 - 0.7**2) * rng.normal(size=300)
        configs = numbers(300)
        for place, losses, chosen in ((0, low, range(300)), (1, high, np.argsort(low)[:100])):
            for which in chosen:
                trial = Trial(0, configs[which], "", rungs.fidelities[place])
                rungs.add(place, Result(trial, Status.OK, float(losses[which]), Measures()))
        found.append(rungs.correlation(0))
        plain.append(rank_correlation(*rungs.pairs(0)))
    assert np.mean(plain) < 0.5
    assert np.mean(found) == pytest.approx(spearmanr(*_bivariate(0.7)).statistic, abs=0.1)


def _bivariate(correlation):
    rng = np.random.default_rng(1)
    first = rng.normal(size=20_000)
    return first, correlation * first + math.sqrt(1 - correlation**2) * rng.normal(size=20_000)


def test_a_lowest_fidelity_that_misleads_is_given_up_and_one_that_does_not_is_kept():
    noise = np.random.default_rng(0)

    def misleading(config, fidelity):
        return float(noise.random()) if fidelity.rows < 0.2 else bowl(config, fidelity)

    asha, honest = (ASHA(RandomSearch(SPACE, 0), ladder(1 / 9)) for _ in range(2))
    run(asha, 120, misleading)
    run(honest, 120)
    assert asha.lowest.rows == pytest.approx(1 / 3) and honest.lowest.rows == pytest.approx(1 / 9)
    [text] = asha.news()
    assert "rank correlation" in text and asha.news() == [] == honest.news()
    kept = ASHA(RandomSearch(SPACE, 0), ladder(1 / 9), least_correlation=-2.0)
    run(kept, 120, misleading)
    assert kept.lowest.rows == pytest.approx(1 / 9)


class Listener:
    """A proposer that remembers what it is told."""

    def __init__(self):
        self.inner, self.heard = Portfolio(numbers(30)), []

    def ask(self, n):
        return self.inner.ask(n)

    def tell(self, result):
        self.heard.append((result.status, result.loss))


def test_the_proposer_hears_losses_on_the_scale_of_the_lowest_fidelity():
    listener = Listener()
    asha = ASHA(listener, ladder(1 / 3))
    run(asha, 4, lambda config, fidelity: number_of(config) + 10 * (fidelity == FULL))
    assert listener.heard[-1] == (Status.OK, 0.0)
    asha.tell(Result(Trial(9, numbers(8)[7], "", Fidelity(rows=0.7)), Status.OK, 0.1, Measures()))
    assert listener.heard[-1][0] is Status.CANCELLED  # nothing can be compared with it


def test_a_forest_behind_the_race_finds_more_than_chance_at_the_same_cost():
    def biased(config, fidelity):
        return bowl(config, fidelity) * (1 + 0.1 * math.sin(37 * SPACE.values(config)["x"]) * (1 - fidelity.rows))

    def best(make):
        found = []
        for seed in range(3):
            optimizer, spent, losses = make(seed), 0.0, []
            while spent < 20:
                [proposal] = optimizer.ask(1)
                spent += proposal.fidelity.rows
                loss = biased(proposal.config, proposal.fidelity)
                losses += [loss] if proposal.fidelity == FULL else []
                optimizer.tell(told(proposal, 0, loss))
            found.append(min(losses))
        return np.median(found)

    raced = best(lambda seed: ASHA(BayesSearch(SPACE, seed), ladder(1 / 9)))
    assert raced < best(lambda seed: RandomSearch(SPACE, seed))
