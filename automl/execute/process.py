"""ProcessExecutor: jobs in worker processes of our own, with limits kept by killing."""

from __future__ import annotations

import dataclasses
import pickle
import sys
import time
import weakref
from collections.abc import Callable, Collection, Sequence

import cloudpickle

from automl.core import ExecutionError, FoldResult, Job, SettingError, Status
from automl.execute.crew import Task
from automl.execute.launch import worker_environment, worker_path
from automl.execute.pool import Outcome, Pool, Settings
from automl.execute.trouble import describe

__all__ = ["ProcessExecutor"]


class ProcessExecutor:
    """Runs jobs in worker processes; implements the port :class:`automl.core.Executor`.

    Workers are plain subprocesses, so it works in scripts without a ``__main__`` guard, in ``python -c``, from standard
    input, in notebooks and inside other workers. A job over a limit is killed with everything it has started; a worker
    that dies costs only its own job. When the driver ends, however it ends, so do the workers.

    Memory is watched about ten times a second, for the worker process itself; processes that a job starts are killed
    with it, but their memory is not counted, and one that has detached itself from its parent and group survives a job.

    Parameters
    ----------
    n_workers : int
        How many jobs run at the same time.
    memory_limit_mb : float, optional
        Resident memory, shared pages not counted, above which a worker is killed; a job's own limit replaces it.
    spare : bool
        Keep one more worker started, so that a killed one is replaced at once.
    clock : callable
        Seconds, for time limits.
    threads_per_worker : int
        Threads that numerical libraries may use in a worker.
    sys_path : sequence of str, optional
        Where workers import from; by default as this process does.
    warm : callable, optional
        Called without arguments in each worker before its first job, to import what jobs need. If it raises, the worker
        counts as one that cannot start; when three in a row cannot, jobs come back crashed with the reason.

    Raises
    ------
    SettingError
        If a number is not positive.
    ExecutionError
        If ``warm`` cannot be pickled or there is no Python interpreter to start.

    Examples
    --------
    >>> from automl.core import Job, JobKind
    >>> from automl.execute import ProcessExecutor
    >>> with ProcessExecutor(1, spare=False) as executor:
    ...     executor.submit(Job(id=0, kind=JobKind.CALL, trial=None, fold=None, payload=lambda: 6 * 7))
    ...     [result] = executor.collect(timeout=60)
    >>> result.status.value, result.value
    ('ok', 42)
    """

    def __init__(
        self,
        n_workers: int,
        *,
        memory_limit_mb: float | None = None,
        spare: bool = True,
        clock: Callable[[], float] = time.monotonic,
        threads_per_worker: int = 1,
        sys_path: Sequence[str] | None = None,
        warm: Callable[[], object] | None = None,
    ) -> None:
        _check_positive("n_workers", n_workers)
        _check_positive("threads_per_worker", threads_per_worker)
        _check_positive("memory_limit_mb", memory_limit_mb)
        if not sys.executable:
            raise ExecutionError(
                "sys.executable is empty, so no worker process can be started: this Python is embedded in another "
                "program. Set sys.executable to a Python interpreter, or use SerialExecutor."
            )
        if "__mp_main__" in sys.modules:  # in a child of multiprocessing, the user's script goes by this name
            cloudpickle.register_pickle_by_value(sys.modules["__mp_main__"])
        settings = Settings(
            n_workers=n_workers,
            memory_limit_mb=memory_limit_mb,
            spare=spare,
            clock=clock,
            environment=worker_environment(threads_per_worker),
            path=worker_path(sys_path),
            warm=b"" if warm is None else _pickled_warm(warm),
        )
        self._capacity = n_workers
        self._open: set[int] = set()  # submitted, not yet collected
        self._unsent: list[FoldResult] = []
        self._pool = Pool(settings)
        self._finalizer = weakref.finalize(self, self._pool.close)  # also when the interpreter exits

    @property
    def capacity(self) -> int:
        return self._capacity

    def submit(self, job: Job) -> None:
        """Queue a job. One whose payload cannot be pickled is collected as crashed.

        Raises ExecutionError if the executor is closed, or a job of this id has not been collected yet.
        """
        if not self._pool.open:
            raise ExecutionError(f"job {job.id} was submitted to a closed executor; create a new one")
        if job.id in self._open:
            raise ExecutionError(f"job {job.id} is already submitted; collect it first or use another id")
        try:
            payload = cloudpickle.dumps(job.payload, protocol=5)
        except Exception as error:
            status, reason = describe(error, "cannot send the payload to a worker: ")
            self._unsent.append(FoldResult(job.id, job.kind, job.trial, job.fold, Status(status), error=reason))
            self._open.add(job.id)
            return
        self._open.add(job.id)
        self._pool.submit(Task(job, payload))

    def collect(self, timeout: float | None) -> list[FoldResult]:
        """Return all finished jobs, waiting up to ``timeout`` seconds for the first; at once if none is submitted."""
        if not self._open:
            return []
        outcomes = self._pool.wait(0.0 if self._unsent else timeout)
        results = self._unsent + [_result(outcome) for outcome in outcomes]
        self._unsent = []
        self._pool.taken(len(outcomes))
        self._open.difference_update(result.job for result in results)
        return results

    def cancel(self, ids: Collection[int]) -> None:
        """Stop these jobs now; ids that are unknown or finished are ignored."""
        self._pool.cancel(ids)

    def memory_mb(self) -> float:
        """Return the resident memory of all workers now, pages shared with others not counted, in MB."""
        return self._pool.memory_mb()

    def close(self) -> None:
        """Kill all workers. What had not ended can still be collected, as cancelled."""
        self._finalizer()

    def __enter__(self) -> ProcessExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check_positive(name: str, value: float | None) -> None:
    if value is not None and not value > 0:
        raise SettingError(f"{name}={value!r} was given; it must be greater than 0")


def _pickled_warm(warm: Callable[[], object]) -> bytes:
    try:
        return bytes(cloudpickle.dumps(warm, protocol=5))
    except Exception as error:
        reason = describe(error)[1]
        raise ExecutionError(f"warm={warm!r} cannot be sent to workers ({reason}); give a plain function") from error


def _result(outcome: Outcome) -> FoldResult:
    """Unpickle the value, here and not in the manager's thread, because that may take long and import modules."""
    result, body = outcome
    if body is None:
        return result
    try:
        return dataclasses.replace(result, value=pickle.loads(body))
    except Exception as error:
        status, reason = describe(error, "cannot read the result from the worker: ")
        return dataclasses.replace(result, status=Status(status), error=reason)
