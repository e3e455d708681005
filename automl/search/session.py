"""One sitting of a run: its folder owned, its journal open, and what is left on disk afterwards."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from automl.core import Event, InputError, SettingError, StoreError
from automl.data import Dataset, open_dataset
from automl.search.plan import Settings
from automl.store import RunFolder, SqliteJournal, SteadyJournal

__all__ = ["CUT_SHORT", "Session", "continued_session", "has_ended", "new_session"]

DATASET = "dataset.map"
CUT_SHORT = ("interrupted", "error", "executor failed")


@dataclass(frozen=True)
class Session:
    """What a fit writes to, and what earlier sittings of the same run have left.

    Parameters
    ----------
    folder : RunFolder or None
        None for a run in memory alone.
    settings : Settings or None
        Those of the first sitting.
    params : mapping
        Of the estimator at the first sitting.
    """

    journal: SteadyJournal
    folder: RunFolder | None = None
    earlier: tuple[Event, ...] = ()
    settings: Settings | None = None
    params: Mapping[str, Any] | None = None

    def dataset(self) -> Dataset | None:
        """Return the run's own copy of the table, or None where it is gone."""
        path = None if self.folder is None else self.folder.data / DATASET
        return None if path is None or not path.exists() else open_dataset(path)

    def seconds(self, wanted: float | None) -> float | None:
        """Return the time of the next sitting: as wanted, or what an unfinished run has left; None for counted runs."""
        assert self.settings is not None
        total = self.settings.time_budget
        if total is None or wanted is not None:
            return None if total is None else wanted
        if has_ended(self.earlier):
            raise SettingError("this run has ended; say how much time it may go on for (time_budget, --time)")
        return max(5.0, total - max((event.seconds for event in self.earlier), default=0.0))


@contextmanager
def new_session(run_dir: Any, settings: Settings, params: Mapping[str, Any], *, keep: bool) -> Iterator[Session]:
    """Open a run; with a folder another process can go on with it, whatever ends this one.

    Parameters
    ----------
    keep : bool
        Whether the table and the fold models stay there after a fit that came to its own end; after one that was
        interrupted or failed on the way they do in any case.

    Raises
    ------
    SettingError
        If the folder holds an earlier run, or belongs to one that is working, or to something else.
    """
    if run_dir is None:
        yield Session(SteadyJournal(SqliteJournal(None), _say))
        return
    folder = RunFolder(run_dir)
    if os.path.exists(folder.journal):
        raise SettingError(f"run_dir={str(run_dir)!r} holds an earlier run; resume it, give a new folder or delete it")
    if folder.taken:
        raise SettingError(
            f"run_dir={str(run_dir)!r} holds {', '.join(folder.taken)}, which are no parts of a run; give a new folder"
        )
    folder.own()
    journal = SteadyJournal(_opened(folder), _say)
    try:
        _remember(folder, settings, params)
        yield Session(journal, folder)
    except InputError:  # nothing was fitted: the corrected call must find the folder as it was
        journal.close()
        folder.clear()
        for path in (folder.settings, *folder.journal_files):
            path.unlink(missing_ok=True)
        raise
    else:
        if not keep and has_ended([event for _, event in journal.read()]):
            folder.clear()
    finally:
        journal.close()
        folder.release()


@contextmanager
def continued_session(run_dir: str | os.PathLike[str], *, keep: bool | None = None) -> Iterator[Session]:
    """Open a run of an earlier process again. Unpickles its settings: open run folders you trust only.

    Parameters
    ----------
    keep : bool, optional
        As for :func:`new_session`; by default what that one was told.

    Raises
    ------
    SettingError
        If there is no run, or it is still working.
    StoreError
        If what it left cannot be read.
    """
    import cloudpickle

    folder = RunFolder(run_dir)
    if not os.path.isfile(folder.journal):
        raise SettingError(f"{run_dir} holds no run; name the run_dir (or --out folder) of an earlier fit")
    folder.own()
    journal = None
    try:
        inner = SqliteJournal(folder.journal)
        earlier = tuple(event for _, event in inner.read())
        journal = SteadyJournal(inner, _say, earlier)
        try:
            settings, params = cloudpickle.loads(folder.settings.read_bytes())
        except Exception as error:
            raise StoreError(f"the settings of the run in {run_dir} cannot be read ({error}); fit again") from error
        keep = bool(params.get("keep_data", False)) if keep is None else keep
        yield Session(journal, folder, earlier, settings, params)
        if not keep and has_ended([event for _, event in journal.read()]):
            folder.clear()
    finally:
        if journal is not None:
            journal.close()
        folder.release()


def has_ended(events: Sequence[Event]) -> bool:
    """Whether the latest sitting came to its own end, rather than being interrupted or failing on the way."""
    last = next((event for event in reversed(events) if event.kind in ("finished", "resumed")), None)
    return last is not None and last.kind == "finished" and last.data["stopped"] not in CUT_SHORT


def _opened(folder: RunFolder) -> SqliteJournal:
    try:
        return SqliteJournal(folder.journal)
    except StoreError as error:
        folder.release()
        raise SettingError(f"run_dir={str(folder.path)!r}: {error}") from error


def _remember(folder: RunFolder, settings: Settings, params: Mapping[str, Any]) -> None:
    """Write what a later sitting needs; a fit that cannot be resumed is better than none."""
    import cloudpickle

    try:
        if not isinstance(settings.executor, str):  # tied to this process
            settings, params = replace(settings, executor="process"), {**params, "executor": "process"}
        folder.write(folder.settings, cloudpickle.dumps((settings, dict(params))))
    except Exception as error:  # whatever pickling a user's own executor or metric raises
        _say(f"this run cannot be resumed: its settings cannot be written down ({error})")


def _say(message: str) -> None:
    print(f"automl: note: {message}", file=sys.stderr)
