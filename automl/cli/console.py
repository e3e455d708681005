"""Entry point of the ``automl`` command: every way it can end, as an exit code and at most one line on stderr."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from automl.cli.signals import INTERRUPTED, TERMINATED, Terminated
from automl.core import InputError, NoModelError, StoreError

__all__ = ["main", "run"]

OK = 0
BAD_INPUT = 2
NO_MODEL = 3
UNEXPECTED = 4
LONGEST = 4_000  # characters of a message


def main() -> None:
    """Run the command line and exit the process."""
    code = run(sys.argv[1:])
    gc.freeze()  # the end of the interpreter would look through a whole ensemble for cycles: half a second
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code.

    0 done, 1 ``check`` has warnings or ``replay`` differs, 2 usage or bad input, 3 no model was found, 4 something
    unexpected, 130 interrupted, 143 terminated. With ``AUTOML_DEBUG=1`` in the environment exceptions are raised
    instead of being put into one line.
    """
    from automl.cli.app import app

    warnings.showwarning = _show_warning
    try:
        # Outside standalone mode typer returns the code of an early exit (--help) and raises everything else.
        code = app(args=list(arguments) or ["--help"], prog_name="automl", standalone_mode=False)
        sys.stdout.flush()
    except SystemExit:
        return _report(BrokenPipeError())  # how typer answers a reader that has gone; it exits for nothing else here
    except (KeyboardInterrupt, Exception) as error:
        if os.environ.get("AUTOML_DEBUG", "0") not in ("", "0"):
            raise
        return _report(error)
    return code if isinstance(code, int) else OK


def _report(error: BaseException) -> int:
    """Say in one line on stderr how the command ended, and return the exit code."""
    if isinstance(error, Terminated):
        return _say("terminated", TERMINATED)
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "Abort":
        return _say("interrupted", INTERRUPTED)
    if isinstance(error, BrokenPipeError):
        # The reader (`| head`) has gone; without this, closing stdout at exit would complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    if isinstance(error, (InputError, StoreError)):  # also a file that is damaged or cannot be written
        return _say(str(error), BAD_INPUT)
    if isinstance(error, NoModelError):
        return _say(str(error), NO_MODEL)
    describe = getattr(error, "format_message", None)  # typer's own errors, whichever package they live in
    if callable(describe):
        return _say(f"{describe()} (see: automl --help)", BAD_INPUT)
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return _say(f"{what} (set AUTOML_DEBUG=1 to see the traceback)", UNEXPECTED)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"automl: warning: {_line(str(message))}", file=sys.stderr)


def _say(message: str, code: int) -> int:
    print(f"automl: error: {_line(message)}", file=sys.stderr)
    return code


def _line(message: str) -> str:
    """Return one line that no column name or value in it can stretch without end, or use to command a terminal."""
    whole = " ".join(message.split())
    short = whole if len(whole) <= LONGEST else f"{whole[: LONGEST // 2]} ... {whole[-LONGEST // 4 :]}"
    return "".join(letter if letter.isprintable() else "?" for letter in short)
