"""Racing over fidelities: many configurations at little cost each, few of them at full cost."""

from automl.optimize.racing.asha import ASHA
from automl.optimize.racing.halving import Hyperband, SuccessiveHalving
from automl.optimize.racing.rungs import Rungs, bracket_sizes, ladder, rank_correlation

__all__ = ["ASHA", "Hyperband", "Rungs", "SuccessiveHalving", "bracket_sizes", "ladder", "rank_correlation"]
