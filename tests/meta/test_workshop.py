from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.core import FoldResult, Job, Status
from automl.execute import SerialExecutor
from meta.knowledge.compact import decode
from meta.knowledge.machine import Unit
from meta.knowledge.pack import pack
from meta.knowledge.plan import METRICS
from meta.knowledge.pool import write_pool
from meta.knowledge.tables import Source, sources
from meta.knowledge.unpack import unpack
from meta.knowledge.working import Piece, Work, do_all
from meta.knowledge.workshop import main, pieces
from tests.builders import FakeExecutor
from tests.meta.workshop_tables import tiny_pool, two_tables

PIECES = 7  # four entries on two tables, one of them not for regression


class Watched(SerialExecutor):
    """Counts jobs; before some number of them ends it does something else."""

    def __init__(self, before: int = -1, act: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.jobs: list[tuple[str, int | None]] = []
        self._before, self._act = before, act

    def submit(self, job: Job) -> None:
        self.jobs.append((str(job.payload), job.fold))
        super().submit(job)

    def collect(self, timeout: float | None) -> Any:
        if len(self.jobs) == self._before:
            self._before = -1
            self._act()
        return super().collect(timeout)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_tables(tmp_path_factory.mktemp("tables"))


def own(data: Path) -> tuple[Source, ...]:
    return tuple(source for source in sources(data) if source.folder is not None)


def queue(run: Path, data: Path) -> Iterator[Piece]:
    return pieces(run, own(data), tiny_pool())


def work(run: Path, executor: Any, **more: Any) -> Work:
    return Work(run, executor, Unit(lambda: 0.5), **{"yields": lambda: None, "log": lambda line: None, **more})


def done(run: Path) -> dict[str, float]:
    return {
        f"{path.parents[1].name} {path.stem}": path.stat().st_mtime_ns for path in run.glob("tables/*/results/*.json")
    }


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run")
    assert do_all(queue(run, data), work(run, Watched())) == PIECES
    write_pool(tiny_pool(), run / "pool.json")
    return run


def result(run: Path, table: str, entry: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "tables" / f"{table}@2000" / "results" / f"{entry}.json").read_text())
    return found


def test_each_configuration_is_recorded_on_each_table_that_holds_it(finished: Path):
    assert set(done(finished)) == {
        *(f"coins@2000 {entry}" for entry in ("none", "bayes", "tree", "near")),
        *(f"sizes@2000 {entry}" for entry in ("none", "tree", "near")),
    }
    described = json.loads((finished / "tables" / "sizes@2000" / "variant.json").read_text())
    assert "not for regression" in described["configs"]["bayes"]["refused"]
    assert described["checksum"] and described["licence"] == "made up"


@pytest.mark.parametrize(("table", "task"), [("coins", "binary"), ("sizes", "regression")])
def test_a_record_holds_losses_seconds_and_memory_of_each_fold(finished: Path, table: str, task: str):
    record = result(finished, table, "tree")
    assert (record["status"], record["unit_seconds"], len(record["folds"])) == ("ok", 0.5, 3)
    for fold in record["folds"]:
        assert set(fold["losses"]) == set(METRICS[task])
        assert np.isfinite(list(fold["losses"].values())).all()
        assert fold["fit_seconds"] > 0
    assert {"python", "scikit-learn", "lightgbm", "code"} <= set(record["versions"])


def test_compact_predictions_give_nearly_the_same_losses(finished: Path):
    for table in ("coins", "sizes"):
        place = finished / "tables" / f"{table}@2000"
        truth = dict(np.load(place / "truth.npz"))
        predicted = decode(np.load(place / "results" / "near.npy"), truth)
        folds = result(finished, table, "near")["folds"]
        for number, fold in enumerate(folds):
            mine = truth["fold"] == number
            y, values = truth["y"][mine], predicted[mine]
            if table == "coins":
                assert np.mean(values.argmax(axis=1) == y) == pytest.approx(-fold["losses"]["accuracy"])
            else:
                scale = truth["shape"][1]
                error = np.sqrt(np.mean((values - y) ** 2)) * scale
                assert error == pytest.approx(fold["losses"]["root_mean_squared_error"], rel=0.02)


def test_what_is_done_is_not_done_again(finished: Path, data: Path):
    before, again = done(finished), Watched()
    assert do_all(queue(finished, data), work(finished, again)) == 0
    assert not again.jobs
    assert done(finished) == before


def test_a_run_that_was_stopped_in_the_middle_goes_on(data: Path, tmp_path: Path):
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        do_all(queue(tmp_path, data), work(tmp_path, Watched(before=8, act=stop)))
    before = done(tmp_path)
    assert len(before) == 2  # two pieces of three folds; the third was in its second fold
    after = Watched()
    assert do_all(queue(tmp_path, data), work(tmp_path, after)) == PIECES - 2
    assert len(after.jobs) == 3 * (PIECES - 2)
    assert before.items() <= done(tmp_path).items()


def test_two_that_share_a_folder_do_nothing_twice(data: Path, tmp_path: Path):
    second = Watched()
    counts: list[int] = []

    def meanwhile() -> None:
        counts.append(do_all(queue(tmp_path, data), work(tmp_path, second)))

    first = Watched(before=5, act=meanwhile)  # in the middle of its second piece
    counts.append(do_all(queue(tmp_path, data), work(tmp_path, first)))
    assert counts == [PIECES - 2, 2]
    assert len(done(tmp_path)) == PIECES
    assert len(first.jobs) + len(second.jobs) == 3 * PIECES
    assert not set(first.jobs) & set(second.jobs)


