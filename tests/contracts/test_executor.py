"""The contract of the Executor port, held by every executor."""

import time
import warnings

import numpy as np
import pytest

from automl.core import ExecutionError, Executor, Job, JobKind, Status
from automl.execute import ProcessExecutor, SerialExecutor


def job(number, payload, **limits):
    return Job(id=number, kind=JobKind.CALL, trial=7, fold=2, payload=payload, **limits)


def fail(error):
    raise error


def collect_all(executor, count):
    results = []
    while len(results) < count:
        results += executor.collect(timeout=60)
    return {result.job: result for result in results}


MAKERS = {"serial": SerialExecutor, "process": lambda: ProcessExecutor(2)}


@pytest.fixture(params=MAKERS)
def executor(request):
    executor = MAKERS[request.param]()
    yield executor
    executor.close()


def run(executor, payload, **limits):
    executor.submit(job(0, payload, **limits))
    return collect_all(executor, 1)[0]


def test_has_the_methods_of_the_port(executor):
    port: Executor = executor
    assert port.capacity >= 1


def test_the_value_and_the_labels_of_the_job_come_back(executor):
    result = run(executor, lambda: {"answer": 42})
    assert (result.status, result.value, result.error) == (Status.OK, {"answer": 42}, None)
    assert (result.job, result.kind, result.trial, result.fold) == (0, JobKind.CALL, 7, 2)


def test_each_job_comes_back_exactly_once(executor):
    for number in range(50):
        executor.submit(job(number, lambda number=number: fail(ValueError()) if number % 7 == 0 else number))
    results = collect_all(executor, 50)
    assert sorted(results) == list(range(50))
    assert all(result.value == number for number, result in results.items() if number % 7)
    assert executor.collect(timeout=0) == []


def test_collect_with_nothing_submitted_returns_at_once(executor):
    assert executor.collect(timeout=None) == []


def test_an_exception_becomes_one_line(executor):
    result = run(executor, lambda: fail(ValueError("first line\nsecond line")))
    assert (result.status, result.error, result.value) == (Status.CRASHED, "ValueError: first line", None)


def test_a_long_message_is_cut(executor):
    assert len(run(executor, lambda: fail(ValueError("x" * 10_000))).error) == 300


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("std::bad_alloc")])
def test_running_out_of_memory_has_its_own_status(executor, error):
    assert run(executor, lambda: fail(error)).status is Status.MEMORY


def test_sys_exit_costs_only_its_own_job(executor):
    assert run(executor, lambda: fail(SystemExit(3))).error == "SystemExit: 3"
    assert run(executor, lambda: 1).value == 1


def test_an_error_that_cannot_be_printed_is_still_reported(executor):
    class Silent(Exception):
        def __str__(self):
            raise RuntimeError

    assert run(executor, lambda: fail(Silent())).error == "Silent"


def test_warnings_are_silent(executor):
    assert run(executor, lambda: warnings.warn("nobody reads this", stacklevel=1)).status is Status.OK


def test_several_megabytes_go_both_ways(executor):
    table = np.arange(1_000_000.0)
    assert np.array_equal(run(executor, lambda: table + 1).value, table + 1)


def test_over_the_time_limit(executor):
    result = run(executor, lambda: time.sleep(0.3), seconds_limit=0.1)
    assert (result.status, result.value) == (Status.TIMEOUT, None)
    assert "time limit of 0.1 s" in result.error
    assert result.wall_seconds >= 0.1


def test_costs_are_measured(executor):
    result = run(executor, lambda: sum(range(1_000_000)))
    assert result.wall_seconds > 0
    assert result.measures.cpu_seconds > 0


def test_cancelled_jobs_come_back_so_and_others_run(executor):
    for number in range(20):
        executor.submit(job(number, lambda: 1))
    executor.submit(job(20, lambda: time.sleep(1000)))
    executor.cancel([20])
    results = collect_all(executor, 21)
    assert results.pop(20).status is Status.CANCELLED
    assert all(result.status is Status.OK for result in results.values())


def test_cancelling_unknown_or_finished_jobs_does_nothing(executor):
    assert run(executor, lambda: 1).value == 1
    executor.cancel([0, 99])
    assert run(executor, lambda: 2).value == 2


def test_after_close_the_rest_comes_back_cancelled(executor):
    executor.submit(job(0, lambda: time.sleep(1000)))
    executor.submit(job(1, lambda: 1, seconds_limit=5))
    executor.cancel([1])
    executor.close()
    executor.close()
    assert {result.status for result in collect_all(executor, 2).values()} == {Status.CANCELLED}
    assert executor.collect(timeout=None) == []


def test_a_closed_executor_takes_no_jobs(executor):
    executor.close()
    with pytest.raises(ExecutionError, match="closed executor"):
        executor.submit(job(0, lambda: 1))


def test_an_id_can_be_used_again_only_after_its_result(executor):
    executor.submit(job(0, lambda: 1))
    with pytest.raises(ExecutionError, match="already submitted"):
        executor.submit(job(0, lambda: 2))
    assert collect_all(executor, 1)[0].value == 1
    assert run(executor, lambda: 3).value == 3
