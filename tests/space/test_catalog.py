import subprocess
import sys
from pathlib import Path

import pytest

from automl.core import SpaceError
from automl.space import Catalog, Choice, Component, Cost, Flag, Preparation, Role, default_catalog
from meta.pages.components import components_page

TASKS = ("binary", "multiclass", "regression")
PAGE = Path(__file__).parents[2] / "examples" / "components.md"


@pytest.mark.parametrize(("task", "least"), [("binary", 18), ("multiclass", 18), ("regression", 17)])
def test_every_task_has_many_models_and_twenty_feature_steps(task: str, least: int):
    models = [c for c in default_catalog().of(Role.MODEL) if task in c.tasks and not c.needs and c.name != "prior"]
    assert len(models) >= least
    assert len([c for c in default_catalog().of(Role.FEATURE) if task in c.tasks]) >= 20


def test_there_is_much_to_tune():
    tuned = {(c.name, h.name) for c in default_catalog() for h in c.hyperparameters}
    conditional = {(c.name, h.name) for c in default_catalog() for h in c.hyperparameters if h.when or h.categories}
    assert len(tuned) >= 180
    assert len(conditional) >= 25


@pytest.mark.parametrize("task", TASKS)
def test_random_draws_are_mostly_of_strong_families(task: str):
    """Boosting most often, then forests, linear models and networks; all others together less often than these."""
    models = [m for m in default_catalog().of(Role.MODEL) if task in m.tasks and not m.needs]
    share = {f: sum(m.share for m in models if m.family == f) for f in {m.family for m in models}}
    boosting, strong = share.pop("boosting"), [share.pop(family) for family in ("forest", "linear", "neural")]
    assert boosting > 1.5 * max(strong)
    assert sum(strong) > 1.5 * sum(share.values())


def test_steps_before_native_models_take_missing_values():
    for component in default_catalog().of(Role.FEATURE):
        assert Preparation.NATIVE not in component.preparations or "missing" in component.accepts, component.name


def test_the_page_of_components_is_up_to_date():
    command = "python -m meta.pages.components > examples/components.md"
    assert PAGE.read_text(encoding="utf-8") == components_page(), f"the catalogue has changed: run {command}"


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
