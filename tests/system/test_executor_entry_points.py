"""ProcessExecutor in real interpreters: however Python was started, and however it ends."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

# No ``__main__`` guard, and everything that travels is defined in ``__main__``.
SCRIPT = """
from automl.core import Job, JobKind
from automl.execute import ProcessExecutor

OFFSET = 40

class Answer:
    def __init__(self, value):
        self.value = value

def twice(function):
    return lambda: function() and function()

@twice
def metric():
    return Answer(OFFSET + 2)

print("driver runs")
executor = ProcessExecutor(2)
for number in range(4):
    executor.submit(Job(number, JobKind.CALL, None, None, metric))
results = []
while len(results) < 4:
    results += executor.collect(60)
print([result.error for result in results if result.error])
print([type(result.value) is Answer and result.value.value for result in results])
"""
EXPECTED = "driver runs\n[]\n[42, 42, 42, 42]\n"

# Prints the ids of its worker and of what the worker has started, then waits for its end.
PARENT = """
import os, subprocess, sys, time
from automl.core import Job, JobKind
from automl.execute import ProcessExecutor

def family(path):
    quiet = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], **quiet)
    with open(path, "w") as file:
        file.write(f"{os.getpid()} {child.pid}\\n")
    while True:
        pass

path = sys.argv[1]
executor = ProcessExecutor(1)
executor.submit(Job(0, JobKind.CALL, None, None, lambda: family(path)))
while True:
    try:
        executor.collect(None)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        break
"""


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE  # an orphan that a container's init never reaps
    except psutil.NoSuchProcess:
        return True


def wait_until(claim):
    until = time.monotonic() + 30
    while not claim():
        assert time.monotonic() < until, "waited 30 s in vain"
        threading.Event().wait(0.01)


def run_python(*arguments, **settings):
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60, **settings)
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


def test_a_script_without_main_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    assert run_python(str(script)) == EXPECTED


def test_python_c():
    assert run_python("-c", SCRIPT) == EXPECTED


def test_standard_input():
    assert run_python("-", input=SCRIPT) == EXPECTED


def test_a_module_run_with_m(tmp_path):
    (tmp_path / "tool.py").write_text(SCRIPT)
    assert run_python("-m", "tool", cwd=tmp_path) == EXPECTED


def test_warnings_as_errors_and_development_mode():
    assert run_python("-W", "error", "-X", "dev", "-c", SCRIPT) == EXPECTED


def test_a_file_named_like_the_standard_library_in_the_current_folder(tmp_path):
    (tmp_path / "json.py").write_text("raise RuntimeError('wrong json')")
    script = tmp_path / "elsewhere" / "script.py"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    assert run_python(str(script), cwd=tmp_path) == EXPECTED


def test_a_module_beside_the_script_is_found_by_workers(tmp_path):
    (tmp_path / "mine.py").write_text("def metric():\n    return 42\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import mine\nfrom automl.core import Job, JobKind\nfrom automl.execute import ProcessExecutor\n"
        "executor = ProcessExecutor(1)\n"
        "executor.submit(Job(0, JobKind.CALL, None, None, mine.metric))\n"
        "print(executor.collect(60)[0].value)\n"
    )
    assert run_python(str(script), cwd="/") == "42\n"


def test_inside_a_child_of_multiprocessing(tmp_path):
    script = tmp_path / "script.py"
    body = SCRIPT[SCRIPT.index('print("driver') :].replace("\n", "\n    ")
    script.write_text(
        SCRIPT[: SCRIPT.index('print("driver')]
        + f"def fit():\n    {body}\n"
        + "import multiprocessing\nif __name__ == '__main__':\n"
        + "    child = multiprocessing.get_context('spawn').Process(target=fit)\n    child.start()\n    child.join()\n"
    )
    assert run_python(str(script)) == EXPECTED


@pytest.fixture
def parent(tmp_path):
    pids = tmp_path / "pids"
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    process = subprocess.Popen([sys.executable, str(script), str(pids)], stdout=subprocess.PIPE, text=True)
    wait_until(lambda: pids.exists() and pids.read_text().endswith("\n"))
    workers = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    family = {*map(int, pids.read_text().split()), *workers}
    assert len(family) >= 2
    yield process, family
    process.kill()
    process.communicate()


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_killed_driver_leaves_no_process(parent, signum):
    process, family = parent
    os.kill(process.pid, signum)
    wait_until(lambda: all(gone(pid) for pid in family))


def test_an_interrupt_reaches_the_driver_and_its_exit_ends_the_workers(parent):
    process, family = parent
    os.kill(process.pid, signal.SIGINT)
    assert process.communicate(timeout=30)[0] == "interrupted\n"
    assert process.returncode == 0
    wait_until(lambda: all(gone(pid) for pid in family))


@pytest.mark.parametrize("ending", ["", "raise SystemExit(0)", "import os; os._exit(0)"])
def test_a_driver_that_never_closes_ends_without_waiting_for_jobs(ending):
    code = (
        "import os\nfrom automl.core import Job, JobKind\nfrom automl.execute import ProcessExecutor\n"
        "executor = ProcessExecutor(1)\n"
        "def hang():\n    while True: pass\n"
        "executor.submit(Job(0, JobKind.CALL, None, None, os.getpid))\n"
        "print(executor.collect(60)[0].value, flush=True)\n"
        "executor.submit(Job(1, JobKind.CALL, None, None, hang))\n"
        "executor.collect(0.2)\n"
    )
    pid = int(run_python("-c", code + ending))
    wait_until(lambda: gone(pid))


def test_a_forked_child_of_the_driver_does_not_end_its_workers():
    code = (
        "import os\nfrom automl.core import Job, JobKind\nfrom automl.execute import ProcessExecutor\n"
        "executor = ProcessExecutor(1)\n"
        "def pid():\n    executor.submit(Job(0, JobKind.CALL, None, None, os.getpid))\n"
        "    return executor.collect(60)[0].value\n"
        "before = pid()\n"
        "if os.fork() == 0:\n    raise SystemExit\n"
        "os.wait()\n"
        "print(pid() == before)\n"
    )
    assert run_python("-c", code) == "True\n"
