"""What a run leaves on disk: the journal in SQLite, artifacts as files."""

from automl.store.artifacts import Artifacts
from automl.store.journal import SqliteJournal
from automl.store.recorded import RecordedJournal

__all__ = ["Artifacts", "RecordedJournal", "SqliteJournal"]
