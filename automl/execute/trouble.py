"""What an exception of user code means for a job: a status and one line."""

from __future__ import annotations

__all__ = ["describe"]

_LONGEST = 300  # characters


def describe(error: BaseException, doing: str = "") -> tuple[str, str]:
    """Return (status, one line) for what a payload raised; ``doing`` says what was being done if not the payload."""
    try:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    except BaseException:  # a message that cannot even be printed must not cost the job
        lines = []
    text = ": ".join([type(error).__name__, *lines[:1]])
    # LightGBM reports C++'s failed allocation as its own error.
    short_of_memory = isinstance(error, MemoryError) or "bad_alloc" in text
    return ("memory" if short_of_memory else "crashed"), f"{doing}{text}"[:_LONGEST]
