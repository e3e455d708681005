"""Whether a table changes along time is told by its columns, by a classifier, and by what validation it flatters."""

import numpy as np
import pandas as pd
import pytest

from automl import drift_report
from automl.core import DataError

BATCHES = np.repeat(np.arange(5), 80)


def still(seed: int, n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({f"x{i}": rng.normal(size=n) for i in range(6)})
    frame["level"] = rng.choice(["a", "b", "c"], n)
    return frame


def test_a_table_that_does_not_change_is_left_in_peace():
    named = sum(int(drift_report(still(seed), BATCHES).features["drifts"].sum()) for seed in range(10))
    assert named <= 2  # of 70 columns
    report = drift_report(still(0), BATCHES)
    assert report.auc.interval[0] < 0.5 < report.auc.interval[1] + 0.03


def test_what_moves_is_named_and_what_does_not_is_not():
    frame = still(0)
    frame["x3"] += 0.6 * BATCHES
    frame["level"] = np.where((BATCHES > 2) & (frame["level"] == "a"), "new", frame["level"])
    report = drift_report(frame, BATCHES)
    assert set(report.features["feature"][report.features["drifts"]]) == {"x3", "level"}
    assert report.auc.value > 0.75 and "2 of 7 columns" in str(report)
    assert report.batches["rows"].tolist() == [80] * 5
    assert np.isnan(report.batches["auc"][0]) and report.batches["auc"][4] > 0.7


def test_numbers_stored_as_text_are_numbers():
    frame = still(1)
    frame["x0"] += 0.6 * BATCHES
    report = drift_report(frame, BATCHES).features.set_index("feature")
    told = drift_report(frame.assign(x0=frame["x0"].astype(str)), BATCHES).features.set_index("feature")
    assert told.loc["x0", "ks"] == pytest.approx(report.loc["x0", "ks"]) and told.loc["x0", "drifts"]


def test_values_that_go_missing_are_a_change():
    frame = still(1)
    frame.loc[(BATCHES >= 3) & (np.arange(400) % 2 == 0), "x0"] = np.nan
    features = drift_report(frame, BATCHES).features
    assert features["feature"][0] == "x0" and features["drifts"][0] and features["drifts"].sum() <= 2


def test_dates_that_nanoseconds_cannot_hold_are_columns_like_others():
    frame = still(1)
    frame["until"] = np.where(BATCHES >= 3, "9999-12-31", "2020-01-01").astype("datetime64[s]")
    assert drift_report(frame, BATCHES).features["feature"][0] == "until"


def moving(severity: float, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Means of two classes that wander through the plane together, as sensors do that age."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 400)
    frame = pd.DataFrame(rng.normal(size=(400, 4)), columns=list("abcd"))
    frame["a"] += 2.0 * y + severity * BATCHES
    return frame, np.where(y == 1, "yes", "no")


def test_shuffled_validation_flatters_where_the_table_moves_and_only_there():
    frame, y = moving(1.0, 0)
    gap = drift_report(frame, BATCHES, y, metric="log_loss").gap
    assert gap is not None and gap.metric == "log_loss" and gap.gap > 0.1
    frame, y = moving(0.0, 0)
    gap = drift_report(frame, BATCHES, y, metric="log_loss").gap
    assert gap is not None and abs(gap.gap) < 3 * gap.standard_error + 0.05


def test_a_regression_has_a_gap_of_losses():
    frame, _ = moving(0.0, 0)
    gap = drift_report(frame, BATCHES, frame["a"] + 3.0 * BATCHES).gap
    assert gap is not None and gap.metric == "root_mean_squared_error" and gap.gap > 0.5
    assert gap.forward > gap.shuffled


def test_the_order_of_the_rows_does_not_matter_to_the_columns():
    frame = still(2)
    frame["x1"] += BATCHES
    order = np.random.default_rng(0).permutation(400)
    one = drift_report(frame, BATCHES).features
    other = drift_report(frame.iloc[order], BATCHES[order]).features
    pd.testing.assert_frame_equal(one, other)


def test_many_dates_are_cut_into_parts():
    days = pd.date_range("2020-01-01", periods=400, freq="D")
    report = drift_report(still(0).assign(day=days), "day")
    assert report.batches["rows"].sum() == 400 and len(report.batches) == 5
    assert report.batches["from"].is_monotonic_increasing
    assert "day" not in report.features["feature"].tolist()


@pytest.mark.parametrize("table", [np.asarray, lambda frame: frame])
def test_arrays_and_frames_tell_the_same(table):
    frame = still(3).drop(columns="level")
    frame["x1"] += BATCHES
    report = drift_report(table(frame), BATCHES)
    assert report.features["drifts"].sum() == 1 and report.features["psi"][0] > 0.5


def test_few_rows_have_no_score_but_a_report():
    report = drift_report(still(0, 8), np.repeat([0, 1], 4), np.arange(8.0))
    assert np.isnan(report.auc.value) and report.auc.label == "too few rows to tell apart"


@pytest.mark.parametrize(
    ("by", "message"),
    [("year", "by='year' is no column"), (np.zeros(400), "one value only"), (np.arange(3), "inconsistent numbers")],
)
def test_what_cannot_be_compared_is_said(by, message):
    with pytest.raises(DataError, match=message):
        drift_report(still(0), by)


def test_text_is_compared_without_finding_its_directions_in_every_fit(monkeypatch: pytest.MonkeyPatch):
    def search(*_: object, **__: object) -> None:
        raise AssertionError("nine tenths of the time went here")

    monkeypatch.setattr("sklearn.decomposition.TruncatedSVD.fit_transform", search)
    frame = still(0)
    rng = np.random.default_rng(1)
    words = np.array("oil seal worn bearing noise heat crack shaft pump dust".split())
    chosen = [rng.choice(words[: 7 if batch < 3 else 10], 8) for batch in BATCHES]
    frame["said"] = [" ".join(row) for row in chosen]
    report = drift_report(frame, BATCHES, rng.integers(0, 2, 400), column_kinds={"said": "text"})
    assert report.auc.value > 0.75 and report.gap is not None
