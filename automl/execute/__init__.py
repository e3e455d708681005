"""Where jobs run, and keeping their limits. Ships an opaque callable; knows no evaluator."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl.execute.process import ProcessExecutor
    from automl.execute.serial import SerialExecutor

__all__ = ["ProcessExecutor", "SerialExecutor"]

_HOMES = {"ProcessExecutor": "automl.execute.process", "SerialExecutor": "automl.execute.serial"}


def __getattr__(name: str) -> Any:
    # Lazy, because every worker imports this package before it says that it is ready, and the executors bring NumPy.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
