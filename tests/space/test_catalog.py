import subprocess
import sys

import pytest

from automl.core import SpaceError
from automl.space import Catalog, Choice, Component, Cost, Flag, Role, default_catalog

TASKS = ("binary", "multiclass", "regression")


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_twelve_models_and_eight_feature_steps(task: str):
    models = [c for c in default_catalog().of(Role.MODEL) if task in c.tasks and c.name != "prior"]
    assert len(models) >= 12
    assert len([c for c in default_catalog().of(Role.FEATURE) if task in c.tasks]) == 8


@pytest.mark.parametrize("component", default_catalog(), ids=lambda component: component.name)
def test_declarations_are_consistent(component: Component):
    assert component.family
    for task in component.tasks:
        tuned = component.tunes(task)
        names = [h.name for h in tuned]
        assert len(names) == len(set(names)), "two hyperparameters of one name share a task"
        for h in tuned:
            assert h.when is None or h.when[0] in names[: names.index(h.name)], "a condition names an earlier sibling"
            if isinstance(h, Choice):
                assert h.default in h.choices
            elif not isinstance(h, Flag):
                assert h.low <= h.default <= h.high


def test_a_name_stands_once():
    twin = Component("svm", Role.MODEL, "sklearn.svm:SVC")
    with pytest.raises(SpaceError, match="two components are named 'svm'"):
        default_catalog().with_components([twin])


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(SpaceError, match="no component 'lightbgm'.*lightgbm"):
        default_catalog().get("lightbgm")


def test_a_catalogue_is_a_container_in_order():
    catalog = Catalog(default_catalog().of(Role.IMPUTER))
    assert catalog.names == ("median_indicator", "median", "mean", "constant")
    assert "mean" in catalog and "svm" not in catalog and len(catalog) == 4


def test_cost_grows_as_declared():
    cost = Cost(2.0, rows=1.0, columns=0.5, outputs=1.0)
    assert cost.estimate(rows=1000, columns=10) == 2.0
    assert cost.estimate(rows=4000, columns=40, outputs=3) == pytest.approx(2.0 * 4 * 2 * 3)


def test_importing_the_space_imports_no_model_library():
    script = "import sys, automl.space; print([m for m in ('sklearn', 'lightgbm', 'ConfigSpace') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "[]"
