"""Messages between driver and worker: a small pickled head and an opaque body, each with its length first.

Both sides use this module; it imports nothing heavy.
"""

from __future__ import annotations

import pickle
import socket
import struct
from dataclasses import dataclass
from typing import Any

__all__ = ["Answer", "Inbox", "Message", "pack"]

_LENGTHS = struct.Struct("!IQ")
_LONGEST = 1 << 40  # bytes; anything above is a stream that user code has written into

Message = tuple[tuple[Any, ...], memoryview]


@dataclass(frozen=True)
class Answer:
    """How a payload ended in a worker. ``status`` is the text of a Status; ``retire``: the worker ends itself now."""

    status: str
    error: str | None
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    retire: bool = False


def pack(head: tuple[Any, ...], body: bytes = b"") -> list[memoryview]:
    """Return the pieces to send, in order; the body is not copied."""
    pickled = pickle.dumps(head, protocol=5)
    start = _LENGTHS.pack(len(pickled), len(body)) + pickled
    if len(body) < 16_384:
        return [memoryview(start + body)]
    return [memoryview(start), memoryview(body)]


class Inbox:
    """Collects one message at a time from a socket, blocking or not."""

    def __init__(self) -> None:
        self._expect(bytearray(_LENGTHS.size), 0)

    def _expect(self, buffer: bytearray, head_size: int) -> None:
        self._buffer = buffer
        self._view = memoryview(buffer)
        self._filled = 0
        self._head_size = head_size

    def receive(self, connection: socket.socket) -> Message | None:
        """Read once; return the message if it is complete now.

        Raises EOFError when the other side has closed, BlockingIOError when nothing is there on a non-blocking socket,
        and ValueError for bytes that are no message.
        """
        count = connection.recv_into(self._view[self._filled :])
        if count == 0:
            raise EOFError("the other side has closed the connection")
        self._filled += count
        if self._filled < len(self._buffer):
            return None
        if not self._head_size:
            head_size, body_size = _LENGTHS.unpack(self._buffer)
            if not 0 < head_size + body_size < _LONGEST:
                raise ValueError("what came is not a message")
            self._expect(bytearray(head_size + body_size), head_size)
            return None
        whole, head_size = self._view, self._head_size
        self._expect(bytearray(_LENGTHS.size), 0)
        return pickle.loads(whole[:head_size]), whole[head_size:]
