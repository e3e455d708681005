"""What a run's journal tells: which models were tried, how good they are, what failed and why."""

from automl.explain.describe import describe
from automl.explain.leaderboard import failures, leaderboard

__all__ = ["describe", "failures", "leaderboard"]
