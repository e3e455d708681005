"""SerialExecutor: jobs in this process, one after the other."""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Callable, Collection

from automl.core import ExecutionError, FoldResult, Job, Measures, Status
from automl.execute.trouble import describe

__all__ = ["SerialExecutor"]


class SerialExecutor:
    """Runs one job per ``collect``, in this process; implements the port :class:`automl.core.Executor`.

    For tests, debugging and interpreters that cannot start others. It can neither kill nor survive a crash: a time
    limit is only checked after the job has ended, a memory limit not at all.

    Examples
    --------
    >>> from automl.core import Job, JobKind
    >>> from automl.execute import SerialExecutor
    >>> executor = SerialExecutor()
    >>> executor.submit(Job(id=0, kind=JobKind.CALL, trial=None, fold=None, payload=lambda: 6 * 7))
    >>> executor.collect(timeout=None)[0].value
    42
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._queue: deque[Job] = deque()
        self._finished: list[FoldResult] = []
        self._closed = False

    @property
    def capacity(self) -> int:
        return 1

    def submit(self, job: Job) -> None:
        """Queue a job. Raises ExecutionError if closed, or if a job of this id has not been collected yet."""
        if self._closed:
            raise ExecutionError(f"job {job.id} was submitted to a closed executor; create a new one")
        if job.id in {other.id for other in self._queue} | {result.job for result in self._finished}:
            raise ExecutionError(f"job {job.id} is already submitted; collect it first or use another id")
        self._queue.append(job)

    def collect(self, timeout: float | None) -> list[FoldResult]:
        """Run the next job, however long it takes, unless a finished one waits to be collected."""
        if not self._finished and self._queue:
            self._run(self._queue.popleft())
        results, self._finished = self._finished, []
        return results

    def cancel(self, ids: Collection[int]) -> None:
        """Cancel these jobs, all of which are still queued; unknown ids are ignored."""
        for job in [job for job in self._queue if job.id in ids]:
            self._queue.remove(job)
            self._finish(job, Status.CANCELLED, "cancelled before it started")

    def close(self) -> None:
        """Cancel what is queued; it can still be collected."""
        self._closed = True
        self.cancel([job.id for job in self._queue])

    def _run(self, job: Job) -> None:
        value, status, error = None, Status.OK, None
        start, cpu = self._clock(), time.process_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = job.payload()
        except KeyboardInterrupt:
            self._finish(job, Status.CANCELLED, "interrupted")
            raise
        except BaseException as raised:
            text, error = describe(raised)
            status = Status(text)
        wall = self._clock() - start
        if status is Status.OK and job.seconds_limit is not None and wall >= job.seconds_limit:
            value, status = None, Status.TIMEOUT
            error = f"over its time limit of {job.seconds_limit:g} s (a serial executor sees that only afterwards)"
        self._finish(job, status, error, wall=wall, cpu=time.process_time() - cpu, value=value)

    def _finish(
        self,
        job: Job,
        status: Status,
        error: str | None,
        *,
        wall: float = 0.0,
        cpu: float = 0.0,
        value: object = None,
    ) -> None:
        result = FoldResult(
            job=job.id,
            kind=job.kind,
            trial=job.trial,
            fold=job.fold,
            status=status,
            measures=Measures(cpu_seconds=cpu),
            wall_seconds=wall,
            error=error,
            value=value,
        )
        self._finished.append(result)
