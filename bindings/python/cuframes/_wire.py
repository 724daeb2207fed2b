"""Messages of the control socket (docs/protocol.md, 3 and 4): the only place that parses or builds them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from .errors import ProtocolError
from .formats import FORMATS, MemoryKind, PixelFormat

MAGIC = 0x52465543
MAJOR = 1
MINOR = 1

HEADER = struct.Struct("<IHH")
MAX_BODY = 65528
MAX_DESCRIPTORS = 60
MAX_TEXT = 1024
MAX_GPUS = 64

HELLO, WELCOME, MEMORY, ACK, DOORBELL, REQUEST, ERROR, BYE = range(1, 9)
NAMES = {1: "HELLO", 2: "WELCOME", 3: "MEMORY", 4: "ACK", 5: "DOORBELL", 6: "REQUEST", 7: "ERROR", 8: "BYE"}

(
    T_PROTOCOL, T_LIBRARY, T_KEY, T_NAME, T_ROLE, T_DELIVERY, T_KINDS, T_EPOCH, T_RING, T_SUBSCRIBER,
    T_GENERATION, T_STREAM, T_SLAB, T_ERROR, T_TEXT, T_REASON, T_GPU, T_PID,
) = range(1, 19)  # fmt: skip

_TEXTS = frozenset((T_LIBRARY, T_KEY, T_NAME, T_TEXT))
_SIZES = {
    T_PROTOCOL: 8, T_ROLE: 4, T_DELIVERY: 12, T_KINDS: 4, T_EPOCH: 8, T_RING: 8, T_SUBSCRIBER: 16, T_GENERATION: 4,
    T_STREAM: 80, T_SLAB: 16, T_ERROR: 4, T_REASON: 4, T_GPU: 16, T_PID: 4,
}  # fmt: skip

ROLE_SUBSCRIBER, ROLE_OBSERVER = 1, 2
REASON_CLOSING, REASON_END_OF_STREAM = 1, 2

_FIELD = struct.Struct("<HH")
_PROTOCOL = struct.Struct("<IHH")
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_SUBSCRIBER = struct.Struct("<QII")
_SLAB = struct.Struct("<IIQ")
_STREAM = struct.Struct("<8I4BIQ8I")
_DELIVERY = struct.Struct("<III")

_BELOW = 1 << 31
_MAX_SIDE = 32768


@dataclass(frozen=True)
class Hello:
    """What a subscriber or observer says first. ``delivery`` is (mode, depth, credits), None of an observer."""

    version: tuple[int, int]
    library: str
    key: str
    name: str
    role: int
    delivery: tuple[int, int, int] | None
    memory_kinds: int
    pid: int = 0
    gpus: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Welcome:
    """The publisher's answer; ``subscriber`` is (id, index, credits)."""

    version: tuple[int, int]
    library: str
    epoch: int
    ring_size: int
    subscriber: tuple[int, int, int]


@dataclass(frozen=True)
class Stream:
    """A generation's geometry; checked, so that all planes lie inside the slot."""

    width: int
    height: int
    format: PixelFormat
    memory_kind: MemoryKind
    time_base: tuple[int, int]
    frame_rate: tuple[int, int]
    full_range: bool
    primaries: int
    transfer: int
    matrix: int
    slot_size: int
    #: (offset, pitch) of each plane that the format has
    planes: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Memory:
    """A generation and slabs, each (number, bytes)."""

    generation: int
    stream: Stream
    slabs: tuple[tuple[int, int], ...]
    gpu: bytes | None = None


@dataclass(frozen=True)
class Ack:
    """Generation ``generation`` is mapped; 0: the greeting is."""

    generation: int


@dataclass(frozen=True)
class Failure:
    """ERROR, the sender's last word."""

    version: tuple[int, int]
    code: int
    text: str

    @property
    def printable(self) -> str:
        """The text without what could confuse a terminal."""
        return "".join(c if c.isprintable() else "?" for c in self.text)


@dataclass(frozen=True)
class Bye:
    """The orderly end."""

    reason: int


@dataclass(frozen=True)
class Doorbell:
    """Look at the page."""


@dataclass(frozen=True)
class Request:
    """Look at my page."""


Message = Hello | Welcome | Memory | Ack | Failure | Bye | Doorbell | Request

_TYPE_OF: dict[type, int] = {
    Hello: HELLO, Welcome: WELCOME, Memory: MEMORY, Ack: ACK, Doorbell: DOORBELL, Request: REQUEST, Failure: ERROR, Bye: BYE,
}  # fmt: skip


def name_of(message: Message) -> str:
    """As in the protocol's table."""
    return NAMES[_TYPE_OF[type(message)]]


# ---- building


def encode(message: Message, descriptors: int = 0) -> bytes:
    """Header and body. ``descriptors`` is how many go with it."""
    fields = b"".join(_FIELD.pack(tag, len(value)) + value for tag, value in _fields(message))
    if len(fields) > MAX_BODY:
        raise ValueError(f"a message of {len(fields)} bytes; at most {MAX_BODY} fit")
    return HEADER.pack(len(fields), _TYPE_OF[type(message)], descriptors) + fields


