"""What is kept for the end of a search, by how long its folds waited for the processor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automl.core import Budget
from automl.search.loop import LATEST_FOLDS, Run, reserve_seconds
from tests.search.builders import answer, plan, schedule

TRIALS = 10


def run_of(waited: list[float], **changes: Any) -> Run:
    """Return a run with complete trials of three folds, each with two seconds of work."""
    tried = schedule(**changes)
    for times in waited:
        launches = []
        while (launch := tried.next(1e6)) is not None and len(launches) < 3:
            launches.append(launch)
            result = answer(launch)
            output = replace(result.value, fit_seconds=2 * times - 0.5, predict_seconds=0.5, cpu_seconds=2.0)
            tried.record(replace(result, value=output))
    nothing: Any = None
    return Run(plan(**changes), Budget(60.0), nothing, nothing, tried, nothing, nothing, Path(), lambda event: None)


def test_the_end_gets_longer_where_folds_wait_for_the_processor():
    free, twice, thrice, stuck = (reserve_seconds(run_of([times] * TRIALS)) for times in (1.0, 2.0, 3.0, 50.0))
    assert free < twice < thrice < stuck < 10.0
    assert thrice - free == pytest.approx(2 * (twice - free))


def test_the_end_gets_longer_with_the_models_to_join():
    few, many, more = (reserve_seconds(run_of([1.0] * trials)) for trials in (2, TRIALS, TRIALS + 1))
    assert few == pytest.approx(1.0)  # what the plan keeps holds some
    assert few < many < more


def test_work_of_several_threads_takes_nothing_from_the_end():
    assert reserve_seconds(run_of([0.5] * TRIALS)) == reserve_seconds(run_of([1.0] * TRIALS))


def test_the_latest_folds_tell():
    late = [1.0] * TRIALS + [2.0] * LATEST_FOLDS
    assert reserve_seconds(run_of(late)) == pytest.approx(reserve_seconds(run_of([2.0] * len(late))))


def test_a_run_without_a_fold_or_a_clock_keeps_what_it_did():
    assert reserve_seconds(run_of([])) == pytest.approx(1.0)
    assert reserve_seconds(run_of([2.0], seconds=None)) == 0.0


def test_the_end_takes_no_more_than_a_part_of_the_time():
    many = run_of([50.0] * TRIALS, seconds=10.0)
    assert reserve_seconds(many) <= 1.0 + 0.2 * 10.0


def test_what_the_cache_has_saved_is_no_waiting():
    free, cached = run_of([1.0] * TRIALS), run_of([2.0] * TRIALS)
    for candidate in cached.schedule.candidates:
        for fold, output in candidate.outputs.items():
            candidate.outputs[fold] = replace(output, saved_seconds=2.0)
    assert reserve_seconds(cached) == pytest.approx(reserve_seconds(free))
