"""Bayesian optimization: a forest surrogate, acquisition functions, and the optimizer made of both."""

from automl.optimize.bayes.acquisition import (
    ACQUISITIONS,
    expected_improvement,
    log_expected_improvement,
    lower_bound,
    probability,
)
from automl.optimize.bayes.forest import Forest, Leaves, grow
from automl.optimize.bayes.search import BayesSearch, Prior

__all__ = [
    "ACQUISITIONS",
    "BayesSearch",
    "Forest",
    "Leaves",
    "Prior",
    "expected_improvement",
    "grow",
    "log_expected_improvement",
    "lower_bound",
    "probability",
]