def _protocol(version: tuple[int, int]) -> bytes:
    return _PROTOCOL.pack(MAGIC, *version)


def shorten(text: str, limit: int) -> str:
    """Cut to so many bytes of UTF-8, between characters."""
    return text.encode()[:limit].decode(errors="ignore")


def _fields(message: Message) -> Iterator[tuple[int, bytes]]:
    # in the order of the protocol's table of messages
    if isinstance(message, Hello):
        yield T_PROTOCOL, _protocol(message.version)
        yield T_LIBRARY, message.library.encode()
        yield T_KEY, message.key.encode()
        yield T_NAME, message.name.encode()
        yield T_ROLE, _U32.pack(message.role)
        if message.delivery is not None:
            yield T_DELIVERY, _DELIVERY.pack(*message.delivery)
        yield T_KINDS, _U32.pack(message.memory_kinds)
        if message.pid:
            yield T_PID, _U32.pack(message.pid)
        for gpu in message.gpus:
            yield T_GPU, gpu
    elif isinstance(message, Welcome):
        yield T_PROTOCOL, _protocol(message.version)
        yield T_LIBRARY, message.library.encode()
        yield T_EPOCH, _U64.pack(message.epoch)
        yield T_RING, _U64.pack(message.ring_size)
        yield T_SUBSCRIBER, _SUBSCRIBER.pack(*message.subscriber)
    elif isinstance(message, Memory):
        yield T_GENERATION, _U32.pack(message.generation)
        yield T_STREAM, _pack_stream(message.stream)
        if message.gpu is not None:
            yield T_GPU, message.gpu
        for number, size in message.slabs:
            yield T_SLAB, _SLAB.pack(number, 0, size)
    elif isinstance(message, Ack):
        yield T_GENERATION, _U32.pack(message.generation)
    elif isinstance(message, Failure):
        yield T_PROTOCOL, _protocol(message.version)
        yield T_ERROR, _U32.pack(message.code)
        yield T_TEXT, shorten(message.text, MAX_TEXT).encode()
    elif isinstance(message, Bye):
        yield T_REASON, _U32.pack(message.reason)


def _pack_stream(stream: Stream) -> bytes:
    planes = [number for plane in stream.planes for number in plane]
    return _STREAM.pack(
        stream.width, stream.height, stream.format, stream.memory_kind, *stream.time_base, *stream.frame_rate,
        stream.full_range, stream.primaries, stream.transfer, stream.matrix, 0, stream.slot_size,
        *planes, *[0] * (8 - len(planes)),
    )  # fmt: skip


# ---- parsing


@dataclass
class _Body:
    name: str
    values: dict[int, bytes] = field(default_factory=dict)
    slabs: list[bytes] = field(default_factory=list)
    gpus: list[bytes] = field(default_factory=list)

    def need(self, tag: int) -> bytes:
        value = self.values.get(tag)
        if value is None:
            raise ProtocolError(f"{self.name} has no field {tag}")
        return value

    def u32(self, tag: int) -> int:
        return int(_U32.unpack_from(self.need(tag))[0])

    def u64(self, tag: int) -> int:
        return int(_U64.unpack_from(self.need(tag))[0])

    def text(self, tag: int) -> str:
        value = self.need(tag)
        try:
            text = value.decode()
        except UnicodeDecodeError:
            raise ProtocolError(f"field {tag} of {self.name} is not UTF-8") from None
        if "\0" in text or len(value) > MAX_TEXT:
            raise ProtocolError(f"field {tag} of {self.name} has a NUL, or {len(value)} bytes of at most {MAX_TEXT}")
        return text

    def version(self) -> tuple[int, int]:
        magic, major, minor = _PROTOCOL.unpack_from(self.need(T_PROTOCOL))
        if magic != MAGIC:
            raise ProtocolError(f"PROTOCOL of {self.name} begins with {magic:#x}, not {MAGIC:#x}")
        return major, minor


def _split(name: str, body: bytes) -> _Body:
    result = _Body(name)
    at = 0
    while at < len(body):
        if len(body) - at < _FIELD.size:
            raise ProtocolError(f"{name} ends inside a field's header")
        tag, length = _FIELD.unpack_from(body, at)
        at += _FIELD.size
        if length > len(body) - at:
            raise ProtocolError(f"field {tag} of {name} reaches {length - (len(body) - at)} bytes beyond the body")
        value = body[at : at + length]
        at += length
        if length < _SIZES.get(tag, 0):
            raise ProtocolError(f"field {tag} of {name} has {length} bytes; {_SIZES[tag]} are needed")
        if tag == T_SLAB:
            result.slabs.append(value)
        elif tag == T_GPU:
            result.gpus.append(value[:16])
        elif tag in _SIZES or tag in _TEXTS:
            result.values.setdefault(tag, value)  # of a field that comes twice the first counts
    return result


