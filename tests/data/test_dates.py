import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.data.dates import find_format, parse_dates


def found(*values):
    return find_format(np.array(values, dtype=object), np.ones(len(values), dtype=int))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["2020-01-31", "2021-12-01"], "%Y-%m-%d"),
        (["31/1/2020", "1/12/2021"], "%d/%m/%Y"),
        (["1/31/2020", "12/1/2021"], "%m/%d/%Y"),
        (["31.01.99", "01.12.03"], "%d.%m.%y"),
        (["19910108", "20041231"], "%Y%m%d"),
        (["20141013T000000", "20150225T000000"], "%Y%m%dT%H%M%S"),
        (["Aug-62", "May-13"], "%b-%y"),
        (["January 7, 2018", "May 11, 2017"], "%B %d, %Y"),
        (["7 Jan 2018", "11 Dec 2017"], "%d %b %Y"),
        (["2020-01-31 10:30", "2020-02-01 23:59"], "%Y-%m-%d %H:%M"),
        (["2020-01-31T10:30:00Z", "2020-02-01T23:59:00+02:00"], "%Y-%m-%dT%H:%M:%S%z"),
        (["1/31/2020 3:04 PM", "2/1/2020 11:15 AM"], "%m/%d/%Y %I:%M %p"),
        (["2020-01", "2020-12"], "%Y-%m"),
        (["Tue, 07 Jan 2020 10:30:00 +0100", "Wed, 08 Jan 2020 10:30:00 +0100"], "%a, %d %b %Y %H:%M:%S %z"),
        (["Tuesday, January 7, 2020", "Monday, May 11, 2020"], "%A, %B %d, %Y"),
    ],
)
def test_formats_are_recognised(values, expected):
    assert found(*values) == (expected, "")


@pytest.mark.parametrize(
    "values",
    [
        ["a", "b"],
        ["1990", "2004"],
        ["12", "31"],
        ["10-20", "20-30", "90-100"],
        ["10.0.0.1", "192.168.0.1"],
        ["12345678", "99999999"],
        ["12:30", "23:59"],
        ["2020-01-31", "31/01/2020"],
        ["+49 170 1234567", "+49 171 7654321"],
        ["1.5", "2.25"],
        ["may", "june"],
    ],
    ids=repr,
)
def test_other_strings_are_not_dates(values):
    assert found(*values)[0] is None


def test_one_day_above_twelve_decides_over_all_values():
    values = np.array([f"{d}/{m}/2020" for m in range(1, 13) for d in range(1, 13)] + ["13/1/2020"], dtype=object)
    assert find_format(values, np.ones(len(values)))[0] == "%d/%m/%Y"


def test_ambiguous_dates_say_so():
    assert found("1/2/2020", "3/4/2020") == ("%m/%d/%Y", "could also be %d/%m/%Y")


def test_a_few_other_values_do_no_harm_and_are_missing():
    values = np.array([f"2020-01-{day:02}" for day in range(1, 31)] + ["?"], dtype=object)
    assert find_format(values, np.ones(31))[0] == "%Y-%m-%d"
    assert parse_dates(values, "%Y-%m-%d").isna().sum() == 1


def test_zones_are_converted_to_utc():
    parsed = parse_dates(np.array(["2020-01-01T00:00:00+02:00"], dtype=object), "%Y-%m-%dT%H:%M:%S%z")
    assert parsed[0] == pd.Timestamp("2019-12-31 22:00")


@given(
    st.lists(st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1)), min_size=1, max_size=30, unique=True),
    st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d-%b-%Y", "%B %d, %Y"]),
)
def test_a_found_format_reads_every_date_it_wrote(dates, written):
    values = np.array([date.strftime(written) for date in dates], dtype=object)
    read, remark = find_format(values, np.ones(len(values)))
    assert read is not None
    assert parse_dates(values, read).notna().all()
    if not remark and read != "%B %d, %Y":
        assert parse_dates(values, read).dt.date.tolist() == dates
