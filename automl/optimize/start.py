"""Which optimizer a name or an object stands for."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable
from typing import Any

from automl.core import Config, SettingError
from automl.optimize.ask_tell import Chain, Optimizer
from automl.optimize.bayes import BayesSearch, Prior
from automl.optimize.genetic import GeneticSearch
from automl.optimize.policy import Policy, first_shares
from automl.optimize.portfolio import Portfolio
from automl.optimize.random import RandomSearch
from automl.space import Space

__all__ = ["NAMES", "explain_optimizer", "start_optimizer"]

NAMES = ("auto", "bayes", "genetic", "random")


def explain_optimizer(
    choice: Any, *, seconds: float | None = None, trials: int | None = None, rows: int = 0
) -> tuple[str, ...]:
    """Return in sentences who proposes when, and why: what :func:`start_optimizer` will do."""
    known = {
        "auto": first_shares(seconds=seconds, trials=trials, rows=rows).reasons,
        "bayes": ("the portfolio first", "then Bayesian optimization"),
        "genetic": ("the portfolio first", "then genetic programming of pipelines"),
        "random": ("random search",),
    }
    return known.get(choice, ()) if isinstance(choice, str) else ("an optimizer of the user's own",)


def start_optimizer(
    choice: Any,
    space: Space,
    portfolio: Iterable[Config],
    seed: int,
    *,
    seconds: float | None = None,
    trials: int | None = None,
    rows: int = 0,
    clock: Callable[[], float] | None = None,
    prior: Prior | None = None,
) -> Optimizer:
    """Return a new optimizer.

    Parameters
    ----------
    choice : "auto", "bayes", "genetic", "random" or object
        ``auto``: the portfolio, then what pays, see :class:`Policy`. ``bayes``: the portfolio, then Bayesian
        optimization, which learns from both. ``genetic``: the portfolio, then genetic programming, which breeds trees
        from both. ``random``: random search alone. An object with ``ask`` and ``tell`` is used as it is (a copy); any
        other callable is called with (space, seed) and returns one.
    seconds, trials, rows, clock
        Of the run, for ``auto``: see :class:`Policy`.
    prior : callable, optional
        What is known from elsewhere, for those that learn; see :class:`BayesSearch`.

    Raises
    ------
    SettingError
        If it is none of these.
    """
    if isinstance(choice, str) and choice == "auto":
        make = functools.partial(BayesSearch, prior=prior)
        return Policy(space, portfolio, seed, seconds=seconds, trials=trials, rows=rows, clock=clock, make=make)
    if isinstance(choice, str) and choice == "bayes":
        return Chain([Portfolio(portfolio), BayesSearch(space, seed, prior=prior)])
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
