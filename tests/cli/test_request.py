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


@pytest.mark.parametrize(("elapsed", "left"), [(2.0, 60 - 2 - 7.2), (59.9, 1.0), (200.0, 1.0)])
def test_the_fit_gets_what_starting_and_saving_leave(elapsed, left):
    budget = Budget(60.0, start=0.0, clock=lambda: elapsed)
    assert Request(TABLE, "y", time="60s").fit_seconds(budget) == pytest.approx(left)


def test_a_counted_run_reads_no_clock():
    def clock() -> float:
        raise AssertionError("the clock was read")

    assert Request(TABLE, "y", trials=3).fit_seconds(Budget(None, clock=clock)) is None
