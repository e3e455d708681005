"""Who proposes configurations: ask/tell optimizers."""

from automl.optimize.ask_tell import Chain, Optimizer
from automl.optimize.bayes import BayesSearch
from automl.optimize.genetic import GeneticSearch
from automl.optimize.portfolio import Portfolio
from automl.optimize.random import RandomSearch
from automl.optimize.start import start_optimizer

__all__ = ["BayesSearch", "Chain", "GeneticSearch", "Optimizer", "Portfolio", "RandomSearch", "start_optimizer"]
