"""What only worker processes can promise, against jobs that do their worst."""

import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from automl.core import ExecutionError, Job, JobKind, SettingError, Status
from automl.execute import ProcessExecutor


def job(number, payload, **limits):
    return Job(id=number, kind=JobKind.CALL, trial=None, fold=None, payload=payload, **limits)


def run(executor, payload, **limits):
    executor.submit(job(0, payload, **limits))
    [result] = executor.collect(timeout=60)
    return result


def wait_until(claim):
    """Wait for another process to get so far; there is no clock to fake here."""
    until = time.monotonic() + 30
    while not claim():
        assert time.monotonic() < until, "waited 30 s in vain"
        threading.Event().wait(0.01)


def gone(pid):
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE  # an orphan that a container's init never reaps
    return True


def hang():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(1000)


def sleeping_child(**settings):
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], **quiet, **settings).pid


@pytest.fixture
def executor():
    with ProcessExecutor(1) as executor:
        yield executor


# Functions of this file travel by value: workers need not import pytest.
@pytest.fixture(autouse=True, scope="module")
def by_value():
    import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def test_a_job_that_ignores_signals_is_killed_and_others_go_on():
    with ProcessExecutor(2) as executor:
        executor.submit(job(0, hang, seconds_limit=0.5))
        for number in range(1, 20):
            executor.submit(job(number, lambda: os.getpid()))
        results = {}
        while len(results) < 20:
            results |= {result.job: result for result in executor.collect(timeout=60)}
        assert results.pop(0).status is Status.TIMEOUT
        assert all(result.status is Status.OK for result in results.values())
        assert run(executor, lambda: 1).value == 1


def test_time_limits_follow_the_given_clock():
    now = [0.0]
    with ProcessExecutor(1, clock=lambda: now[0], spare=False) as executor:
        executor.submit(job(0, hang, seconds_limit=3600))
        assert executor.collect(timeout=0.3) == []
        now[0] = 3600.0
        [result] = executor.collect(timeout=60)
    assert (result.status, result.wall_seconds) == (Status.TIMEOUT, 3600.0)


def test_limits_are_kept_while_the_driver_is_elsewhere(executor, tmp_path):
    executor.submit(job(0, hang, seconds_limit=0.2))
    executor.submit(job(1, lambda: (tmp_path / "ran").touch()))
    wait_until((tmp_path / "ran").exists)  # without any call to collect


def test_a_job_that_eats_memory_is_killed(executor):
    def eat():
        held = []
        while True:
            held.append(b"x" * 1_000_000)
            time.sleep(0.001)

    result = run(executor, eat, memory_limit_mb=150)
    assert result.status is Status.MEMORY
    assert result.peak_mb > 150
    assert "over its memory limit of 150 MB" in result.error


def test_the_limit_of_the_executor_holds_where_the_job_has_none():
    with ProcessExecutor(1, memory_limit_mb=1) as executor:
        assert run(executor, hang).status is Status.MEMORY


def test_the_peak_is_that_of_the_job_not_of_the_worker(executor):
    assert run(executor, lambda: len(b"x" * 100_000_000)).peak_mb > 90
    assert run(executor, lambda: 1).peak_mb < 60


def test_a_worker_that_keeps_memory_is_replaced(executor):
    def hoard():
        sys.hoard = b"x" * 100_000_000
        return os.getpid()

    first = run(executor, hoard, memory_limit_mb=150).value
    assert run(executor, os.getpid, memory_limit_mb=150).value != first


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (os.abort, "SIGABRT"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "SIGKILL"),
        (lambda: os._exit(3), "exit code 3"),
        (lambda: os.closerange(3, 1000) or hang(), "worker process"),
        (lambda: os.closerange(3, 1000), "worker process"),
    ],
)
def test_a_worker_that_dies_costs_only_its_own_job(executor, payload, words):
    result = run(executor, payload)
    assert result.status is Status.CRASHED
    assert words in result.error
    assert run(executor, lambda: 1).value == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit])
