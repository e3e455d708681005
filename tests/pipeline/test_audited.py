"""Models that are read without trust: what the catalogue makes comes back, what it does not is refused by name."""

from __future__ import annotations

import io
import json
import operator
import os
import sys
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from automl.core import Config, StoreError
from automl.data import Container
from automl.pipeline.audited import MARK, read_audited, write_audited
from automl.space import Component, Role
from tests.pipeline.test_catalog_contract import (
    CATALOG,
    fitted,
    kinds,
    n_train,
    places,
    with_values,
)

pytest.importorskip("skops")
COMPONENTS = [
    component
    for component in CATALOG
    if not component.needs and component.role is not Role.ROWS and not component.branches
]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.name)
def test_what_the_catalogue_makes_comes_back(component: Component):
    tasks = [task for task in ("regression", "binary") if task in component.tasks]
    cases = [
        (*kind, place) for task in tasks for kind in kinds(component, task) for place in places(component, kind[1])
    ]
    if component.role is Role.MODEL:  # on arrays alone: what prepares the columns of frames has cases of its own
        cases = [case for case in cases if case[0].schema.container is Container.ARRAY]
    assert cases
    for data, space, place in cases if component.role is Role.MODEL else cases[-1:]:
        model = fitted(Config.of(*place, with_values(component, space, {})), data)
        again = read_audited(write_audited(model))
        rows = data.rows(np.arange(n_train(data.n_rows), data.n_rows)).X
        method = "predict_proba" if data.task.classifies else "predict"
        assert np.array_equal(getattr(again, method)(rows), getattr(model, method)(rows))


def test_dates_text_and_crosses_come_back_with_their_functions():
    functions = [
        pd.DataFrame.astype,
        pd.to_datetime,
        np.add.reduce,
        partial(np.multiply, 0.5),
        operator.itemgetter((slice(None), [0, 2])),
        operator.attrgetter("dt.year"),
        operator.methodcaller("sub", pd.Timestamp(0, tz="UTC")),
        operator.methodcaller("to_dict", orient="records"),
    ]
    again = read_audited(write_audited({"steps": [FunctionTransformer(function) for function in functions]}))
    for old, new in zip(functions, again["steps"], strict=True):
        assert repr(new.func) == repr(old) or new.func is old


def test_values_of_every_kind_come_back():
    content = {"text": "ä", 3: [None, True, 2.5], "classes": np.array(["a", "b"], dtype=object), "at": (1, "x")}
    again = read_audited(write_audited(content))
    assert again["classes"].tolist() == ["a", "b"]
    assert {**again, "classes": None} == {**content, "classes": None}


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (os.system, "posix.system|os.system|nt.system"),
        (eval, "builtins.eval"),
        (operator.methodcaller("eval", "1"), "operator.methodcaller"),
        (operator.attrgetter("__class__"), "operator.attrgetter"),
        (pd.DataFrame.to_pickle, "to_pickle"),
        (partial(os.system, "true"), "system"),
        ("x".join, "join|str"),
    ],
    ids=lambda value: repr(value).split(" at 0x")[0],
)
def test_what_would_be_refused_is_not_written(function: Any, named: str):
    with pytest.raises(StoreError, match=named):
        write_audited(FunctionTransformer(function))


def crafted(change: dict[str, Any]) -> bytes:
    """Return a file in which the node of a function has become another one."""
    data = write_audited({"step": FunctionTransformer(np.clip)})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read("schema.json"))
    step = schema["content"]["step"]["content"]["content"]
    assert step["func"]["__class__"] == "clip"
    step["func"] = {"__id__": 1, **change}
    return archived(schema)


