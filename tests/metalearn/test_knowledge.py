"""The knowledge base as a fit uses it."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from automl.core import Config, SettingError, Step, StoreError
from automl.metalearn import KnowledgeBase, adapted
from automl.metalearn.encoding import RowEncoder, config_cells, encode_configs
from automl.space import build_space, default_catalog
from meta.knowledge.learn import learn
from tests.meta.knowledge_results import FACTS, numbers_space, results, some_entries


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("known") / "base"
    learn(results(), path)
    return path


@pytest.fixture
def base(folder: Path) -> KnowledgeBase:
    return KnowledgeBase.load(folder)


@pytest.fixture
def own_copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "base"))


def changed_manifest(path: Path, **changes: object) -> KnowledgeBase:
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | changes))
    return KnowledgeBase(str(path))


def features(number: int) -> dict[str, float]:
    return results().tables[number].metafeatures


def test_the_order_comes_as_it_was_learnt(base, folder):
    ids = json.loads((folder / "orders.json").read_text())["binary"][0]["entries"]
    entries = {entry.id: entry.config for entry in some_entries()}
    known = base.portfolio("binary", 60, numbers_space())
    assert len(ids) > 3 and known.skipped == 0
    assert known.configs == tuple(adapted(entries[name], numbers_space()) for name in ids)


def test_entries_that_a_space_cannot_express_are_skipped_one_by_one(base):
    everything = base.portfolio("binary", 60, numbers_space())
    model = everything.configs[2].steps[-1].component
    fewer = base.portfolio("binary", 60, build_space(FACTS, default_catalog(), exclude=[model]))
    gone = sum(config.steps[-1].component == model for config in everything.configs)
    assert fewer.skipped == gone > 0
    assert fewer.configs == tuple(c for c in everything.configs if c.steps[-1].component != model)


def test_an_entry_of_an_unknown_component_is_skipped(own_copy):
    configs = json.loads((own_copy / "configs.json").read_text())
    name = json.loads((own_copy / "orders.json").read_text())["binary"][0]["entries"][0]
    configs[name] = Config.of(Step.of("a_model_of_next_year")).to_json()
    (own_copy / "configs.json").write_text(json.dumps(configs))
    import hashlib

    files = json.loads((own_copy / "manifest.json").read_text())["files"]
    files["configs.json"] = hashlib.sha256((own_copy / "configs.json").read_bytes()).hexdigest()
    assert changed_manifest(own_copy, files=files).portfolio("binary", 60, numbers_space()).skipped == 1


def test_a_later_schema_switches_the_base_off(own_copy):
    later = changed_manifest(own_copy, schema=99)
    assert "schema 99" in str(later.why_off()) and "update" in str(later.why_off())
    with pytest.raises(StoreError, match="schema 99"):
        KnowledgeBase.load(own_copy)


@pytest.mark.parametrize("name", ["orders.json", "manifest.json"])
def test_a_damaged_base_says_what_is_wrong(own_copy, name):
    (own_copy / name).write_bytes(b"{}")
    assert name in str(KnowledgeBase(str(own_copy)).why_off())


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    base = KnowledgeBase(str(tmp_path / "nowhere"))
    assert "nowhere" in str(base.why_off())


def test_a_base_travels_as_its_path(base):
    base.portfolio("binary", 60, numbers_space())
    assert len(pickle.dumps(base)) < 500
    assert pickle.loads(pickle.dumps(base)) == base and pickle.loads(pickle.dumps(base)).checksum == base.checksum


def test_other_contents_have_another_checksum(base, own_copy):
    other = changed_manifest(own_copy, files={"orders.json": "other"})
    assert other.checksum != base.checksum


def test_the_same_table_is_the_nearest_and_brings_its_best(base):
    near = base.nearest(features(3), "binary", k=4)
    assert near[0].table == "t3" and near[0].distance == pytest.approx(0.0, abs=1e-6)
    assert [one.distance for one in near] == sorted(one.distance for one in near)
    losses = {entry.id: results().tables[3].found[entry.id].loss for entry in some_entries()}
    best = min(losses, key=losses.__getitem__)
    assert near[0].best[0] == next(entry.config for entry in some_entries() if entry.id == best)


def test_meta_features_that_are_missing_do_not_count(base):
    few = dict(list(features(3).items())[:12])
    assert base.nearest(few, "binary", k=1)[0].table == "t3"


def test_predictions_follow_what_was_measured(base):
    space = numbers_space()
    configs = [config for e in some_entries() if isinstance(config := adapted(e.config, space), Config)]
    predictor = base.predictor(space, features(0))
    assert predictor is not None
    ranks = predictor.rank(configs)
    assert ranks[:4].mean() > ranks[-4:].mean() + 0.3  # later entries are better
    assert all(0.19 < predictor.slower(config) < 5.01 for config in configs)
    assert 100 < predictor.memory_mb(configs[0]) < 300


def test_vectors_and_configurations_are_predicted_alike(base):
    space = numbers_space()
    predictor = base.predictor(space, features(1))
    assert predictor is not None
    configs = [space.sample(np.random.default_rng(seed)) for seed in range(25)]
    rows = np.array([space.to_vector(config) for config in configs])
    assert predictor.rank_rows(rows) == pytest.approx(predictor.rank(configs), abs=1e-9)


def test_cells_of_vectors_are_those_of_their_configurations():
    space = numbers_space()
    configs = [space.complete(space.sample(np.random.default_rng(seed))) for seed in range(60)]
    columns = sorted({name for c in configs for name in config_cells(c, space.catalog, "binary")})
    rows = np.array([space.to_vector(config) for config in configs])
    expected = encode_configs(configs, columns, space.catalog, "binary")
    assert RowEncoder(space.configspace, columns)(rows) == pytest.approx(expected, abs=1e-6)


def test_a_task_that_the_base_does_not_know_has_no_predictions(base):
    regression = build_space(replace(FACTS, task=type(FACTS.task)("regression"), n_classes=0), default_catalog())
    assert base.predictor(regression, {}) is None
    assert base.portfolio("regression", 100, regression).configs == ()
    assert base.nearest({}, "regression") == ()
    assert base.scarce("regression") is not None and base.scarce("binary") is None


@pytest.mark.parametrize("wrong", [{"path": 3}, {"transfer": "runs/one"}, {"transfer": 5}])
def test_what_is_no_base_is_refused(wrong):
    with pytest.raises(SettingError):
        KnowledgeBase(**wrong)


def test_automl_comes_with_a_base_that_can_be_read():
    base = KnowledgeBase.shipped()
    assert base.why_off() is None
    assert {table["task"] for table in base.manifest["tables"]} == {"binary", "multiclass", "regression"}
    assert all(len(table["checksum"]) == 64 for table in base.manifest["tables"])
