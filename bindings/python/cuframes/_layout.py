"""Shared memory (docs/protocol.md, 2): sealed files, ring and subscriber page. No other module knows an offset."""

from __future__ import annotations

import fcntl
import mmap
import os
import stat
import struct
from dataclasses import dataclass

from ._order import order
from .errors import MemoryUnreachableError, ProtocolError

RING_MAGIC = 0x52465543
PAGE_MAGIC = 0x50465543
RING_HEADER = 512
SLOT_DESCRIPTOR = 192
FRAME_METADATA = 64
SUBSCRIBER_SLOT = 128
PAGE_SIZE = 4096
CAPACITY = 64
UNKNOWN = -(1 << 63)

_SEAL_SHRINK = 2
_MAX_SLOTS = 4096
_MAX_SUBSCRIBERS = 1024

#: magic, major, minor, state, pid, epoch, size, slots, subscribers, three tables
_RING = struct.Struct("<IHHIIQQIIIII")
_STATE_LIVE, _STATE_CLOSED = 1, 2
_NEWEST = 256 // 8
_DISCONTINUITIES = 304 // 8

#: sequence, pts, ptsNanos, captureNanos, publishNanos, durationNanos, generation, flags, lostBefore
_METADATA = struct.Struct("<QqqqqqIII")
_SLOT_GENERATION = 184
#: width, height, format, state, planes, slotSize, generation
_GEOMETRY = struct.Struct("<IIII8IQI")
_GEOMETRY_AT = 128
_PLACE = struct.Struct("<IIQ")

_PAGE = struct.Struct("<IHHQQII")
_DELIVERED = 128 // 8
_PUBLISHER_WAITS = 136 // 4
_TAKEN = 256 // 8
_SLEEPING = 264 // 4
_RELEASED = 384 // 8
_QUEUE = 1024
_QUEUE_ENTRY = 32
#: sequence, slot, generation, lease
_ENTRY = struct.Struct("<QIII")


def check_sealed(descriptor: int, size: int, what: str) -> None:
    """Whether a descriptor is a memory file of at least that size which nobody can cut short. Raises otherwise."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise MemoryUnreachableError(f"the descriptor of {what} is no memory file")
    try:
        seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
    except OSError:
        seals = 0  # of another file system, which has none
    if not seals & _SEAL_SHRINK:
        raise MemoryUnreachableError(
            f"{what} lacks F_SEAL_SHRINK: its owner could cut it short while it is read; see that the publisher makes "
            "it by memfd_create and seals it"
        )
    if status.st_size < size:
        raise MemoryUnreachableError(f"{what} has {status.st_size} bytes where {size} were announced")


def map_file(descriptor: int, size: int, what: str, writable: bool = False) -> mmap.mmap:
    """Maps a memory file, shared. The descriptor stays the caller's."""
    check_sealed(descriptor, size, what)
    rights = mmap.PROT_READ | mmap.PROT_WRITE if writable else mmap.PROT_READ
    try:
        return mmap.mmap(descriptor, size, mmap.MAP_SHARED, rights)
    except (OSError, ValueError, OverflowError) as e:
        raise MemoryUnreachableError(f"{size} bytes of {what} cannot be mapped: {e}") from e


@dataclass(frozen=True)
class Metadata:
    """docs/protocol.md, 2.3."""

    sequence: int
    pts: int
    pts_nanos: int
    capture_nanos: int
    publish_nanos: int
    duration_nanos: int
    generation: int
    flags: int
    lost_before: int

    def pack(self) -> bytes:
        """The structure, with its reserved bytes."""
        return _METADATA.pack(
            self.sequence, self.pts, self.pts_nanos, self.capture_nanos, self.publish_nanos, self.duration_nanos,
            self.generation, self.flags, self.lost_before,
        ) + bytes(4)  # fmt: skip


def unpack_metadata(data: bytes | memoryview) -> Metadata:
    """Reads the structure."""
    return Metadata(*_METADATA.unpack_from(data))


@dataclass(frozen=True)
class SlotDescriptor:
    """docs/protocol.md, 2.2; as it stands there, unchecked. ``handle`` is of kind CUDA_IPC only."""

    slab: int
    offset_in_slab: int
    handle: bytes
    width: int
    height: int
    format: int
    planes: tuple[int, ...]
    slot_size: int
    generation: int


def unpack_slot(data: bytes, legacy: bool) -> SlotDescriptor:
    """Reads the structure, in the reading of CUDA_IPC if ``legacy``."""
    slab, _, offset = _PLACE.unpack_from(data, 64 if legacy else 0)
    numbers = _GEOMETRY.unpack_from(data, _GEOMETRY_AT)
    return SlotDescriptor(
        slab, offset, data[:64] if legacy else b"", numbers[0], numbers[1], numbers[2], numbers[4:12], numbers[12],
        numbers[13],
    )  # fmt: skip


