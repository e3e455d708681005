"""One worker and one job on its way, as the manager sees them."""

from __future__ import annotations

import signal
import subprocess
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from automl.core import Job
from automl.execute.launch import forget, last_words, start
from automl.execute.messages import Inbox, Message, pack

__all__ = ["Task", "Worker"]

_READS = 256  # at most in a row (some 50 MB), so that a giant answer cannot delay the limits of other jobs
_LAST_GASP_SECONDS = 0.2


@dataclass
class Task:
    """A submitted job with its pickled payload, which is dropped once ``begun``: a worker has received all of it."""

    job: Job
    payload: bytes
    attempts: int = 0
    begun: bool = False
    started: float = 0.0
    peak_mb: float = 0.0

    def overdue(self, now: float) -> float:
        """Return the seconds since its time limit, negative before; minus infinity without a limit."""
        return float("-inf") if self.job.seconds_limit is None else now - self.started - self.job.seconds_limit


class Worker:
    """A worker process and the non-blocking connection to it."""

    def __init__(self, environment: Mapping[str, str], path: Sequence[str], warm: bytes, *, now: float) -> None:
        self.process, self.connection = start(environment, path)
        self.started = now
        self.ready = False
        self.found_dead = False
        self.task: Task | None = None
        self._inbox = Inbox()
        self._outbox = deque(pack(("warm",), warm))

    @property
    def idle(self) -> bool:
        return self.ready and self.task is None

    @property
    def sending(self) -> bool:
        return bool(self._outbox)

    def give(self, task: Task, *, now: float, memory_limit_mb: float | None) -> None:
        """Take a job; ``push`` sends it."""
        task.attempts += 1
        task.begun, task.started, task.peak_mb = False, now, 0.0
        self.task = task
        self._outbox.extend(pack(("job", task.job.id, memory_limit_mb), task.payload))

    def push(self) -> None:
        """Send as much as the connection takes now. Raises OSError when the worker is gone."""
        while self._outbox:
            try:
                count = self.connection.send(self._outbox[0])
            except BlockingIOError:
                return
            if count == len(self._outbox[0]):
                self._outbox.popleft()
            else:
                self._outbox[0] = self._outbox[0][count:]

    def pull(self) -> Iterator[Message]:
        """Yield the messages that are there now. Raises what ``Inbox.receive`` raises, except BlockingIOError."""
        for _ in range(_READS):
            try:
                message = self._inbox.receive(self.connection)
            except BlockingIOError:
                return
            if message is not None:
                yield message

    def how_it_ended(self) -> str:
        """Say how the process ended; one that has only closed its connection gets a moment to do so."""
        try:
            code = self.process.wait(_LAST_GASP_SECONDS)
        except subprocess.TimeoutExpired:
            return "closed the connection to the driver"
        words = last_words(self.process)
        if code >= 0:
            return f"ended itself (exit code {code}{f': {words}' if words else ''})"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = str(-code)
        hint = "; perhaps the system ran out of memory" if name == "SIGKILL" else ""
        return f"died (signal {name}{hint})"

    def let_go(self) -> None:
        """Close our ends of everything; the process is killed by others."""
        self.connection.close()
        forget(self.process)
