from __future__ import annotations

from pathlib import Path

import pytest

from automl.cli.folder import ModelFolder
from automl.core import DataError, NoModelError, SettingError


def finished(path):
    folder = ModelFolder(path)
    with folder.renewed():
        folder.model.write_text("old")
        folder.finish({"target": "y"})
    return folder


def test_new_and_empty_places_are_free(tmp_path):
    ModelFolder(tmp_path).check_free(overwrite=False)
    ModelFolder(tmp_path / "new" / "model").check_free(overwrite=False)


def test_a_model_is_replaced_only_when_asked(tmp_path):
    folder = finished(tmp_path / "model")
    with pytest.raises(SettingError, match="--overwrite"):
        folder.check_free(overwrite=False)
    folder.check_free(overwrite=True)


def test_the_folder_of_a_killed_run_may_be_replaced(tmp_path):
    (tmp_path / "journal.sqlite").write_text("")
    ModelFolder(tmp_path).check_free(overwrite=True)


@pytest.mark.parametrize("overwrite", [True, False])
def test_what_automl_did_not_make_is_never_replaced(tmp_path, overwrite):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(SettingError):
        ModelFolder(tmp_path).check_free(overwrite=overwrite)
    with pytest.raises(SettingError, match="is a file"):
        ModelFolder(tmp_path / "thesis.tex").check_free(overwrite=overwrite)


def test_a_pipeline_is_there_until_the_next_model_is_saved(tmp_path):
    folder = finished(tmp_path / "model")
    assert not folder.exported
    folder.drop_export()
    folder.export.mkdir()
    (folder.export / "pipeline.joblib").write_text("")
    assert folder.exported
    folder.drop_export()
    assert not folder.exported and not folder.export.exists() and folder.model.exists()


def test_bad_input_brings_the_old_model_back(tmp_path):
    folder = finished(tmp_path / "model")
    with pytest.raises(DataError), folder.renewed():
        folder.journal.write_text("new")
        raise DataError("bad target")
    assert folder.model.read_text() == "old" and not folder.journal.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("error", [NoModelError("all failed"), KeyboardInterrupt(), OSError("disk full")])
def test_the_old_model_comes_back_if_no_new_one_comes_of_it(tmp_path, error):
    folder = finished(tmp_path / "model")
    with pytest.raises(type(error)), folder.renewed():
        folder.journal.write_text("new")
        raise error
    assert folder.record() == {"target": "y"} and folder.model.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_failed_first_run_stays_to_be_looked_at(tmp_path):
    folder = ModelFolder(tmp_path / "model")
    with pytest.raises(NoModelError), folder.renewed():
        folder.journal.write_text("new")
        raise NoModelError("all failed")
    assert folder.journal.exists() and not folder.model.exists()
    with pytest.raises(SettingError, match="has not ended"):
        folder.record()


def test_the_record_comes_back(tmp_path):
    assert finished(tmp_path / "model").record() == {"target": "y"}


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(SettingError, match="was not made by"):
        ModelFolder(tmp_path).record()
    with pytest.raises(SettingError, match="no folder"):
        ModelFolder(tmp_path / "none").check_run()


def test_the_current_folder_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with ModelFolder(Path()).renewed():  # empty, it may be used
        ModelFolder(Path()).finish({"target": "y"})
    assert [path.name for path in tmp_path.iterdir()] == ["automl.json"]
    with pytest.raises(SettingError, match="holds the current folder"):
        ModelFolder(Path()).check_free(overwrite=True)


def test_an_empty_folder_is_used_as_it_is(tmp_path):
    place = tmp_path / "mounted"
    place.mkdir()
    number = place.stat().st_ino
    with pytest.raises(DataError), ModelFolder(place).renewed():
        (place / "request.json").write_text("{}")
        raise DataError("no")
    assert place.stat().st_ino == number and not any(place.iterdir())
    finished(place)
    assert place.stat().st_ino == number


def test_a_link_stays_one(tmp_path):
    finished(tmp_path / "large disk")
    link = tmp_path / "model"
    link.symlink_to(tmp_path / "large disk")
    finished(link)
    assert link.is_symlink() and (tmp_path / "large disk" / "automl.json").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["large disk", "model"]


def test_a_folder_above_the_current_one_is_not_replaced(tmp_path, monkeypatch):
    folder = finished(tmp_path / "model")
    folder.export.mkdir()
    monkeypatch.chdir(folder.export)
    for path in (Path(".."), tmp_path / "model"):
        with pytest.raises(SettingError, match="holds the current folder"):
            ModelFolder(path).check_free(overwrite=True)


def killed_while_replacing(path):
    """What is left where a process was killed while its run stood in the place of a finished model."""
    finished(path)
    path.rename(path.with_name(".model.replaced"))
    path.mkdir()
    (path / "journal.sqlite").write_text("new")


def test_the_model_that_a_killed_process_was_replacing_is_not_lost(tmp_path):
    killed_while_replacing(tmp_path / "model")
    folder = ModelFolder(tmp_path / "model")
    with pytest.raises(SettingError, match=r"is in .*\.model\.replaced"):
        folder.record()
    with pytest.raises(KeyboardInterrupt), folder.renewed():
        raise KeyboardInterrupt
    assert folder.record() == {"target": "y"} and folder.model.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_resumed_run_settles_what_a_killed_process_left(tmp_path):
    killed_while_replacing(tmp_path / "model")
    ModelFolder(tmp_path / "model").settle()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_folders_of_the_user_are_no_leftovers(tmp_path):
    mine = tmp_path / ".model.replaced"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    finished(tmp_path / "model")
    finished(tmp_path / "model")
    ModelFolder(tmp_path / "model").settle()
    assert (mine / "thesis.tex").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".model.replaced", "model"]


def test_links_in_a_circle_are_bad_input(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(SettingError, match="cannot be made"), ModelFolder(tmp_path / "a").renewed():
        pass


def test_what_cannot_be_tidied_up_hides_no_error(tmp_path):
    folder = ModelFolder(tmp_path / "model")
    with pytest.raises(DataError, match="bad target"), folder.renewed():
        (tmp_path / "elsewhere").mkdir()
        (folder.path / "link").symlink_to(tmp_path / "elsewhere")
        raise DataError("bad target")
    assert (tmp_path / "elsewhere").is_dir() and not folder.path.exists()


def test_a_place_that_was_emptied_is_free_and_what_was_set_aside_stays(tmp_path):
    killed_while_replacing(tmp_path / "model")
    (tmp_path / "model" / "journal.sqlite").unlink()
    finished(tmp_path / "model")
    assert (tmp_path / ".model.replaced" / "model.automl").read_text() == "old"
