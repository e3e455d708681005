import socket

import pytest

from automl.execute.messages import Inbox, pack


@pytest.fixture
def pair():
    left, right = socket.socketpair()
    yield left, right
    left.close()
    right.close()


def receive(inbox, connection):
    while (message := inbox.receive(connection)) is None:
        pass
    return message


@pytest.mark.parametrize("body", [b"", b"short", b"x" * 100_000])
def test_what_is_packed_arrives(pair, body):
    left, right = pair
    inbox = Inbox()
    for number in range(3):
        for piece in pack(("job", number), body):
            left.sendall(piece)
        head, received = receive(inbox, right)
        assert (head, bytes(received)) == (("job", number), body)


def test_an_incomplete_message_can_be_continued(pair):
    left, right = pair
    inbox = Inbox()
    [whole] = pack(("job",), b"body")
    for byte in whole[:-1]:
        left.sendall(bytes([byte]))
        assert inbox.receive(right) is None
    left.sendall(whole[-1:])
    assert bytes(inbox.receive(right)[1]) == b"body"


def test_a_closed_connection_is_an_end_of_file(pair):
    left, right = pair
    left.close()
    with pytest.raises(EOFError):
        Inbox().receive(right)


def test_bytes_that_are_no_message_are_refused(pair):
    left, right = pair
    left.sendall(b"\xff" * 12)
    with pytest.raises(ValueError, match="not a message"):
        Inbox().receive(right)
