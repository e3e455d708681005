from __future__ import annotations

import dataclasses
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.core import Config, Step

BENCH = Path(__file__).resolve().parents[2] / "meta" / "bench"


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    """The scripts, imported as when they are run: by name from their own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCH))
        yield SimpleNamespace(**{n: importlib.import_module(n) for n in ("candidates", "draws", "nested", "racing")})


@pytest.fixture
def tables(tmp_path: Path, bench: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One table of three classes, one of them rare, and one with numbers to predict; and samples small to match."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    labels = np.where(x[:, 0] + 0.3 * rng.normal(size=300) > 0, "yes", "no").astype(object)
    labels[:4] = "rare"
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": rng.choice(["u", "v"], 300)})
    frame.assign(target=labels).to_parquet(tmp_path / "kinds.parquet")
    frame.assign(target=x @ [2.0, -1.0] + 0.1 * rng.normal(size=300)).to_parquet(tmp_path / "numbers.parquet")
    manifest = {
        "name": ["kinds", "numbers"],
        "task": ["multiclass", "regression"],
        "target": "target",
        "split": ["develop", "meta_only"],
        "n_rows": 300,
        "n_columns": 3,
        "n_classes": [3, np.nan],
    }
    pd.DataFrame(manifest).to_csv(tmp_path / "manifest.csv", index=False)
    seeds = {(split, size): 1 for split in ("develop", "meta_only") for size in (60, 100)}
    for name, value in {"TEST_ROWS": {60: 150, 100: 150}, "SEEDS": seeds, "LEAST_ROWS": 300, "CANDIDATES": 3}.items():
        monkeypatch.setattr(bench.draws, name, value)
    return tmp_path


@pytest.fixture
def made(bench: Any, tables: Path) -> Any:
    return bench.draws.make_draw(bench.draws.Job("kinds", "develop", "real", 60, 0), tables)


def synthetic(bench: Any, *, dataset: str = "made_up", size: int = 60, seed: int = 0, split: str = "develop") -> Any:
    """A regression of 40 rows whose candidates are the target with noise."""
    rng = np.random.default_rng(seed)
    y, y_test = 1e6 + rng.normal(size=40), 1e6 + rng.normal(size=30)
    steps = (Step.of("median"), Step.of("standard"), Step.of("ridge"))
    return bench.draws.Draw(
        dataset=dataset,
        split=split,
        kind="real",
        size=size,
        seed=seed,
        task="regression",
        metric="root_mean_squared_error",
        y_train=y,
        folds=np.arange(40) % 5,
        oof=(y + rng.normal(size=(3, 40))).astype(np.float32),
        y_test=y_test,
        test=(y_test + rng.normal(size=(3, 30))).astype(np.float32),
        test_folds=(y_test[:20] + rng.normal(size=(3, 5, 20))).astype(np.float32),
        names=("00 prior", "01 ridge", "02 ridge"),
        families=("prior", "linear", "linear"),
        configs=(Config.of(Step.of("prior")).to_json(), *[Config.of(*steps).to_json()] * 2),
        losses=rng.random((3, 5)),
        cpu=np.ones((3, 5)),
        train_rows=np.arange(40),
        test_rows=np.arange(40, 70),
        left_out=(("03 mlp", "more than 3.0 s of CPU"),),
    )


def test_a_draw_is_read_as_it_was_written(bench: Any, tmp_path: Path):
    draw = synthetic(bench)
    path = bench.draws.save_draw(draw, tmp_path)
    again = bench.draws.load_draw(path)
    assert [file.name for file in tmp_path.iterdir()] == ["made_up--60--0.npz"]
    for name, value in vars(draw).items():
        if name == "test_folds":  # stored in 16 bits, in units of the target's spread
            assert np.abs(again.test_folds - value).max() < 0.07  # and a float32 near a million is precise to .06
        elif isinstance(value, np.ndarray):
            assert np.array_equal(getattr(again, name), value) and getattr(again, name).dtype == value.dtype
        else:
            assert getattr(again, name) == value


def test_draws_are_read_in_order_and_by_split_and_size(bench: Any, tmp_path: Path):
    for dataset, size, seed, split in (("b", 500, 0, "develop"), ("a", 60, 10, "meta_only"), ("a", 60, 9, "meta_only")):
        bench.draws.save_draw(synthetic(bench, dataset=dataset, size=size, seed=seed, split=split), tmp_path)
    (tmp_path / "c--60--0.17.tmp").write_bytes(b"cut off")
    read = bench.draws.load_draws
    assert [draw.key for draw in read(tmp_path)] == ["a--60--9", "a--60--10", "b--500--0"]
    assert [draw.key for draw in read(tmp_path, split="develop")] == ["b--500--0"]
    assert [draw.key for draw in read(tmp_path, size=60)] == ["a--60--9", "a--60--10"]


def test_a_made_draw_is_consistent(bench: Any, made: Any, tables: Path):
    target = pd.read_parquet(tables / "kinds.parquet")["target"]
    assert (made.dropped_classes, made.classes, made.task, made.metric) == (1, ("no", "yes"), "binary", "roc_auc")
    assert np.array_equal(target.iloc[made.train_rows], np.array(made.classes)[made.y_train])
    assert np.array_equal(target.iloc[made.test_rows], np.array(made.classes)[made.y_test])
    assert not set(made.train_rows) & set(made.test_rows)
    assert made.oof.shape == (3, 60, 2) and made.test.shape == (3, 150, 2) and made.test_folds.shape == (3, 5, 150, 2)
    assert np.allclose(made.test_folds.mean(axis=1), made.test, atol=1e-6)
    assert made.names[0] == "00 prior" and np.ptp(made.test[0, :, 0]) == 0.0
    for fold in range(5):
        rows = made.folds == fold
        assert np.allclose(made.losses[:, fold], made.scorer.losses(made.y_train[rows], made.oof[:, rows]))
    assert made.scorer.loss(made.y_test, made.test[1]) < -0.8  # the test rows are predicted, in their order


def test_what_is_made_does_not_depend_on_labels_of_the_test_set(bench: Any, made: Any, tables: Path):
    frame = pd.read_parquet(tables / "kinds.parquet")
    frame.loc[made.test_rows, "target"] = frame.loc[made.test_rows[::-1], "target"].to_numpy()
    frame.to_parquet(tables / "kinds.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench.draws, "sample", lambda *_: (made.train_rows, made.test_rows, np.arange(4)))
        again = bench.draws.make_draw(bench.draws.Job("kinds", "develop", "real", 60, 0), tables)
    assert not np.array_equal(again.y_test, made.y_test)
    assert np.array_equal(again.test, made.test) and np.array_equal(again.oof, made.oof)


def test_what_is_there_is_not_made_again(bench: Any, tables: Path, tmp_path: Path, capsys: Any):
    jobs = bench.draws.plan(pd.read_csv(tables / "manifest.csv"), "real")
    assert {(job.dataset, job.size) for job in jobs} == {(d, s) for d in ("kinds", "numbers") for s in (60, 100)}
    out = tmp_path / "out"
    out.mkdir()
    for job in jobs[:3]:
        (out / f"{job.key}.npz").write_bytes(b"there")
    (out / f"{jobs[3].key}.1.tmp").write_bytes(b"cut off")
    assert bench.draws.todo(jobs, out) == jobs[3:]
    bench.draws.run(jobs[:3], tables, out, 1)
    assert "0 draws to make" in capsys.readouterr().out
    assert all((out / f"{job.key}.npz").read_bytes() == b"there" for job in jobs[:3])


def test_the_plan_is_balanced_from_the_start(bench: Any):
    names = [f"t{i}" for i in range(8)]
    split = ["develop"] * 4 + ["meta_only"] * 4
    manifest = pd.DataFrame({"name": names, "split": split, "n_rows": 20_000, "n_classes": [2, 2, 2, 30] * 2})
    jobs = bench.draws.plan(manifest, "real")
    usual = [job for job in jobs if job.dataset not in ("t3", "t7")]
    assert jobs[: len(usual)] == usual  # many classes take long and come last
    half = usual[: len(usual) // 2]
    for size in (200, 500, 2_000):
        for part in ("develop", "meta_only"):
            wanted = bench.draws.SEEDS[part, size] * 3 / 2
            assert abs(sum((job.split, job.size) == (part, size) for job in half) - wanted) <= 3


def test_a_slow_fit_is_interrupted_and_left_out(bench: Any, tables: Path):
    from automl.data import make_dataset
    from automl.metrics import get_metric

    frame = pd.read_parquet(tables / "numbers.parquet")
    dataset = make_dataset(frame[["a", "b"]].iloc[:60], frame["target"].iloc[:60], classifies=False)
    configs = bench.candidates.candidate_configs(dataset, 2, 0)
    metric = get_metric("auto", task="regression")
    fit = {"metric": metric, "seed": 0, "fit_seconds": 30.0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("automl.evaluate.run_fold", _slow_for(configs[1]))
        fitted = bench.candidates.fit_candidates(dataset, frame[["a", "b"]].iloc[60:], configs, **fit)
    assert fitted.names == ("00 prior",)
    assert [name[:2] for name, _ in fitted.left_out] == ["01"] and "30.0 s of CPU" in fitted.left_out[0][1]


def _slow_for(config: Config) -> Any:
    """run_fold that uses up the CPU of one configuration: here, the signal that says so comes at once."""
    import signal

    from automl.evaluate import run_fold

    def run(path: str, this: Config, *args: Any) -> Any:
        if this == config:
            signal.raise_signal(signal.SIGPROF)
        return run_fold(path, this, *args)

    return run


def test_noise_has_balanced_labels_that_nothing_predicts(bench: Any, tables: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in {"NOISE_CANDIDATES": 3, "NOISE_TEST_ROWS": 200, "NOISE_SIZES": (50,)}.items():
        monkeypatch.setattr(bench.draws, name, value)
    jobs = bench.draws.plan(pd.read_csv(tables / "manifest.csv"), "noise")
    assert [(job.dataset, job.size) for job in jobs] == [("kinds", 50), ("numbers", 50)]
    draw = bench.draws.make_draw(jobs[1], tables)
    assert (draw.task, draw.kind) == ("binary", "noise")
    assert draw.y_train.sum() == 25 and draw.y_test.sum() == 100 and draw.test_folds.shape == (3, 5, 0, 2)
    assert abs(-draw.scorer.loss(draw.y_test, draw.test[1]) - 0.5) < 0.15


def test_the_race_stops_whoever_falls_behind(bench: Any):
    configs = [Config.of(Step.of("prior"))] * 13
    losses = np.repeat(np.linspace(0.1, 0.8, 8)[:, None], 5, axis=1)  # the first eight are not raced
    later = [
        [0.9, 0.1, 0.1, 0.1, 0.1],  # behind the worst of the eight at once
        [0.7, 0.7, 0.7, 0.7, 0.7],  # better than the worst: takes its place
        [0.75, 0.1, 0.1, 0.1, 0.1],  # would have been among the eight before that
        [0.6, 0.6, 1.0, 0.0, 0.0],  # behind after three folds
        [0.0, 0.0, 0.0, 0.0, 9.0],  # behind at the end only: complete
    ]
    judged = bench.racing.completed(np.array([*losses, *later]), configs)
    assert judged.tolist() == [5] * 8 + [1, 5, 1, 3, 5]
    assert bench.racing.completed(np.array(later), configs[:5]).tolist() == [5] * 5  # too few to race against


def test_regret_is_of_the_ensemble_and_in_percent_of_the_error(bench: Any):
    row = bench.racing.measure(synthetic(bench))
    assert row["fits saved"] == row["stopped"] == row["regret"] == 0.0  # three candidates are not raced
    assert bench.racing.summary(pd.DataFrame([row]))["draws"].tolist() == [1, 1]
    assert synthetic(bench).percent(0.5, 2.0) == 25.0


def test_outer_predictions_do_not_see_the_outer_fold(bench: Any):

    draw = synthetic(bench)
    X = pd.DataFrame({"a": draw.y_train + np.random.default_rng(1).normal(size=40), "b": np.arange(40.0)})
    first = bench.nested.outer_predictions(draw, X)
    poisoned = np.where(draw.folds == 2, -draw.y_train, draw.y_train)
    second = bench.nested.outer_predictions(dataclasses.replace(draw, y_train=poisoned), X)
    assert np.isfinite(first).all() and np.corrcoef(first, draw.y_train)[0, 1] > 0.5
    assert np.array_equal(first[draw.folds == 2], second[draw.folds == 2])
    assert not np.array_equal(first[draw.folds == 1], second[draw.folds == 1])


def test_ensembles_are_selected_on_scored_rows_only(bench: Any):
    draw = synthetic(bench)
    oof = draw.oof.copy()
    oof[:, :5] = np.nan
    scored = slice(5, None)
    whole = bench.nested.mixed(draw.scorer, draw.y_train, oof, draw.test, list(draw.families))
    part = bench.nested.mixed(draw.scorer, draw.y_train[scored], oof[:, scored], draw.test, list(draw.families))
    assert np.array_equal(whole, part)


def test_nested_takes_the_draws_of_one_kind_though_their_names_are_the_same(
    bench: Any, tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, value in {"NOISE_SIZES": (60,), "NOISE_TEST_ROWS": 100}.items():
        monkeypatch.setattr(bench.draws, name, value)
    monkeypatch.setattr(bench.nested, "DRAWS", {60: 5})
    kinds = {"real": ["kinds"], "noise": ["kinds", "numbers"]}
    for kind, expected in kinds.items():
        folder = tmp_path / kind
        folder.mkdir()
        for split, dataset in (("develop", "kinds"), ("meta_only", "numbers")):
            draw = dataclasses.replace(synthetic(bench, dataset=dataset, split=split), kind=kind)
            bench.draws.save_draw(draw, folder)
        assert [path.stem.split("--")[0] for path in bench.nested.chosen(tables, folder)] == expected


@pytest.mark.parametrize("script", ["draws", "nested"])
def test_missing_tables_are_said(bench: Any, script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    command = [script, *(["run"] if script == "nested" else []), "--data", str(tmp_path / "nowhere")]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit, match="tables are not at .*nowhere"):
        getattr(bench, script).main()


def test_missing_draws_are_said(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["racing", "--draws", str(tmp_path)])
    with pytest.raises(SystemExit, match="no draws in"):
        bench.racing.main()
