from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from automl.core import Config, Step
from automl.data import Task, make_dataset
from automl.metalearn.adapting import adapted
from automl.space import build_space, default_catalog, facts_of
from meta.knowledge.claims import held, holding, take, wait_while_held, write_whole
from meta.knowledge.compact import decode, encode, truth_of
from meta.knowledge.fits import processor_clock
from meta.knowledge.machine import Unit
from meta.knowledge.plan import FIDELITIES, fidelities, tasks
from meta.knowledge.pool import FIRST_BASE, LARGER, Pool, larger_order, read_pool
from meta.knowledge.similarity import Signature, likeness, signature
from meta.knowledge.tables import Source, refusals, sampled, sources
from tests.builders import mixed_frame
from tests.meta.workshop_tables import folder, frame, tiny_pool

# ---- claims and the lock of timed benchmarks


def test_a_claim_is_one_process_s_until_it_ends(tmp_path: Path):
    claim, result = tmp_path / "claims" / "one", tmp_path / "result"
    script = (
        "import sys; from pathlib import Path; from meta.knowledge.claims import take\n"
        "kept = take(Path(sys.argv[1]), Path(sys.argv[2])); print(kept is not None, flush=True); sys.stdin.read()"
    )
    root = str(Path(__file__).parents[2])
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(claim), str(result)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"True\n"
        assert take(claim, result) is None
        other.kill()
    mine = take(claim, result)
    assert mine is not None
    mine.release()


def test_what_has_a_result_is_not_claimed(tmp_path: Path):
    (tmp_path / "result").write_text("{}")
    assert take(tmp_path / "claim", tmp_path / "result") is None


def test_the_workshop_stands_aside_while_a_benchmark_holds_the_lock(tmp_path: Path):
    lock = tmp_path / "lock"
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            lock.unlink()

    with holding(lock):
        assert held(lock)
        assert wait_while_held(lock, pause)
    assert len(pauses) == 3
    assert not held(lock)
    assert not wait_while_held(lock, pause)


@pytest.mark.parametrize("content", ["", "no json", "{}", '{"pid": "x", "created": 1}', "[1]"])
def test_a_lock_that_names_nobody_holds_nobody_up(tmp_path: Path, content: str):
    (tmp_path / "lock").write_text(content)
    assert not held(tmp_path / "lock")


def test_a_lock_whose_holder_is_gone_holds_nobody_up(tmp_path: Path):
    me = psutil.Process()
    write_whole(tmp_path / "lock", json.dumps({"pid": me.pid, "created": me.create_time()}))
    assert held(tmp_path / "lock")
    write_whole(tmp_path / "lock", json.dumps({"pid": me.pid, "created": me.create_time() - 100}))  # a number reused
    assert not held(tmp_path / "lock")


def test_the_clock_of_a_fit_is_the_processor_s():
    real = time.monotonic, time.perf_counter
    with processor_clock():
        assert time.monotonic is time.perf_counter is time.process_time
    assert (time.monotonic, time.perf_counter) == real


def test_the_unit_is_measured_again_after_ten_minutes():
    now, costs = [0.0], itertools.count(1)
    unit = Unit(lambda: float(next(costs)), lambda: now[0])
    assert unit.seconds() == 2.0  # of 1, 2, 3
    now[0] = 599.0
    assert unit.seconds() == 2.0
    now[0] = 600.0
    assert unit.seconds() == 3.0  # of 2, 3, 4


# ---- the pool


@pytest.fixture(scope="module")
def pool() -> Pool:
    return read_pool()


@pytest.mark.parametrize("task", list(Task))
def test_the_pool_is_long_enough_and_holds_every_model_three_times(pool: Pool, task: Task):
    entries = pool.of(task)
    assert len(entries) == len({entry.id for entry in entries}) >= 120
    models = Counter(entry.model for entry in entries)
    facts = facts_of(make_dataset(mixed_frame(), np.arange(120) % 3 * 1.0, classifies=task.classifies))
    classes = {Task.BINARY: 2, Task.MULTICLASS: 3, Task.REGRESSION: 0}[task]
    space = build_space(
        replace(facts, task=task, n_classes=classes, n_rows=2000, min_class_count=60), default_catalog()
    )
    drawn = {component.name for component in space.models if component.share > 0} - {"prior"}
    assert not {model for model in drawn if models[model] < 3}


