"""Who owns a run, and what stays in its folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from automl.core import SettingError, StoreError
from automl.store import RunFolder, run_folder


def test_one_owner_at_a_time(tmp_path: Path):
    first, second = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "run")
    first.own()
    assert first.owned and not second.owned
    with pytest.raises(SettingError, match="still working"):
        second.own()
    first.release()
    first.release()
    second.own()
    assert second.owned
    second.release()


def test_the_lock_of_a_dead_process_is_free(tmp_path: Path):
    code = (
        "import os, signal, sys; from automl.store import RunFolder; RunFolder(sys.argv[1]).own(); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], timeout=60)
    assert done.returncode != 0 and (tmp_path / "run" / "owner.lock").exists()
    folder = RunFolder(tmp_path / "run")
    folder.own()
    folder.release()
    assert not (tmp_path / "run" / "owner.lock").exists()


def test_a_place_that_cannot_be_a_folder_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="cannot be written to"):
        RunFolder(tmp_path / "file" / "run").own()


def test_files_are_written_whole_or_not_at_all(tmp_path: Path):
    folder = RunFolder(tmp_path)
    folder.write(folder.settings, b"one")
    folder.write(folder.settings, b"two")
    assert folder.settings.read_bytes() == b"two" and [p.name for p in tmp_path.iterdir()] == ["settings.pkl"]
    below = RunFolder(folder.settings)  # a file, so nothing can lie in it
    with pytest.raises(StoreError, match="cannot be written"):
        below.write(below.settings, b"")


def test_a_lock_file_that_was_replaced_meanwhile_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    locked = run_folder._locked

    def late(handle: int) -> bool:  # its owner ends, and another takes the folder, between opening and locking
        (tmp_path / "owner.lock").unlink()
        (tmp_path / "owner.lock").touch()
        return locked(handle)

    monkeypatch.setattr(run_folder, "_locked", late)
    folder = RunFolder(tmp_path)
    with pytest.raises(SettingError, match="still working"):
        folder.own()
    assert not folder.owned


def test_clearing_leaves_journal_and_settings(tmp_path: Path):
    folder = RunFolder(tmp_path)
    for path in (folder.data, folder.artifacts / "trial-00001", folder.prepared):
        path.mkdir(parents=True)
        (path / "file").write_text("x")
    for file in (folder.journal, folder.settings, folder.evaluation):
        file.write_text("x")
    folder.clear()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["journal.sqlite", "settings.pkl"]
    folder.clear()
