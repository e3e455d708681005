import errno
import importlib
import os
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from automl import AutoClassifier
from automl.core import Fidelity, Job, JobKind, Status, stream
from automl.data import dump_dataset, make_dataset
from automl.evaluate import (
    Evaluation,
    Preparations,
    forget_evaluation,
    load_evaluation,
    run_fold,
    save_evaluation,
    stop_split,
)
from automl.evaluate import preparation as module
from automl.evaluate.preparation import Entry, Preparer
from automl.execute import ProcessExecutor
from automl.pipeline import build
from automl.search import Settings, resolve
from tests.builders import array_dataset, mixed_dataset


def sparse_dataset():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 20)) * (rng.random((150, 20)) < 0.3)
    y = pd.qcut(X[:, 0] + X[:, 1] + 0.1 * rng.normal(size=150), 3, labels=False)
    return make_dataset(scipy.sparse.csr_matrix(X), y, classifies=True)


def single_precision():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(130, 6)).astype(np.float32)
    X[::9, 2] = np.nan
    return make_dataset(X, X[:, 0] + X[:, 1] ** 2, classifies=False, weights=rng.integers(1, 4, 130))


def gapped_frame():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(150, 4)), columns=list("abcd"))
    X["note"] = [" ".join(rng.choice(["big", "red", "old", "car", "dog"], 5)) for _ in range(150)]
    X.iloc[::7, 0] = np.nan
    return make_dataset(X, X["b"] + X["c"], classifies=False)


TABLES = {
    "frame": mixed_dataset,
    "frame with text": gapped_frame,
    "float32, weighted": single_precision,
    "sparse": sparse_dataset,
}
MODELS = ("lightgbm", "hist_gradient_boosting", "extra_trees", "logistic", "ridge_path", "knn", "svm", "mlp")


def keep(folder, **settings):
    """A cache that keeps whatever it is given."""
    folder.mkdir(exist_ok=True)
    return Preparations(folder, **{"cap_mb": 100.0, "least_seconds": 0.0, "write_mb_per_second": np.inf} | settings)


def resolved(dataset):
    return resolve(dataset, Settings(time_budget=60, n_jobs=1, memory_limit_mb=4_000))


def evaluations(dataset, folder):
    """Files for run_fold without a cache and with one, and the parts of the fit."""
    parts = resolved(dataset)
    table = str(dump_dataset(dataset, folder / "data"))
    given = (table, parts.folds, (parts.metric,), parts.facts, parts.space.catalog, 0)
    off, on = folder / "off.pkl", folder / "on.pkl"
    save_evaluation(Evaluation(*given), off)
    save_evaluation(Evaluation(*given, keep(folder / "prepared")), on)
    return str(off), str(on), parts


@pytest.fixture(autouse=True)
def like_a_worker():
    with threadpool_limits(1):
        yield
    forget_evaluation()


def look(X):
    """All that a model could see of a matrix: type, layout and every byte."""
    if scipy.sparse.issparse(X):
        return (type(X), X.shape, X.has_sorted_indices, *(look(part) for part in (X.data, X.indices, X.indptr)))
    if isinstance(X, np.ndarray):
        return type(X), X.dtype, X.shape, X.flags.c_contiguous, X.flags.f_contiguous, X.flags.writeable, X.tobytes("A")
    return None if X is None else (type(X), [*X.dtypes], pd.util.hash_pandas_object(X).tolist())


