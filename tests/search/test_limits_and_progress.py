import io

import pytest

from automl.core import Event
from automl.search import ProgressLine, available_cores, available_memory_mb


def test_container_limits_are_kept(tmp_path):
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    (tmp_path / "memory.max").write_text("500000000\n")
    (tmp_path / "memory.current").write_text("100000000\n")
    assert available_cores(tmp_path) == 1
    assert available_memory_mb(tmp_path) == pytest.approx(400.0)


def test_old_control_groups(tmp_path):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "memory").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("50000")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("300000000")
    (tmp_path / "memory" / "memory.usage_in_bytes").write_text("300000001")
    assert available_cores(tmp_path) == 1 and available_memory_mb(tmp_path) == 0.0


def test_without_limits_the_machine_decides(tmp_path):
    (tmp_path / "cpu.max").write_text("max 100000")
    (tmp_path / "memory.max").write_text("max")
    assert available_cores(tmp_path) >= 1 and available_memory_mb(tmp_path) > 0


class Terminal(io.StringIO):
    def isatty(self):
        return True


def events(line, first="plan"):
    line(Event(first, {"metric": {"name": "roc_auc", "sign": 1}}))
    line(Event("result", {"status": "ok", "loss": -0.9, "model": "ridge"}))
    line(Event("result", {"status": "crashed", "loss": None, "model": "svm"}))
    line(Event("ensemble", {"loss": -0.95}))
    for second in range(1, 61):
        line(Event("tick", seconds=float(second)))


@pytest.mark.parametrize("first", ["plan", "resumed"])
def test_a_terminal_shows_one_line_that_is_cleared(first):
    file = Terminal()
    line = ProgressLine(60.0, file)
    events(line, first)
    line(Event("finished"))
    assert "\n" not in file.getvalue() and file.getvalue().endswith("\x1b[2K")
    assert "60/60 s, 1 trials, 1 failed, best roc_auc 0.9 (ridge), ensemble 0.95" in file.getvalue()


def test_elsewhere_it_prints_ten_lines():
    file = io.StringIO()
    events(ProgressLine(60.0, file))
    assert len(file.getvalue().splitlines()) == 10
