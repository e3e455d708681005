"""Who proposes configurations: ask/tell optimizers."""

from automl.optimize.ask_tell import Chain, Optimizer, recalled
from automl.optimize.bayes import BayesSearch
from automl.optimize.genetic import GeneticSearch
from automl.optimize.learners import LearnerChoice
from automl.optimize.policy import Policy
from automl.optimize.portfolio import Portfolio
from automl.optimize.racing import ASHA, Hyperband, SuccessiveHalving, bracket_sizes, ladder
from automl.optimize.random import RandomSearch
from automl.optimize.start import explain_optimizer, start_optimizer

__all__ = [
    "ASHA",
    "BayesSearch",
    "Chain",
    "GeneticSearch",
    "Hyperband",
    "LearnerChoice",
    "Optimizer",
    "Policy",
    "Portfolio",
    "RandomSearch",
    "SuccessiveHalving",
    "bracket_sizes",
    "explain_optimizer",
    "ladder",
    "recalled",
    "start_optimizer",
]
