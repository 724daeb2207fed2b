"""Slabs, and what lies where in them. Everything that the publisher wrote is checked here before it is used."""

from __future__ import annotations

import ctypes
import mmap
from collections import deque
from dataclasses import dataclass, field

from . import _cuda
from ._layout import Ring, SlotDescriptor, map_file
from ._wire import Memory, Stream, check_planes
from .errors import CudaError, MemoryUnreachableError, ProtocolError
from .formats import MemoryKind


class _PyBuffer(ctypes.Structure):
    _fields_ = [
        ("buf", ctypes.c_void_p), ("obj", ctypes.py_object), ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t), ("readonly", ctypes.c_int), ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p), ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p), ("internal", ctypes.c_void_p),
    ]  # fmt: skip


def address_of(mapping: mmap.mmap) -> int:
    """Where a mapping begins; ctypes' from_buffer refuses read-only ones."""
    view = _PyBuffer()
    api = ctypes.pythonapi
    api.PyObject_GetBuffer(ctypes.py_object(mapping), ctypes.byref(view), 0)
    address = int(view.buf)
    api.PyBuffer_Release(ctypes.byref(view))
    return address


class Slab:
    """Memory of a publisher, mapped here. Unmapped when it is retired and nothing in it is in use. Any thread."""

    def __init__(self, number: int, generation: int, size: int) -> None:
        self.number = number
        self.generation = generation
        self.size = size
        self.address = 0
        #: of host memory
        self.mapping: mmap.mmap | None = None
        #: of GPU memory; of kind CUDA_IPC only once a slot's handle has come
        self.gpu: _cuda.GpuMapping | None = None
        # one entry for each user and one for the generation; not a lock, since finalizers come here at any moment
        self._users: deque[None] = deque((None,))
        self._unmapping: deque[None] = deque((None,))

    def use(self) -> None:
        """Keeps it mapped until a call of ``let_go`` more."""
        self._users.append(None)

    def let_go(self) -> None:
        """The last call unmaps it; host memory goes when Python has no view of it any more."""
        self._users.pop()
        if self._users:
            return
        try:
            self._unmapping.pop()
        except IndexError:
            return  # another thread is at it
        self.mapping = None
        if self.gpu is not None:
            self.gpu.close()


@dataclass(frozen=True)
class Place:
    """A slot: where its planes are in this process's or GPU's addresses."""

    slab: Slab
    stream: Stream
    generation: int
    #: from the slab's start
    offset: int
    address: int
    device: _cuda.Device | None


@dataclass
class _Generation:
    number: int
    stream: Stream
    gpu: bytes | None
    device: _cuda.Device | None
    slabs: dict[int, Slab] = field(default_factory=dict)


