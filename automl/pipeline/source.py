"""Objects as the Python expressions that make them: estimators by their parameters, functions by their public names."""

from __future__ import annotations

import builtins
import importlib
import inspect
import keyword
import math
import operator
import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd

from automl.core import SpaceError
from automl.pipeline.layout import Brackets, Expression, flat, quoted

__all__ = ["Writer"]

_PACKAGES = {"numpy": "np", "pandas": "pd"}
_GETTERS = (operator.itemgetter, operator.attrgetter, operator.methodcaller)
_SHORT = 72  # a longer part of an estimator gets a line, and a name, of its own
_FEW = 3  # so many columns are named on the spot
_LONG = 12  # a longer list of whole numbers is written by its pattern, if it has one
_PACKED = 24  # so many numbers share lines


class Writer:
    """Writes expressions and remembers what they need: imports, and lists of columns by name.

    Parameters
    ----------
    reserved : iterable of str
        Names that the surrounding code gives to other things.
    """

    def __init__(self, reserved: Sequence[str] = ()) -> None:
        self.constants: dict[str, list[Any]] = {}
        self._reserved = frozenset([*reserved, *_PACKAGES.values()])
        self._packages: set[str] = set()
        self._origins: dict[str, str] = {}  # imported name -> module
        self._shown: frozenset[str] = frozenset()
        self._parts: dict[str, Expression] = {}
        self._frames = True  # whether pandas' functions get a DataFrame here, or a Series

    def estimator(self, value: Any, shown: frozenset[str] = frozenset()) -> tuple[dict[str, Expression], Expression]:
        """Return what makes an unfitted copy of an estimator: parts by the name they are to have, then the whole.

        Parameters that have the default of their class are left out, unless they are among ``shown``.
        """
        self._shown, self._parts = shown, {}
        whole = self.write(value)
        return self._parts, whole

    def write(self, value: Any) -> Expression:
        """Return the expression that makes a value equal to this one."""
        if isinstance(value, np.generic):
            return self._call(f"{self.package('numpy')}.{type(value).__name__}", [("", value.item())])
        if value is None or isinstance(value, bool | int | float | complex | str | bytes):
            return self._scalar(value)
        if isinstance(value, list | tuple | set | frozenset | dict | slice | range):
            return self._collection(value)
        if isinstance(value, np.ndarray):
            return self._array(value)
        if (pandas := self._of_pandas(value)) is not None:
            return pandas
        if isinstance(value, np.dtype):
            return self._call(f"{self.package('numpy')}.dtype", [("", str(value))])
        if isinstance(value, partial):
            keywords = [(f"{name}=", item) for name, item in value.keywords.items()]
            return self._call(self.name(partial), [("", item) for item in (value.func, *value.args)] + keywords)
        if isinstance(value, _GETTERS):
            return self._getter(value)
        if isinstance(value, type) or callable(value) and hasattr(value, "__name__"):
            return self.name(value)
        if hasattr(value, "get_params"):
            return self._by_parameters(value, value.get_params(deep=False))
        if hasattr(value, "get_n_splits"):
            return self._by_parameters(value, _attributes(value))
        raise SpaceError(f"an object of type {type(value).__module__}.{type(value).__name__} has no source")

    def name(self, value: Any) -> str:
        """Return the expression that names a class or function, and see to its import."""
        name = str(value.__name__)
        if isinstance(owner := getattr(value, "__self__", None), np.ufunc | type):
            return f"{self.name(owner)}.{name}"
        frames = [("DataFrame", pd.DataFrame), ("Series", pd.Series)]
        for title, frame in frames if self._frames else reversed(frames):
            if not isinstance(value, type) and getattr(frame, name, None) is value:
                return f"{self.package('pandas')}.{title}.{name}"
        if getattr(value, "__module__", None) == "builtins":
            return name
        module, path = _public(value)
        if module in _PACKAGES:
            return f"{self.package(module)}.{path}"
        first = path.partition(".")[0]
        if first in self._reserved or self._origins.setdefault(first, module) != module:
            self._packages.add(module)
            return f"{module}.{path}"
        return path

    def package(self, name: str) -> str:
        """Return the name by which the script knows a package, and see to its import."""
        self._packages.add(name)
        return _PACKAGES.get(name, name)

    def imports(self) -> str:
        """Return the import statements of all that was written, sorted."""
        lines: dict[bool, list[str]] = {True: [], False: []}
        for name in sorted(self._packages):
            short = _PACKAGES.get(name)
            lines[_standard(name)].append(f"import {name} as {short}" if short else f"import {name}")
        for module in sorted(set(self._origins.values())):
            names = sorted((name for name, origin in self._origins.items() if origin == module), key=_import_order)
            lines[_standard(module)].append(_from_import(module, names))
        return "\n\n".join("\n".join(group) for group in lines.values() if group)

    def _call(self, function: str, arguments: Sequence[tuple[str, Any]]) -> Expression:
        items = tuple((prefix, self.write(argument)) for prefix, argument in arguments)
        return Brackets(f"{function}(", items, ")", call=True)

    def _scalar(self, value: Any) -> str:
        if isinstance(value, str):
            return quoted(value)
        if isinstance(value, float) and not math.isfinite(value):
            sign = "-" if value < 0 else ""
            return f"{sign}{self.package('numpy')}.{'nan' if math.isnan(value) else 'inf'}"
        return repr(value).replace("e+", "e") if isinstance(value, float) else repr(value)

    def _collection(self, value: Any) -> Expression:
        if isinstance(value, dict):
            return self._dict(value)
        if isinstance(value, slice):
            whole = (value.start, value.stop, value.step)
            given = whole if value.step is not None else whole[:2] if value.start is not None else whole[1:2]
            return self._call("slice", [("", item) for item in given])
        if isinstance(value, range):
            return repr(value)
        if isinstance(value, list) and (pattern := _pattern(value)) is not None:
            return pattern
        items = tuple(("", self.write(item)) for item in (sorted(value, key=repr) if _unordered(value) else value))
        if _unordered(value):
            elements = Brackets("{", items, "}")
            inner = (("", elements),) if items else ()
            return elements if items and isinstance(value, set) else Brackets(f"{type(value).__name__}(", inner, ")")
        opening, closing = "()" if isinstance(value, tuple) else "[]"
        numbers = len(value) > _PACKED and all(type(item) in (int, float) for item in value)
        return Brackets(opening, items, closing, packed=numbers)

    def _dict(self, value: Mapping[Any, Any]) -> Expression:
        items = tuple((flat(self.write(key)) + ": ", self.write(item)) for key, item in value.items())
        if len(items) > 1 and list(value) == list(range(len(value))) and len({flat(item) for _, item in items}) == 1:
            return Brackets("dict.fromkeys(", (("", f"range({len(items)})"), ("", items[0][1])), ")", call=True)
        return Brackets("{", items, "}")

    def _array(self, value: Any) -> Expression:
        numpy = self.package("numpy")
        if value.ndim == 2 and min(value.shape) > 1:
            on, off = value[0, 0], value[0, 1]
            where = np.where(np.eye(*value.shape) == 1, on, off)
            if where.dtype == value.dtype and np.array_equal(where, value, equal_nan=value.dtype.kind == "f"):
                eye = f"{numpy}.eye({value.shape[0]}, {value.shape[1]}, dtype=bool)"
                return Brackets(
                    f"{numpy}.where(", (("", eye), ("", self.write(on.item())), ("", self.write(off.item()))), ")", True
                )
        dtype = [] if np.array(value.tolist()).dtype == value.dtype else [("dtype=", str(value.dtype))]
        return self._call(f"{numpy}.array", [("", value.tolist()), *dtype])

    def _of_pandas(self, value: Any) -> Expression | None:
        if isinstance(value, pd.StringDtype):
            plain = pd.StringDtype(na_value=value.na_value)
            storage = [] if value.storage == plain.storage else [("storage=", value.storage)]
            gap = [] if value.na_value is pd.NA else [("na_value=", np.nan)]
            return self._call(f"{self.package('pandas')}.StringDtype", [*storage, *gap])
        if isinstance(value, pd.CategoricalDtype):
            levels = None if value.categories is None else value.categories.tolist()
            order = [("ordered=", True)] if value.ordered else []
            return self._call(f"{self.package('pandas')}.CategoricalDtype", [("", levels), *order])
        if isinstance(value, pd.Timestamp):
            zone = [] if value.tz is None else [("tz=", str(value.tz))]
            unit = [] if value.unit == "ns" else [("unit=", value.unit)]
            since = [("", int(value.asm8.astype(np.int64))), *unit, *zone]
            items = tuple((prefix, self.write(item)) for prefix, item in since)
            kept = f").as_unit({quoted(value.unit)})" if unit else ")"  # pandas 3 makes microseconds of seconds
            return Brackets(f"{self.package('pandas')}.Timestamp(", items, kept, call=True)
        if isinstance(value, pd.Timedelta):
            days = value == pd.Timedelta(days=value.days)
            given = ("days=", value.days) if days else ("", str(value))
            return self._call(f"{self.package('pandas')}.Timedelta", [given])
        return None

    def _getter(self, value: Any) -> Expression:
        made, arguments = value.__reduce__()
        keywords: Mapping[str, Any] = {}
        if isinstance(made, partial):  # a methodcaller with keywords
            arguments, keywords = (*made.args, *arguments), made.keywords
        named = [(f"{name}=", item) for name, item in keywords.items()]
        return self._call(self.name(type(value)), [("", item) for item in arguments] + named)

    def _by_parameters(self, value: Any, given: Mapping[str, Any]) -> Expression:
        kind = value.__class__
        defaults = _defaults(kind)
        names = [*(name for name in defaults if name in given), *sorted(given.keys() - defaults.keys())]
        items: list[tuple[str, Expression]] = []
        for position, name in enumerate(names):
            default = defaults.get(name, inspect.Parameter.empty)
            if _same(given[name], default) and name not in self._shown:
                continue
            plain = position == 0 and name in defaults and (default is inspect.Parameter.empty or name == "func")
            items.append(("" if plain else f"{name}=", self._parameter(name, given[name])))
        return Brackets(f"{self.name(kind)}(", tuple(items), ")", call=True)

    def _parameter(self, name: str, value: Any) -> Expression:
        if not _names_steps(value):
            return self._part(name, value)
        steps = []
        for step, part, *columns in value:
            outer = self._frames
            if columns:  # of a ColumnTransformer, which makes a Series of a single one
                self._frames = not isinstance(columns[0], str | int)
            items = [quoted(step), self._part(step, part), *(self._columns(step, chosen) for chosen in columns)]
            self._frames = outer
            steps.append(("", Brackets("(", tuple(("", item) for item in items), ")")))
        return Brackets("[", tuple(steps), "]")

    def _part(self, name: str, value: Any) -> Expression:
        """Return the expression of a value, or the name of what comes before if it is a long estimator."""
        expression = self.write(value)
        if not hasattr(value, "get_params") or len(flat(expression)) <= _SHORT:
            return expression
        name = re.sub(r"\W", "_", name)
        name = f"part_{name}" if not name.isidentifier() else name
        name = f"{name}_" if keyword.iskeyword(name) or hasattr(builtins, name) else name
        free = _free(name, [*self._parts, *self._origins, *self._reserved])
        self._parts[free] = expression
        return free

    def _columns(self, name: str, columns: Any) -> Expression:
        """The columns of a block of a ColumnTransformer: a longer list has a name, which is the same everywhere."""
        if not isinstance(columns, list) or len(columns) <= _FEW:
            return self.write(columns)
        found = next((known for known, listed in self.constants.items() if listed == columns), None)
        if found is None:
            found = _free(re.sub(r"\W", "_", name).upper(), [*self.constants, *self._reserved])
            self.constants[found] = columns
        return found


