from dataclasses import replace

import pytest

from automl.data import Task
from automl.space import Facts, build_space, default_catalog, start_portfolio

BINARY = Facts(
    Task.BINARY, 400, 8, n_numeric=5, n_categorical=3, n_levels=20, n_classes=2, min_class_count=150, seconds=3600.0
)
FACTS = {
    "binary": BINARY,
    "multiclass": replace(BINARY, task=Task.MULTICLASS, n_classes=4, min_class_count=60),
    "regression": replace(BINARY, task=Task.REGRESSION, n_classes=0, min_class_count=400),
}


def shapes(facts: Facts, **choice: list[str]) -> list[str]:
    return [c.shape() for c in start_portfolio(facts, build_space(facts, default_catalog(), **choice))]


@pytest.mark.parametrize("task", FACTS)
def test_families_come_first_and_long_budgets_have_enough_lines(task: str):
    facts = FACTS[task]
    configs = start_portfolio(facts, build_space(facts, default_catalog()))
    families = [default_catalog().get(c.steps[-1].component).family for c in configs]
    assert families[:2] == ["prior", "boosting"]
    assert {"linear", "forest", "neural", "kernel"} <= set(families[:12])
    assert len(configs) >= 25
    assert len({c.key() for c in configs}) == len(configs)


@pytest.mark.parametrize("task", FACTS)
def test_every_line_belongs_to_the_space(task: str):
    space = build_space(FACTS[task], default_catalog())
    for config in start_portfolio(FACTS[task], space):
        space.check(config)
        assert space.complete(config) == config


def test_gaussian_processes_are_for_small_tables():
    regression = FACTS["regression"]
    assert any("gaussian_process" in shape for shape in shapes(regression))
    assert not any("gaussian_process" in shape for shape in shapes(replace(regression, n_rows=3000)))


def test_short_budgets_have_no_tiny_learning_rates():
    short = replace(BINARY, seconds=60.0)
    configs = start_portfolio(short, build_space(short, default_catalog()))
    rates = [step.values.get("learning_rate") for config in configs for step in config.steps]
    assert min(rate for rate in rates if isinstance(rate, float)) == 0.02


def test_excluded_components_leave_the_portfolio():
    left = shapes(BINARY, exclude=["boosting", "target"])
    assert left and not any("lightgbm" in shape or "target" in shape for shape in left)


def test_where_target_encoding_is_not_fair_its_lines_take_codes():
    grouped = replace(BINARY, has_groups=True)
    assert "ordinal > lightgbm" in shapes(grouped)
    assert not any("target" in shape for shape in shapes(grouped))


def test_heavy_tails_bring_target_transforms_and_pairs_of_columns_their_crosses():
    regression = FACTS["regression"]
    assert not any("log_target" in shape for shape in shapes(regression))
    heavy = replace(regression, target_low=1.0, target_skew=3.0)
    assert shapes(heavy)[3] == "ordinal > log_target > lightgbm"
    assert any("all_crosses" in shape for shape in shapes(heavy))
    numbers = replace(heavy, n_categorical=0, n_levels=0)
    assert any("arithmetic" in shape for shape in shapes(numbers))
    assert not any("all_crosses" in shape for shape in shapes(numbers))