@pytest.mark.parametrize("table", TABLES)
def test_every_preparation_is_byte_for_byte_the_same_with_and_without_a_cache(table, tmp_path):
    dataset = TABLES[table]()
    parts, rng = resolved(dataset), stream(0, "test")
    configs = [*parts.portfolio[:5], *(parts.space.sample(rng) for _ in range(6))]
    split = stop_split(dataset, 0.2, parts.folds.rule, 0)
    cache, seen = keep(tmp_path / "prepared"), set()
    for config in configs:

        def prefix(config=config):
            return build(config, dataset.schema, parts.facts, catalog=parts.space.catalog, seed=3)[:-1]

        name = pickle.dumps(prefix())
        if name in seen:
            continue
        seen.add(name)
        looks = []
        for preparer in (Preparer(), Preparer(cache, "fold 0"), Preparer(cache, "fold 0")):
            prepared = preparer.fit(prefix(), dataset, split, "split")
            scored = preparer.transform(prepared.prefix, prepared.keys, dataset)
            again = prepared.prefix.transform(dataset.X)
            looks.append([look(X) for X in (prepared.fit, prepared.stop, scored, again)])
        assert looks[0] == looks[1] == looks[2], config.shape()
        assert preparer.hits == 2 or isinstance(prepared.fit, pd.DataFrame)  # frames are as quickly made
    assert len(seen) >= 3


@pytest.mark.parametrize("table", ["frame", "float32, weighted", "sparse"])
def test_no_prediction_changes_by_a_byte(table, tmp_path):
    dataset = TABLES[table]()
    off, on, parts = evaluations(dataset, tmp_path)
    names = [model.name for model in parts.space.models if model.name in MODELS]
    assert len(names) >= 4
    for name in names:
        config = parts.space.default(name)
        outputs, models = [], []
        for number, path in enumerate((off, on, on)):
            artifact = tmp_path / f"{name}-{number}"
            outputs.append(run_fold(path, config, 0, Fidelity(), str(artifact), None))
            models.append(pickle.loads(artifact.read_bytes()))
        assert [output.status for output in outputs] == [Status.OK] * 3
        assert len({output.prediction.tobytes() for output in outputs}) == 1, name
        assert len({model.predict(dataset.X).tobytes() for model in models}) == 1, name
        assert len({output.rounds for output in outputs}) == 1
        assert outputs[2].cache_hits > 0 == outputs[2].cache_misses == outputs[0].cache_hits == outputs[0].cache_misses


@pytest.mark.parametrize("name", ["lightgbm", "hist_gradient_boosting"])
def test_boosting_on_a_table_that_can_spare_a_stop_set(name, tmp_path):
    off, on, parts = evaluations(array_dataset(1_500, classes=3), tmp_path)
    config = parts.space.default(name)
    outputs = [run_fold(path, config, 0, Fidelity(), str(tmp_path / "model"), None) for path in (off, on, on)]
    assert outputs[2].cache_hits == 2
    assert len({(output.rounds, output.prediction.tobytes()) for output in outputs}) == 1


def test_worker_processes_use_what_others_have_prepared(tmp_path):
    off, on, parts = evaluations(mixed_dataset(), tmp_path)
    tasks = [(parts.space.default(name), fold) for name in ("lightgbm", "logistic", "knn") for fold in (0, 1)]
    alone = [run_fold(off, config, fold, Fidelity(), str(tmp_path / "alone"), None) for config, fold in tasks]
    for hits in (False, True):
        with ProcessExecutor(2) as executor:  # new workers each time: what they find is on the disk
            for number, (config, fold) in enumerate(tasks):

                def payload(config=config, fold=fold, artifact=str(tmp_path / f"model-{number}")):
                    return run_fold(on, config, fold, Fidelity(), artifact, None)

                executor.submit(Job(number, JobKind.FOLD, number, fold, payload))
            together = {}
            while len(together) < len(tasks):
                together.update({result.job: result.value for result in executor.collect(60)})
        for number, output in enumerate(alone):
            assert together[number].prediction.tobytes() == output.prediction.tobytes()
            assert not hits or together[number].cache_misses == 0 < together[number].cache_hits


def test_less_rows_are_other_rows(tmp_path):
    _, on, parts = evaluations(mixed_dataset(), tmp_path)
    config = parts.space.default("extra_trees")
    whole = run_fold(on, config, 0, Fidelity(), str(tmp_path / "model"), None)
    half = run_fold(on, config, 0, Fidelity(rows=0.5), str(tmp_path / "model"), None)
    other = run_fold(on, config, 1, Fidelity(), str(tmp_path / "model"), None)
    assert whole.cache_hits == half.cache_hits == other.cache_hits == 0


