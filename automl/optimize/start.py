"""Which optimizer a name or an object stands for."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from automl.core import Config, SettingError
from automl.optimize.ask_tell import Chain, Optimizer
from automl.optimize.bayes import BayesSearch
from automl.optimize.genetic import GeneticSearch
from automl.optimize.portfolio import Portfolio
from automl.optimize.random import RandomSearch
from automl.space import Space

__all__ = ["NAMES", "start_optimizer"]

NAMES = ("auto", "bayes", "genetic", "random")


def start_optimizer(choice: Any, space: Space, portfolio: Iterable[Config], seed: int) -> Optimizer:
    """Return a new optimizer.

    Parameters
    ----------
    choice : "auto", "bayes", "genetic", "random" or object
        ``auto``: the portfolio, then random search. ``bayes``: the portfolio, then Bayesian optimization, which
        learns from both. ``genetic``: the portfolio, then genetic programming, which breeds trees from
        both. ``random``: random search alone. An object with ``ask`` and ``tell`` is used as it is (a copy); any other
        callable is called with (space, seed) and returns one.

    Raises
    ------
    SettingError
        If it is none of these.
    """
    if isinstance(choice, str) and choice == "auto":
        return Chain([Portfolio(portfolio), RandomSearch(space, seed)])
    if isinstance(choice, str) and choice == "bayes":
        return Chain([Portfolio(portfolio), BayesSearch(space, seed)])
    if isinstance(choice, str) and choice == "genetic":
        return Chain([Portfolio(portfolio), GeneticSearch(space, seed)])
    if isinstance(choice, str) and choice == "random":
        return RandomSearch(space, seed)
    if callable(choice) and not hasattr(choice, "ask") or isinstance(choice, type):
        try:
            choice = choice(space, seed)
        except Exception as error:  # the user's own code
            message = f"optimizer={choice!r} cannot be called with (space, seed): {type(error).__name__}: {error}"
            raise SettingError(message) from error
    if callable(getattr(choice, "ask", None)) and callable(getattr(choice, "tell", None)):
        optimizer: Optimizer = copy.deepcopy(choice)  # a fit changes no parameter of its estimator
        return optimizer
    raise SettingError(f"optimizer={choice!r}; give one of {', '.join(NAMES)} or an object with ask and tell")