def _unordered(value: Any) -> bool:
    return isinstance(value, set | frozenset)


def _names_steps(value: Any) -> bool:
    """Whether a parameter is a list of (name, estimator) or (name, estimator, columns)."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(step, tuple) and len(step) in (2, 3) and isinstance(step[0], str) for step in value)
    )


def _free(name: str, taken: Sequence[str]) -> str:
    """Return the name, with a number if it is taken."""
    names = (name, *(f"{name}_{number}" for number in range(2, len(taken) + 3)))
    return next(free for free in names if free not in taken)


def _same(value: Any, default: Any) -> bool:
    """Whether a parameter has its default, to the type and the last digit."""
    return value is default or (type(value) is type(default) and repr(value) == repr(default))


def _attributes(value: Any) -> dict[str, Any]:
    """Return the constructor's arguments of a splitter, which has no get_params."""
    try:
        return {name: getattr(value, name) for name in _defaults(value.__class__)}
    except AttributeError as error:
        raise SpaceError(f"a splitter of type {type(value).__name__} does not tell how it was made ({error})") from None


@cache
def _defaults(kind: Any) -> dict[str, Any]:
    """Return the constructor's parameters and defaults, those included that it hands to its parents."""
    found: dict[str, Any] = {}
    for base in kind.__mro__:
        if "__init__" not in vars(base) or base is object:
            continue
        parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        named = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        for parameter in named:
            found.setdefault(parameter.name, parameter.default)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return found


