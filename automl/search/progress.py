"""One quiet progress line on standard error."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TextIO

from automl.core import Event

__all__ = ["ProgressLine"]


class ProgressLine:
    """A listener that keeps one line up to date on a terminal; elsewhere it prints at most one line per tenth.

    Parameters
    ----------
    seconds : float or None
        The time budget, for the percentage.
    file : text stream, optional
        Standard error by default.
    """

    def __init__(self, seconds: float | None, file: TextIO | None = None) -> None:
        self._seconds = seconds
        self._file = file if file is not None else sys.stderr
        self._live = bool(getattr(self._file, "isatty", lambda: False)())
        self._sign, self._metric = 1, ""
        self._done = self._failed = 0
        self._best: tuple[float, str] | None = None
        self._ensemble: float | None = None
        self._last = 0.0
        self._part = ""

    def __call__(self, event: Event) -> None:
        with suppress(OSError, ValueError, AttributeError):  # a closed or missing stream must not end a fit
            self._see(event)

    def _see(self, event: Event) -> None:
        if event.kind in ("plan", "resumed"):
            self._metric, self._sign = event.data["metric"]["name"], event.data["metric"]["sign"]
        elif event.kind == "part":
            self._begin(event.data["text"])
        elif event.kind == "result":
            self._count(event)
        elif event.kind == "ensemble":
            self._ensemble = event.data["loss"]
        elif event.kind == "tick":
            self._show(event.seconds)
        elif event.kind == "finished":
            self._end()

    def _begin(self, part: str) -> None:
        """Begin with a search within the run, of which nothing is known yet."""
        self._part = f"{part}, "
        self._done = self._failed = 0
        self._best = self._ensemble = None

    def _count(self, event: Event) -> None:
        status, loss = event.data["status"], event.data["loss"]
        self._done += status in ("ok", "pruned")
        self._failed += status in ("crashed", "timeout", "memory", "invalid")
        if status == "ok" and loss is not None and (self._best is None or loss < self._best[0]):
            self._best = (loss, event.data["model"])

    def _line(self, seconds: float) -> str:
        clock = f"{seconds:.0f} s" if self._seconds is None else f"{seconds:.0f}/{self._seconds:.0f} s"
        best = "no model yet"
        if self._best is not None:
            best = f"best {self._metric} {-self._sign * self._best[0]:.5g} ({self._best[1]})"
        if self._ensemble is not None:
            best += f", ensemble {-self._sign * self._ensemble:.5g}"
        failed = f", {self._failed} failed" if self._failed else ""
        return f"automl: {clock}, {self._part}{self._done} trials{failed}, {best}"

    def _show(self, seconds: float) -> None:
        step = 0.5 if self._live else (self._seconds or 600.0) / 10
        if seconds - self._last < step:
            return
        self._last = seconds
        if self._live:
            self._file.write("\r\x1b[2K" + self._line(seconds))
        else:
            self._file.write(self._line(seconds) + "\n")
        self._file.flush()

    def _end(self) -> None:
        if self._live:
            self._file.write("\r\x1b[2K")
            self._file.flush()
