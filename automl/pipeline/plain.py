"""Proof that a model is made of public parts: what its pickle asks for when it is loaded."""

from __future__ import annotations

import gzip
import pickle
import tempfile
from typing import IO, Any

from automl.core import SpaceError

__all__ = ["check_plain", "modules_of", "read_back", "refuse_ours", "write_pickle"]

_FORBIDDEN = ("automl", "cloudpickle", "__main__")


def write_pickle(model: Any, file: IO[bytes] | gzip.GzipFile) -> None:
    """Pickle a model into an open file, or say why it cannot be."""
    try:
        pickle.dump(model, file, protocol=5)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise SpaceError(
            f"The model cannot be pickled: {error}. "
            "Components must be classes and functions defined at the top of an importable module."
        ) from error


def read_back(file: IO[bytes] | gzip.GzipFile) -> tuple[Any, set[str]]:
    """Return what :func:`write_pickle` wrote, and the top-level packages of every class and function it asked for."""
    modules: set[str] = set()

    class Recorder(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            modules.add(module.partition(".")[0])
            return super().find_class(module, name)

    return Recorder(file).load(), modules


def modules_of(model: Any) -> set[str]:
    """Return the top-level packages of every class and function that the model's pickle refers to.

    Parameters
    ----------
    model : object
        Must be picklable by pickle.

    Examples
    --------
    >>> from collections import OrderedDict
    >>> from automl.pipeline.plain import modules_of
    >>> sorted(modules_of([OrderedDict(), complex]))
    ['builtins', 'collections']
    """
    with tempfile.TemporaryFile() as file:  # a large ensemble need not be in memory a third time
        write_pickle(model, file)
        file.seek(0)
        return read_back(file)[1]


def check_plain(model: Any) -> set[str]:
    """Return ``modules_of(model)``, or refuse a model that could not be loaded elsewhere."""
    modules = modules_of(model)
    refuse_ours(modules)
    return modules


def refuse_ours(modules: set[str]) -> None:
    """Refuse a model that refers to automl, to cloudpickle or to the user's script."""
    found = sorted(modules.intersection(_FORBIDDEN))
    if found:
        raise SpaceError(
            f"The model refers to {', '.join(found)}, so that it cannot be loaded where only the public libraries are "
            "installed. Define your own components in an importable module, not in the script or notebook that fits."
        )
