"""What is kept of discarded candidates, and what belongs together."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import RepeatedKFold

from automl.core import Config, Status, Step, Trial
from automl.data import make_dataset
from automl.evaluate import FoldOutput, make_folds
from automl.search import sampled as sampled_module
from automl.search.candidate import Candidate
from automl.search.sampled import Sampled, clusters_of
from automl.space import Component, Role
from automl.store import Artifacts


def dataset(n=60, **more):
    rng = np.random.default_rng(0)
    return make_dataset(rng.normal(size=(n, 2)), rng.permutation(np.arange(n) % 2), classifies=True, **more)


def complete(number, folds, loss=0.5, family="forest"):
    """A complete candidate whose predictions say which trial and which scored row they are of."""
    candidate = Candidate(
        Trial(number, Config.of(Step.of("forest")), "test"),
        Component("forest", Role.MODEL, "nowhere:Nothing", family=family),
        len(folds),
        exempt=True,
    )
    start = 0
    for fold, (_, test) in enumerate(folds.pairs):
        rows = np.arange(start, start + len(test), dtype=np.float32) + 1_000 * number
        candidate.outputs[fold] = FoldOutput(Status.OK, {"auc": loss}, np.stack([rows, -rows], axis=1))
        start += len(test)
    candidate.judged = len(folds)
    candidate.end(Status.OK)
    return candidate


def test_predictions_are_kept_and_found_again_by_a_later_session(tmp_path: Path):
    data = dataset()
    folds = make_folds(data, cv=3)
    kept, artifacts = Sampled.of(folds, data, 0), Artifacts(tmp_path)
    candidate = complete(2, folds)
    wanted = candidate.out_of_fold()
    kept.keep(artifacts, candidate)
    candidate.discard()
    later = Sampled.of(folds, data, 0)
    path = later.read(artifacts, candidate)
    assert path is not None and path.is_file() and path.parent.parent == artifacts.folder_for(2, 0).parent
    for one in (kept, later):
        assert (one.predictions[2] == wanted[one.rows]).all() and len(one.rows) == 60
    assert later.read(artifacts, complete(3, folds)) is None


def test_a_candidate_without_its_predictions_and_a_constant_are_not_kept(tmp_path: Path):
    data = dataset()
    folds = make_folds(data, cv=3)
    kept = Sampled.of(folds, data, 0)
    gone = complete(0, folds)
    gone.discard()
    kept.keep(Artifacts(tmp_path), gone)
    kept.keep(Artifacts(tmp_path), complete(1, folds, family="prior"))
    assert kept.predictions == {} and not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_loses_nothing_in_this_session(tmp_path: Path):
    data = dataset()
    folds = make_folds(data, cv=3)
    (tmp_path / "file").write_text("in the way")
    kept = Sampled.of(folds, data, 0)
    kept.keep(Artifacts(tmp_path / "file"), complete(1, folds))
    assert list(kept.predictions) == [1]


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 2, 0, 3, 1)])
def test_of_too_many_the_best_stay_in_whatever_order_they_came(tmp_path: Path, monkeypatch, order):
    monkeypatch.setattr(sampled_module, "MOST", 2)
    data = dataset()
    folds = make_folds(data, cv=3)
    kept, artifacts = Sampled.of(folds, data, 0), Artifacts(tmp_path)
    for number in order:
        kept.keep(artifacts, complete(number, folds, loss=[0.3, 0.1, 0.5, 0.2, 0.4][number]))
    assert sorted(kept.predictions) == [1, 3]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["trial-00001", "trial-00003"]


def test_a_sample_has_all_repeats_of_its_rows(monkeypatch):
    monkeypatch.setattr(sampled_module, "ROWS", 20)
    data = dataset()
    folds = make_folds(data, cv=RepeatedKFold(n_splits=3, n_repeats=2, random_state=0))
    rows, counts = np.unique(folds.scored[Sampled.of(folds, data, 0).rows], return_counts=True)
    assert 20 <= len(rows) <= 22 and (counts == 2).all()
    assert abs(data.y[rows].mean() - 0.5) < 0.1


def test_what_belongs_together():
    assert clusters_of(make_folds(dataset(), cv=3), dataset()) is None
    repeated = make_folds(dataset(), cv=RepeatedKFold(n_splits=3, n_repeats=2, random_state=0))
    assert (clusters_of(repeated, dataset()) == repeated.scored).all()
    groups = np.repeat(np.arange(12), 5)
    grouped = dataset(groups=groups)
    folds = make_folds(grouped, cv=3)
    assert (clusters_of(folds, grouped) == groups[folds.scored]).all()


def test_rows_in_the_order_of_time_go_in_blocks():
    times = np.random.default_rng(1).permutation(60)
    data = dataset(times=times)
    folds = make_folds(data, cv="time")
    blocks = clusters_of(folds, data)
    along = blocks[np.argsort(times[folds.scored])]
    assert (np.diff(along) >= 0).all() and np.bincount(along).max() == round(len(along) ** (1 / 3)) > 1
