import numpy as np
import pytest

from automl.data import Column, Container, Dataset, Kind, Schema, Task
from automl.space import Facts, facts_of
from automl.space.facts import MAX_LEVELS, date_parts


def dataset(*columns: Column, y: list[int], **more: object) -> Dataset:
    values = np.zeros((len(y), len(columns)))
    return Dataset(values, np.array(y), Task.MULTICLASS, Schema(columns, Container.ARRAY), np.unique(y), **more)


def test_facts_count_used_columns_by_what_they_become():
    facts = facts_of(
        dataset(
            Column(0, Kind.NUMERIC, True, 9, 0.5),
            Column(1, Kind.BOOLEAN, True, 2),
            Column(2, Kind.BOOLEAN, False, 2),
            Column(3, Kind.CATEGORICAL, False, 7),
            Column(4, Kind.HIGH_CARDINALITY, False, 900),
            Column(5, Kind.CONSTANT, True, 1, 1.0),
            y=[0, 0, 0, 1, 1, 2],
        ),
        seconds=60.0,
    )
    assert (facts.n_columns, facts.n_numeric, facts.n_categorical, facts.n_high) == (5, 2, 3, 1)
    assert facts.n_levels == 2 + 7 + MAX_LEVELS
    assert facts.width == 2 + facts.n_levels
    assert (facts.n_classes, facts.min_class_count, facts.has_missing, facts.seconds) == (3, 1, True, 60.0)


def test_groups_forbid_target_encoding():
    numbers = Column(0, Kind.NUMERIC, True, 9)
    free = facts_of(dataset(numbers, y=[0, 1, 2] * 10))
    bound = facts_of(dataset(numbers, y=[0, 1, 2] * 10, groups=np.arange(30)))
    assert free.may_encode_target and not bound.may_encode_target


@pytest.mark.parametrize(
    ("date_format", "left_out"),
    [
        (None, set()),
        ("%Y-%m-%d %H:%M", set()),
        ("%d/%m/%Y %I:%M %p", set()),
        ("%d.%m.%Y", {"hour"}),
        ("%b %Y", {"hour", "day", "day_of_week", "day_of_year"}),
    ],
)
def test_parts_that_a_date_format_does_not_hold_are_left_out(date_format: str | None, left_out: set[str]):
    every = ("year", "month", "day", "hour", "day_of_week", "day_of_year", "days")
    parts = date_parts(Column("a", Kind.DATE, False, 9, date_format=date_format))
    assert parts == tuple(part for part in every if part not in left_out)


def regression(y: np.ndarray) -> Facts:
    schema = Schema((Column(0, Kind.NUMERIC, True, 9),), Container.ARRAY)
    return facts_of(Dataset(np.zeros((len(y), 1)), y, Task.REGRESSION, schema))


def test_facts_know_the_shape_of_a_target():
    y = np.random.default_rng(0).exponential(size=5000)
    assert regression(y).target_low == y.min()
    assert regression(y).target_skew == pytest.approx(2, abs=0.3)
    assert regression(-y).target_skew == pytest.approx(-2, abs=0.3)
    assert regression(y * 1e300).target_skew == pytest.approx(regression(y).target_skew)
    assert regression(np.full(9, 0.1)).target_skew == 0


def test_facts_know_whether_a_target_is_afar():
    y = np.random.default_rng(0).normal(size=500)
    for usual in (y, 1e6 * y, 1e-2 * y, y + 1e3, np.full(9, 0.1), np.full(9, 1e12)):
        assert not regression(usual).target_afar
    for far in (1e-9 * y, 1e-300 * y, y + 1e5, y - 1e12, 1e-5 * y + 1e-3, 1e30 * y):
        assert regression(far).target_afar
    known = vars(regression(y)) | {"target_afar": None}
    del known["target_afar"]
    assert Facts(**known) == regression(y), "facts written before it was known"
