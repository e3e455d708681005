"""What a run writes down while it works: one append-only sequence of events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["Event", "Journal", "Listener"]


@dataclass(frozen=True)
class Event:
    """One entry of the journal.

    Parameters
    ----------
    kind : str
        One of ``plan``, ``trial``, ``fold``, ``result``, ``ensemble``, ``decision``, ``health``, ``outer``,
        ``finished``.
    data : mapping
        JSON-able content.
    seconds : float
        Seconds since the start of the run; 0 in counted runs.
    """

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


class Listener(Protocol):
    """Sees every event as it happens. Called from the driver's thread; must return quickly; its errors stop the run."""

    def __call__(self, event: Event, /) -> None: ...


class Journal(Protocol):
    """Port: where events are kept. Append-only; one writer, any number of readers.

    ``append`` returns the number of the entry, counted from 1. ``read`` yields (number, event) for all entries with a
    greater number than ``after``, in order. ``close`` may be called twice.
    """

    def append(self, event: Event) -> int: ...

    def read(self, after: int = 0) -> list[tuple[int, Event]]: ...

    def close(self) -> None: ...