def archived(schema: dict[str, Any]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    return written.getvalue()


def node(loader: str, name: str, **more: Any) -> dict[str, Any]:
    module, _, name = name.rpartition(".")
    return {"__loader__": loader, "__module__": module, "__class__": name, **more}


def value(content: Any) -> dict[str, Any]:
    return node("JsonNode", "builtins.str", content=json.dumps(content), is_json=True)


def values(*contents: Any) -> dict[str, Any]:
    return node("TupleNode", "builtins.tuple", content=[value(content) for content in contents])


PLANTED = "planted"
NO_VALUES = node("DictNode", "builtins.dict", content={}, key_types=node("ListNode", "builtins.list", content=[]))
CRAFTED = {
    "function": (node("FunctionNode", "os.system"), "os.system"),
    "builtin": (node("TypeNode", "builtins.eval"), "builtins.eval"),
    "call": (node("ConstructorFromReduceNode", "os.mkdir", content=values(PLANTED)), "os.mkdir"),
    "object": (node("ObjectNode", "subprocess.Popen", content=value(PLANTED)), "subprocess.Popen"),
    "caller": (node("OperatorFuncNode", "operator.methodcaller", attrs=values("eval")), "operator.methodcaller"),
    "partial": (
        node(
            "PartialNode",
            "functools.partial",
            content={
                "func": node("FunctionNode", "os.mkdir"),
                "args": values(PLANTED),
                "kwds": NO_VALUES,
                "namespace": value(None),
            },
        ),
        "os.mkdir",
    ),
    "method": (
        node(
            "MethodNode",
            "pathlib.Path",
            content={
                "func": "mkdir",
                "obj": node("ConstructorFromReduceNode", "pathlib.Path", content=values(PLANTED)),
            },
        ),
        "pathlib.Path",
    ),
    "known class, other way": (node("TypeNode", "sklearn.pipeline.Pipeline"), "sklearn.pipeline.Pipeline"),
    "unknown way": (node("MagicNode", "builtins.int"), "MagicNode"),
    "bytes": (node("BytesNode", "builtins.bytes", file="schema.json"), "builtins.bytes"),
    "function by name": (value(MARK + "os.system"), "the function 'os.system'"),
}


@pytest.mark.parametrize("name", CRAFTED)
def test_crafted_files_are_refused_by_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    change, named = CRAFTED[name]
    with pytest.raises(StoreError, match="refused, as not known to be harmless: .*" + named):
        read_audited(crafted(change))
    assert list(tmp_path.iterdir()) == []


def test_everything_that_is_refused_is_named():
    many = node("ListNode", "builtins.list", content=[node("TypeNode", f"os.f{i}") for i in range(12)])
    with pytest.raises(StoreError, match=r"os\.f0, os\.f1, .* and 2 more"):
        read_audited(crafted(many))


@pytest.mark.parametrize("protocol", [0, 1, 3, "2", None])
def test_other_protocols_are_refused(protocol: Any):
    with zipfile.ZipFile(io.BytesIO(write_audited([1]))) as archive:
        schema = json.loads(archive.read("schema.json"))
    with pytest.raises(StoreError, match="protocol"):
        read_audited(archived({**schema, "protocol": protocol}))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04" + bytes(50), archived({"protocol": 2}), archived({})])
def test_damaged_files_are_refused(data: bytes):
    with pytest.raises(StoreError):
        read_audited(data)


def test_a_file_that_names_allowed_classes_in_wrong_places_is_refused():
    with pytest.raises(StoreError, match="damaged or crafted"):
        read_audited(crafted(node("PartialNode", "functools.partial", content={"func": value(3)})))


def numbers() -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).normal(size=(120, 3))
    return X, (X[:, 0] > 0).astype(int)


@pytest.mark.parametrize(("name", "wrong"), [("left_child", 9999), ("right_child", 0), ("feature", 3), ("feature", -5)])
def test_trees_that_lead_out_of_themselves_are_refused(name: str, wrong: int):
    model = DecisionTreeClassifier(max_depth=3).fit(*numbers())
    state = model.tree_.__getstate__()
    state["nodes"][name][0] = wrong
    model.tree_.__setstate__(state)
    with pytest.raises(StoreError, match="nodes of a Tree lead out of it"):
        read_audited(write_audited(model))


@pytest.mark.parametrize(("name", "wrong"), [("left", 9999), ("right", 0), ("feature_idx", 3), ("bitset_idx", 7)])
def test_histogram_trees_that_lead_out_of_themselves_are_refused(name: str, wrong: int):
    model = HistGradientBoostingClassifier(max_iter=2).fit(*numbers())
    nodes = model._predictors[0][0].nodes
    nodes[name][0] = wrong
    nodes["is_categorical"][0] = name == "bitset_idx"
    with pytest.raises(StoreError, match="lead out of it"):
        read_audited(write_audited(model))


def test_trees_that_know_more_columns_than_their_model_are_refused():
    X, y = numbers()
    model = GradientBoostingClassifier(n_estimators=2).fit(np.hstack([X, X]), y)
    model.n_features_in_ = 3
    with pytest.raises(StoreError, match="GradientBoostingClassifier"):
        read_audited(write_audited(model))


def test_neighbours_outside_the_table_are_refused():
    model = KNeighborsClassifier(algorithm="kd_tree").fit(*numbers())
    state = list(model._tree.__getstate__())
    state[1] = state[1] + 1000
    model._tree.__setstate__(tuple(state))
    with pytest.raises(StoreError, match="nodes of a KDTree lead out of it"):
        read_audited(write_audited(model))


def test_without_skops_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    for call in (lambda: write_audited([1]), lambda: read_audited(b"")):
        with pytest.raises(StoreError, match=r"pip install 'automl\[share\]'"):
            call()
