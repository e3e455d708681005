"""Models in a format that can be read without trusting whoever wrote it: skops, and of it only what was looked at.

Before anything is made of a file, every class and function that it names is looked up in ``automl.pipeline.allowed``.
What passes calls no code of the file's choosing. The numbers in it are another matter: libraries follow them in native
code. Trees are checked here, the rest is not, so that a crafted file may still end the process that predicts with it.
"""

from __future__ import annotations

import io
import json
import operator
import pickle
import zipfile
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

from automl.core import StoreError
from automl.pipeline.allowed import ALLOWED, named_functions

__all__ = ["read_audited", "write_audited"]

PROTOCOL = 2  # of skops: the one whose readers were looked at
MARK = "\0function:"  # begins the strings that stand for functions; no text begins with that character
_CALLABLE = (FunctionType, BuiltinFunctionType, operator.attrgetter, operator.methodcaller)
_LEAF = -1  # of scikit-learn's trees


def write_audited(content: Any) -> bytes:
    """Return a model, and mappings, lists and values around it, in the format that :func:`read_audited` reads.

    Raises
    ------
    StoreError
        If skops is not installed, or the model holds what would be refused when it is read: names it.
    """
    skops = _skops()
    names = {_identity(function): name for name, function in named_functions().items()}

    def mark(value: Any) -> str | None:
        return names.get(_identity(value)) if isinstance(value, _CALLABLE) else None

    try:
        plain = _replaced(content, mark, lambda name: MARK + name)
        data: bytes = skops.dumps(plain, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
        refused = _named(data)[1]
    except Exception as error:  # skops knows only so many types
        raise StoreError(f"the model cannot be written to be read without trust: {error}") from error
    if refused:
        raise StoreError(
            f"the model cannot be written to be read without trust: it holds {_listed(refused)}, which is not among "
            "the parts that are known to be harmless; leave such models out of the fit"
        )
    return data


def read_audited(data: bytes) -> Any:
    """Return what :func:`write_audited` was given.

    Raises
    ------
    StoreError
        If skops is not installed, the bytes are damaged, or they name what is not known to be harmless: says which.
    """
    skops = _skops()
    try:
        named, refused = _named(data)
        if not refused:
            content = skops.loads(data, trusted=sorted(named))
            return _replaced(content, _checked, _function)
    except StoreError:
        raise
    except Exception as error:  # skops was written for files that are whole
        raise StoreError(f"damaged or crafted ({type(error).__name__}: {error})") from error
    raise StoreError(f"refused, as not known to be harmless: {_listed(refused)}")


def _skops() -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise StoreError("models that are read without trust need skops: pip install 'automl[share]'") from error
    return skops.io


def _listed(names: set[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:10]) + (f" and {len(shown) - 10} more" if len(shown) > 10 else "")


def _named(data: bytes) -> tuple[set[str], set[str]]:
    """Return what a file names, allowed and not, without importing any of it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read("schema.json"))
    if schema.get("protocol") != PROTOCOL:
        return set(), {f"protocol {schema.get('protocol')!r} of skops"}
    named: set[str] = set()
    refused: set[str] = set()
    waiting: list[Any] = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            loader = value.get("__loader__")
            if loader == "JsonNode":
                continue  # a number, a text, true, false or null
            waiting.extend(value.values())
            if loader is not None or "__class__" in value:
                name = f"{value.get('__module__')}.{value.get('__class__')}"
                allowed = ALLOWED.get(str(loader))
                if allowed is None:
                    refused.add(f"{name} ({loader})")
                else:
                    (named if name in allowed else refused).add(name)
    return named, refused


def _identity(function: Any) -> Any:
    """What two equal functions have in common; getters and callers of methods do not compare equal."""
    return function if isinstance(function, (FunctionType, BuiltinFunctionType)) else repr(function)


def _replaced(content: Any, mark: Callable[[Any], str | None], replace: Callable[[str], Any]) -> Any:
    """Return a deep copy in which what ``mark`` names, wherever it is, stands what ``replace`` makes of the name."""

    class Marker(pickle.Pickler):
        def persistent_id(self, value: Any) -> str | None:
            return mark(value)

    class Replacer(pickle.Unpickler):
        def persistent_load(self, name: str) -> Any:
            return replace(name)

    copy = io.BytesIO()
    Marker(copy, protocol=5).dump(content)
    copy.seek(0)
    return Replacer(copy).load()


def _function(mark: str) -> Any:
    name = mark.removeprefix(MARK)
    if name not in named_functions():
        raise StoreError(f"refused, as not known to be harmless: the function {name!r}")
    return named_functions()[name]


def _checked(value: Any) -> str | None:
    """Say whether a value stands for a function; refuse trees whose numbers lead out of them."""
    if type(value) is str:
        return value if value.startswith(MARK) else None
    check = _CHECKS.get(type(value).__name__)
    if check is not None and not check(value):
        if check is _threshold_holds:
            raise StoreError(f"refused: a {type(value).__name__} that asks for anything but probabilities")
        raise StoreError(f"damaged or crafted: the nodes of a {type(value).__name__} lead out of it")
    return None


def _within(values: Any, low: Any, high: int) -> bool:
    return bool(np.all((values >= low) & (values < high)))


def _tree_holds(tree: Any) -> bool:
    nodes = tree.__getstate__()["nodes"]
    at = np.arange(len(nodes))
    inner = nodes["left_child"] != _LEAF
    children = [nodes[side][inner] for side in ("left_child", "right_child")]
    # children come after their parent: otherwise a walk down might never end
    return _within(nodes["feature"][inner], 0, tree.n_features) and all(
        _within(child, at[inner] + 1, len(nodes)) for child in children
    )


def _owner_holds(model: Any) -> bool:
    """Whether a model's trees know no more columns than the model, which alone looks at the table."""
    trees = getattr(model, "estimators_", None)
    below = [model.tree_.n_features] if hasattr(model, "tree_") else []
    below += [tree.n_features_in_ for tree in np.ravel(trees)] if trees is not None else []
    return all(count == model.n_features_in_ for count in below)


def _predictor_holds(predictor: Any) -> bool:
    nodes = predictor.nodes
    at = np.arange(len(nodes))
    inner = nodes["is_leaf"] == 0
    sets = nodes["bitset_idx"][inner & (nodes["is_categorical"] != 0)]
    return _within(sets, 0, min(len(predictor.raw_left_cat_bitsets), len(predictor.binned_left_cat_bitsets))) and all(
        _within(nodes[side][inner], at[inner] + 1, len(nodes)) for side in ("left", "right")
    )


def _boosting_holds(model: Any) -> bool:
    nodes = [predictor.nodes for step in model._predictors for predictor in step]
    used = (part["feature_idx"][part["is_leaf"] == 0] for part in nodes)
    return all(_within(columns, 0, model.n_features_in_) for columns in used)


def _neighbours_hold(tree: Any) -> bool:
    data, order, nodes, bounds = (np.asarray(part) for part in tree.__getstate__()[:4])
    levels, count = tree.__getstate__()[5:7]
    ends = _within(nodes["idx_start"], 0, len(data) + 1) and _within(nodes["idx_end"], 0, len(data) + 1)
    shape = count == len(nodes) == 2**levels - 1 and bounds.shape[1:] == (count, data.shape[1])
    return bool(shape and ends and len(order) == len(data) and _within(order, 0, len(data)))


def _threshold_holds(model: Any) -> bool:
    """Whether it asks for probabilities: the attribute names the method that is called."""
    return isinstance(model.response_method, str) and model.response_method == "predict_proba"


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "Tree": _tree_holds,
    "TreePredictor": _predictor_holds,
    "KDTree": _neighbours_hold,
    "FixedThresholdClassifier": _threshold_holds,
    **dict.fromkeys(("DecisionTreeClassifier", "DecisionTreeRegressor"), _owner_holds),
    **dict.fromkeys(("ExtraTreeClassifier", "ExtraTreeRegressor"), _owner_holds),
    **dict.fromkeys(("GradientBoostingClassifier", "GradientBoostingRegressor"), _owner_holds),
    **dict.fromkeys(("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), _boosting_holds),
}
