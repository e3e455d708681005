"""What every Journal must do."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from automl.core import Event, Journal, Status
from automl.store import SqliteJournal, SteadyJournal

Make = Callable[[], Journal]


@pytest.fixture(params=["memory", "file", "steady", "steady alone"])
def make(request: pytest.FixtureRequest, tmp_path: Path):
    opened: list[Journal] = []

    def one() -> Journal:
        journal: Journal = SqliteJournal(None if request.param == "memory" else tmp_path / "journal.sqlite")
        if request.param.startswith("steady"):
            if request.param == "steady alone":
                journal.close()  # it can no longer be written to
            journal = SteadyJournal(journal, lambda message: None)
        opened.append(journal)
        return journal

    yield one
    for journal in opened:
        journal.close()


def test_numbers_count_from_one(make: Make) -> None:
    journal = make()
    assert [journal.append(Event("trial", {"trial": i})) for i in range(3)] == [1, 2, 3]


def test_an_empty_journal_reads_as_nothing(make: Make) -> None:
    assert make().read() == []


def test_events_come_back_in_order_as_they_were(make: Make) -> None:
    journal = make()
    events = [
        Event("plan", {"plan": {"seed": 1}, "metric": {"name": "roc_auc", "sign": 1}}),
        Event("fold", {"losses": {"roc_auc": -0.1234567890123456}, "error": None, "ok": True}, seconds=1.5),
        Event("decision", {"what": "é", "why": ["Größe", "日本"]}, seconds=2.25),
    ]
    for event in events:
        journal.append(event)
    assert journal.read() == list(enumerate(events, start=1))


def test_read_after_skips_what_is_known(make: Make) -> None:
    journal = make()
    for i in range(5):
        journal.append(Event("trial", {"trial": i}))
    assert [number for number, _ in journal.read(after=3)] == [4, 5]
    assert journal.read(after=5) == []


def test_nan_and_infinity_are_kept(make: Make) -> None:
    journal = make()
    journal.append(Event("result", {"loss": math.inf, "losses": [-math.inf, math.nan, 1.0]}))
    ((_, event),) = journal.read()
    assert event.data["loss"] == math.inf and event.data["losses"][0] == -math.inf
    assert math.isnan(event.data["losses"][1]) and event.data["losses"][2] == 1.0


def test_numpy_values_tuples_and_enumerations_become_plain(make: Make) -> None:
    journal = make()
    data = {"a": np.float64(0.5), "b": np.int64(3), "c": np.arange(2), "d": (1, 2), "e": Status.OK, 7: np.bool_(True)}
    journal.append(Event("decision", data))
    ((_, event),) = journal.read()
    assert event.data == {"a": 0.5, "b": 3, "c": [0, 1], "d": [1, 2], "e": "ok", "7": True}


def test_close_may_be_called_twice(make: Make) -> None:
    journal = make()
    journal.close()
    journal.close()
