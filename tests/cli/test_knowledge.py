"""`automl knowledge` and `--knowledge`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from automl.cli.console import run
from tests.cli.conftest import CSV


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: None) -> Path:
    monkeypatch.setenv("AUTOML_KNOWLEDGE", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    (folder / "t.csv").write_bytes(CSV)
    searching = ["--trials", "9", "--jobs", "1", "--include", "linear", "--include", "bayes", "--quiet"]
    words = ["fit", str(folder / "t.csv"), "--target", "y", "--out", str(folder / "model"), "--knowledge", "off"]
    assert run([*words, *searching]) == 0
    return folder


def test_a_run_is_added_shown_used_and_removed(finished, own, capsys):
    assert run(["knowledge", "add", str(finished / "model")]) == 0
    capsys.readouterr()
    assert run(["knowledge", "show", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    [one] = shown["runs"]
    assert one["task"] == "binary" and one["trials"] == 9 and shown["folder"] == str(own)
    assert run(["plan", str(finished / "t.csv"), "--target", "y", "--json"]) == 0
    assert one["name"] in json.loads(capsys.readouterr().out)["plan"]["knowledge"]
    assert run(["knowledge", "remove", one["name"]]) == 0
    assert "forgotten" in capsys.readouterr().out
    assert run(["knowledge", "show"]) == 0
    assert "no runs of your own" in capsys.readouterr().out


def test_off_means_nothing_is_known(finished, own, capsys):
    assert run(["plan", str(finished / "t.csv"), "--target", "y", "--knowledge", "off", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["plan"]["knowledge"] == "none, as asked for"


def test_what_is_no_base_and_no_run_is_refused_in_one_line(finished, own, capsys):
    words = ["plan", str(finished / "t.csv"), "--target", "y", "--knowledge", str(finished)]
    for arguments in (words, ["knowledge", "add", str(finished)], ["knowledge", "remove", "nothing"]):
        assert run(arguments) == 2
        said = capsys.readouterr().err
        assert said.startswith("automl: error:") and said.count("\n") == 1


def test_an_own_base_that_is_switched_off_says_so(finished, monkeypatch, quiet, capsys):
    monkeypatch.setenv("AUTOML_KNOWLEDGE", "off")
    assert run(["knowledge", "add", str(finished / "model")]) == 2
    assert "AUTOML_KNOWLEDGE" in capsys.readouterr().err
    assert run(["knowledge", "show"]) == 0
    assert "AUTOML_KNOWLEDGE=off" in capsys.readouterr().out
