"""The manager of the workers: one thread that starts, feeds, watches, kills and replaces them.

A thread of its own keeps limits and feeds workers while the driver computes. It never blocks: connections are
non-blocking, jobs go to idle workers only, and a worker that hangs while it receives or answers delays nobody else.
"""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from automl.core import FoldResult, Measures, Status
from automl.execute.crew import Task, Worker
from automl.execute.launch import end, memory_mb
from automl.execute.messages import Answer, Message

__all__ = ["Outcome", "Pool", "Settings"]

Outcome = tuple[FoldResult, memoryview | None]  # the second is the pickled value of a job that ended well

_TICK_SECONDS = 0.1  # between looks at memory and at processes
_FAILURES = 3  # in a row, after which no more workers are started
_PAUSE_SECONDS = 0.1  # before the start after a failure; three times as long after each further one
_ATTEMPTS = 3  # to hand over one job to workers that die before they begin it
_START_SECONDS = 120.0
_CLOSE_SECONDS = 5.0


@dataclass(frozen=True)
class Settings:
    """What a pool is made of; ``warm`` is pickled, ``memory_limit_mb`` holds for each worker."""

    n_workers: int
    memory_limit_mb: float | None
    spare: bool
    clock: Callable[[], float]
    environment: Mapping[str, str]
    path: Sequence[str]
    warm: bytes


