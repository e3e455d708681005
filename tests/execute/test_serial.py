import pytest

from automl.core import Job, JobKind, Status
from automl.execute import SerialExecutor


def test_an_interrupt_reaches_the_user_and_loses_no_job():
    def interrupted():
        raise KeyboardInterrupt

    executor = SerialExecutor()
    executor.submit(Job(0, JobKind.CALL, None, None, interrupted))
    with pytest.raises(KeyboardInterrupt):
        executor.collect(None)
    assert [result.status for result in executor.collect(None)] == [Status.CANCELLED]


def test_the_time_limit_is_read_from_the_given_clock():
    ticks = iter([0.0, 100.0])
    executor = SerialExecutor(clock=lambda: next(ticks))
    executor.submit(Job(0, JobKind.CALL, None, None, lambda: 1, seconds_limit=99.0))
    [result] = executor.collect(None)
    assert (result.status, result.wall_seconds) == (Status.TIMEOUT, 100.0)
