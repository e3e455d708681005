"""Saved models: nothing of a file is believed before it was checked, and nothing of an untrusted one is unpickled."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import io
import json
import pickle
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import automl
from automl import AutoClassifier, AutoRegressor
from automl.core import StoreError
from automl.data import Kind
from automl.pipeline.assemble import leaves, undecided
from automl.saving import AUDITED, PICKLED, export_seconds, note_speed, save
from automl.store import Manifest, read_manifest, read_part, write_model
from tests.builders import mixed_frame, mixed_target

FRAME = mixed_frame(150)


def counted(kind: Any, **settings: Any) -> Any:
    return kind(None, max_trials=3, cv=2, executor="serial", random_state=0, verbose=0, **settings)


@pytest.fixture(scope="module")
def model() -> AutoClassifier:
    return counted(AutoClassifier).fit(FRAME, mixed_target(FRAME, 3))


@pytest.fixture(scope="module")
def shared(model: AutoClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with both forms; tests only read it, or write what they made of it elsewhere."""
    pytest.importorskip("skops")
    return model.save(tmp_path_factory.mktemp("shared") / "model.automl", share=True)


def rewritten(source: Path, target: Path, changes: dict[str, bytes | None], **fields: Any) -> Path:
    """Write a whole, consistent file with other parts (None: without them) and another manifest."""
    manifest = read_manifest(source)
    parts: dict[str, bytes | None] = {name: read_part(source, name) for name in manifest.parts}
    kept = {name: content for name, content in {**parts, **changes}.items() if content is not None}
    write_model(target, dataclasses.replace(manifest, **fields), kept)
    return target


def test_it_comes_back_as_it_was(model: AutoClassifier, tmp_path: Path):
    path = model.save(tmp_path / "new folder" / "model.automl").rename(tmp_path / "moved")
    again = automl.load(path)
    assert (again.predict_proba(FRAME) == model.predict_proba(FRAME)).all()
    assert again.leaderboard().equals(model.leaderboard()) and again.get_params() == model.get_params()
    assert again.save(tmp_path / "again").is_file()


def test_the_manifest_tells_what_was_saved(model: AutoClassifier, tmp_path: Path):
    manifest = read_manifest(save(model, tmp_path / "model", target="sold", command="automl fit"))
    assert (manifest.estimator, manifest.task, manifest.target) == ("AutoClassifier", "multiclass", "sold")
    assert (manifest.metric, manifest.score, manifest.interval) == (
        model.estimate_.metric,
        model.estimate_.value,
        model.estimate_.interval,
    )
    assert manifest.score_label == model.estimate_.label and manifest.n_rows == 150
    assert manifest.search_score == model.search_score_.value
    assert manifest.columns[0] == ("size", "numeric") and len(manifest.columns) == 6
    for name in ("scikit-learn", "numpy", "pandas", "scipy"):
        assert manifest.libraries[name] == importlib.metadata.version(name)
    assert manifest.automl == automl.__version__ and "automl" not in manifest.libraries
    assert manifest.seconds_1_row and manifest.seconds_1000_rows
    assert manifest.command == "automl fit" and manifest.created.endswith("+00:00")
    assert list(manifest.parts) == [PICKLED]


def test_the_call_and_the_name_of_the_target_are_kept(tmp_path: Path):
    model = counted(AutoRegressor, include=["linear"], column_kinds={"shop": "categorical"})
    model.fit(FRAME, FRAME["size"].fillna(0).rename("volume"))
    manifest = read_manifest(model.save(tmp_path / "model"))
    assert manifest.target == "volume" and manifest.task == "regression"
    model_again = eval(manifest.command.removesuffix(".fit(X, y)"), {"AutoRegressor": AutoRegressor})
    assert model_again.get_params() == model.get_params()