def test_seconds_are_those_of_a_fold_that_prepares_its_rows(tmp_path):
    _, on, parts = evaluations(mixed_dataset(), tmp_path)
    config = parts.space.default("extra_trees")
    first, second = (run_fold(on, config, 0, Fidelity(), str(tmp_path / "model"), None) for _ in range(2))
    kept = [load_evaluation(on)[0].preparations.load(path.name) for path in (tmp_path / "prepared").iterdir()]
    assert second.prepare_seconds + second.saved_seconds == pytest.approx(sum(entry.seconds for entry in kept))
    assert second.fit_seconds > sum(entry.seconds for entry in kept if entry.steps)
    assert second.predict_seconds > sum(entry.seconds for entry in kept if not entry.steps)
    assert first.saved_seconds < 0


# ---- what is kept, and where it ends


def steps(**parameters):
    return Pipeline([("scale", StandardScaler(**parameters)), ("same", FunctionTransformer())])


def names(cache):
    return {path.name for path in cache.folder.iterdir()}


def entry(megabytes=0.1):
    return Entry((), (np.zeros(round(megabytes * 125_000)),), 1.0)


@pytest.mark.parametrize(
    "X",
    [
        np.arange(12.0).reshape(3, 4),
        np.asfortranarray(np.arange(12).reshape(3, 4)),
        np.arange(5, dtype=np.float32)[:, None],
        scipy.sparse.random(9, 8, 0.3, format="csr", random_state=0),
        scipy.sparse.random(9, 8, 0.3, format="csc", random_state=0),
        None,
    ],
)
def test_matrices_come_back_as_they_were(X, tmp_path):
    cache = keep(tmp_path)
    cache.store("a", Entry(("fitted",), (X, np.ones(1)), 2.5), 1.0)
    back = cache.load("a")
    assert back.steps == ("fitted",) and back.seconds == 2.5
    assert look(back.matrices[0]) == look(X)


def test_a_model_that_writes_into_its_matrix_changes_no_other(tmp_path):
    cache = keep(tmp_path)
    cache.store("a", entry(), 1.0)
    cache.load("a").matrices[0][:] = 7.0
    assert not cache.load("a").matrices[0].any()


def test_a_layout_that_no_file_keeps_is_given_up_without_a_cache_too(tmp_path):
    cache, dataset = keep(tmp_path), array_dataset()
    looks = [
        look(preparer.fit(Pipeline([("flip", FunctionTransformer(np.fliplr))]), dataset).fit)
        for preparer in (Preparer(), Preparer(cache), Preparer(cache))
    ]
    assert looks[0] == looks[1] == looks[2]


def test_steps_that_differ_late_share_the_early_ones(tmp_path):
    dataset = array_dataset()
    cache = keep(tmp_path)
    Preparer(cache).fit(steps(), dataset)
    longer = Pipeline([*steps().steps, ("more", StandardScaler(with_std=False))])
    preparer = Preparer(cache)
    prepared = preparer.fit(longer, dataset)
    assert preparer.hits == 1
    assert [name for name, _ in prepared.prefix.steps] == ["scale", "same", "more"]
    assert look(prepared.fit) == look(Preparer().fit(longer, dataset).fit)


@pytest.mark.parametrize(
    "other",
    [
        lambda cache, data: Preparer(cache, "fold 0").fit(steps(with_mean=False), data),
        lambda cache, data: Preparer(cache, "fold 1").fit(steps(), data),
        lambda cache, data: Preparer(cache, "fold 0").fit(steps(), data, (np.arange(99), np.arange(99, 200)), "split"),
    ],
)
def test_other_parameters_and_other_rows_are_not_taken_for_the_same(other, tmp_path):
    dataset, cache = array_dataset(), keep(tmp_path)
    first = Preparer(cache, "fold 0").fit(steps(), dataset)
    second = other(cache, dataset)
    assert not set(first.keys) & set(second.keys)


def test_a_step_that_cannot_be_pickled_is_not_kept(tmp_path):
    cache = keep(tmp_path)
    for _ in range(2):
        preparer = Preparer(cache)
        prefix = Pipeline([("scale", StandardScaler()), ("own", FunctionTransformer(lambda X: X + 1))])
        prepared = preparer.fit(prefix, array_dataset())
    assert len(prepared.keys) == 1 == preparer.hits
    assert prepared.fit.mean() == pytest.approx(1.0)


