"""A table comes in: opened, checked, described, and shared with workers. Values are never changed here."""

from automl.data.check import TableCheck, check_table
from automl.data.compare import ColumnFinding
from automl.data.container import CellError, as_table, container_of
from automl.data.dataset import Column, Container, Dataset, Kind, Schema, Task
from automl.data.health import Finding, check_health
from automl.data.kinds import infer_again, infer_columns
from automl.data.load import load_table
from automl.data.reference import ColumnReference, Reference, make_reference
from automl.data.schema import conform
from automl.data.share import dump_dataset, fingerprint, open_dataset
from automl.data.table import make_dataset, read_times, read_weights
from automl.data.target import encode_target, infer_task, read_truth

__all__ = [
    "CellError",
    "Column",
    "ColumnFinding",
    "ColumnReference",
    "Container",
    "Dataset",
    "Finding",
    "Kind",
    "Reference",
    "Schema",
    "TableCheck",
    "Task",
    "as_table",
    "check_health",
    "check_table",
    "conform",
    "container_of",
    "dump_dataset",
    "encode_target",
    "fingerprint",
    "infer_again",
    "infer_columns",
    "infer_task",
    "load_table",
    "make_dataset",
    "make_reference",
    "open_dataset",
    "read_times",
    "read_truth",
    "read_weights",
]