def decode(kind: int, body: bytes) -> Message | None:
    """A message by its type and body; None for a type that a later version may have added.

    Raises ProtocolError where a field is missing, too short, or out of range.
    """
    name = NAMES.get(kind)
    if name is None:
        return None
    fields = _split(name, body)
    if kind == WELCOME:
        # first of all: another major version may have other fields
        major, minor = fields.version()
        if major != MAJOR:
            raise ProtocolError(
                f"the publisher speaks protocol {major}.{minor}, this side {MAJOR}.{MINOR}; update the older of the two", 2
            )
        number, index, credits = _SUBSCRIBER.unpack_from(fields.need(T_SUBSCRIBER))
        return Welcome(
            (major, minor), fields.text(T_LIBRARY), fields.u64(T_EPOCH), fields.u64(T_RING), (number, index, credits)
        )
    if kind == MEMORY:
        return _memory(fields)
    if kind == ACK:
        return Ack(fields.u32(T_GENERATION))
    if kind == ERROR:
        return Failure(fields.version(), fields.u32(T_ERROR), fields.text(T_TEXT))
    if kind == BYE:
        return Bye(fields.u32(T_REASON))
    if kind == HELLO:
        return _hello(fields)
    return Doorbell() if kind == DOORBELL else Request()


def _hello(fields: _Body) -> Hello:
    role = fields.u32(T_ROLE)
    if role not in (ROLE_SUBSCRIBER, ROLE_OBSERVER):
        raise ProtocolError(f"ROLE of HELLO is {role}")
    if len(fields.gpus) > MAX_GPUS:
        raise ProtocolError(f"HELLO names {len(fields.gpus)} GPUs; at most {MAX_GPUS} are possible")
    delivery = None
    if role == ROLE_SUBSCRIBER:
        mode, depth, credits = _DELIVERY.unpack_from(fields.need(T_DELIVERY))
        delivery = (mode, depth, credits)
    return Hello(
        fields.version(), fields.text(T_LIBRARY), fields.text(T_KEY), fields.text(T_NAME), role, delivery,
        fields.u32(T_KINDS), fields.u32(T_PID) if T_PID in fields.values else 0, tuple(fields.gpus),
    )  # fmt: skip


def _memory(fields: _Body) -> Memory:
    generation = fields.u32(T_GENERATION)
    if not 1 <= generation < _BELOW:
        raise ProtocolError(f"MEMORY announces generation {generation}; they begin with 1 and are below 2^31")
    slabs = []
    for value in fields.slabs:
        number, _, size = _SLAB.unpack_from(value)
        if number >= _BELOW or not 0 < size < 1 << 48:
            raise ProtocolError(f"MEMORY brings slab {number} of {size} bytes, which cannot be")
        slabs.append((number, size))
    stream = _stream(fields.need(T_STREAM))
    gpu = fields.gpus[0] if fields.gpus else None
    if stream.memory_kind != MemoryKind.HOST and gpu is None:
        raise ProtocolError(f"MEMORY of kind {stream.memory_kind.name} does not say on which GPU it lies")
    return Memory(generation, stream, tuple(slabs), gpu)


def _stream(value: bytes) -> Stream:
    numbers = _STREAM.unpack_from(value)
    width, height, pixel_format, kind, tick, ticks, frames, seconds, full, primaries, transfer, matrix = numbers[:12]
    if not (1 <= width <= _MAX_SIDE and 1 <= height <= _MAX_SIDE):
        raise ProtocolError(f"STREAM is {width} x {height}; 1 to {_MAX_SIDE} are possible")
    if tick == 0 or ticks == 0 or seconds == 0:
        raise ProtocolError(f"STREAM has the time base {tick}/{ticks} and the frame rate {frames}/{seconds}")
    try:
        known = PixelFormat(pixel_format)
        memory = MemoryKind(kind)
    except ValueError:
        raise ProtocolError(
            f"STREAM has pixel format {pixel_format} in memory of kind {kind}, which this version does not know; "
            "update cuframes here"
        ) from None
    size = numbers[13]
    planes = check_planes(known, width, height, size, numbers[14:])
    return Stream(
        width, height, known, memory, (tick, ticks), (frames, seconds), full == 1, primaries, transfer, matrix, size,
        planes,
    )  # fmt: skip


def check_planes(
    pixel_format: PixelFormat, width: int, height: int, size: int, numbers: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    """(offset, pitch) of each plane, if all lie inside a slot of that size."""
    if not 0 < size <= _BELOW:
        raise ProtocolError(f"a slot of {size} bytes; 1 to 2^31 are possible")
    info = FORMATS[pixel_format]
    planes = []
    for plane in range(len(info.channels)):
        offset, pitch = numbers[2 * plane], numbers[2 * plane + 1]
        row = info.row_bytes(plane, width)
        rows = info.size(plane, width, height)[1]
        if pitch < row or offset + (rows - 1) * pitch + row > size:
            raise ProtocolError(
                f"plane {plane} of {pixel_format.name} {width} x {height} at {offset} with pitch {pitch} does not "
                f"lie inside a slot of {size} bytes"
            )
        planes.append((offset, pitch))
    return tuple(planes)
