from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd

from automl.cli.output import as_records, fixed, print_json, text_table


def test_json_is_strict(capsys):
    print_json({"nan": math.nan, "inf": np.float64("inf"), "n": np.int64(3), "t": (True, None), "ä": "ß"})
    text = capsys.readouterr().out
    assert json.loads(text) == {"nan": None, "inf": None, "n": 3, "t": [True, None], "ä": "ß"}
    assert "NaN" not in text and "ß" in text


def test_records_have_plain_values():
    frame = pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [0.5, math.nan], "c": ["x", None]})
    assert as_records(frame) == [{"a": 1, "b": 0.5, "c": "x"}, {"a": None, "b": None, "c": None}]


def test_tables_align_numbers_to_the_right():
    text = text_table(("name", "score"), [("forest", 0.91234), ("a", pd.NA), ("long " * 30, 12)], widest=20)
    assert text.splitlines() == [
        "name                   score",
        "forest                0.9123",
        "a                          -",
        "long long long lo...      12",
    ]


def test_numbers_of_a_column_share_their_decimals():
    assert fixed([0.75, 0.8125]) == ["0.7500", "0.8125"]
    assert fixed([123456.7, -3.2]) == ["123457", "-3"]
    assert fixed([math.nan]) == ["-"]
    assert fixed([]) == []
