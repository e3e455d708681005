"""What a fit takes from the knowledge base and from earlier runs, and what it says of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from automl import AutoClassifier, AutoRegressor, KnowledgeBase
from automl.core import Config, SettingError, Step
from automl.data import make_dataset
from automl.metalearn import Ordered, add_source, own_sources
from automl.search import Settings, read_source, resolve, settled
from automl.search.known import BREADTH, Advice
from automl.space import start_portfolio
from meta.knowledge.learn import learn
from tests.meta.knowledge_results import results

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4))
Y = (X[:, 0] + X[:, 1] ** 2 + 0.5 * RNG.normal(size=90) > 0.7).astype(int)
QUICK = {"max_trials": 10, "include": ["linear", "bayes", "discriminant", "tree"], "cv": 3, "executor": "serial"}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("known") / "base"
    learn(results(), path)
    return path


def resolved(y=Y, **changes):
    settings = {"time_budget": None, "max_trials": 20, "n_jobs": 1, **changes}
    return resolve(make_dataset(X, y, classifies=len(np.unique(y)) < 20), Settings(**settings))


def fitted(**changes) -> AutoClassifier:
    return AutoClassifier(None, random_state=0, verbose=0, **{**QUICK, **changes}).fit(X, Y)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "first"
    fitted(run_dir=path, knowledge=False)
    return path


# ---- the base


def test_the_learnt_order_comes_behind_the_constant_and_no_line_is_lost(base):
    found = resolved(knowledge=str(base))
    by_hand = start_portfolio(found.facts, found.space)
    known = KnowledgeBase.load(base).portfolio("binary", 90, found.space)
    assert found.portfolio[0] == by_hand[0]
    learnt = {config.key() for config in known.configs}
    judged = [config for config in found.portfolio[1:] if config.key() in known.judged | learnt]
    assert tuple(judged[: len(known.configs)]) == known.configs
    assert {c.key() for c in by_hand} <= {c.key() for c in found.portfolio}
    assert len({c.key() for c in found.portfolio}) == len(found.portfolio) == found.plan.portfolio


def test_a_line_of_which_the_base_knows_too_little_keeps_the_place_it_was_given_by_hand():
    prior, new, trees, line, nets = (Config.of(Step.of(name)) for name in ("prior", "new", "trees", "linear", "nets"))
    by_hand = (prior, trees, new, line, nets)
    learnt = Ordered((nets, line), 0, judged=frozenset(config.key() for config in (trees, line, nets)))
    assert Advice("", learnt).ordered(by_hand) == (prior, nets, new, line, trees)
    assert Advice("").ordered(by_hand) == by_hand


def test_the_plan_names_the_base_by_what_it_holds(base):
    line = resolved(knowledge=str(base)).plan.knowledge
    assert KnowledgeBase.load(base).checksum in line and "order" in line and "predicted" in line


def test_without_knowledge_the_portfolio_is_the_one_by_hand(base):
    plain = resolved(knowledge=False)
    assert plain.portfolio == start_portfolio(plain.facts, plain.space)
    assert plain.advice.prior is None and plain.plan.knowledge == "none, as asked for"


def test_where_little_is_known_the_order_by_hand_stays_and_the_plan_says_so(tmp_path):
    learn(results(n_tables=4), tmp_path / "base")
    found = resolved(knowledge=str(tmp_path / "base"))
    assert found.portfolio == start_portfolio(found.facts, found.space)
    assert "hand-made order (4 tables" in found.plan.knowledge


def test_where_whole_fits_end_no_better_the_order_by_hand_stays_and_costs_are_predicted(tmp_path):
    learn(results(), tmp_path / "base", {"binary": "no whole fit gained"})
    found = resolved(knowledge=str(tmp_path / "base"))
    assert found.portfolio == start_portfolio(found.facts, found.space)
    assert "hand-made order (no whole fit gained); ranks and seconds predicted" in found.plan.knowledge


def test_predicted_seconds_stand_in_for_declared_ones(base):
    known, plain = resolved(knowledge=str(base)), resolved(knowledge=False)
    model = known.portfolio[1].steps[-1].component
    ratio = known.plan.nominal_seconds[model] / plain.plan.nominal_seconds[model]
    assert ratio != 1.0 and 0.15 < ratio < 6.0
    assert known.cost.nominal(known.portfolio[1]) == pytest.approx(
        known.advice.slower(known.portfolio[1]) * (plain.cost.nominal(known.portfolio[1]) - 0.02) + 0.02
    )


def test_quantiles_are_not_what_the_base_was_measured_on(base):
    y = X[:, 0] + RNG.normal(size=90)
    assert "quantiles" in resolved(y, metric="pinball_0.9", knowledge=str(base)).plan.knowledge


def test_a_later_base_costs_one_line_and_not_the_fit(base, tmp_path):
    later = shutil.copytree(base, tmp_path / "later")
    manifest = json.loads((later / "manifest.json").read_text())
    (later / "manifest.json").write_text(json.dumps({**manifest, "schema": 7}))
    outcome = fitted(knowledge=str(later), max_trials=2).outcome_
    assert [note for note in outcome.notes if "schema 7" in note] and "schema 7" in outcome.plan.knowledge


def test_a_folder_without_a_base_is_refused_before_anything_is_fitted(tmp_path):
    with pytest.raises(SettingError, match="knowledge"):
        fitted(knowledge=str(tmp_path))


def test_no_more_than_the_nearest_runs_are_asked(run):
    source = read_source(run)
    rows = {f"r{n}": {**source.metafeatures, "log_rows": source.metafeatures["log_rows"] + n} for n in range(9)}
    others = [replace(source, name=name, metafeatures=features) for name, features in reversed(rows.items())]
    line = resolved(knowledge=KnowledgeBase(transfer=others)).plan.knowledge
    assert line.endswith("earlier runs: r0, r1, r2, r3, r4")


@pytest.mark.parametrize("wrong", [True, 3, "", ["a"], None])
def test_what_is_no_knowledge_is_refused(wrong):
    with pytest.raises(SettingError, match="knowledge"):
        fitted(knowledge=wrong)


def test_a_counted_run_with_knowledge_is_the_same_again_and_with_workers(base):
    one = fitted(knowledge=str(base), optimizer="bayes", max_trials=14)
    other = fitted(knowledge=str(base), optimizer="bayes", max_trials=14, executor="process", n_jobs=2)
    assert one.outcome_.plan.knowledge.startswith("base")
    assert one.outcome_.members == other.outcome_.members
    # the last digit of a sum may depend on where in memory the rows lie
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), rtol=1e-12)


# ---- earlier runs


def test_a_run_is_read_with_its_failures_and_what_its_table_was_like(run):
    source = read_source(run)
    assert source.task == "binary" and source.n_rows == 90 and source.name.startswith("first-")
    assert len(source.records) == 10 and source.metafeatures["log_columns"] == pytest.approx(np.log10(4))
    assert source.resembles(resolved().advice.metafeatures)


@pytest.mark.parametrize("there", [True, False])
def test_what_is_no_run_is_refused(tmp_path, there):
    if there:
        (tmp_path / "journal.sqlite").write_bytes(b"not a journal")
    with pytest.raises(SettingError, match="run"):
        read_source(tmp_path)


def test_a_run_with_few_trials_is_refused(tmp_path):
    fitted(run_dir=tmp_path / "short", max_trials=2)
    with pytest.raises(SettingError, match="at least"):
        read_source(tmp_path / "short")


def test_on_the_same_table_the_best_of_an_earlier_run_come_first(run):
    source = read_source(run)
    found = resolved(knowledge=KnowledgeBase(transfer=[run]), include=QUICK["include"])
    assert list(found.portfolio[1:6]) == list(source.best(5))
    assert source.name in found.plan.knowledge


def test_on_another_table_they_come_behind_the_breadth(run):
    source = read_source(run)
    other = make_dataset(X[:70] ** 3, Y[:70], classifies=True)
    settings = Settings(None, max_trials=20, n_jobs=1, knowledge=KnowledgeBase(transfer=[run]))
    plain = Settings(None, max_trials=20, n_jobs=1, knowledge=KnowledgeBase())
    known, unknown = resolve(other, settings).portfolio, resolve(other, plain).portfolio
    assert known[:BREADTH] == unknown[:BREADTH]
    assert {config.shape() for config in source.best(1)} <= {config.shape() for config in known}


def test_auto_uses_the_users_own_runs_until_they_are_switched_off(run, tmp_path, monkeypatch):
    source = read_source(run)
    add_source(source, tmp_path / "own")
    monkeypatch.setenv("AUTOML_KNOWLEDGE", str(tmp_path / "own"))
    assert source.name in resolved().plan.knowledge
    monkeypatch.setenv("AUTOML_KNOWLEDGE", "off")
    assert source.name not in resolved().plan.knowledge


def test_a_damaged_run_of_the_users_own_base_is_named_and_the_others_are_used(run, tmp_path, monkeypatch):
    own = tmp_path / "own"
    monkeypatch.setenv("AUTOML_KNOWLEDGE", str(own))
    add_source(read_source(run), own)
    (own / "broken.json").write_text("{")
    advice = resolved().advice
    assert "broken.json" in advice.problem and "automl knowledge show" in advice.problem
    assert "first" in advice.line
    (own / "broken.json").unlink()
    assert resolved().advice.problem is None


def test_a_run_goes_on_with_the_knowledge_it_began_with(run, tmp_path, monkeypatch):
    own = tmp_path / "own"
    monkeypatch.setenv("AUTOML_KNOWLEDGE", str(own))
    first = fitted(run_dir=tmp_path / "later", keep_data=True, max_trials=4)
    add_source(read_source(run), own)
    again = AutoClassifier.resume(tmp_path / "later", max_trials=8, verbose=0)
    assert again.outcome_.plan.knowledge == first.outcome_.plan.knowledge
    whole = fitted(max_trials=8, knowledge=KnowledgeBase())
    np.testing.assert_array_equal(again.predict_proba(X), whole.predict_proba(X))


def test_settled_settings_hold_what_the_runs_held(run):
    value = settled(Settings(knowledge=KnowledgeBase(transfer=[str(run)]))).knowledge
    assert [source.name for source in value.transfer] == [read_source(run).name]
    assert settled(Settings(knowledge=value)).knowledge == value


def test_nothing_of_the_rows_is_kept_in_the_users_own_base(run, tmp_path):
    path = add_source(read_source(run), tmp_path)
    held = json.loads(path.read_text())["source"]
    assert set(held) == {"name", "task", "metric", "n_rows", "n_columns", "checksum", "metafeatures", "records"}
    assert own_sources(tmp_path)[0][0].records[1].config == Config.from_json(held["records"][1]["config"])


def test_a_regression_does_not_learn_from_classes(run):
    y = X[:, 0] + RNG.normal(size=90)
    model = AutoRegressor(None, random_state=0, verbose=0, **{**QUICK, "max_trials": 2})
    model.set_params(knowledge=KnowledgeBase(transfer=[run]))
    assert "earlier runs" not in model.fit(X, y).outcome_.plan.knowledge
