"""Proof that a model is made of public parts: what its pickle refers to."""

from __future__ import annotations

import pickle
import pickletools
import tempfile
from typing import Any

from automl.core import SpaceError

__all__ = ["check_plain", "modules_of"]

_FORBIDDEN = ("automl", "cloudpickle", "__main__")
_STRINGS = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"})
_GETS = frozenset({"BINGET", "LONG_BINGET", "GET"})
_PUTS = frozenset({"BINPUT", "LONG_BINPUT", "PUT"})


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
    with tempfile.TemporaryFile() as file:  # a large ensemble need not be in memory twice
        try:
            pickle.dump(model, file, protocol=4)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise SpaceError(
                f"The model cannot be pickled: {error}. "
                "Components must be classes and functions defined at the top of an importable module."
            ) from error
        file.seek(0)
        return {name.partition(".")[0] for name in _globals(file)}


def check_plain(model: Any) -> set[str]:
    """Return ``modules_of(model)``, or refuse a model that could not be loaded elsewhere.

    That is one that refers to automl, to cloudpickle or to the user's script.
    """
    modules = modules_of(model)
    found = sorted(modules.intersection(_FORBIDDEN))
    if found:
        raise SpaceError(
            f"The model refers to {', '.join(found)}, so that it cannot be loaded where only the public libraries are "
            "installed. Define your own components in an importable module, not in the script or notebook that fits."
        )
    return modules


def _globals(file: Any) -> set[str]:
    """Return the module of each GLOBAL and STACK_GLOBAL.

    STACK_GLOBAL takes module and name from the stack, where each was put by a string opcode or fetched from the memo;
    nothing else but memo writes stands between, so that the last two strings seen are those two.
    """
    found: set[str] = set()
    memo: dict[int, Any] = {}
    last: list[Any] = [None, None]
    top: Any = None
    for opcode, argument, _ in pickletools.genops(file):
        name = opcode.name
        if name == "MEMOIZE":
            memo[len(memo)] = top
            continue
        if name in _PUTS:
            memo[int(argument or 0)] = top
            continue
        if name in ("GLOBAL", "INST"):
            found.add(str(argument).split(" ")[0])
        elif name == "STACK_GLOBAL":
            found.add(str(last[0]))
        top = argument if name in _STRINGS else memo.get(int(argument or 0)) if name in _GETS else None
        if isinstance(top, str):
            last = [last[1], top]
    return found