class Ring:
    """The publisher's ring, mapped read-only. Checked as far as a reader needs it. Any thread."""

    def __init__(self, mapping: mmap.mmap, epoch: int) -> None:
        fields = _RING.unpack_from(mapping)
        magic, major, minor, state, self.publisher_pid, found, size, slots, subscribers, at1, at2, at3 = fields
        order()
        if magic != RING_MAGIC or state not in (_STATE_LIVE, _STATE_CLOSED):
            raise ProtocolError(f"the ring has the magic number {magic:#x} and state {state}; it is no ring, or not ready")
        if major != 1:
            raise ProtocolError(f"the ring is of protocol {major}.{minor}, and this side speaks 1.1", 2)
        if found != epoch:
            raise ProtocolError(f"the ring is of epoch {found:#x}, and WELCOME of {epoch:#x}")
        if not 1 <= slots <= _MAX_SLOTS or not 1 <= subscribers <= _MAX_SUBSCRIBERS:
            raise ProtocolError(f"the ring has {slots} slots and {subscribers} subscriber slots, which cannot be")
        if size > len(mapping):
            raise ProtocolError(f"the ring says that it has {size} bytes, and its file has {len(mapping)}")
        tables = ((at1, slots, SLOT_DESCRIPTOR), (at2, slots, FRAME_METADATA), (at3, subscribers, SUBSCRIBER_SLOT))
        for offset, count, entry in tables:
            if offset % 8 or offset < RING_HEADER or offset + count * entry > size:
                raise ProtocolError(f"a table of the ring with {count} entries at {offset} does not lie inside {size} bytes")
        self.version = (major, minor)
        self.capacity = slots
        self.subscriber_capacity = subscribers
        self.is_closed = state == _STATE_CLOSED
        self._descriptors = at1
        self._metadata = at2
        self._mapping = mapping
        view = memoryview(mapping)
        self._u64 = view[: len(view) // 8 * 8].cast("Q")
        self._u32 = view[: len(view) // 4 * 4].cast("I")

    def newest_sequence(self) -> int:
        """Acquire."""
        value: int = self._u64[_NEWEST]
        order()
        return value

    def slot_generation(self, slot: int) -> int:
        """Plain; 0 while it has no memory."""
        value: int = self._u32[(self._descriptors + slot * SLOT_DESCRIPTOR + _SLOT_GENERATION) // 4]
        return value

    def descriptor(self, slot: int, legacy: bool) -> SlotDescriptor:
        """A copy: what is checked is what is used."""
        at = self._descriptors + slot * SLOT_DESCRIPTOR
        return unpack_slot(self._mapping[at : at + SLOT_DESCRIPTOR], legacy)

    def metadata(self, slot: int) -> Metadata:
        """Of a slot with a lease, which does not change."""
        at = self._metadata + slot * FRAME_METADATA
        return Metadata(*_METADATA.unpack_from(self._mapping, at))


class Page:
    """The subscriber's page. One thread, but for ``release``, which callers guard."""

    def __init__(self, mapping: mmap.mmap, epoch: int, subscriber: int) -> None:
        magic, major, minor, found, number, queue, leases = _PAGE.unpack_from(mapping)
        order()
        if magic != PAGE_MAGIC or major != 1:
            raise ProtocolError(f"the page has the magic number {magic:#x} and is of protocol {major}.{minor}")
        if found != epoch or number != subscriber:
            raise ProtocolError(
                f"the page is of subscriber {number} of epoch {found:#x}, and WELCOME of {subscriber} of {epoch:#x}"
            )
        if queue != CAPACITY or leases != CAPACITY:
            raise ProtocolError(f"the page's queue has {queue} entries and {leases} lease numbers; both are {CAPACITY}")
        self._mapping = mapping
        self._u64 = memoryview(mapping).cast("Q")
        self._u32 = memoryview(mapping).cast("I")

    def delivered(self) -> int:
        """Deliveries so far; acquire."""
        value = self._u64[_DELIVERED]
        order()
        return value

    def publisher_waits(self) -> bool:
        """Acquire. A full fence stands between the release and this."""
        value = self._u32[_PUBLISHER_WAITS]
        order()
        return value != 0

    def entry(self, delivery: int) -> tuple[int, int, int, int]:
        """(sequence, slot, generation, lease) of a delivery, read once: the publisher can write there at any moment."""
        sequence, slot, generation, lease = _ENTRY.unpack_from(
            self._mapping, _QUEUE + (delivery - 1) % CAPACITY * _QUEUE_ENTRY
        )
        return sequence, slot, generation, lease

    def take(self, count: int) -> None:
        """So many deliveries were taken; release."""
        order()
        self._u64[_TAKEN] = count

    def sleep(self, sleeping: bool) -> None:
        """Whether this side blocks on its socket; release. A full fence must follow before the last look."""
        order()
        self._u32[_SLEEPING] = 1 if sleeping else 0

    def release(self, lease: int, delivery: int) -> None:
        """Ends a lease; release."""
        order()
        self._u64[_RELEASED + lease] = delivery

    def released(self, lease: int) -> int:
        """What this side stored."""
        return self._u64[_RELEASED + lease]
