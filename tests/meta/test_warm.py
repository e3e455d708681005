"""Whole fits with and without the base: which cells are done, and what is said of them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pandas as pd
import pytest

from automl.data import make_dataset
from automl.metalearn import KnowledgeBase
from automl.space import build_space, default_catalog, facts_of
from meta.knowledge import warm
from meta.knowledge.learn import learn
from tests.meta.knowledge_results import results
from tests.meta.workshop_tables import two_tables


def record(table: str, start: str, test: float, curve: list[tuple[float, float]]) -> dict[str, object]:
    known = {"table": table, "seconds": 60.0, "start": start, "base": "b", "test": test, "curve": curve}
    return {**known, "killed": 0.25 if start == "cold" else 0.0}


def test_the_report_counts_gains_and_seconds(tmp_path: Path):
    rows = [
        record("one", "warm", 0.9, [(5.0, 0.3), (12.0, 0.2), (60.0, 0.1)]),
        record("one", "cold", 0.8, [(10.0, 0.4), (48.0, 0.2), (60.0, 0.2)]),
        record("one", "bare", 0.6, [(48.0, 0.2)]),
        record("two", "warm", 0.7, [(30.0, 0.5)]),
        record("two", "cold", 0.8, [(30.0, 0.4)]),
        record("three", "warm", 0.7, []),
    ]
    (tmp_path / "w.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = warm.report(tmp_path / "w.jsonl")
    first, second = text.splitlines()
    assert first.startswith("60 s, 2 tables, against cold: test score higher on 1, lower on 1")
    assert "median ratio 0.25 (1 never)" in first and "0.0%, cold 25.0%" in first
    assert second.startswith("60 s, 1 tables, against bare: test score higher on 1")
    assert "median ratio 0.25 (0 never)" in second
    assert "no pair" in warm.report(tmp_path / "none.jsonl")


@pytest.fixture
def develop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Two tables to measure on, a base without them, and fits that only say what they were asked for."""
    found = warm.sources(two_tables(tmp_path), part="meta_only")
    mine = [source for source in found if source.folder is not None]
    asked: list[tuple[str, str]] = []

    def cell(source: warm.Source, seconds: float, start: str, base: object) -> dict[str, object]:
        asked.append((source.name, start))
        return record(source.name, "", 0.5, []) | {"seconds": seconds}

    monkeypatch.setattr(warm, "sources", lambda part: mine)
    monkeypatch.setattr(warm, "cell", cell)
    learn(results(n_tables=3), tmp_path / "base")
    return asked


def test_what_is_done_is_not_done_again(develop, tmp_path):
    warm.run_all(tmp_path / "w.jsonl", tmp_path / "base", (30.0,), ["coins"])
    assert develop == [("coins", "warm"), ("coins", "cold"), ("coins", "bare")]
    warm.run_all(tmp_path / "w.jsonl", tmp_path / "base", (30.0,))
    assert develop[3:] == [("sizes", "warm"), ("sizes", "cold"), ("sizes", "bare")]


def test_a_base_with_a_measured_table_is_refused_before_anything_is_fitted(develop, tmp_path, monkeypatch):
    monkeypatch.setattr(warm, "checksum", lambda source: f"{1:064d}")
    with pytest.raises(warm.CompromisedError, match="coins"):
        warm.run_all(tmp_path / "w.jsonl", tmp_path / "base", (30.0,))
    assert develop == []


def test_tables_of_the_base_are_measured_with_bases_that_have_not_seen_them(develop, tmp_path):
    known = results(n_tables=3)
    named = dataclasses.replace(known.tables[0], name="coins")
    seen = dataclasses.replace(known, tables=(named, *known.tables[1:]))
    warm.run_all(tmp_path / "w.jsonl", seen, (30.0,), ["coins"], ["warm", "cold"])
    assert develop == [("coins", "warm"), ("coins", "cold")]
    (folder,) = (tmp_path / "w.bases").iterdir()
    base = KnowledgeBase.load(folder)
    assert [table["name"] for table in base.manifest["tables"]] == ["t1", "t2"]
    written = (folder / "manifest.json").stat().st_mtime_ns
    warm.run_all(tmp_path / "w.jsonl", seen, (30.0, 60.0), ["coins"], ["warm"])
    assert develop[2:] == [("coins", "warm")]
    assert (folder / "manifest.json").stat().st_mtime_ns == written
    warm.run_all(tmp_path / "w.jsonl", dataclasses.replace(seen, newest=seen.newest + 1), (30.0,), ["coins"], ["warm"])
    assert len(list((tmp_path / "w.bases").iterdir())) == 2, "of other results another base"


def test_bare_means_defaults_and_then_chance():
    dataset = make_dataset(
        pd.DataFrame({"x": range(60), "c": list("ab") * 30}), pd.Series([0, 0, 1] * 20), classifies=True
    )
    space = build_space(facts_of(dataset), default_catalog())
    optimizer = warm.defaults_then_random(space, 0)
    first = optimizer.ask(len(space.models))
    assert sorted(p.config.steps[-1].component for p in first) == sorted(model.name for model in space.models)
    names = [p.config.steps[-1].component for p in first]
    assert names.index("naive_bayes") < names.index("lightgbm") < names.index("mlp")
    assert [p.origin for p in optimizer.ask(2)] == ["random", "random"]
