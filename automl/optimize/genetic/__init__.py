"""Genetic programming: typed trees of pipelines, changed and crossed, selected by loss and cost."""

from automl.optimize.genetic.breeding import Breeder, TreeBreeder, VectorBreeder
from automl.optimize.genetic.fronts import fronts, survivors
from automl.optimize.genetic.search import GeneticSearch

__all__ = ["Breeder", "GeneticSearch", "TreeBreeder", "VectorBreeder", "fronts", "survivors"]
