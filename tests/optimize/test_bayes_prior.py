"""What is known from elsewhere helps the forest where it agrees with what is seen, and changes nothing otherwise."""

from __future__ import annotations

import numpy as np
from ConfigSpace import ConfigurationSpace

from automl.core import Measures, Result, Status, Trial
from automl.optimize import BayesSearch
from automl.space import FreeSpace

SPACE = FreeSpace(ConfigurationSpace(dict.fromkeys("abcd", (-5.0, 5.0))))


def loss(config) -> float:
    values = SPACE.values(config)
    return sum((values[name] - 2.0) ** 2 for name in "abcd")


def tried(optimizer: BayesSearch, n: int) -> list[float]:
    losses = []
    for number in range(n):
        [proposal] = optimizer.ask(1)
        losses.append(loss(proposal.config))
        optimizer.tell(Result(Trial(number, proposal.config, "test"), Status.OK, losses[-1], Measures()))
    return losses


def distance(rows):
    """The loss itself, in other units: vectors lie in [0, 1]."""
    return ((rows - 0.7) ** 2).sum(axis=1)


def prior(sign: float):
    return lambda space: lambda seen, losses: lambda rows: sign * distance(rows)


def test_a_prior_without_an_opinion_changes_nothing():
    silent = BayesSearch(SPACE, 0, prior=lambda space: lambda seen, losses: None)
    assert tried(silent, 24) == tried(BayesSearch(SPACE, 0), 24)


def test_a_prior_that_is_wrong_way_round_changes_nothing():
    assert tried(BayesSearch(SPACE, 0, prior=prior(-1.0)), 24) == tried(BayesSearch(SPACE, 0), 24)


def test_a_prior_that_agrees_leads_to_the_optimum():
    gains = [
        min(tried(BayesSearch(SPACE, s), 30)) / min(tried(BayesSearch(SPACE, s, prior=prior(1.0)), 30)) for s in (0, 1)
    ]
    assert min(gains) > 2.0


def test_a_prior_is_told_what_was_tried_and_what_failed():
    told = []

    def remember(space):
        assert space is SPACE

        def seen(rows, losses):
            told.append((rows.copy(), losses.copy()))

        return seen

    optimizer = BayesSearch(SPACE, 0, prior=remember)
    for number in range(20):
        [proposal] = optimizer.ask(1)
        failed = number == 3
        result = Result(
            Trial(number, proposal.config, "test"),
            Status.CRASHED if failed else Status.OK,
            None if failed else loss(proposal.config),
            Measures(),
        )
        optimizer.tell(result)
    rows, losses = told[-1]
    assert rows.shape == (16, 4) and np.flatnonzero(np.isnan(losses)).tolist() == [3]
