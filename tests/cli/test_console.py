"""How the command can end: exit codes and one line on stderr."""

from __future__ import annotations

import subprocess
import sys

import pytest

from automl.cli import app as app_module
from automl.cli.console import run
from automl.core import DataError, NoModelError, StoreError


def test_help_lists_every_command(capsys):
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("fit", "predict", "leaderboard", "failures", "export", "plan", "version"))
    assert "Exit codes" in out


def test_no_arguments_show_the_help(capsys):
    assert run([]) == 0
    assert "Usage: automl" in capsys.readouterr().out


def test_version(capsys):
    import automl

    assert run(["version"]) == 0
    assert capsys.readouterr().out == f"automl {automl.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["fi"],
        ["fit"],
        ["fit", "t.csv", "--target", "y"],
        ["fit", "t.csv", "--target", "y", "--out", "m", "--time", "soon"],
        ["fit", "t.csv", "--target", "y", "--out", "m", "--trials", "0"],
        ["fit", "t.csv", "--target", "y", "--out", "m", "--task", "clustering"],
        ["fit", "t.csv", "--target", "y", "--out", "m", "--weights", "y"],
        ["predict", "nowhere", "t.csv"],
        ["leaderboard", "nowhere"],
        ["export", "nowhere"],
        ["--no-such-option"],
    ],
    ids=" ".join,
)
def test_bad_usage_is_2_and_one_line(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("automl: error: ") and streams.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DataError("the target\nis odd"), 2, "automl: error: the target is odd\n"),
        (NoModelError("all 3 trials failed"), 3, "automl: error: all 3 trials failed\n"),
        (StoreError("disk full"), 2, "automl: error: disk full\n"),
        (KeyError("x"), 4, "automl: error: KeyError: 'x' (set AUTOML_DEBUG=1 to see the traceback)\n"),
        (KeyboardInterrupt(), 130, None),
        (BrokenPipeError(), 0, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_every_error_has_its_code(error, code, said, capfd, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(app_module, "app", fail)
    monkeypatch.delenv("AUTOML_DEBUG", raising=False)
    assert run(["version"]) == code
    if said is not None:
        assert capfd.readouterr().err == said


def test_interrupt_inside_a_command(monkeypatch):
    from automl.cli import report

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "print_leaderboard", interrupted)
    assert run(["leaderboard", "anywhere"]) == 130


def test_debug_shows_the_traceback(monkeypatch, tmp_path):
    monkeypatch.setenv("AUTOML_DEBUG", "1")
    with pytest.raises(ValueError, match="is no folder"):
        run(["leaderboard", str(tmp_path / "none")])


def test_warnings_are_one_line(capsys, monkeypatch):
    import warnings

    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # put back afterwards
    run(["version"])
    warnings.showwarning(UserWarning("short\nof time"), UserWarning, "x.py", 1)
    assert capsys.readouterr().err == "automl: warning: short of time\n"


def test_the_package_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "automl", "version"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("automl ")