def test_no_exception_ends_a_worker(executor, error):
    def fail():
        raise error

    worker = run(executor, os.getpid).value
    assert run(executor, fail).error == error.__name__
    assert run(executor, os.getpid).value == worker


def test_printing_a_lot_blocks_nothing(executor):
    def chatter():
        for _ in range(100):
            print("x" * 1_000_000)
            print("x" * 10_000, file=sys.stderr)
        os.system("echo from a child")
        return input() if sys.stdin.readable() else None

    assert run(executor, chatter).error == "EOFError: EOF when reading a line"


class Poison:
    """Can be pickled; raises when it is read."""

    def __reduce__(self):
        return (int, ("not a number",))


LOCK, POISON = threading.Lock(), Poison()


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (lambda: threading.Lock(), "cannot send the result back: TypeError"),
        (lambda lock=LOCK: lock, "cannot send the payload to a worker: TypeError"),
        (lambda: Poison(), "cannot read the result from the worker: ValueError"),
        (lambda poison=POISON: poison, "cannot load the payload: ValueError"),
    ],
)
def test_what_cannot_travel_is_reported(executor, payload, words):
    result = run(executor, payload)
    assert (result.status, result.value) == (Status.CRASHED, None)
    assert result.error.startswith(words)
    assert run(executor, lambda: 1).value == 1


def test_bytes_written_into_the_connection_cost_only_the_job(executor):
    def scribble():
        for number in range(3, 100):
            with contextlib.suppress(OSError):
                os.write(number, b"\xff" * 1000)
        hang()

    assert run(executor, scribble).status is Status.CRASHED
    assert run(executor, lambda: 1).value == 1


def test_a_payload_that_forks_answers_once(executor):
    assert [run(executor, lambda: os.fork() and 5).value for _ in range(5)] == [5] * 5
    assert executor.collect(timeout=0) == []


def test_a_death_hidden_by_a_forked_child_is_noticed(executor):
    def fork_and_die():
        if os.fork() == 0:
            time.sleep(1000)
        os.abort()

    assert run(executor, fork_and_die).status is Status.CRASHED


def test_what_a_killed_job_has_started_is_killed_too(executor, tmp_path):
    def family():
        children = [sleeping_child(), sleeping_child(start_new_session=True)]
        (tmp_path / "new").write_text(" ".join(map(str, children)))
        (tmp_path / "new").rename(tmp_path / "pids")
        hang()

    executor.submit(job(0, family))
    wait_until((tmp_path / "pids").exists)
    executor.cancel([0])
    assert executor.collect(timeout=60)[0].status is Status.CANCELLED
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    wait_until(lambda: all(gone(pid) for pid in pids))


def test_what_a_job_leaves_running_ends_with_its_worker(executor):
    pid = run(executor, sleeping_child).value
    executor.close()
    wait_until(lambda: gone(pid))


def test_a_worker_that_dies_between_jobs_is_replaced_unnoticed(executor):
    for _ in range(5):
        os.kill(run(executor, os.getpid).value, signal.SIGKILL)
    assert run(executor, lambda: 1).status is Status.OK


def test_a_stopped_worker_blocks_neither_submit_nor_its_time_limit(executor):
    pid = run(executor, os.getpid).value
    os.kill(pid, signal.SIGSTOP)
    large = b"x" * 20_000_000
    result = run(executor, lambda: len(large), seconds_limit=0.5)
    assert result.status is Status.TIMEOUT
    assert run(executor, lambda: len(large)).value == len(large)


def test_a_worker_that_dies_while_it_receives_does_not_cost_the_job(executor):
    pid = run(executor, os.getpid).value
    os.kill(pid, signal.SIGSTOP)
    large = b"x" * 20_000_000
    executor.submit(job(1, lambda: len(large)))
    assert executor.collect(timeout=0.2) == []
    os.kill(pid, signal.SIGKILL)
    [result] = executor.collect(timeout=60)
    assert result.value == len(large)


