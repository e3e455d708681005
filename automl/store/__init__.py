"""What a run leaves on disk: the journal in SQLite, artifacts as files."""

from automl.store.artifacts import Artifacts
from automl.store.journal import SqliteJournal
from automl.store.model_file import Manifest, Part, read_manifest, read_part, write_model
from automl.store.recorded import RecordedJournal
from automl.store.run_folder import RunFolder
from automl.store.steady import SteadyJournal

__all__ = [
    "Artifacts",
    "Manifest",
    "Part",
    "RecordedJournal",
    "RunFolder",
    "SqliteJournal",
    "SteadyJournal",
    "read_manifest",
    "read_part",
    "write_model",
]
