"""The folder of a durable run: where its parts lie, and which process owns it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from automl.core import SettingError, as_path
from automl.store.artifacts import Artifacts

__all__ = ["RunFolder"]


class RunFolder:
    """One run on disk: ``journal.sqlite``, ``settings.pkl``, the table in ``data/``, fold models in ``artifacts/``.

    One process owns it at a time, by a lock of the operating system on ``owner.lock``: the lock of a process that died
    is free at once, whatever killed it.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = as_path(path, "run_dir")
        self.journal = self.path / "journal.sqlite"
        self.settings = self.path / "settings.pkl"
        self.data = self.path / "data"
        self.artifacts = self.path / "artifacts"
        self.prepared = self.path / "prepared"
        self.outer = self.path / "outer"
        self.evaluation = self.path / "evaluation.pkl"
        self._lock = self.path / "owner.lock"
        self._handle: int | None = None

    @property
    def owned(self) -> bool:
        """Whether this process has taken the folder: a run that another process may go on with."""
        return self._handle is not None

    @property
    def journal_files(self) -> list[Path]:
        return [self.journal.with_name(self.journal.name + end) for end in ("", "-wal", "-shm")]

    def own(self) -> None:
        """Take the folder, which is made if it is not there.

        Raises
        ------
        SettingError
            If another process works in it, or it cannot be a folder.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o644)
        except (OSError, ValueError) as error:
            raise SettingError(f"run_dir={str(self.path)!r} cannot be written to: {error}; name another one") from error
        if not (_locked(handle) and self._is_current(handle)):
            owner = os.read(handle, 100).decode(errors="replace").strip() or "?"
            os.close(handle)
            raise SettingError(
                f"run_dir={str(self.path)!r} belongs to a run that is still working (process {owner}); "
                "wait for its end, stop it, or name another folder"
            )
        with contextlib.suppress(OSError):  # a full disk: the number is for people only
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        self._handle = handle

    def _is_current(self, handle: int) -> bool:
        """Whether this file still is the one in the folder: its owner deletes it at the end."""
        try:
            return os.path.samestat(os.fstat(handle), os.stat(self._lock))
        except OSError:
            return False

    def release(self) -> None:
        """Give the folder back; may be called twice."""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                self._lock.unlink()
            os.close(self._handle)
            self._handle = None

    @property
    def taken(self) -> list[str]:
        """Names that a run would write to, and in the end delete, that are there already."""
        own = (self.data, self.artifacts, self.prepared, self.outer, self.evaluation, self.settings)
        return [path.name for path in own if os.path.exists(path)]

    def write(self, path: Path, content: bytes) -> None:
        """Write a file of the run whole or not at all."""
        Artifacts(self.path).write_atomic(path, content)

    def clear(self) -> None:
        """Delete what only a run that goes on without its data needs: table, fold models, prepared rows, folds."""
        for folder in (self.data, self.artifacts, self.prepared, self.outer):
            shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.evaluation.unlink(missing_ok=True)


def _locked(handle: int) -> bool:
    """Take the lock of an open file, without waiting; the system frees it when its process ends."""
    if sys.platform == "win32":
        import msvcrt

        api: Any = msvcrt
        try:
            api.locking(handle, api.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
