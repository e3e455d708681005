import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from automl.core import Event, StoreError
from automl.store import SqliteJournal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def written(path: Path, n: int = 2) -> Path:
    journal = SqliteJournal(path)
    for i in range(n):
        journal.append(Event("trial", {"trial": i}, seconds=float(i)))
    journal.close()
    return path


def test_an_existing_journal_is_continued(path: Path) -> None:
    journal = SqliteJournal(written(path))
    assert journal.append(Event("finished")) == 3
    assert [event.kind for _, event in journal.read()] == ["trial", "trial", "finished"]
    journal.close()


def test_a_reader_sees_events_while_they_are_written(path: Path) -> None:
    writer = SqliteJournal(path)
    writer.append(Event("plan"))
    reader = SqliteJournal.open_readonly(path)
    writer.append(Event("trial", {"trial": 0}))
    assert [event.kind for _, event in reader.read()] == ["plan", "trial"]
    reader.close()
    writer.close()


def test_a_reader_cannot_write(path: Path) -> None:
    reader = SqliteJournal.open_readonly(written(path))
    with pytest.raises(StoreError, match="cannot be written.*readonly"):
        reader.append(Event("plan"))
    reader.close()


def test_a_finished_journal_is_readable_in_a_folder_without_write_access(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    reader = SqliteJournal.open_readonly(path)
    assert len(reader.read()) == 2
    reader.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_two_writers_are_noticed(path: Path) -> None:
    first, second = SqliteJournal(path), SqliteJournal(path)
    first.append(Event("plan"))
    with pytest.raises(StoreError, match="Another process writes"):
        second.append(Event("plan"))
    first.close()
    second.close()


def test_what_was_appended_survives_a_killed_process(path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom automl.core import Event\nfrom automl.store import SqliteJournal\n"
        "journal = SqliteJournal(sys.argv[1])\n"
        "for i in range(50):\n    journal.append(Event('trial', {'trial': i}))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    reader = SqliteJournal.open_readonly(path)
    assert [event.data["trial"] for _, event in reader.read()] == list(range(50))
    reader.close()


@pytest.mark.parametrize("use", [lambda j: j.append(Event("plan")), lambda j: j.read()])
def test_a_closed_journal_says_so(use) -> None:
    journal = SqliteJournal()
    journal.close()
    with pytest.raises(StoreError, match="is closed"):
        use(journal)


def test_what_json_cannot_hold_is_refused(path: Path) -> None:
    journal = SqliteJournal(path)
    with pytest.raises(StoreError, match="kind 'plan'.*object"):
        journal.append(Event("plan", {"clock": object()}))
    assert journal.append(Event("plan")) == 1
    journal.close()


def test_opening_what_is_not_there(path: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no journal at"):
        SqliteJournal.open_readonly(path)
    with pytest.raises(StoreError, match="folder does not exist"):
        SqliteJournal(tmp_path / "missing" / "journal.sqlite")


@pytest.mark.parametrize("opener", [SqliteJournal, SqliteJournal.open_readonly])
def test_other_files_are_refused(path: Path, opener) -> None:
    path.write_bytes(b"not a database " * 100)
    with pytest.raises(StoreError, match="not a database"):
        opener(path)


@pytest.mark.parametrize("opener", [SqliteJournal, SqliteJournal.open_readonly])
def test_other_databases_are_refused(path: Path, opener) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE people (name TEXT)")
    connection.close()
    with pytest.raises(StoreError, match="not a journal of automl"):
        opener(path)


def test_a_newer_version_is_refused(path: Path) -> None:
    connection = sqlite3.connect(written(path))
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(StoreError, match="version 99.*Update automl"):
        SqliteJournal(path)