@cache
def _public(value: Any) -> tuple[str, str]:
    """Return the shortest public module from which a class or function can be imported, and its name there."""
    module, path = getattr(value, "__module__", None) or "", getattr(value, "__qualname__", value.__name__)
    parts = module.split(".")
    if "<" in path or parts[0] in ("", "__main__", "automl"):
        raise SpaceError(f"{module or 'unknown'}.{path} cannot be imported by name where only public libraries are")
    paths = [".".join(parts[: end + 1]) for end in range(len(parts))]
    for candidate in [*(p for p in paths if not any(part.startswith("_") for part in p.split("."))), module]:
        if _found(candidate, path) is value:
            return candidate, path
    raise SpaceError(f"{module}.{path} is not what can be imported under this name")


def _found(module: str, path: str) -> Any:
    try:
        return operator.attrgetter(path)(importlib.import_module(module))
    except (ImportError, AttributeError):
        return None


def _pattern(values: list[Any]) -> str | None:
    """Return a short expression for a long list of whole numbers that are a range, repeated as a whole or each."""
    if len(values) <= _LONG or any(type(value) is not int for value in values):
        return None
    low, high = min(values), max(values) + 1
    once, times = list(range(low, high)), len(values) // (high - low)
    written = f"list(range({low}, {high}))" if low else f"list(range({high}))"
    for pattern, suffix in ((once, ""), (once * times, f" * {times}")):
        if values == pattern:
            return written + suffix
    return f"sorted({written} * {times})" if values == sorted(once * times) else None


def _standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _import_order(name: str) -> tuple[int, str]:
    """Constants before classes before functions, as isort does."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2, name)


def _from_import(module: str, names: Sequence[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= 120:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"])
