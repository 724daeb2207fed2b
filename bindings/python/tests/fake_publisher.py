"""A publisher for tests, as small as one can be: it says what a test tells it, also what a publisher must not say."""

from __future__ import annotations

import fcntl
import mmap
import os
import shutil
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cuframes import MemoryKind, PixelFormat, _layout, _wire  # noqa: E402

WIDTH, HEIGHT, PITCH = 16, 8, 32
SLOTS = 8
SLOT_SIZE = PITCH * HEIGHT * 2
KEY = "fake"
EPOCH = 0x1234
PATIENCE = 20.0
_DESCRIPTORS_AT = 512
_METADATA_AT = _DESCRIPTORS_AT + SLOTS * 192
_SUBSCRIBERS_AT = _METADATA_AT + SLOTS * 64
RING_SIZE = _SUBSCRIBERS_AT + 128
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class File:
    """A sealed memory file."""

    def __init__(self, size: int, seal: bool = True) -> None:
        self.descriptor = os.memfd_create("fake", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
        os.ftruncate(self.descriptor, size)
        if seal:
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, _SEALS)
        self.bytes = mmap.mmap(self.descriptor, size)

    def close(self) -> None:
        os.close(self.descriptor)
        self.bytes.close()


def nv12(width: int = WIDTH, pixel_format: PixelFormat = PixelFormat.NV12) -> _wire.Stream:
    """A stream of small pictures."""
    return _wire.Stream(
        width, HEIGHT, pixel_format, MemoryKind.HOST, (1, 90000), (25, 1), False, 2, 2, 2, SLOT_SIZE,
        ((0, PITCH), (PITCH * HEIGHT, PITCH)),
    )  # fmt: skip


class FakePublisher:
    """One connection at a time. ``with FakePublisher() as publisher``."""

    def __init__(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="cuframes-python")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{self.directory}/{KEY}.sock")
        self._listener.listen(4)
        self._listener.settimeout(PATIENCE)
        self._connection: socket.socket | None = None
        self.files: list[File] = []
        self.begin(EPOCH)

    def begin(self, epoch: int) -> None:
        """A life of its own: a new ring, without a connection."""
        self.epoch = epoch
        self.ring = self._file(RING_SIZE)
        self.slabs: dict[int, File] = {}
        self.sequence = 0
        self.stream = nv12()
        struct.pack_into(
            "<IHHIIQQIIIII", self.ring.bytes, 0, _layout.RING_MAGIC, 1, 1, 1, 1, epoch, RING_SIZE, SLOTS, 1,
            _DESCRIPTORS_AT, _METADATA_AT, _SUBSCRIBERS_AT,
        )  # fmt: skip

    def _file(self, size: int) -> File:
        file = File(size)
        self.files.append(file)
        return file

    def accept(self) -> _wire.Hello:
        """The next connection's HELLO."""
        self._connection, _ = self._listener.accept()
        self._connection.settimeout(PATIENCE)
        self.delivered = 0
        self.leases = [0] * 64
        self.page = self._file(4096)
        struct.pack_into("<IHHQQII", self.page.bytes, 0, _layout.PAGE_MAGIC, 1, 1, self.epoch, 7, 64, 64)
        hello = self.receive()
        assert isinstance(hello, _wire.Hello)
        return hello

    def receive(self) -> _wire.Message | None:
        """The next message; None at the end."""
        assert self._connection is not None
        header = self._exactly(8)
        if header is None:
            return None
        length, kind, _ = _wire.HEADER.unpack(header)
        return _wire.decode(kind, self._exactly(length) or b"")

    def _exactly(self, count: int) -> bytes | None:
        assert self._connection is not None
        data = b""
        while len(data) < count:
            more = self._connection.recv(count - len(data))
            if not more:
                return None
            data += more
        return data

    def send(self, message: _wire.Message, *files: int) -> None:
        """With descriptors."""
        assert self._connection is not None
        socket.send_fds(self._connection, [_wire.encode(message, len(files))], list(files))

    def send_raw(self, data: bytes) -> None:
        """What may be no message."""
        assert self._connection is not None
        self._connection.sendall(data)

    def welcome(self, version: tuple[int, int] = (1, 1), credits: int = 4) -> None:
        self.send(
            _wire.Welcome(version, "fake", self.epoch, RING_SIZE, (7, 0, credits)),
            self.ring.descriptor, self.page.descriptor,
        )  # fmt: skip

    def memory(self, generation: int, stream: _wire.Stream, slab: int, first: int = 0, last: int = SLOTS) -> None:
        """Announces a generation with one slab for some slots."""
        self.stream = stream
        file = self.slabs[slab] = self._file(SLOT_SIZE * (last - first))
        for slot in range(first, last):
            at = _DESCRIPTORS_AT + slot * 192
            struct.pack_into("<IIQ", self.ring.bytes, at, slab, 0, (slot - first) * SLOT_SIZE)
            planes = [number for plane in stream.planes for number in plane]
            struct.pack_into(
                "<IIII8IQI", self.ring.bytes, at + 128, stream.width, stream.height, stream.format, 1,
                *planes, *[0] * (8 - len(planes)), SLOT_SIZE, generation,
            )  # fmt: skip
        self.send(_wire.Memory(generation, stream, ((slab, SLOT_SIZE * (last - first)),)), file.descriptor)

    def greet(self, credits: int = 4) -> None:
        """All of it, up to ACK 1."""
        self.accept()
        self.welcome(credits=credits)
        assert self.receive() == _wire.Ack(0)
        self.memory(1, nv12(), 1)
        assert self.receive() == _wire.Ack(1)

    def picture(self, slot: int, slab: int = 1, first: int = 0) -> memoryview:
        """A slot's bytes."""
        at = (slot - first) * SLOT_SIZE
        return memoryview(self.slabs[slab].bytes)[at : at + SLOT_SIZE]

    def deliver(self, slot: int, lease: int, generation: int = 1, flags: int = 0) -> int:
        """Publishes and delivers a frame, and rings. The delivery's number."""
        self.sequence += 1
        self.delivered += 1
        self.write_metadata(slot, self.sequence, generation, flags)
        struct.pack_into("<QIII", self.page.bytes, 1024 + (self.delivered - 1) % 64 * 32, self.sequence, slot, generation, lease)
        struct.pack_into("<Q", self.page.bytes, 128, self.delivered)
        struct.pack_into("<Q", self.ring.bytes, 256, self.sequence)
        self.leases[lease] = self.delivered
        self.send(_wire.Doorbell())
        return self.delivered

    def write_metadata(self, slot: int, sequence: int, generation: int = 1, flags: int = 0) -> None:
        """A slot's metadata, of a frame with this number."""
        unknown = _layout.UNKNOWN
        metadata = _layout.Metadata(sequence, 3600 * sequence, unknown, unknown, time.monotonic_ns(), 0, generation, flags, 0)
        at = _METADATA_AT + slot * 64
        self.ring.bytes[at : at + 64] = metadata.pack()

    def released(self, lease: int) -> int:
        """The last delivery of a lease number whose lease has ended."""
        return int(struct.unpack_from("<Q", self.page.bytes, 384 + 8 * lease)[0])

    def hang_up(self) -> None:
        """Ends the connection without a word."""
        assert self._connection is not None
        self._connection.close()

    def __enter__(self) -> FakePublisher:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()
        self._listener.close()
        for file in self.files:
            file.close()
        shutil.rmtree(self.directory)
