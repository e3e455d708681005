"""The search as a plain function over explicit values."""

from automl.search.known import read_source, settled
from automl.search.limits import available_cores, available_memory_mb
from automl.search.nested import estimate_nested, run_nested
from automl.search.nested_result import NestedResult, OuterFold
from automl.search.plan import FitOutcome, FitPlan, Member, Settings
from automl.search.progress import ProgressLine
from automl.search.replay import Replay, replay_run
from automl.search.resolve import LEAST_SECONDS, Resolved, check_settings, resolve, wanted_workers
from automl.search.run import run_fit
from automl.search.script import export_script
from automl.search.session import CUT_SHORT, Session, continued_session, new_session

__all__ = [
    "CUT_SHORT",
    "FitOutcome",
    "FitPlan",
    "LEAST_SECONDS",
    "Member",
    "NestedResult",
    "OuterFold",
    "ProgressLine",
    "Replay",
    "Resolved",
    "Session",
    "Settings",
    "available_cores",
    "available_memory_mb",
    "check_settings",
    "continued_session",
    "estimate_nested",
    "export_script",
    "new_session",
    "read_source",
    "replay_run",
    "resolve",
    "run_fit",
    "run_nested",
    "settled",
    "wanted_workers",
]