def test_the_speed_is_noted_later_as_far_as_time_goes(model: AutoClassifier, tmp_path: Path):
    path = save(model, tmp_path / "model", measure=False)
    unmeasured = read_manifest(path)
    assert unmeasured.seconds_1_row is None and unmeasured.seconds_1000_rows is None
    note_speed(model, path, seconds=0)
    assert read_manifest(path) == unmeasured
    note_speed(model, path, seconds=1e-9)
    assert read_manifest(path).seconds_1_row and read_manifest(path).seconds_1000_rows is None
    note_speed(model, path, seconds=1e9)
    measured = read_manifest(path)
    assert measured.seconds_1_row and measured.seconds_1000_rows
    assert dataclasses.replace(measured, seconds_1_row=None, seconds_1000_rows=None) == unmeasured
    assert (automl.load(path).predict_proba(FRAME) == model.predict_proba(FRAME)).all()


def test_an_export_takes_longer_where_saving_did_and_where_there_are_more_models(model: AutoClassifier):
    alone = model.select(max_loss_increase=1e9)
    few, many = (len(leaves(undecided(one.pipeline_))) for one in (alone, model))
    assert few < many and export_seconds(alone, 1.0, 1.0) < export_seconds(model, 1.0, 1.0)
    assert export_seconds(model, 1.0, 1.0) < export_seconds(model, 2.0, 1.0) < export_seconds(model, 2.0, 3.0)
    other = pickle.loads(pickle.dumps(model))
    other.decision_pipeline_ = pickle.loads(pickle.dumps(model.pipeline_))  # two files
    assert export_seconds(other, 1.0, 1.0) == 2 * export_seconds(model, 1.0, 1.0)


def test_a_score_that_is_not_known_is_null(model: AutoClassifier, tmp_path: Path):
    nan = float("nan")
    other = pickle.loads(pickle.dumps(model))
    other.estimate_ = dataclasses.replace(model.estimate_, value=nan, interval=(nan, nan))
    manifest = read_manifest(other.save(tmp_path / "model"))
    assert manifest.score is None and manifest.interval == (None, None)


def test_members_of_weight_zero_are_not_stored(model: AutoClassifier, tmp_path: Path):
    again = automl.load(model.save(tmp_path / "model"))
    members = again.outcome_.members
    assert all(member.weight > 0 for member in members)
    stored = again.pipeline_.estimators_  # the fold models of all members
    assert len(stored) == again.outcome_.plan.n_folds * len(members)
    assert len(members) < sum(again.leaderboard()["model"] != "ensemble")


# ---- trusted


