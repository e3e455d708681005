"""The command line: ``automl fit``, ``predict``, ``leaderboard``, ``failures``, ``export``, ``plan``, ``version``."""

from automl.cli.console import main

__all__ = ["main"]
