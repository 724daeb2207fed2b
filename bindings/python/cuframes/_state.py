"""What a subscriber can be doing, and what it can ask for."""

from __future__ import annotations

import enum

from ._session import Mode

MOST_CREDITS = 64


class State(enum.IntEnum):
    """docs/protocol.md, 5.4."""

    DISCONNECTED = 1
    CONNECTING = 2
    HANDSHAKE = 3
    STREAMING = 4
    REFUSED = 5
    CLOSED = 6


EDGES: dict[State, set[State]] = {
    State.DISCONNECTED: {State.CONNECTING, State.CLOSED},
    State.CONNECTING: {State.HANDSHAKE, State.DISCONNECTED, State.CLOSED},
    State.HANDSHAKE: {State.STREAMING, State.DISCONNECTED, State.REFUSED, State.CLOSED},
    State.STREAMING: {State.DISCONNECTED, State.REFUSED, State.CLOSED},
    State.REFUSED: {State.CLOSED},
    State.CLOSED: set(),
}


def parse_policy(policy: str) -> tuple[Mode, int]:
    """Mode and depth of ``latest``, ``fifo:N`` or ``lossless``."""
    if policy == "latest":
        return Mode.LATEST, 0
    if policy == "lossless":
        return Mode.LOSSLESS, 0
    name, _, depth = policy.partition(":")
    if name == "fifo" and depth.isascii() and depth.isdigit() and 1 <= int(depth) < MOST_CREDITS:
        return Mode.FIFO, int(depth)
    raise ValueError(f"{policy!r} is no policy; there are latest, fifo:N with N from 1 to 63, and lossless")
