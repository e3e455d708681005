from __future__ import annotations

from pathlib import Path

import pytest

from automl.cli.durations import parse_duration
from automl.cli.request import Request
from automl.core import Budget, SettingError

TABLE = Path("t.csv")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("0.5", 0.5), ("5m", 300), ("1.5h", 5400), ("1h30m", 5400), (" 2M ", 120), ("1m30s", 90)],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "-5", "5x", "1h30", "m", "1e3", "inf", "nan", "five", "5 m x"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(SettingError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("time", "trials", "seconds"), [("1m", None, 60), (None, None, 300), (None, 8, None), ("1m", 8, 60)]
)
def test_trials_without_time_are_a_counted_run(time, trials, seconds):
    assert Request(TABLE, "y", time=time, trials=trials).seconds == seconds


@pytest.mark.parametrize("options", [{"weights": "y"}, {"weights": "w", "groups": "w"}, {"drop": ("y",)}])
def test_one_column_serves_one_purpose(options):
    with pytest.raises(SettingError):
        Request(TABLE, "y", **options)


def fit_seconds(elapsed: float, worked: float, seconds: float = 60.0) -> float:
    budget = Budget(seconds, start=0.0, clock=lambda: elapsed)
    return Request(TABLE, "y").fit_seconds(budget, worked)


@pytest.mark.parametrize(("elapsed", "left"), [(2.0, 60 - 2 - 6.4), (59.9, 1.0), (200.0, 1.0)])
def test_the_fit_gets_what_starting_and_saving_leave(elapsed, left):
    assert fit_seconds(elapsed, elapsed) == pytest.approx(left)


def test_more_is_kept_for_saving_where_starting_waited_for_the_processor():
    free, busy, stuck = (60 - 2 - fit_seconds(2.0, worked) for worked in (2.0, 1.0, 0.0))
    assert busy == pytest.approx(free + 4) and stuck == pytest.approx(free + 12)
    assert 60 - 2 - fit_seconds(2.0, 3.0) == free  # two threads worked: not less than on a machine that is free


def test_no_more_than_about_a_third_is_kept_for_saving():
    assert fit_seconds(2.0, 0.5, 10.0) == pytest.approx(10 - 2 - 3.5)


def test_a_counted_run_reads_no_clock():
    def clock() -> float:
        raise AssertionError("the clock was read")

    assert Request(TABLE, "y", trials=3).fit_seconds(Budget(None, clock=clock), 1.0) is None