def test_it_asks_before_every_fit_whether_to_stand_aside(data: Path, tmp_path: Path):
    asked: list[int] = []
    executor = Watched()
    do_all(queue(tmp_path, data), work(tmp_path, executor, yields=lambda: asked.append(len(executor.jobs))))
    assert set(range(3 * PIECES)) <= set(asked)


def test_a_fit_stopped_by_the_kernel_is_a_timeout_and_its_other_folds_are_left(data: Path, tmp_path: Path):
    def answer(job: Job) -> FoldResult:
        return FoldResult(job.id, job.kind, None, job.fold, Status.CRASHED, error="its worker died (signal SIGXCPU)")

    executor = FakeExecutor(answer)
    assert do_all(queue(tmp_path, data), work(tmp_path, executor)) == PIECES
    record = result(tmp_path, "coins", "tree")
    assert (record["status"], len(record["folds"])) == ("timeout", 1)
    assert "10 s" in record["reason"]
    assert not list(tmp_path.glob("tables/*/results/*.npy"))


def test_a_fit_that_hung_is_left_for_the_next_run(data: Path, tmp_path: Path):
    def answer(job: Job) -> FoldResult:
        return FoldResult(job.id, job.kind, None, job.fold, Status.TIMEOUT, error="over 900 s")

    assert do_all(queue(tmp_path, data), work(tmp_path, FakeExecutor(answer))) == 0
    assert not done(tmp_path)
    assert do_all(queue(tmp_path, data), work(tmp_path, Watched())) == PIECES


# ---- the base


def test_the_base_holds_everything(finished: Path, tmp_path: Path):
    base = tmp_path / "base"
    assert 0 < pack(finished, base) < 1
    fits = pd.read_parquet(base / "fits.parquet")
    assert len(fits) == 3 * PIECES
    assert set(fits["trial"]) == {"ok"}
    one = fits[(fits["table"] == "coins") & (fits["entry"] == "tree")]
    record = result(finished, "coins", "tree")
    assert one["loss roc_auc"].tolist() == pytest.approx([fold["losses"]["roc_auc"] for fold in record["folds"]])
    assert one["fit_units"].tolist() == pytest.approx([fold["fit_seconds"] / 0.5 for fold in record["folds"]])
    configs = json.loads((base / "configs.json").read_text())
    assert set(fits["key"]) == {key for key in configs if key in set(fits["key"])}
    kept = np.load(base / "predictions" / "sizes@2000.npz")
    assert kept["codes"].shape == (3, 90)
    assert kept["entries"].tolist() == sorted(kept["entries"].tolist())


def test_a_base_goes_on_as_a_run_on_another_machine(data: Path, tmp_path: Path):
    first, half = tmp_path / "first", itertools.islice(queue(tmp_path / "first", data), 4)
    assert do_all(half, work(first, Watched())) == 4
    write_pool(tiny_pool(), first / "pool.json")
    pack(first, tmp_path / "base")
    again = tmp_path / "again"
    assert unpack(again, tmp_path / "base") == 4
    pack(again, tmp_path / "same")
    for path in (path.relative_to(tmp_path / "base") for path in (tmp_path / "base").rglob("*.*")):
        one, other = tmp_path / "base" / path, tmp_path / "same" / path
        if path.suffix == ".parquet":
            pd.testing.assert_frame_equal(pd.read_parquet(one), pd.read_parquet(other))
        elif path.suffix == ".npz":
            with np.load(one) as packed, np.load(other) as repacked:
                assert all(np.array_equal(packed[name], repacked[name]) for name in packed.files)
        else:
            assert json.loads(one.read_text()) == json.loads(other.read_text())
    assert do_all(queue(again, data), work(again, Watched())) == PIECES - 4
    pack(again, tmp_path / "whole")
    assert len(pd.read_parquet(tmp_path / "whole" / "fits.parquet")) == 3 * PIECES
    with np.load(tmp_path / "whole" / "predictions" / "coins@2000.npz") as packed:
        assert len(packed["entries"]) == len(packed["codes"]) == 4
    with pytest.raises(ValueError, match="a run already"):
        unpack(again, tmp_path / "base")


def test_a_base_does_not_go_on_with_another_table_of_the_same_name(finished: Path, data: Path, tmp_path: Path):
    pack(finished, tmp_path / "base")
    unpack(tmp_path / "run", tmp_path / "base")
    for path in (tmp_path / "run").glob("tables/*/results/tree.json"):
        path.unlink()
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match="another file"):
        list(queue(tmp_path / "run", two_tables(tmp_path / "other", n=80)))
    path = tmp_path / "run" / "tables" / "coins@2000" / "truth.npz"
    with np.load(path) as truth:
        np.savez(path, **{**truth, "y": 1 - truth["y"]})
    with pytest.raises(ValueError, match="not those whose predictions"):
        list(queue(tmp_path / "run", data))


def test_a_base_that_is_too_large_leaves_the_old_one(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    base = tmp_path / "base"
    pack(finished, base)
    monkeypatch.setattr("meta.knowledge.pack.LIMIT_MB", 0.0)
    with pytest.raises(ValueError, match="MB"):
        pack(finished, base)
    assert (base / "fits.parquet").exists()


def test_the_command_line_says_how_far_it_is(
    finished: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("meta.knowledge.workshop.accepted", lambda folder, tables: own(data))
    assert main(["status", "--out", str(finished), "--data", str(data)]) == 0
    assert f"{PIECES} of at most {PIECES} done" in capsys.readouterr().out
    assert main(["metafeatures", "--out", str(finished), "--data", str(data)]) == 0
    described = pd.read_parquet(finished / "metafeatures.parquet")
    assert sorted(described.index) == ["coins@2000", "coins@all", "sizes@2000", "sizes@all"]
    assert described.loc["coins@2000", "classes"] == 2