class Pool:
    """Runs tasks in worker processes. All without an underscore is for the owner."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._owner = os.getpid()
        self._orders: deque[Task | Collection[int]] = deque()  # a task to run, or ids to cancel
        self._changed = threading.Condition()
        self._outcomes: list[Outcome] = []
        self._closing = False
        self._workers: list[Worker] = []
        self._queue: deque[Task] = deque()
        self._dying: list[subprocess.Popen[bytes]] = []
        self._failures = 0
        self._trouble = ""
        self._next_look = 0.0
        self._next_start = 0.0
        self._selector = selectors.DefaultSelector()
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        # The workers' parent-death signal follows the thread that starts them: this one, which lives until close.
        self._thread = threading.Thread(target=self._run, name="automl-executor", daemon=True)
        self._thread.start()

    @property
    def open(self) -> bool:
        return not self._closing and self._thread.is_alive()

    def submit(self, task: Task) -> None:
        self._order(task)

    def cancel(self, ids: Collection[int]) -> None:
        self._order(frozenset(ids))

    def wait(self, timeout: float | None) -> list[Outcome]:
        """Return all outcomes not yet taken, waiting for the first one; none after the timeout or without a manager."""
        until = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._outcomes and self._thread.is_alive():
                left = 1.0 if until is None else min(1.0, until - time.monotonic())
                if left <= 0:
                    break
                self._changed.wait(left)
            return list(self._outcomes)

    def taken(self, count: int) -> None:
        """Forget the first outcomes: apart from ``wait``, so that an interrupt between the two loses nothing."""
        with self._changed:
            del self._outcomes[:count]

    def memory_mb(self) -> float:
        """Return what all workers take now, pages shared with others not counted."""
        return sum(memory_mb(worker.process) for worker in list(self._workers))

    def close(self) -> None:
        """Kill all workers; what has not ended is cancelled. May be called from any thread, and in a forked child."""
        if os.getpid() != self._owner:
            return
        self._closing = True
        self._wake()
        if threading.current_thread() is self._thread:  # the garbage collector may call from there
            return
        self._thread.join(2 * _CLOSE_SECONDS)
        if self._thread.is_alive():
            end([worker.process for worker in list(self._workers)])

    def _order(self, order: Task | Collection[int]) -> None:
        self._orders.append(order)
        self._wake()

    def _wake(self) -> None:
        with suppress(OSError):  # full: it is awake anyway; closed: it has ended
            self._waker.send(b"\0")

    def _run(self) -> None:
        failure = None
        try:
            while not self._closing:
                self._turn()
        except BaseException as error:  # every job must still come back
            self._closing = True
            failure = f"the executor failed: {type(error).__name__}: {error}"
        finally:
            self._shut_down(failure)

    def _turn(self) -> None:
        self._obey()
        self._staff()
        self._hand_out()
        for key, events in self._selector.select(self._patience()):
            worker = key.data
            if worker is None:
                with suppress(BlockingIOError):
                    self._woken.recv(4096)
                continue
            if worker in self._workers and events & selectors.EVENT_READ:
                self._read(worker)
            if worker in self._workers and events & selectors.EVENT_WRITE:
                self._write(worker)
        # After the messages, so that what has ended in time counts, even if we were suspended since.
        self._keep_limits()

    def _obey(self) -> None:
        while self._orders:
            order = self._orders.popleft()
            if not isinstance(order, Task):
                self._cancel(order)
                continue
            if self._failures >= _FAILURES and not self._workers:
                self._failures = _FAILURES - 1  # one more try for a new job: the trouble may have passed
            self._queue.append(order)

    def _cancel(self, ids: Collection[int]) -> None:
        for task in [task for task in self._queue if task.job.id in ids]:
            self._queue.remove(task)
            self._finish(task, Status.CANCELLED, "cancelled before it started")
        self._stop({worker: (Status.CANCELLED, "cancelled") for worker, task in self._busy() if task.job.id in ids})

    def _busy(self) -> list[tuple[Worker, Task]]:
        return [(worker, worker.task) for worker in self._workers if worker.task is not None]

    def _staff(self) -> None:
        """Start missing workers, then the spare one; give up the queue if none can be started."""
        settings = self._settings
        while self._wants_worker():
            if time.monotonic() < self._next_start:
                return
            try:
                worker = Worker(settings.environment, settings.path, settings.warm, now=time.monotonic())
            except OSError as error:
                self._failed(f"could not be started ({error})")
            else:
                self._workers.append(worker)
                self._selector.register(worker.connection, selectors.EVENT_READ | selectors.EVENT_WRITE, worker)
        if self._failures >= _FAILURES and not self._workers:
            while self._queue:
                reason = f"no worker process can be started; the last one {self._trouble}"
                self._finish(self._queue.popleft(), Status.CRASHED, reason)

    def _wants_worker(self) -> bool:
        if self._failures >= _FAILURES:
            return False
        missing = self._settings.n_workers - len(self._workers)
        return missing > 0 or (missing == 0 and self._settings.spare and all(worker.ready for worker in self._workers))

    def _failed(self, reason: str) -> None:
        self._next_start = time.monotonic() + _PAUSE_SECONDS * 3 ** min(self._failures, _FAILURES - 1)
        self._failures += 1
        self._trouble = reason

    def _hand_out(self) -> None:
        free = self._settings.n_workers - len(self._busy())
        for worker in [worker for worker in self._workers if worker.idle][: max(free, 0)]:
            if not self._queue:
                return
            task = self._queue.popleft()
            worker.give(task, now=self._settings.clock(), memory_limit_mb=self._memory_limit(task))
            self._write(worker)

    def _memory_limit(self, task: Task) -> float | None:
        own = task.job.memory_limit_mb
        return self._settings.memory_limit_mb if own is None else own

    def _patience(self) -> float | None:
        """Return the seconds until something must be looked at; None if only a message or an order can bring news."""
        if not self._dying and not self._wants_worker() and all(worker.idle for worker in self._workers):
            return None
        now = self._settings.clock()
        nearest = max((task.overdue(now) for _, task in self._busy()), default=float("-inf"))
        return max(0.0, min(_TICK_SECONDS, -nearest))

    def _write(self, worker: Worker) -> None:
        try:
            worker.push()
        except OSError:
            self._lost(worker)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.sending else 0)
        if self._selector.get_key(worker.connection).events != wanted:
            self._selector.modify(worker.connection, wanted, worker)

    def _read(self, worker: Worker) -> None:
        try:
            for message in worker.pull():
                self._heed(worker, message)
                if worker not in self._workers:
                    return
        except (EOFError, OSError):
            self._lost(worker)
        except Exception as error:  # user code has written into the connection
            self._lost(worker, f"sent what is no message ({type(error).__name__})")

    def _heed(self, worker: Worker, message: Message) -> None:
        head, body = message
        match head:
            case ("ready",):
                worker.ready = True
            case ("failed", reason):
                self._failed(f"failed while it started: {reason}")
                self._drop([worker])
            case ("begun", job) if worker.task and worker.task.job.id == job:
                worker.task.begun, worker.task.payload = True, b""
            case ("answer", job, Answer() as answer) if worker.task and worker.task.job.id == job:
                self._failures = 0
                task, worker.task = worker.task, None
                self._finish(task, Status(answer.status), answer.error, answer=answer, body=body)
                if answer.retire:
                    self._drop([worker])
            case _:
                raise ValueError(f"unexpected message {head!r}")

    def _lost(self, worker: Worker, reason: str | None = None) -> None:
        """A worker has gone by itself: its job has crashed, unless it never began it."""
        reason = reason or worker.how_it_ended()
        task = worker.task
        self._drop([worker])
        if task is None or not task.begun:
            self._failed(reason if worker.ready else f"{reason} while it started")
        if task is not None and not task.begun and task.attempts < _ATTEMPTS:
            self._queue.appendleft(task)
        elif task is not None:
            self._finish(task, Status.CRASHED, f"the worker process {reason}")

    def _keep_limits(self) -> None:
        now = self._settings.clock()
        late = {
            worker: (Status.TIMEOUT, f"over its time limit of {task.job.seconds_limit:g} s")
            for worker, task in self._busy()
            if task.overdue(now) >= 0
        }
        self._stop(late)
        if time.monotonic() >= self._next_look:
            self._look()
            self._next_look = time.monotonic() + _TICK_SECONDS

    def _look(self) -> None:
        """What no message tells: memory, and deaths that a grandchild hides because it holds the connection open."""
        self._dying = [process for process in self._dying if process.poll() is None]
        big = {}
        for worker, task in self._busy():
            limit, used = self._memory_limit(task), memory_mb(worker.process)
            task.peak_mb = max(task.peak_mb, used)
            if limit is not None and used > limit:
                big[worker] = (Status.MEMORY, f"used {used:,.0f} MB, over its memory limit of {limit:,.0f} MB")
        self._stop(big)
        for worker in list(self._workers):
            if worker.found_dead:
                self._lost(worker)
            elif worker.process.poll() is not None:
                worker.found_dead = True  # until the next look, what it has sent can be read
            elif not worker.ready and time.monotonic() - worker.started > _START_SECONDS:
                self._drop([worker])
                self._failed(f"was not ready after {_START_SECONDS:g} s")

    def _stop(self, verdicts: Mapping[Worker, tuple[Status, str]]) -> None:
        """Kill these busy workers, all with one look at the process table, and finish their jobs so."""
        self._drop(verdicts)
        for worker, (status, reason) in verdicts.items():
            if worker.task is not None:
                self._finish(worker.task, status, reason)

    def _drop(self, workers: Collection[Worker]) -> None:
        end([worker.process for worker in workers])
        for worker in workers:
            self._selector.unregister(worker.connection)
            worker.let_go()
            self._workers.remove(worker)
            self._dying.append(worker.process)

    def _finish(
        self,
        task: Task,
        status: Status,
        error: str | None,
        *,
        answer: Answer | None = None,
        body: memoryview | None = None,
    ) -> None:
        job, begun = task.job, task.started if task.attempts else self._settings.clock()
        result = FoldResult(
            job=job.id,
            kind=job.kind,
            trial=job.trial,
            fold=job.fold,
            status=status,
            measures=Measures(cpu_seconds=answer.cpu_seconds if answer else 0.0),
            wall_seconds=answer.wall_seconds if answer else self._settings.clock() - begun,
            peak_mb=max(task.peak_mb, answer.peak_mb if answer else 0.0),
            error=error,
        )
        with self._changed:
            self._outcomes.append((result, body if status is Status.OK else None))
            self._changed.notify_all()

    def _shut_down(self, failure: str | None) -> None:
        try:
            processes = [*(worker.process for worker in self._workers), *self._dying]
            end(processes)
            until = time.monotonic() + _CLOSE_SECONDS
            for process in processes:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, until - time.monotonic()))
        finally:
            tasks = [order for order in self._orders if isinstance(order, Task)]
            tasks += [*self._queue, *(task for _, task in self._busy())]
            status, reason = (Status.CRASHED, failure) if failure else (Status.CANCELLED, "the executor was closed")
            for task in tasks:
                self._finish(task, status, reason)
            for worker in self._workers:
                worker.let_go()
            self._workers.clear()
            self._selector.close()
            self._waker.close()
            self._woken.close()
