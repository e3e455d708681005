"""What a run's journal tells: which models were tried, how good they are, what failed and why."""

from automl.explain.describe import describe
from automl.explain.leaderboard import failures, leaderboard
from automl.explain.log import log

__all__ = ["describe", "failures", "leaderboard", "log"]