@pytest.mark.parametrize("task", list(Task))
def test_the_first_base_is_broad_from_its_start(pool: Pool, task: Task):
    first = pool.of(task)[:FIRST_BASE]
    models = [entry.model for entry in first]
    distinct = len(set(models))
    assert distinct >= 25
    assert len(set(models[:distinct])) == distinct  # one of each before the second of any
    assert {entry.origin.split()[0] for entry in first} == {"portfolio", "default", "published"}


def test_ids_say_what_an_entry_is(pool: Pool):
    for entry in pool.entries.values():
        assert entry.id == f"{entry.model}-{entry.config.key()[:8]}"


# ---- a configuration on a table


def test_a_configuration_loses_what_a_table_has_no_use_for():
    numbers = make_dataset(np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 2, classifies=True)
    space = build_space(facts_of(numbers), default_catalog())
    written = Config.of(Step.of("ordinal"), Step.of("words"), Step.of("lightgbm", num_leaves=7, cat_smooth=3.0))
    found = adapted(written, space)
    assert isinstance(found, Config)
    assert found.shape() == "lightgbm"
    assert found.steps[0].values["num_leaves"] == 7
    assert "cat_smooth" not in found.steps[0].values


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (Config.of(Step.of("ridge")), "not for binary"),
        (Config.of(Step.of("no_such")), "no_such"),
        (Config.of(Step.of("category_crosses"), Step.of("lightgbm")), "categor"),
    ],
)
def test_a_configuration_that_a_table_does_not_hold_says_why(config: Config, reason: str):
    numbers = make_dataset(np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 2, classifies=True)
    found = adapted(config, build_space(facts_of(numbers), default_catalog()))
    assert isinstance(found, str)
    assert reason in found


# ---- tables


def test_a_table_under_another_name_is_found():
    X = frame(400, 0).assign(e=lambda table: table["c"] * 3)
    y = pd.Series(np.where(X["c"] > 0.3, "yes", "no"))
    some = X.sample(frac=0.5, random_state=0)
    renamed = some.set_axis([f"col{i}" for i in range(X.shape[1])], axis=1).iloc[:, ::-1]
    found = likeness(signature(X, y), signature(renamed, y[renamed.index]))
    assert found.similar
    assert found.rows > 0.95
    other = signature(frame(400, 1), pd.Series(np.where(frame(400, 2)["a"] > 1, "yes", "no")))
    assert not likeness(signature(X, y), other).similar


def test_the_words_of_names_count_and_numbered_names_do_not():
    def named(seed: int, *names: str) -> Signature:
        rng = np.random.default_rng(seed)
        rows = 50 + 20 * seed
        return signature(pd.DataFrame({name: rng.normal(size=rows) for name in names}), pd.Series(range(rows)))

    one = named(0, "meanRadius", "worst_area", "Smooth Edge", "fractal dim")
    assert likeness(one, named(1, "radius mean", "area_worst", "edge.smooth", "dimFractal", "more")).similar
    assert likeness(one, named(1, "radius", "area", "edge", "dim")).names == 0.0
    assert likeness(named(0, "V1", "V2", "x_3", "attr4"), named(1, "V1", "V2", "x_3", "attr4")).names == 0.0


def test_tables_like_those_measured_on_or_like_an_earlier_one_are_refused(tmp_path: Path):
    one, other, third = frame(300, 0, "abcde"), frame(310, 1, "fghij"), frame(200, 2, "klmno")
    tables = {
        "measured": ("regression", one, one["a"] * 2),
        "again": ("regression", one[::-1].reset_index(drop=True), one["a"][::-1].to_numpy() * 2),
        "fine": ("regression", other, other["f"] ** 2),
        "fine_too": ("regression", third, third["k"] ** 3),
        "twin": ("regression", other.iloc[5:], other["f"].iloc[5:] ** 2),
    }
    data = folder(tmp_path, tables, develop=("measured",))
    wanted = [source for source in sources(data) if source.folder is not None]
    assert "measured" not in {source.name for source in wanted}
    found = refusals(wanted, sources(data, "develop"))
    assert set(found) == {"again", "twin"}
    assert "resembles measured" in found["again"]