def test_the_least_recently_used_go_first(tmp_path):
    cache = keep(tmp_path, cap_mb=0.45)
    for age, name in enumerate("abcd"):
        cache.store(name, entry(), 1.0)
        os.utime(tmp_path / name, (1_000 + age, 1_000 + age))
    cache.load("a")
    cache.store("e", entry(), 1.0)
    assert names(cache) == {"a", "c", "d", "e"}


def test_what_a_killed_worker_left_goes_too(tmp_path):
    cache = keep(tmp_path, cap_mb=0.45)
    (tmp_path / "x.part").write_bytes(b"0" * 400_000)
    os.utime(tmp_path / "x.part", (1_000, 1_000))
    cache.store("a", entry(), 1.0)
    assert names(cache) == {"a"}


def test_too_large_or_too_quick_is_not_kept(tmp_path):
    keep(tmp_path, cap_mb=0.39).store("a", entry(), 1.0)
    keep(tmp_path, least_seconds=0.1).store("b", entry(), 0.05)
    keep(tmp_path, write_mb_per_second=1.0).store("c", entry(), 0.05)
    keep(tmp_path).store("d", Entry((), (np.array(["a", None], dtype=object),), 1.0), 1.0)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_tried_once(tmp_path, monkeypatch):
    cache, tried = keep(tmp_path), []

    def full(*names):
        tried.append(names)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.os, "replace", full)
    dataset = array_dataset()
    first, second = (Preparer(cache).fit(steps(), dataset) for _ in range(2))
    assert look(first.fit) == look(second.fit) == look(Preparer().fit(steps(), dataset).fit)
    assert len(tried) == 1 and not list(tmp_path.iterdir())


def test_a_folder_that_has_gone_does_not_matter(tmp_path):
    cache = keep(tmp_path / "prepared")
    (tmp_path / "prepared").rmdir()
    dataset = array_dataset()
    for _ in range(2):
        prepared = Preparer(cache).fit(steps(), dataset)
    assert look(prepared.fit) == look(Preparer().fit(steps(), dataset).fit)


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"\xff" * 200])
def test_a_damaged_file_is_prepared_again(damage, tmp_path):
    cache, dataset = keep(tmp_path), array_dataset()
    whole = Preparer(cache).fit(steps(), dataset)
    for path in tmp_path.iterdir():
        path.write_bytes(damage)
    preparer = Preparer(cache)
    assert look(preparer.fit(steps(), dataset).fit) == look(whole.fit)
    assert preparer.misses == 1
    assert Preparer(cache).fit(steps(), dataset).keys == whole.keys and cache.load(whole.keys[0]) is not None


@pytest.mark.parametrize(("memory", "megabytes"), [(4_000, 400), (100_000, 2_000)])
def test_the_plan_gives_the_cache_a_bounded_share_of_the_memory(memory, megabytes):
    assert resolve(mixed_dataset(), Settings(n_jobs=1, memory_limit_mb=memory)).plan.cache_mb == megabytes


def test_a_whole_fit_is_the_same_without_a_cache(monkeypatch):
    X, y = mixed_dataset().X, mixed_dataset().y
    predictions, asked = [], []
    for share in (0.1, 0.0):
        monkeypatch.setattr(importlib.import_module("automl.search.resolve"), "CACHE_SHARE", share)
        settings = {"include": ["lightgbm", "logistic"], "executor": "serial", "random_state": 0, "verbose": 0}
        model = AutoClassifier(None, max_trials=4, cv=2, **settings)
        predictions.append(model.fit(X, y).predict_proba(X))
        folds = [event.data for _, event in model._journal.read() if event.kind == "fold"]
        asked.append(sum(fold["cache_hits"] + fold["cache_misses"] for fold in folds))
    assert asked[0] > 0 == asked[1]
    assert predictions[0].tobytes() == predictions[1].tobytes()