@pytest.mark.parametrize("name", [PICKLED, AUDITED])
def test_a_flipped_bit_is_noticed_before_anything_is_loaded(shared: Path, tmp_path: Path, name: str):
    content = read_part(shared, name)
    whole = bytearray(shared.read_bytes())
    whole[whole.index(content) + len(content) // 2] ^= 1
    (tmp_path / "model").write_bytes(whole)
    with pytest.raises(StoreError, match="damaged"):
        automl.load(tmp_path / "model", trusted=name == PICKLED)


@pytest.mark.parametrize("twentieth", range(20))
def test_a_file_that_was_cut_off_is_one_error(shared: Path, tmp_path: Path, twentieth: int):
    whole = shared.read_bytes()
    (tmp_path / "model").write_bytes(whole[: len(whole) * twentieth // 20])
    for trusted in (True, False):
        with pytest.raises(StoreError, match="cannot be read as a model"):
            automl.load(tmp_path / "model", trusted=trusted)


def test_what_is_no_model_is_one_error(tmp_path: Path):
    (tmp_path / "text").write_text("hello")
    (tmp_path / "empty").touch()
    earlier = zlib.compress(pickle.dumps({"automl": "0.1.0", "estimator": None}), 1)
    (tmp_path / "earlier").write_bytes(earlier)
    expected = {"text": "not saved by this version", "earlier": "not saved by this version", "empty": "empty"}
    for trusted in (True, False):
        for name, message in {**expected, "nothing": "no model at", "": "is a folder"}.items():
            with pytest.raises(StoreError, match=message):
                automl.load(tmp_path / name, trusted=trusted)


def test_a_part_that_is_no_estimator_is_one_error(shared: Path, tmp_path: Path):
    for content in (b"no pickle", zlib.compress(b"no pickle"), zlib.compress(pickle.dumps([1]))):
        with pytest.raises(StoreError, match="cannot be (loaded|read as a model)"):
            automl.load(rewritten(shared, tmp_path / "model", {PICKLED: content}))
    with pytest.raises(StoreError, match="holds no AutoRegressor"):
        automl.load(rewritten(shared, tmp_path / "model", {}, estimator="AutoRegressor"))
    with pytest.raises(StoreError, match="holds a 'AutoClusterer'; update automl"):
        automl.load(rewritten(shared, tmp_path / "model", {}, estimator="AutoClusterer"))
    with pytest.raises(StoreError, match=f"no part '{PICKLED}'"):
        automl.load(rewritten(shared, tmp_path / "model", {PICKLED: None}))


def test_a_model_that_needs_a_missing_package_says_so(shared: Path, tmp_path: Path):
    content = zlib.compress(b"cno_such_package\nThing\n.")
    with pytest.raises(StoreError, match="No module named 'no_such_package'.*needs the packages"):
        automl.load(rewritten(shared, tmp_path / "model", {PICKLED: content}))


@pytest.mark.parametrize("trusted", [True, False])
def test_other_versions_are_one_warning_that_names_them(shared: Path, tmp_path: Path, trusted: bool):
    libraries = {**read_manifest(shared).libraries, "scikit-learn": "0.24.2", "lost": "1.0"}
    path = rewritten(shared, tmp_path / "model", {}, libraries=libraries)
    with pytest.warns(UserWarning, match=r"scikit-learn 0\.24\.2 \(here: .*\), lost 1\.0 \(here: none\)") as caught:
        automl.load(path, trusted=trusted)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert "numpy" not in str(caught[0].message)


def test_other_patches_are_no_warning(shared: Path, tmp_path: Path):
    patched = {name: f"{version}.post9" for name, version in read_manifest(shared).libraries.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        automl.load(rewritten(shared, tmp_path / "model", {}, libraries=patched))


def test_what_cannot_be_pickled_leaves_nothing(model: AutoClassifier, tmp_path: Path):
    other = pickle.loads(pickle.dumps(model))
    other.metric = lambda y_true, y_pred: 0.0
    with pytest.raises(StoreError, match="cannot be pickled"):
        other.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


# ---- not trusted


def test_without_trust_it_predicts_scores_and_remembers_the_same(model: AutoClassifier, shared: Path):
    again = automl.load(shared, trusted=False)
    y = mixed_target(FRAME, 3)
    assert type(again) is AutoClassifier
    assert (again.predict_proba(FRAME) == model.predict_proba(FRAME)).all()
    assert (again.predict(FRAME) == model.predict(FRAME)).all() and again.score(FRAME, y) == model.score(FRAME, y)
    assert again.leaderboard().equals(model.leaderboard()) and again.failures().empty
    assert again.estimate_ == model.estimate_ and again.schema_ == model.schema_
    assert again.schema_.columns[0].kind is Kind.NUMERIC
    assert again.get_params() == model.get_params() and again.check(FRAME) == model.check(FRAME)
    assert again.classes_.tolist() == model.classes_.tolist() and again.n_features_in_ == 6
    assert again.feature_names_in_.tolist() == list(FRAME.columns)
    for write in (again.save, again.export, again.export_script):
        with pytest.raises(StoreError, match="trusted=False"):
            write("nowhere")


def test_a_regressor_of_an_array_is_read_without_trust(tmp_path: Path):
    pytest.importorskip("skops")
    X = np.random.default_rng(0).normal(size=(80, 3))
    model = counted(AutoRegressor, include=["linear"], metric=_error).fit(X, X[:, 0] + X[:, 1])
    again = automl.load(model.save(tmp_path / "model", share=True), trusted=False)
    assert type(again) is AutoRegressor and (again.predict(X) == model.predict(X)).all()
    assert not hasattr(again, "classes_") and not hasattr(again, "feature_names_in_")
    assert again.metric == repr(_error)  # a function of one's own is not believed, and not silently replaced


def _error(y_true: Any, y_pred: Any) -> float:
    return -float(np.mean(np.abs(y_true - y_pred)))


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.mkdir, (self.path,)


def test_an_untrusted_pickle_is_never_touched(model: AutoClassifier, shared: Path, tmp_path: Path):
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    path = rewritten(shared, tmp_path / "model", {PICKLED: zlib.compress(bomb)})
    again = automl.load(path, trusted=False)
    assert (again.predict(FRAME) == model.predict(FRAME)).all()
    for part in (None, bomb, zlib.compress(bomb)):
        with pytest.raises(StoreError):
            automl.load(rewritten(path, tmp_path / "other", {AUDITED: part}), trusted=False)
    assert not (tmp_path / "exploded").exists()
    pickle.loads(bomb)
    assert (tmp_path / "exploded").exists()  # it was live


def test_a_pickle_that_does_not_fit_its_checksum_is_never_touched(shared: Path, tmp_path: Path):
    manifest = read_manifest(shared)
    with zipfile.ZipFile(tmp_path / "model", "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest.to_json()))
        archive.writestr(PICKLED, zlib.compress(pickle.dumps(Bomb(tmp_path / "exploded"))))
    with pytest.raises(StoreError, match="checksum"):
        automl.load(tmp_path / "model")
    assert not (tmp_path / "exploded").exists()


def test_without_the_audited_form_it_says_how_to_get_it(model: AutoClassifier, tmp_path: Path):
    with pytest.raises(StoreError, match=r"pip install 'automl\[share\]', then save\(path, share=True\)"):
        automl.load(model.save(tmp_path / "model"), trusted=False)


def test_what_is_not_trusted_is_named(shared: Path, tmp_path: Path):
    crafted = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(read_part(shared, AUDITED))) as old, zipfile.ZipFile(crafted, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "schema.json":
                assert b'"clip"' in content
                content = content.replace(b'"clip"', b'"load"')
            new.writestr(name, content)
    path = rewritten(shared, tmp_path / "model", {AUDITED: crafted.getvalue()})
    with pytest.raises(StoreError, match="model: refused, as not known to be harmless: numpy.load"):
        automl.load(path, trusted=False)


@pytest.mark.parametrize("name", ["params", "schema", "task", "classes", "estimate", "events", "reference", "pipeline"])
def test_an_audited_form_with_the_wrong_contents_is_one_error(shared: Path, tmp_path: Path, name: str):
    from automl.pipeline.audited import read_audited, write_audited

    found = read_audited(read_part(shared, AUDITED))
    del found[name]
    path = rewritten(shared, tmp_path / "model", {AUDITED: write_audited(found)})
    with pytest.raises(StoreError, match=f"damaged or crafted.*{name}"):
        automl.load(path, trusted=False)


def test_a_model_that_cannot_be_shared_is_refused_by_name(model: AutoClassifier, tmp_path: Path):
    pytest.importorskip("skops")
    other = pickle.loads(pickle.dumps(model))
    other.pipeline_ = Path("not", "harmless")
    with pytest.raises(StoreError, match="pathlib"):
        other.save(tmp_path / "model", share=True)
    assert list(tmp_path.iterdir()) == []


def test_a_manifest_alone_is_no_model(shared: Path, tmp_path: Path):
    manifest: Manifest = read_manifest(shared)
    write_model(tmp_path / "model", manifest, {})
    for trusted in (True, False):
        with pytest.raises(StoreError):
            automl.load(tmp_path / "model", trusted=trusted)
