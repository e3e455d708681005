"""The vocabulary of automl: values, ports, errors. Imports nothing of ours."""

from automl.core.budget import Budget
from automl.core.config import Config, Param, Step
from automl.core.errors import (
    AutoMLError,
    DataError,
    ExecutionError,
    InputError,
    NoModelError,
    SchemaError,
    SettingError,
    SpaceError,
    StoreError,
)
from automl.core.events import Event, Journal, Listener
from automl.core.multiple import adjusted_p_values
from automl.core.paths import as_path
from automl.core.ports import Array, Executor, Metric
from automl.core.streams import stream, stream_seed
from automl.core.trial import Fidelity, FoldResult, Job, JobKind, Measures, Proposal, Result, Status, Trial

__all__ = [
    "Array",
    "AutoMLError",
    "Budget",
    "Config",
    "DataError",
    "Event",
    "ExecutionError",
    "Executor",
    "Fidelity",
    "FoldResult",
    "InputError",
    "Job",
    "JobKind",
    "Journal",
    "Listener",
    "Measures",
    "Metric",
    "NoModelError",
    "Param",
    "Proposal",
    "Result",
    "SchemaError",
    "SettingError",
    "SpaceError",
    "Status",
    "Step",
    "StoreError",
    "Trial",
    "adjusted_p_values",
    "as_path",
    "stream",
    "stream_seed",
]
