"""Starting worker processes, and ending them with everything they have started."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

__all__ = ["end", "forget", "last_words", "memory_mb", "start", "worker_environment", "worker_path"]

# The path comes first, so that a worker imports what the driver would, wherever automl and user code live; -P keeps
# files of the current folder from hiding the standard library before that.
_BOOT = (
    "import json, sys; given = json.loads(sys.stdin.buffer.readline()); sys.path[:] = given['path']; "
    "from automl.execute.worker import main; main(given)"
)
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


def worker_environment(threads: int) -> dict[str, str]:
    """Return the environment of workers: ours, with so many threads and without what would disturb them."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONINSPECT", "PYTHONSTARTUP")}
    environment |= dict.fromkeys(_THREAD_VARIABLES, str(threads))
    environment |= {"PYTHONWARNINGS": "ignore", "PYTHONFAULTHANDLER": "", "MPLBACKEND": "Agg"}
    # Sets of strings are iterated in the same order by all workers, so it does not matter which one runs a job.
    environment.setdefault("PYTHONHASHSEED", "0")
    return environment


def worker_path(given: Sequence[str] | None) -> list[str]:
    """Return ``sys.path`` for workers: absolute, and with the folder that automl was imported from."""
    path = [os.path.abspath(entry) for entry in (sys.path if given is None else given) if isinstance(entry, str)]
    home = str(Path(__file__).parents[2])
    return path if home in path else [*path, home]


def start(environment: Mapping[str, str], path: Sequence[str]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a worker; return the process and our non-blocking end of its connection. Does not wait for it to be up.

    Raises OSError when the system cannot start another process.
    """
    ours, theirs = socket.socketpair()
    try:
        process = _spawn(environment, theirs)
        assert process.stdin is not None
        given = {"path": list(path), "parent": os.getpid(), "socket": _hand_over(theirs, process)}
        with suppress(BrokenPipeError):  # already dead: noticed like every other death, with its last words
            process.stdin.write(json.dumps(given).encode() + b"\n")
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    ours.setblocking(False)
    return process, ours


def _spawn(environment: Mapping[str, str], theirs: socket.socket) -> subprocess.Popen[bytes]:
    settings: dict[str, Any]
    if sys.platform == "win32":
        # As multiprocessing does it: the python.exe of a virtual environment is a launcher with another process id.
        executable = getattr(sys, "_base_executable", sys.executable)
        environment = {**environment, "__PYVENV_LAUNCHER__": sys.executable}
        settings = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    else:
        executable = sys.executable
        settings = {"start_new_session": True, "pass_fds": (theirs.fileno(),)}
    return subprocess.Popen(
        [executable, "-P", "-c", _BOOT],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        bufsize=0,
        **settings,
    )


def _hand_over(theirs: socket.socket, process: subprocess.Popen[bytes]) -> int | str:
    if sys.platform == "win32":
        return theirs.share(process.pid).hex()
    return theirs.fileno()


def last_words(process: subprocess.Popen[bytes]) -> str:
    """Return the last line that a worker wrote to standard error while it started; it writes there only then."""
    if process.stderr is None or process.stderr.closed:
        return ""
    with suppress(OSError):
        if sys.platform != "win32":
            os.set_blocking(process.stderr.fileno(), False)
        lines = (process.stderr.read() or b"").decode(errors="replace").strip().splitlines()
        return lines[-1].strip()[:200] if lines else ""
    return ""


def end(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """Kill these processes, their groups and all their descendants. Does not wait until they are gone."""
    processes = list(processes)
    strays = _descendants({process.pid for process in processes if process.poll() is None})
    for process in processes:
        if sys.platform != "win32":
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
        with suppress(OSError):
            process.kill()
    for stray in strays:  # those that have left the group
        with suppress(psutil.Error):
            stray.kill()


def forget(process: subprocess.Popen[bytes]) -> None:
    """Close our ends of the pipes to a process."""
    for pipe in (process.stdin, process.stderr):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def _descendants(ids: set[int]) -> list[psutil.Process]:
    """Return what these processes have started, directly or not, by one pass over all processes of the system."""
    if not ids:
        return []
    children: dict[int, list[psutil.Process]] = defaultdict(list)
    with suppress(psutil.Error, OSError):  # a system that shows no process table: groups must do
        for process in psutil.process_iter(["ppid"]):
            children[process.info["ppid"]].append(process)
    found: list[psutil.Process] = []
    parents = list(ids)
    while parents:
        for child in children.pop(parents.pop(), ()):
            found.append(child)
            parents.append(child.pid)
    return found


def memory_mb(process: subprocess.Popen[bytes]) -> float:
    """Return resident memory without shared pages, in MB; 0 for a process that has just ended."""
    try:
        info = psutil.Process(process.pid).memory_info()
    except psutil.Error:
        return 0.0
    return float(info.rss - getattr(info, "shared", 0)) / 1e6
