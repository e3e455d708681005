"""Decimal commas: columns that are numbers with them become numbers, and no value changes its meaning on the way."""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd
import pytest

from automl.data import load_table
from automl.pipeline.standalone import read_table

TABLES = {
    "quoted": ('a;b\n"2,5";x\n"-0,47";y\n', {"a": [2.5, -0.47], "b": ["x", "y"]}),
    "beside versions": ("a;v\n2,5;1.2\n3;1.3\n", {"a": [2.5, 3.0], "v": [1.2, 1.3]}),
    "ends of lines": ("v;a\r\n1.2;2,5\r\n1.3;-3,25\r\n", {"v": [1.2, 1.3], "a": [2.5, -3.25]}),
    "signs, blanks, powers": ("a;b\n+1,5;x\n ,25;y\n1,5e2;z\n", {"a": [1.5, 0.25, 150.0], "b": ["x", "y", "z"]}),
    "one value that is none": ("a;b\n1,5;2,5\nsmall;3,5\n", {"a": ["1,5", "small"], "b": [2.5, 3.5]}),
    "one with a point": ("a;b\n1,5;2,5\n1.5;3,5\n", {"a": ["1,5", "1.5"], "b": [2.5, 3.5]}),
    "points between thousands": ("a;b\n1.234,5;2,5\n7,5;3,5\n", {"a": ["1.234,5", "7,5"], "b": [2.5, 3.5]}),
    "lists": ("a;b\n1,2,3;2,5\n1,2;3,5\n", {"a": ["1,2,3", "1,2"], "b": [2.5, 3.5]}),
    "thousands beside points": ("a;b\n1,234;2.5\n999;3.5\n", {"a": ["1,234", "999"], "b": [2.5, 3.5]}),
    "thousandths beside points": ("a;b\n0,125;2.5\n1,125;3.5\n", {"a": [0.125, 1.125], "b": [2.5, 3.5]}),
    "far down": ("a;b\n" + "1;x\n" * 40_000 + "2,5;y\n", {"a": [1.0] * 40_000 + [2.5], "b": ["x"] * 40_000 + ["y"]}),
}


def written(folder: Path, text: str) -> Path:
    path = folder / "t.csv"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("name", TABLES)
def test_columns_of_numbers_with_a_decimal_comma(name: str, tmp_path: Path):
    text, expected = TABLES[name]
    path = written(tmp_path, text)
    frame = load_table(path)
    assert frame.to_dict("list") == expected
    columns = [
        {"name": one, "kind": "numeric" if frame[one].dtype.kind in "if" else "text", "numeric": False}
        for one in frame.columns
    ]
    for known in ([{**column, "kind": "constant"} for column in columns], columns):  # as read, and as an export reads
        again = read_table(path, {"columns": known, "container": "frame"})
        pd.testing.assert_frame_equal(again, frame)


def test_gaps_stay_gaps(tmp_path: Path):
    frame = load_table(written(tmp_path, "a;b\n1,5;x\n;y\nNA;z\n"))
    assert frame["a"].isna().tolist() == [False, True, True] and frame["a"][0] == 1.5


def test_columns_named_as_text_keep_their_commas(tmp_path: Path):
    frame = load_table(written(tmp_path, "a;b\n1,5;2,5\n"), text=["a"])
    assert frame.to_dict("list") == {"a": ["1,5"], "b": [2.5]}


def test_points_that_may_stand_between_thousands_are_named(tmp_path: Path):
    with pytest.warns(UserWarning, match="'n' with points that may stand between thousands"):
        frame = load_table(written(tmp_path, "n;a;v\n1.234;2,5;1.2\n999;3,5;1.3\n"))
    assert frame.to_dict("list") == {"n": [1.234, 999.0], "a": [2.5, 3.5], "v": [1.2, 1.3]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_table(written(tmp_path, "n;v\n1.234;1.2\n999;1.3\n"))  # no commas: points are decimal points
