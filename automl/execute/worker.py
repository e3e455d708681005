"""A worker process: receives one job at a time, runs it, answers. Started by ``launch.py``, never by hand.

Imports nothing heavy, so that a worker is up in some 50 ms; what a payload needs comes with the payload.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from automl.execute.messages import Answer, Inbox, Message, pack
from automl.execute.trouble import describe

__all__ = ["main"]


def main(given: Mapping[str, Any]) -> None:
    """Serve jobs until the driver goes away. ``given`` is what ``launch.py`` wrote: socket and parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lifeline = _detach()
    connection = _connection(given["socket"])
    _die_with_parent(lifeline, given["parent"])
    _be_modest()
    code = 1  # of what should not happen: nobody reads our standard error
    try:
        _serve(connection)
        code = 0
    except (EOFError, ConnectionError):
        code = 0  # the driver has gone, or has dropped us
    finally:
        os._exit(code)  # no exit handlers of user code


def _detach() -> int:
    """Keep standard input as the lifeline, under another number, and point 0, 1 and 2 to nowhere."""
    lifeline = os.dup(0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    return lifeline


def _connection(given: int | str) -> socket.socket:
    if sys.platform == "win32":
        return socket.fromshare(bytes.fromhex(str(given)))
    connection = socket.socket(fileno=int(given))
    connection.set_inheritable(False)
    return connection


def _die_with_parent(lifeline: int, parent: int) -> None:
    """Arrange that neither this process nor what it starts outlives the driver, however that ends.

    On Linux the kernel does it, also when native code never lets Python run: SIGKILL to the whole group once the
    lifeline, whose other end only the driver holds, is closed. A thread does the same elsewhere, and where a forked
    child of the driver still holds that end. The parent-death signal is only the second choice: it ends this process
    alone, and often first, so that nobody is left to end the group.
    """
    if sys.platform == "linux":
        import ctypes
        import fcntl

        try:
            fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
            fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
            fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
        except OSError:
            set_parent_death_signal = 1
            with suppress(OSError, AttributeError):
                ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    threading.Thread(target=_watch, args=(lifeline, parent), daemon=True).start()


def _watch(lifeline: int, parent: int) -> None:
    if sys.platform == "win32":
        os.read(lifeline, 1)
        os._exit(1)
    import select

    while os.getppid() == parent and not select.select([lifeline], [], [], 1.0)[0]:
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


def _be_modest() -> None:
    """Write no core dumps, and be the one whom the kernel ends first when memory runs out, not the driver."""
    if sys.platform != "win32":
        import resource

        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")


def _serve(connection: socket.socket) -> None:
    import cloudpickle  # noqa: F401  almost every payload needs it: better now than within its time limit

    inbox, own_id = Inbox(), os.getpid()
    _, warm = _next(inbox, connection)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if warm:
                pickle.loads(warm)()
    except BaseException as error:
        _send(connection, ("failed", describe(error)[1]))
        return
    del warm
    gc.freeze()  # what the imports made stays; collections after jobs need not look at it
    start_mb = _memory_mb("VmRSS")
    _send(connection, ("ready",))
    while True:
        (_, job, limit_mb), body = _next(inbox, connection)
        _send(connection, ("begun", job))
        answer, value = _perform(body)
        del body
        if os.getpid() != own_id:
            os._exit(0)  # the payload has forked and this is the child: only one may answer
        retire = limit_mb is not None and _hoards(start_mb, limit_mb)
        answer = Answer(**{**vars(answer), "retire": retire})
        _send(connection, ("answer", job, answer), value)
        if retire:
            return


def _next(inbox: Inbox, connection: socket.socket) -> Message:
    while (message := inbox.receive(connection)) is None:
        pass
    return message


def _send(connection: socket.socket, head: tuple[Any, ...], body: bytes = b"") -> None:
    for piece in pack(head, body):
        connection.sendall(piece)


def _perform(body: memoryview) -> tuple[Answer, bytes]:
    """Run one pickled payload; return how it ended and the pickled value."""
    import cloudpickle

    # Writing 5 resets the peak (VmHWM); where that is not possible, the driver's own samples must do.
    knows_peak = False
    with suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")
        knows_peak = True
    status, error, value, doing = "ok", None, b"", "cannot load the payload: "
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            payload = pickle.loads(body)
            doing = ""
            result = payload()
            doing = "cannot send the result back: "
            value = cloudpickle.dumps(result, protocol=5)
    except BaseException as raised:
        status, error = describe(raised, doing)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Answer(status, error, wall, cpu, _memory_mb("VmHWM") if knows_peak else 0.0), value


def _hoards(start_mb: float, limit_mb: float) -> bool:
    """Whether this process keeps so much memory after a job that the next job would pay for it."""
    enough = start_mb + (limit_mb - start_mb) / 2
    if _memory_mb("VmRSS") <= enough:
        return False
    gc.collect()
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
    return _memory_mb("VmRSS") > enough


def _memory_mb(which: str) -> float:
    """Return VmRSS or VmHWM (its peak) without shared pages; 0 where the system does not tell."""
    try:
        with open("/proc/self/status") as file:
            fields = dict(line.split(":", 1) for line in file)
        kilobytes = {name: int(fields[name].split()[0]) for name in (which, "RssFile", "RssShmem")}
    except (OSError, KeyError, ValueError):
        return 0.0
    return max(0.0, (kilobytes[which] - kilobytes["RssFile"] - kilobytes["RssShmem"]) * 1024 / 1e6)
