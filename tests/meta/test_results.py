"""What learning reads of a packed base, or of the folder of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from automl.execute import SerialExecutor
from meta.knowledge.greedy import loss_of
from meta.knowledge.machine import Unit
from meta.knowledge.pack import pack
from meta.knowledge.pool import write_pool
from meta.knowledge.results import Results, read_results
from meta.knowledge.tables import sources
from meta.knowledge.working import Work, do_all
from meta.knowledge.workshop import pieces
from tests.meta.workshop_tables import tiny_pool, two_tables


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data, folder = two_tables(tmp_path_factory.mktemp("tables")), tmp_path_factory.mktemp("run")
    own = tuple(source for source in sources(data) if source.folder is not None)
    work = Work(folder, SerialExecutor(), Unit(lambda: 0.5), yields=lambda: None, log=lambda line: None)
    do_all(pieces(folder, own, tiny_pool()), work)
    write_pool(tiny_pool(), folder / "pool.json")
    described = pd.DataFrame(
        {"log_rows": 1.0, "log_cells": 2.0, "columns_per_row": 0.0, "log_class_min": 0.5}, ["coins@2000"]
    )
    described.to_parquet(folder / "metafeatures.parquet")
    return folder


@pytest.fixture(scope="module")
def found(run: Path) -> Results:
    return read_results(run)


def test_a_run_and_its_packed_base_say_the_same(run, found, tmp_path):
    pack(run, tmp_path / "base")
    packed = read_results(tmp_path / "base")
    assert [table.name for table in packed.tables] == [table.name for table in found.tables] == ["coins", "sizes"]
    for one, other in zip(packed.tables, found.tables, strict=True):
        assert one.found == other.found
        np.testing.assert_array_equal(one.predictions, other.predictions)


def test_losses_costs_and_configurations_are_there(found):
    coins = found.tables[0]
    assert set(coins.found) == {"none", "tree", "near", "bayes"} and len(coins.complete) == 4
    assert coins.found["none"].loss == pytest.approx(-0.5)
    assert coins.found["tree"].losses["log_loss"] > 0 and coins.found["tree"].units > 0
    assert found.configs[coins.found["tree"].key].steps[-1].component == "decision_tree"
    assert coins.facts.n_rows == 90 and str(coins.facts.task) == "binary"


def test_predictions_are_those_of_the_true_rows(found):
    coins, sizes = found.tables
    tree = coins.predictions[coins.predicted.index("tree")]
    assert 1 - loss_of("binary", coins.y, tree[None])[0] == pytest.approx(roc_auc_score(coins.y, tree), abs=0.02)
    none = sizes.predictions[sizes.predicted.index("none")]
    assert loss_of("regression", sizes.y, none[None])[0] == pytest.approx(float(sizes.y.std()), rel=0.1)


def test_what_a_table_refuses_is_no_failure(found):
    sizes = found.tables[1]
    assert sizes.refused == {"bayes"} and "bayes" not in sizes.found


def test_meta_features_have_the_rows_of_the_size_they_are_for(found):
    coins = found.tables[0].metafeatures
    assert coins["log_rows"] == pytest.approx(np.log10(90)) and found.tables[1].metafeatures == {}
    assert coins["log_cells"] - coins["log_rows"] == pytest.approx(1.0)
