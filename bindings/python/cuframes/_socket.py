"""The control socket: framing and descriptors (docs/protocol.md, 3). Nothing here blocks."""

from __future__ import annotations

import array
import errno
import logging
import os
import socket
import threading
from collections import deque

from ._wire import HEADER, MAX_BODY, MAX_DESCRIPTORS, Message, encode
from .errors import ProtocolError

_LOG = logging.getLogger("cuframes")
_CHUNK = 65536
_MOST_UNSENT = 4096


class ControlSocket:
    """A connection. One thread receives; any may send."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        self._input = bytearray()
        self._files: deque[int] = deque()
        self._unsent = bytearray()
        self._queue: deque[bytes] = deque()
        self._lock = threading.Lock()
        self.broken = False
        try:
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """For poll."""
        return self._socket.fileno()

    @property
    def has_unsent(self) -> bool:
        """Whether something waits for the peer to read."""
        return bool(self._unsent or self._queue)

    def send(self, message: Message) -> None:
        """Sends what the socket takes; the rest goes later. A connection that has ended is found out by receiving."""
        self._queue.append(encode(message))  # atomic: a finalizer may come here in the middle of a flush
        self.flush()

    def flush(self) -> None:
        """Goes on with what was not sent. Who finds the lock taken leaves it to the holder."""
        while self.has_unsent and self._lock.acquire(blocking=False):
            try:
                if not self._flush():
                    return
            finally:
                self._lock.release()

    def _flush(self) -> bool:
        """Whether all was sent that was there."""
        while self._queue:
            self._unsent += self._queue.popleft()
        if len(self._unsent) > _MOST_UNSENT:
            self.broken = True  # a publisher that reads nothing is as good as gone
        try:
            while self._unsent and not self.broken:
                del self._unsent[: self._socket.send(self._unsent, socket.MSG_NOSIGNAL)]
        except BlockingIOError:
            return False
        except OSError:
            _LOG.debug("a message could not be sent", exc_info=True)  # what the peer had said before can still be read
        self._unsent.clear()
        return True

    def fill(self) -> bool | None:
        """Reads once. True if something came, False if there is nothing, None at the end."""
        try:
            data, ancillary, flags, _ = self._socket.recvmsg(
                _CHUNK, socket.CMSG_SPACE((MAX_DESCRIPTORS + 1) * 4), socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return None if self.broken else False
        except InterruptedError:
            return True
        except OSError as e:
            if e.errno in (errno.ECONNRESET, errno.EPIPE, errno.EBADF, errno.ENOTCONN):
                self.broken = True
                return None
            raise
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(payload[: len(payload) // numbers.itemsize * numbers.itemsize])
                self._files.extend(numbers)
        if flags & socket.MSG_CTRUNC or len(self._files) > 2 * MAX_DESCRIPTORS:
            raise ProtocolError(f"more than {MAX_DESCRIPTORS} descriptors came with a message")
        if not data:
            return None
        self._input += data
        return True

    def next(self) -> tuple[int, bytes, list[int]] | None:
        """The next whole message: type, body, descriptors (the caller's to close). None if there is none yet."""
        if len(self._input) < HEADER.size:
            if not self._input:
                self._refuse_strays()
            return None
        length, kind, count = HEADER.unpack_from(self._input)
        if length > MAX_BODY or count > MAX_DESCRIPTORS:
            raise ProtocolError(
                f"a message with {length} bytes and {count} descriptors; {MAX_BODY} and {MAX_DESCRIPTORS} are allowed"
            )
        # they come with its first byte, so all are here
        if count > len(self._files):
            raise ProtocolError(f"a message declares {count} descriptors, and {len(self._files)} came")
        end = HEADER.size + length
        if len(self._input) < end:
            return None
        body = bytes(self._input[HEADER.size : end])
        del self._input[:end]
        return kind, body, [self._files.popleft() for _ in range(count)]

    def _refuse_strays(self) -> None:
        if self._files:
            raise ProtocolError(f"{len(self._files)} descriptors came that no message declared")

    def close(self) -> None:
        """Ends the connection. A second call does nothing."""
        self._socket.close()
        while self._files:
            close_quietly(self._files.popleft())


def close_quietly(descriptor: int) -> None:
    """Closes a descriptor that came from outside; there is nobody to tell if that fails."""
    try:
        os.close(descriptor)
    except OSError:
        return
