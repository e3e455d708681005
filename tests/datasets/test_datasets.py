from __future__ import annotations

import pandas as pd
import pytest

from datasets import load, names
from datasets.make import FOLDER, TABLES, build


@pytest.mark.parametrize("name", [table.__name__ for table in TABLES])
def test_the_script_makes_the_table_that_lies_here(name: str, tmp_path):
    build(name).to_csv(tmp_path / "again.csv", index=False)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "again.csv"), pd.read_csv(FOLDER / f"{name}.csv.gz"))


@pytest.mark.parametrize("name", names())
def test_every_name_loads(name: str):
    table = load(name)
    assert len(table.X) == len(table.y) >= 100
    assert table.y.notna().all()
    assert table.classifies == (table.y.nunique() <= 10)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="orders, repairs, machines, iris"):
        load("titanic")


def test_orders_hold_what_the_demo_promises():
    table = load("orders")
    assert 0.08 < (table.y == "yes").mean() < 0.14
    assert table.X["brand"].nunique() > 100
    assert table.X.isna().any(axis=None)
    assert table.X["order_number"].is_unique


def test_all_tables_together_stay_small():
    assert sum(path.stat().st_size for path in FOLDER.glob("*.gz")) < 1_000_000