class MemoryMap:
    """The generations and slabs of one connection. One thread, but for what says otherwise."""

    def __init__(self, ring: Ring, gpu: int | str | None, kinds: int) -> None:
        self._ring = ring
        self._wish = gpu
        self._kinds = kinds
        self._generations: dict[int, _Generation] = {}
        self._latest = 0
        self._announced: set[int] = set()
        self._places: list[Place | None] = [None] * ring.capacity

    def announce(self, memory: Memory, descriptors: list[int]) -> None:
        """Maps what a MEMORY message brings. The descriptors stay the caller's."""
        kind = memory.stream.memory_kind
        if not self._kinds >> kind & 1:
            raise MemoryUnreachableError(
                f"the frames are in memory of kind {kind.name}, which this subscriber did not offer to read"
            )
        if memory.generation < self._latest:
            raise ProtocolError(f"generation {memory.generation} was announced after {self._latest}")
        known = self._generations.get(memory.generation)
        if known is not None and known.stream != memory.stream:
            raise ProtocolError(f"generation {memory.generation} was announced again with another geometry")
        if known is None:
            device = None if kind == MemoryKind.HOST else self._device(memory.gpu)
            known = _Generation(memory.generation, memory.stream, memory.gpu, device)
        for number, _ in memory.slabs:
            if number in self._announced:
                raise ProtocolError(f"slab {number} was announced twice")
            self._announced.add(number)
        self._generations[memory.generation] = known
        self._latest = memory.generation
        for position, (number, size) in enumerate(memory.slabs):
            slab = Slab(number, memory.generation, size)
            if kind == MemoryKind.HOST:
                slab.mapping = map_file(descriptors[position], size, f"slab {number}")
                slab.address = address_of(slab.mapping)
            elif kind == MemoryKind.CUDA:
                assert known.device is not None
                slab.gpu = _cuda.import_slab(known.device, descriptors[position], size, self._owner(known))
                slab.address = slab.gpu.address
            known.slabs[number] = slab

    @staticmethod
    def _owner(generation: _Generation) -> str:
        return _cuda.gpu_name(generation.gpu or bytes(16))

    def _device(self, owner: bytes | None) -> _cuda.Device:
        try:
            if self._wish is not None:
                return _cuda.find(self._wish)
            seen = _cuda.driver().devices
        except CudaError as e:
            raise MemoryUnreachableError(str(e)) from e
        for device in seen:
            if device.uuid == owner:
                return device
        if not seen:
            raise MemoryUnreachableError("the frames are on a GPU, and this process sees none; see CUDA_VISIBLE_DEVICES")
        return seen[0]

    def place(self, slot: int, generation: int) -> Place | None:
        """A slot as it is mapped here; None while the MEMORY message that it needs has not come."""
        known = self._generations.get(generation)
        if known is None:
            if generation <= self._latest:
                raise ProtocolError(f"slot {slot} is delivered in generation {generation}, which is past")
            return None
        found = self._ring.slot_generation(slot)
        if found != generation:
            raise ProtocolError(f"slot {slot} is delivered in generation {generation}, and its descriptor says {found}")
        cached = self._places[slot]
        if cached is not None and cached.generation == generation:
            return cached
        return self._look_up(slot, known)

    def _look_up(self, slot: int, known: _Generation) -> Place | None:
        stream = known.stream
        legacy = stream.memory_kind == MemoryKind.CUDA_IPC
        found = self._ring.descriptor(slot, legacy)
        slab = known.slabs.get(found.slab)
        if slab is None:
            if found.slab in self._announced:
                raise ProtocolError(f"slot {slot} of generation {known.number} lies in slab {found.slab} of another one")
            return None
        self._check(slot, found, known, slab)
        if legacy and slab.gpu is None:
            assert known.device is not None
            slab.gpu = _cuda.open_legacy(known.device, found.handle, slab.size, self._owner(known))
            slab.address = slab.gpu.address
        place = Place(slab, stream, known.number, found.offset_in_slab, slab.address + found.offset_in_slab, known.device)
        self._places[slot] = place
        return place

    @staticmethod
    def _check(slot: int, found: SlotDescriptor, known: _Generation, slab: Slab) -> None:
        if found.generation != known.number:
            raise ProtocolError(f"slot {slot} is of generation {found.generation}, and was delivered in {known.number}")
        if found.offset_in_slab + found.slot_size > slab.size:
            raise ProtocolError(
                f"slot {slot} of {found.slot_size} bytes at {found.offset_in_slab} does not lie inside slab {slab.number} "
                f"of {slab.size}"
            )
        stream = known.stream
        if (found.width, found.height, found.format) != (stream.width, stream.height, stream.format):
            raise ProtocolError(f"slot {slot} has another size or format than its generation {known.number}")
        planes = check_planes(stream.format, stream.width, stream.height, found.slot_size, found.planes)
        if planes != stream.planes or found.slot_size != stream.slot_size:
            raise ProtocolError(f"slot {slot} has other planes than its generation {known.number}")

    def retire_before(self, generation: int) -> None:
        """The first frame of a generation was taken: what is older is unmapped when no lease in it is left."""
        for number in [n for n in self._generations if n < generation]:
            self._drop(self._generations.pop(number))

    def close(self) -> None:
        """The connection has ended. What leases use stays mapped until they end."""
        for known in self._generations.values():
            self._drop(known)
        self._generations.clear()

    def _drop(self, known: _Generation) -> None:
        for index, place in enumerate(self._places):
            if place is not None and place.generation == known.number:
                self._places[index] = None
        for slab in known.slabs.values():
            slab.let_go()
        known.slabs.clear()
