"""Signals that ask a fit to end: it then saves the best model so far."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

__all__ = ["INTERRUPTED", "TERMINATED", "Asked", "Terminated", "stop_when_asked", "while_saving"]

TERMINATED = 143  # 128 + SIGTERM
INTERRUPTED = 130  # 128 + SIGINT


class Terminated(KeyboardInterrupt):
    """SIGTERM, where it is answered as Ctrl-C is."""


@dataclass
class Asked:
    """Whether somebody asked for the end by a signal."""

    terminated: bool = False
    interrupted: bool = False
    saving: bool = False

    def code(self, stopped: str) -> int:
        """Return the exit code of a fit that saved its model: 0, or 130 or 143 where it was asked to end early.

        Somebody who sent a signal is told so even where the search was over by then.
        """
        if self.terminated:
            return TERMINATED
        return INTERRUPTED if self.interrupted or stopped == "interrupted" else 0

    def hear(self, number: int, _: Any) -> None:
        """Answer a signal: while a model is saved the first is only noted, as all is done that it asks for."""
        again = self.terminated or self.interrupted
        if number == signal.SIGTERM:
            self.terminated = True
        else:
            self.interrupted = True
        if self.saving and not again:
            return
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


@contextmanager
def stop_when_asked() -> Iterator[Asked]:
    """Answer SIGTERM as Ctrl-C is answered: the first ends the search, a second one stops at once."""
    asked = Asked()
    with _answered(signal.SIGTERM, asked):
        yield asked


@contextmanager
def while_saving(asked: Asked) -> Iterator[None]:
    """Let nothing that was asked once, by SIGTERM or Ctrl-C, keep a model from being saved that is there."""
    with _answered(signal.SIGINT, asked):
        asked.saving = True
        try:
            yield
        finally:
            asked.saving = False


@contextmanager
def _answered(number: signal.Signals, asked: Asked) -> Iterator[None]:
    # handled in the main thread only; one that is ignored (a shell's background) stays so
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(number) is signal.SIG_IGN:
        yield
        return
    earlier = signal.signal(number, asked.hear)
    try:
        yield
    finally:
        signal.signal(number, earlier)
