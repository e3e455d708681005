"""The error tree. Every error that a user can cause or must act on is one of these.

AutoMLError
├── InputError(ValueError)          what was handed over cannot be used
│   ├── DataError                   the table or the target
│   │   └── SchemaError             a table at predict that does not fit the one at fit
│   ├── SettingError                a constructor or command-line argument
│   └── SpaceError                  a configuration or component that does not exist or does not fit
├── NoModelError(RuntimeError)      the fit ended without any model; says why, trial by trial
├── StoreError(RuntimeError)        the journal or an artifact cannot be read or written
└── ExecutionError(RuntimeError)    the executor itself failed (never a single job)
"""

from __future__ import annotations

__all__ = [
    "AutoMLError",
    "DataError",
    "ExecutionError",
    "InputError",
    "NoModelError",
    "SchemaError",
    "SettingError",
    "SpaceError",
    "StoreError",
]


class AutoMLError(Exception):
    """Base of all errors raised on purpose by automl."""


class InputError(AutoMLError, ValueError):
    """Something handed over cannot be used.

    The message says what was given, what is expected and what to do.
    """


class DataError(InputError):
    """The table or the target cannot be used for fitting."""


class SchemaError(DataError):
    """A table handed to predict does not fit the table seen in fit."""


class SettingError(InputError):
    """A setting (constructor argument, command-line option) is not valid."""


class SpaceError(InputError):
    """A configuration or component does not exist or does not fit the data."""


class NoModelError(AutoMLError, RuntimeError):
    """The fit ended without a single usable model."""


class StoreError(AutoMLError, RuntimeError):
    """The journal or an artifact cannot be read or written."""


class ExecutionError(AutoMLError, RuntimeError):
    """The executor itself failed; a failing job never raises this."""
