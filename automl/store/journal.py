"""The journal in SQLite: one table, one row per event, committed as it is appended."""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from automl.core import Event, StoreError

__all__ = ["SqliteJournal", "as_written"]

VERSION = 1
_TABLE = "CREATE TABLE events (id INTEGER PRIMARY KEY, seconds REAL NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL)"
_FLOAT = "$float"  # JSON has no NaN and no infinity: {"$float": "nan"}, so that they come back as what they were


class SqliteJournal:
    """A Journal in one SQLite file; see :class:`automl.core.Journal`.

    Used by the thread that made it. One process writes; any number of others read the same file meanwhile through
    :meth:`open_readonly` (write-ahead log). An appended event survives the death of the process at once, and that of
    the machine up to the last events.

    What is read back is what was appended, as JSON knows it: tuples are lists, NumPy values are Python ones, and keys
    are strings (``{3: 0.5}`` comes back as ``{"3": 0.5}``). NaN and infinities are kept.

    Parameters
    ----------
    path : path or None
        File to create, or an earlier journal to continue; None keeps the journal in memory.

    Examples
    --------
    >>> from automl.core import Event
    >>> from automl.store import SqliteJournal
    >>> journal = SqliteJournal()
    >>> journal.append(Event("decision", {"what": "folds", "why": "150 rows"}, seconds=0.1))
    1
    >>> [event.data["what"] for _, event in journal.read()]
    ['folds']
    >>> journal.close()
    """

    path: Path | None
    _connection: sqlite3.Connection | None

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else Path(path)
        if self.path is not None and not self.path.parent.is_dir():
            raise StoreError(f"The journal {self.path} cannot be created: its folder does not exist. Create it first.")
        self._last = self._start(":memory:" if path is None else str(path), self._prepare)

    @classmethod
    def open_readonly(cls, path: str | Path) -> SqliteJournal:
        """Open an existing journal for reading only, also while another process writes it."""
        journal = cls.__new__(cls)
        journal.path = Path(path)
        if not journal.path.is_file():
            raise StoreError(f"There is no journal at {path}. Give the path of a journal that an earlier run wrote.")
        # A reader of a write-ahead log puts an index file beside it; in a folder that it cannot write to, the file
        # must be declared immutable, which is right only when no log is left over.
        frozen = not os.access(journal.path.parent, os.W_OK) and not Path(f"{path}-wal").exists()
        uri = f"{journal.path.resolve().as_uri()}?mode=ro{'&immutable=1' if frozen else ''}"
        journal._last = journal._start(uri, journal._check)
        return journal

    def append(self, event: Event) -> int:
        """Write one event and return its number, counted from 1."""
        try:
            data = json.dumps(_encode(event.data), allow_nan=False, separators=(",", ":"))
        except (TypeError, ValueError) as error:
            raise StoreError(
                f"An event of kind {event.kind!r} holds something that JSON cannot: {error}. "
                "Use numbers, strings, None, lists and dictionaries."
            ) from error
        number = self._last + 1
        row = (number, float(event.seconds), event.kind, data)
        self._last = number  # first: an interrupt may come right behind the insert, and a gap does no harm
        with self._errors("written"):
            try:
                self._open().execute("INSERT INTO events VALUES (?, ?, ?, ?)", row)
            except sqlite3.IntegrityError as error:
                raise StoreError(
                    f"Another process writes to the journal {self._name}. One run at a time can use it: "
                    "end the other run or choose another folder."
                ) from error
        return number

    def read(self, after: int = 0) -> list[tuple[int, Event]]:
        """Return (number, event) for all entries with a greater number than ``after``, in order."""
        query = "SELECT id, seconds, kind, data FROM events WHERE id > ? ORDER BY id"
        with self._errors("read"):
            rows = self._open().execute(query, (after,)).fetchall()
        try:
            return [(number, Event(str(kind), _mapping(data), float(seconds))) for number, seconds, kind, data in rows]
        except (ValueError, TypeError, RecursionError) as error:
            raise StoreError(
                f"The journal {self._name} is damaged: {error}. The run in it is lost; fit again."
            ) from error

    def close(self) -> None:
        """Close the file; may be called twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _name(self) -> str:
        return "in memory" if self.path is None else str(self.path)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"The journal {self._name} is closed. Open it again to go on.")
        return self._connection

    def _start(self, target: str, look: Callable[[sqlite3.Connection], int]) -> int:
        """Connect, and return the number of the last event that ``look`` finds."""
        with self._errors("opened"):
            uri = target.startswith("file:")
            connection = sqlite3.connect(target, timeout=30.0, isolation_level=None, uri=uri)
            try:
                last = look(connection)
            except BaseException:
                connection.close()
                raise
        self._connection = connection
        return last

    def _prepare(self, connection: sqlite3.Connection) -> int:
        """Create the table in a new file, or check an existing one; return the number of the last event."""
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables:
            last = self._check(connection)
        else:
            connection.executescript(f"BEGIN; {_TABLE}; PRAGMA user_version={VERSION}; COMMIT;")
            last = 0
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        return last

    def _check(self, connection: sqlite3.Connection) -> int:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise StoreError(
                f"The journal {self._name} has version {version}; this automl reads up to {VERSION}. Update automl."
            )
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'events'").fetchone()
        if version < 1 or not known:
            raise StoreError(f"{self._name} is an SQLite file but not a journal of automl. Choose another path.")
        (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()
        return int(last)

    @contextmanager
    def _errors(self, done: str) -> Iterator[None]:
        """Turn SQLite's errors into ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"The journal {self._name} cannot be {done}: {error}. Check that it is a journal of automl, "
                "that the disk has room and that you may write there."
            ) from error


def as_written(event: Event) -> Event:
    """Return an event as a journal gives it back: with the types of JSON, NaN and infinities kept."""
    return Event(event.kind, _decode(_encode(event.data)), float(event.seconds))


def _encode(value: Any) -> Any:
    """Return the value in terms of JSON."""
    if isinstance(value, Mapping):
        return {str(key): _encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode(item) for item in value]
    if value is not None and not isinstance(value, (bool, int, float, str)):
        plain = getattr(value, "tolist", None)  # NumPy scalars and arrays
        return _encode(plain()) if callable(plain) else value
    if isinstance(value, float) and not math.isfinite(value):
        return {_FLOAT: repr(float(value))}
    return value


def _mapping(text: str) -> dict[str, Any]:
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError(f"an event holds {text[:40]!r}")
    return {key: _decode(item) for key, item in data.items()}


def _decode(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_FLOAT}:
            return float(value[_FLOAT])
        return {key: _decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decode(item) for item in value]
    return value
