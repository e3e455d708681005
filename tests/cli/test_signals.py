"""How a fit that was asked to end says so."""

import pytest

from automl.cli.signals import Asked


@pytest.mark.parametrize(
    ("terminated", "stopped", "code"),
    [(False, "deadline", 0), (False, "interrupted", 130), (True, "interrupted", 143), (True, "trial count", 143)],
)
def test_the_exit_code_tells_who_ended_a_fit(terminated: bool, stopped: str, code: int):
    assert Asked(terminated).code(stopped) == code
