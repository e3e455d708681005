"""What a fold is expected to take in memory, and what is refused for it."""

from dataclasses import replace

import pytest

from automl.core import Config, Status, Step
from automl.search.memory import OVER, UNMEASURED, WORKER_MB, MemoryModel
from automl.search.schedule import Schedule
from tests.search import builders

FOREST, BOOSTING, PRIOR = (Config.of(Step.of(name, n_estimators=100)) for name in ("forest", "lightgbm", "prior"))


def known(config):
    return {"forest": 400.0, "lightgbm": 250.0, "prior": 200.0}[config.steps[-1].component]


def test_what_other_tables_took_is_corrected_by_what_this_one_takes():
    model = MemoryModel(builders.Models(), known)
    assert model.expected(FOREST) == pytest.approx(400.0)
    model.observe(PRIOR, 600.0)  # three times as much as there
    assert model.expected(FOREST) == pytest.approx(1200.0)
    model.observe(FOREST, 800.0)
    assert model.expected(FOREST) == pytest.approx(800.0)
    assert model.expected(BOOSTING) == pytest.approx(250.0 * (3.0 * 2.0) ** 0.5)


def test_without_a_base_a_fold_takes_what_a_small_job_takes_until_it_is_measured():
    model = MemoryModel(builders.Models())
    assert model.expected(FOREST) == pytest.approx(WORKER_MB)
    model.observe(FOREST, 0.0)  # not measured on this system
    assert model.expected(FOREST) == pytest.approx(WORKER_MB)


def test_what_was_never_tried_is_refused_only_far_above_the_limit():
    model = MemoryModel(builders.Models(), known)
    assert model.refusal(FOREST, None) is None
    assert model.refusal(FOREST, 400.0 / UNMEASURED + 1) is None
    assert "forest" in model.refusal(FOREST, 400.0 / UNMEASURED - 1)
    assert model.refusal(FOREST, 400.0 / UNMEASURED - 1) == "", "said once"


def test_one_fold_that_was_killed_counts_as_more_than_the_limit():
    model = MemoryModel(builders.Models(), known)
    model.observe(FOREST, 300.0, killed_at=500.0)
    assert model.expected(FOREST) == pytest.approx(OVER * 500.0)
    assert model.refusal(FOREST, 500.0)
    for _ in range(12):
        model.observe(FOREST, 300.0)
    assert model.refusal(FOREST, 500.0) is None


def test_a_kind_that_was_killed_for_memory_is_not_started_again_and_the_log_says_so():
    events = []
    optimizer = builders.Endless(first=("prior", "forest"), limit=6)  # then forests only
    plan = builders.plan(worker_limit_mb=500.0, portfolio=0)
    board = Schedule(plan, builders.Models(), optimizer, builders.Costs(), events.append)
    while (launch := board.next(50.0)) is not None:
        dies = launch.candidate.model.name == "forest"
        status = Status.MEMORY if dies else Status.OK
        board.record(replace(builders.answer(launch, status=status), peak_mb=500.0 if dies else 200.0))
    assert [c.result.status for c in board.candidates if c.model.name == "forest"] == [Status.MEMORY]
    assert optimizer.asked == 6
    said = [event.data["text"] for event in events if event.kind == "policy"]
    assert len(said) == 1 and "forest" in said[0] and "500 MB" in said[0]


def test_counted_runs_do_not_depend_on_memory():
    optimizer = builders.Endless(first=("prior", "forest"), limit=4)
    plan = builders.plan(worker_limit_mb=500.0, portfolio=0, seconds=None, max_trials=4)
    board = Schedule(plan, builders.Models(), optimizer, builders.Costs(), lambda event: None)
    while (launch := board.next(50.0)) is not None:
        board.record(replace(builders.answer(launch, status=Status.MEMORY), peak_mb=500.0))
    assert len(board.candidates) == 4


def test_what_an_earlier_session_killed_is_tried_again_where_there_is_more_room():
    optimizer = builders.Endless(first=("prior", "forest"), limit=4)  # then forests only
    plan = builders.plan(worker_limit_mb=4000.0, portfolio=0)
    board = Schedule(plan, builders.Models(), optimizer, builders.Costs(), lambda event: None)
    board.reopen(FOREST, "portfolio", waits=False)
    killed = replace(builders.answer(board.next(50.0), status=Status.MEMORY), peak_mb=510.0)
    board.record(killed, 500.0)
    while (launch := board.next(50.0)) is not None:
        board.record(builders.answer(launch))
    assert [c.result.status for c in board.candidates if c.model.name == "forest"][1:] == [Status.OK] * 3
