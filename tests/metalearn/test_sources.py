"""Earlier runs as sources, and the user's own folder of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from automl.core import SettingError, StoreError
from automl.metalearn import Mixture, Record, Source, add_source, own_folder, own_sources, remove_source
from automl.metalearn.sources import LEAST_SEEN, discordance, trust
from tests.meta.knowledge_results import numbers_space


def drawn(n: int, seed: int = 0):
    space = numbers_space()
    configs = [space.sample(np.random.default_rng([seed, number])) for number in range(n)]
    return configs, np.array([space.to_vector(config) for config in configs])


def source(configs, losses, name="earlier", **changes) -> Source:
    records = tuple(
        Record(c, None if loss is None else float(loss), 1.0) for c, loss in zip(configs, losses, strict=True)
    )
    values = {"task": "binary", "metric": "roc_auc", "n_rows": 60, "n_columns": 6, "metafeatures": {"log_rows": 1.8}}
    return Source(name, records=records, **(values | changes))


CONFIGS, ROWS = drawn(24)
LOSSES = np.random.default_rng(3).random(24)


def test_discordance_is_a_share_of_pairs():
    values = np.random.default_rng(0).random(30)
    assert discordance(values, values) == 0.0
    assert discordance(-values, values) == 1.0
    assert discordance(np.zeros(30), values) == 0.5
    assert 0.0 <= discordance(np.random.default_rng(1).random(30), values) <= 1.0


def test_trust_falls_with_discordance_and_ends():
    weights = trust(np.array([0.0, 0.2, 0.39, 0.41, 1.0]))
    assert weights[0] == 0.75 and (np.diff(weights) <= 0).all() and (weights[3:] == 0).all()


def test_the_same_run_is_believed_most_and_its_opposite_not_at_all():
    noise = np.random.default_rng(9).random(24)
    sources = [source(CONFIGS, noise), source(CONFIGS, LOSSES), source(CONFIGS, -LOSSES)]
    weights = Mixture(numbers_space(), sources).weights(ROWS, LOSSES)
    assert weights.argmax() == 1 and weights[1] > 0.7
    assert weights[2] == 0.0


def test_a_few_trials_are_enough_to_drop_an_opposite():
    mixture = Mixture(numbers_space(), [source(CONFIGS, -LOSSES)])
    assert mixture(ROWS[:LEAST_SEEN], LOSSES[:LEAST_SEEN]) is None


def test_nothing_is_said_before_sources_could_be_compared():
    mixture = Mixture(numbers_space(), [source(CONFIGS, LOSSES)])
    assert mixture(ROWS[: LEAST_SEEN - 1], LOSSES[: LEAST_SEEN - 1]) is None
    failed = np.full(24, np.nan)
    assert mixture(ROWS, failed) is None


def test_what_is_expected_follows_a_source_that_agrees():
    expected = Mixture(numbers_space(), [source(CONFIGS, LOSSES)])(ROWS[:12], LOSSES[:12])
    assert expected is not None
    assert np.corrcoef(expected(ROWS[12:]), LOSSES[12:])[0, 1] > 0.8
    assert expected(ROWS[:0]).shape == (0,)


def test_the_base_is_one_more_source():
    mixture = Mixture(numbers_space(), [], base=lambda rows: rows @ np.zeros(rows.shape[1]))
    assert len(mixture) == 1 and mixture(ROWS, LOSSES) is None  # it says the same of all


def test_runs_of_another_task_and_short_ones_are_no_sources():
    others = [source(CONFIGS, LOSSES, task="regression"), source(CONFIGS[:5], LOSSES[:5])]
    assert len(Mixture(numbers_space(), others)) == 0


def test_a_failed_trial_is_the_worst():
    losses = [None, *LOSSES[1:]]
    run = source(CONFIGS, losses)
    assert CONFIGS[0] not in run.best(24) and run.best(1) == (CONFIGS[1 + int(np.argmin(LOSSES[1:]))],)
    expected = Mixture(numbers_space(), [run])(ROWS[1:13], LOSSES[1:13])
    assert expected is not None and expected(ROWS).argmax() == 0


def test_a_table_resembles_itself_only():
    run = source(CONFIGS, LOSSES, metafeatures={"log_rows": 2.0, "target_skewness": float("nan")})
    assert run.resembles({"log_rows": 2.0, "target_skewness": float("nan"), "more": 1.0})
    assert not run.resembles({"log_rows": 2.001}) and not run.resembles({})
    assert run.distance({"log_rows": 2.1}) < run.distance({"log_rows": 4.0}) < run.distance({}) == 1.0


def test_a_source_comes_back_from_its_file(tmp_path):
    run = source(CONFIGS, [None, *LOSSES[1:]], metafeatures={"log_rows": 2.0})
    path = add_source(run, tmp_path / "own")
    assert own_sources(tmp_path / "own") == ((run,), ())
    assert path.parent == tmp_path / "own" and "log_rows" in path.read_text()


def test_adding_again_replaces_and_removing_forgets(tmp_path):
    add_source(source(CONFIGS, LOSSES, "one"), tmp_path)
    add_source(source(CONFIGS[:9], LOSSES[:9], "one"), tmp_path)
    add_source(source(CONFIGS, LOSSES, "two"), tmp_path)
    found, _ = own_sources(tmp_path)
    assert [len(run.records) for run in found] == [9, 24]
    remove_source("one", tmp_path)
    assert [run.name for run in own_sources(tmp_path)[0]] == ["two"]
    with pytest.raises(SettingError, match="two"):
        remove_source("one", tmp_path)


def test_a_name_never_leaves_the_folder(tmp_path):
    path = add_source(source(CONFIGS, LOSSES, "../../etc/passwd"), tmp_path / "own")
    assert path.parent == tmp_path / "own"


def test_a_damaged_file_is_named_and_left_out(tmp_path):
    add_source(source(CONFIGS, LOSSES), tmp_path)
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "later.json").write_text(json.dumps({"format": 9, "source": {}}))
    found, damaged = own_sources(tmp_path)
    assert len(found) == 1 and damaged == ("broken.json", "later.json")


def test_the_folder_follows_the_platform_and_the_setting():
    assert own_folder({"AUTOML_KNOWLEDGE": "OFF"}) is None
    assert own_folder({"AUTOML_KNOWLEDGE": "/there"}) == Path("/there")
    assert "Application Support" in str(own_folder({}, "darwin"))
    assert own_folder({"LOCALAPPDATA": "C:/local"}, "win32") == Path("C:/local/automl/knowledge")
    assert own_sources(None) == ((), ())


def test_an_own_base_that_is_off_takes_nothing():
    with pytest.raises(SettingError, match="AUTOML_KNOWLEDGE"):
        add_source(source(CONFIGS, LOSSES), None)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="AUTOML_KNOWLEDGE"):
        add_source(source(CONFIGS, LOSSES), tmp_path / "file" / "own")


def test_a_user_without_a_home_has_no_base_of_their_own(monkeypatch: pytest.MonkeyPatch):
    def homeless(cls: type[Path]) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", classmethod(homeless))
    assert own_folder({}, "linux") is None and own_folder({}, "darwin") is None and own_folder({}, "win32") is None
    assert own_folder({"XDG_DATA_HOME": "/data"}, "linux") == Path("/data/automl/knowledge")