def import_nothing():
    raise ImportError("no module named mice")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"warm": import_nothing}, "failed while it started: ImportError: no module named mice"),
        ({"warm": lambda: os.kill(os.getpid(), signal.SIGKILL)}, "SIGKILL"),
        ({"warm": lambda: os._exit(7)}, "exit code 7"),
        ({"sys_path": ["/nowhere"]}, "No module named"),
    ],
)
def test_workers_that_cannot_start_give_up_with_the_reason(settings, words):
    with ProcessExecutor(8, **settings) as executor:  # many fail at once, and still the next try comes soon
        for _ in range(2):
            result = run(executor, lambda: 1)
            assert result.status is Status.CRASHED
            assert "no worker process can be started" in result.error
            assert words in result.error


def test_an_interpreter_that_is_not_there_is_reported(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with ProcessExecutor(1) as executor:
        assert "No such file" in run(executor, lambda: 1).error
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(ExecutionError, match="embedded"):
        ProcessExecutor(1)


def test_trouble_at_the_start_that_passes_is_forgiven(tmp_path):
    def warm():
        if not (tmp_path / "repaired").exists():
            raise OSError("disk is away")

    with ProcessExecutor(1, warm=warm) as executor:
        assert run(executor, lambda: 1).status is Status.CRASHED
        (tmp_path / "repaired").touch()
        assert run(executor, lambda: 1).status is Status.OK


def test_warm_runs_before_the_first_job():
    def warm():
        sys.warmed = True

    with ProcessExecutor(1, warm=warm) as executor:
        assert run(executor, lambda: sys.warmed).value


def test_workers_use_the_threads_and_the_path_they_are_given():
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]
    with ProcessExecutor(1, threads_per_worker=3, sys_path=[*sys.path, "/mine"]) as executor:
        assert run(executor, lambda: [os.environ[name] for name in names]).value == ["3"] * 3
        assert run(executor, lambda: sys.path[-1]).value == "/mine"


def test_a_worker_starts_without_numpy(executor):
    assert not run(executor, lambda: "numpy" in sys.modules).value


def test_close_leaves_no_process():
    me = psutil.Process()
    before = {child.pid for child in me.children(recursive=True)}
    executor = ProcessExecutor(2)
    executor.submit(job(0, hang))
    executor.submit(job(1, sleeping_child))
    executor.collect(timeout=60)
    executor.close()
    assert {child.pid for child in me.children(recursive=True)} == before


def test_killed_workers_leave_no_open_files():
    me = psutil.Process()
    before = me.num_fds()
    with ProcessExecutor(1) as executor:
        for _ in range(5):
            assert run(executor, hang, seconds_limit=0.05).status is Status.TIMEOUT
    assert me.num_fds() == before


def test_an_executor_that_is_forgotten_closes_itself():
    executor = ProcessExecutor(1)
    pid = run(executor, os.getpid).value
    del executor
    gc.collect()
    wait_until(lambda: gone(pid))


def test_an_interrupted_collect_loses_nothing(executor):
    executor.submit(job(0, lambda: time.sleep(0.5) or 1))
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        executor.collect(timeout=60)
    assert executor.collect(timeout=60)[0].value == 1


@pytest.mark.parametrize("settings", [{"n_workers": 0}, {"n_workers": 1, "memory_limit_mb": -5}])
def test_senseless_settings_are_refused(settings):
    with pytest.raises(SettingError, match="must be greater than 0"):
        ProcessExecutor(**settings)


def test_a_warm_function_that_cannot_travel_is_refused():
    lock = threading.Lock()
    with pytest.raises(ExecutionError, match="cannot be sent to workers"):
        ProcessExecutor(1, warm=lambda: lock)
