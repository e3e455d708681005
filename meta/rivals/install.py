"""Each rival in an environment of its own. Standard library only."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from systems import ENVIRONMENTS, home, python_of

__all__ = ["install"]


def install(names: Sequence[str]) -> int:
    """Make the environments that are not there yet; return how many could not be made."""
    failed = 0
    (home() / "logs").mkdir(parents=True, exist_ok=True)
    for name in names:
        done = home() / name / "installed"
        wanted = "\n".join(ENVIRONMENTS[name])
        if done.exists() and done.read_text() == wanted:
            print(f"{name}: there already")
            continue
        log = home() / "logs" / f"{name}.log"
        python = str(python_of(name))
        steps = [[sys.executable, "-m", "venv", "--clear", str(home() / name)]]
        steps += [[python, "-m", "pip", "install", "--quiet", *line.split()] for line in ENVIRONMENTS[name]]
        with log.open("w") as file:
            fine = all(subprocess.run(step, stdout=file, stderr=subprocess.STDOUT).returncode == 0 for step in steps)
        if fine:
            done.write_text(wanted)
        failed += not fine
        print(f"{name}: {'installed' if fine else f'failed, see {log}'}", flush=True)
    return failed
