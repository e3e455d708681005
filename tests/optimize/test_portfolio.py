"""The portfolio: in order, each once, whatever an earlier process was given first."""

from automl.core import Config, Step
from automl.optimize import Portfolio

ONE, TWO, THREE = (Config((Step(name),)) for name in ("lightgbm", "logistic", "ridge"))


def left(portfolio: Portfolio) -> list[Config]:
    return [proposal.config for proposal in portfolio.ask(9)]


def test_each_is_proposed_once_in_order():
    portfolio = Portfolio([ONE, TWO, ONE, THREE])
    assert left(portfolio) == [ONE, TWO, THREE] and left(portfolio) == []


def test_what_an_earlier_process_was_given_is_not_given_again_and_nothing_else_is_lost():
    portfolio = Portfolio([ONE, TWO, THREE])  # the earlier process had the simple model first
    assert portfolio.recall(TWO)
    assert left(portfolio) == [ONE, THREE]
    assert not portfolio.recall(TWO)


def test_what_has_changed_since_takes_the_place_of_the_next():
    portfolio = Portfolio([ONE, TWO])
    assert portfolio.recall(THREE)
    assert left(portfolio) == [TWO]
