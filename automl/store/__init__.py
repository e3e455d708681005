"""What a run leaves on disk: the journal in SQLite, artifacts as files."""

from automl.store.artifacts import Artifacts
from automl.store.journal import SqliteJournal

__all__ = ["Artifacts", "SqliteJournal"]
