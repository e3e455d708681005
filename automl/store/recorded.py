"""The events of a finished run as a value."""

from __future__ import annotations

from dataclasses import dataclass

from automl.core import Event, StoreError

__all__ = ["RecordedJournal"]


@dataclass(frozen=True)
class RecordedJournal:
    """A journal that can be pickled and only be read.

    Examples
    --------
    >>> from automl.core import Event
    >>> from automl.store import RecordedJournal
    >>> RecordedJournal((Event("plan"), Event("finished"))).read(after=1)
    [(2, Event(kind='finished', data={}, seconds=0.0))]
    """

    events: tuple[Event, ...]

    def append(self, event: Event) -> int:
        """Refuse: the run is over."""
        raise StoreError("the fit is finished; its journal is read-only")

    def read(self, after: int = 0) -> list[tuple[int, Event]]:
        """Return (number, event) for all entries with a greater number than ``after``, in order."""
        return list(enumerate(self.events, start=1))[after:]

    def close(self) -> None:
        """Nothing is open."""
