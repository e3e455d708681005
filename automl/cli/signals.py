"""Signals that ask a fit to end: it then saves the best model so far."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

__all__ = ["Asked", "stop_when_asked"]

TERMINATED = 143  # 128 + SIGTERM
INTERRUPTED = 130  # 128 + SIGINT


@dataclass
class Asked:
    """Whether somebody asked for the end by SIGTERM."""

    terminated: bool = False

    def code(self, stopped: str) -> int:
        """Return the exit code of a fit that saved its model: 0, or 130 or 143 where it was asked to end early.

        Somebody who sent SIGTERM is told so even where the search was over by then.
        """
        if self.terminated:
            return TERMINATED
        return INTERRUPTED if stopped == "interrupted" else 0


@contextmanager
def stop_when_asked() -> Iterator[Asked]:
    """Answer SIGTERM as Ctrl-C is answered: the first ends the search, a second one stops at once."""
    asked = Asked()

    def on_signal(*_: Any) -> None:
        asked.terminated = True
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only there signals can be handled
        yield asked
        return
    earlier = signal.signal(signal.SIGTERM, on_signal)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, earlier)
