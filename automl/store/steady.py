"""A journal that a run can rely on: what cannot be written any more is kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from automl.core import Event, Journal, StoreError
from automl.store.journal import as_written

__all__ = ["SteadyJournal"]


class SteadyJournal:
    """Writes to another journal and keeps all events in memory too; goes on alone when the other one fails.

    Parameters
    ----------
    inner : Journal
    say : callable
        Called once with a sentence for the user when ``inner`` fails.
    earlier : sequence of Event
        What ``inner`` already holds.
    """

    def __init__(self, inner: Journal, say: Callable[[str], None], earlier: Sequence[Event] = ()) -> None:
        self._inner: Journal | None = inner
        self._say = say
        self._events = list(earlier)

    def append(self, event: Event) -> int:
        """Keep one event and return its number, counted from 1."""
        self._events.append(as_written(event))
        if self._inner is not None:
            try:
                self._inner.append(event)
            except StoreError as error:
                self.close()
                self._say(f"the run is no longer written down and cannot be resumed: {error}")
        return len(self._events)

    def read(self, after: int = 0) -> list[tuple[int, Event]]:
        """Return (number, event) for all entries with a greater number than ``after``, in order."""
        return list(enumerate(self._events, start=1))[after:]

    def close(self) -> None:
        """Close the other journal; may be called twice."""
        inner, self._inner = self._inner, None
        if inner is not None:
            inner.close()
