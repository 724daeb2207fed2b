"""What can go wrong, as exceptions. Each has a sentence that names the thing, the value and the remedy."""

from __future__ import annotations

import enum


class ErrorCode(enum.IntEnum):
    """The error codes of the protocol (docs/protocol.md, 6). A later version may send others, as plain numbers."""

    PROTOCOL_VIOLATION = 1
    VERSION_MISMATCH = 2
    WRONG_KEY = 3
    NOT_ALLOWED = 4
    TOO_MANY_SUBSCRIBERS = 5
    MEMORY_LIMIT = 6
    TOO_MANY_CREDITS = 7
    LOSSLESS_REFUSED = 8
    MEMORY_UNREACHABLE = 9
    HANDSHAKE_TIMEOUT = 10
    TOO_SLOW = 11
    INTERNAL = 12
    NO_PACKETS = 13


#: Codes that trying again mends, perhaps: for 5, 6, 10, 11, 12. An unknown code is taken for one of these.
_FINAL = frozenset((1, 2, 3, 4, 7, 8, 9, 13))


def worth_retrying(code: int) -> bool:
    """Whether a subscriber that was refused with this code may try again."""
    return code not in _FINAL


def code_name(code: int) -> str:
    """The code's name; an unknown one's number."""
    try:
        return ErrorCode(code).name
    except ValueError:
        return f"error {code}"


class Error(Exception):
    """The base of all errors of this package. ``code`` is the protocol's number, or None where there is none."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class NoPublisherError(Error):
    """Nobody publishes under this key, or did not answer in time."""


class RefusedError(Error):
    """The publisher said no, or ended the subscription with an error that trying again does not mend."""


class ProtocolError(Error):
    """The publisher broke the protocol; this side has told it so and left."""

    def __init__(self, message: str, code: int = ErrorCode.PROTOCOL_VIOLATION) -> None:
        super().__init__(message, code)


class MemoryUnreachableError(ProtocolError):
    """The frames live where this process cannot read them."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ErrorCode.MEMORY_UNREACHABLE)


class CudaError(Error):
    """A call of the CUDA driver failed. ``function`` and ``result`` (a CUresult) say which and how."""

    def __init__(self, message: str, function: str = "", result: int = 0) -> None:
        super().__init__(message)
        self.function = function
        self.result = result


class NoCreditError(Error):
    """The application holds as many frames as it has credits: none can come."""


class ClosedError(Error):
    """The subscriber or the frame is closed, or the frame's lease has ended."""
