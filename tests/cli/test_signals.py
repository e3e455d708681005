"""How a fit that was asked to end says so."""

import signal

import pytest

from automl.cli.console import run
from automl.cli.signals import Asked, Terminated, stop_when_asked, while_saving


@pytest.mark.parametrize(
    ("terminated", "stopped", "code"),
    [(False, "deadline", 0), (False, "interrupted", 130), (True, "interrupted", 143), (True, "trial count", 143)],
)
def test_the_exit_code_tells_who_ended_a_fit(terminated: bool, stopped: str, code: int):
    assert Asked(terminated).code(stopped) == code


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_first_signal_while_a_model_is_saved_is_only_noted(number: int, code: int):
    saved = []
    with stop_when_asked() as asked, while_saving(asked):
        signal.raise_signal(number)
        saved.append(True)
    assert saved and asked.code("deadline") == code


def test_a_second_signal_stops_at_once():
    with pytest.raises(Terminated), stop_when_asked() as asked:
        with pytest.raises(Terminated):
            signal.raise_signal(signal.SIGTERM)  # ends the search
        with while_saving(asked):
            signal.raise_signal(signal.SIGTERM)
    assert asked.code("interrupted") == 143


def test_who_is_terminated_without_a_model_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def app(**_: object) -> int:
        with stop_when_asked():
            signal.raise_signal(signal.SIGTERM)
        return 0

    monkeypatch.setattr("automl.cli.app.app", app)
    assert run(["version"]) == 143
    assert capsys.readouterr().err == "automl: error: terminated\n"


def test_a_signal_that_is_ignored_stays_ignored():
    earlier = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stop_when_asked() as asked, while_saving(asked):
            signal.raise_signal(signal.SIGINT)
        assert asked.code("deadline") == 0
    finally:
        signal.signal(signal.SIGINT, earlier)