def test_a_sample_has_the_rows_whatever_their_order(tmp_path: Path):
    X = frame(500, 0)
    y = np.where(X["a"] > 1.0, "rare", "often")
    order = np.random.default_rng(0).permutation(500)
    data = folder(tmp_path, {"one": ("binary", X, y), "two": ("binary", X.iloc[order], y[order])})
    one, two = (sampled(source, 100) for source in sources(data) if source.folder is not None)
    assert one.n_rows == two.n_rows
    assert set(one.X["b"]) == set(two.X["b"])
    assert np.mean(one.y) == pytest.approx(np.mean(y == "rare"), abs=0.01)


# ---- the order of work


def made_up(n: int, task: str, rows: int) -> list[Source]:
    return [Source(f"{task}{i}", task, rows, "made up", "none") for i in range(n)]


def test_configurations_go_round_all_tables_and_larger_ones_come_last():
    found = [*made_up(3, "binary", 20_000), *made_up(2, "regression", 500)]
    queue = list(tasks(tiny_pool(), found))
    assert [source.name for source, *_ in queue[:5]] == [source.name for source in found]
    assert {entry for _, _, entry, _ in queue[:5]} == {"none"}
    rows = [rows for _, rows, _, _ in queue]
    assert rows == sorted(rows)
    assert {source.name for source, size, _, _ in queue if size > 2000} == {f"binary{i}" for i in range(3)}
    assert [entry for _, size, entry, _ in queue if size == 5000] == ["tree"] * 3 + ["near"] * 3


def test_larger_tables_are_tried_with_lines_learnt_and_by_hand_in_turns(tmp_path: Path):
    pool = read_pool()
    learnt = [pool.order["binary"][30], "unknown", pool.order["binary"][1]]
    (tmp_path / "orders.json").write_text(json.dumps({"binary": [{"entries": ["other"]}, {"entries": learnt}]}))
    found = larger_order(pool.entries, pool.order["binary"], "binary", tmp_path)
    assert found[0] == learnt[0]
    assert found.index(learnt[2]) <= 4
    assert len(found) == len(set(found)) == LARGER
    assert {pool.entries[name].origin for name in found[1::4]} == {"portfolio"}
    assert not {pool.entries[name].model for name in found} & {"catboost", "xgboost"}
    assert learnt[0] not in larger_order(pool.entries, pool.order["multiclass"], "multiclass", tmp_path)[:1]


def test_no_more_than_fifteen_tables_are_tried_larger_and_every_task_is_among_them():
    found = [*made_up(20, "binary", 20_000), *made_up(20, "multiclass", 20_000), *made_up(20, "regression", 20_000)]
    *_, (_, larger) = fidelities(found)
    assert Counter(source.task for source in larger) == {"binary": 5, "multiclass": 5, "regression": 5}
    assert [fidelity.rows for fidelity, _ in fidelities(found)] == [fidelity.rows for fidelity in FIDELITIES]


# ---- compact predictions


def test_probabilities_survive_one_byte():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 600)
    data = make_dataset(rng.normal(size=(600, 2)), y, classifies=True)
    truth = truth_of(data, np.arange(600) % 3, rng.integers(0, 2**63, 600, dtype=np.uint64))
    assert 499 <= len(truth["rows"]) <= 501
    p = rng.beta(0.3, 0.3, size=len(truth["rows"]))
    codes = encode(np.stack([1 - p, p], axis=1), truth)
    assert codes.dtype == np.uint8
    assert np.abs(decode(codes, truth)[:, 1] - p).max() < 0.004
    sure = decode(encode(np.array([[1.0, 0.0], [0.0, 1.0]]), truth), truth)
    assert 0 < sure[0, 1] < 1e-5


def test_values_survive_one_byte_also_where_a_few_are_huge():
    rng = np.random.default_rng(0)
    y = np.exp(2 * rng.normal(size=400))
    data = make_dataset(rng.normal(size=(400, 2)), y, classifies=False)
    truth = truth_of(data, np.arange(400) % 3, np.arange(400, dtype=np.uint64))
    back = decode(encode(y[truth["rows"]], truth), truth)
    error = np.abs(back - truth["y"])
    assert np.median(error) < 0.01  # of a standard deviation
    assert np.sqrt(np.mean(error**2)) < 0.03
