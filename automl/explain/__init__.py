"""What a run's journal tells: which models were tried, how good they are, what failed and why."""

from automl.explain.describe import describe
from automl.explain.importance import Fitted, feature_importance
from automl.explain.leaderboard import failures, fastest_equal, leaderboard
from automl.explain.log import log
from automl.explain.menu import MENU_ROWS, Menu, make_menu

__all__ = [
    "Fitted",
    "MENU_ROWS",
    "Menu",
    "describe",
    "failures",
    "fastest_equal",
    "feature_importance",
    "leaderboard",
    "log",
    "make_menu",
]
