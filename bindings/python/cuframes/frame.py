"""Frames and their planes: views of memory that belongs to the publisher."""

from __future__ import annotations

import logging
import mmap
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _cuda, _dlpack
from ._layout import UNKNOWN
from ._session import Taken
from .errors import Error
from .formats import FORMATS, KNOWN_FLAGS, FrameFlag, MemoryKind, PixelFormat

if TYPE_CHECKING:
    from ._leases import Lease

_LOG = logging.getLogger("cuframes")


def _known(nanos: int) -> int | None:
    return None if nanos == UNKNOWN else nanos


class Plane:
    """One plane of a frame, where it lies.

    PyTorch, CuPy, JAX and others take it without a copy by DLPack (``torch.from_dlpack(plane)``) or
    ``__cuda_array_interface__``, NumPy by ``np.asarray(plane)``. What they make keeps the frame's lease until it is
    gone, also when the frame is closed before. It is for reading: writes into CUDA memory fail, writes into host memory
    that a library lets through end the process.
    """

    def __init__(self, lease: Lease, index: int) -> None:
        place = lease.place
        stream = place.stream
        info = FORMATS[stream.format]
        offset, self.pitch = stream.planes[index]
        columns, self.rows = info.size(index, stream.width, stream.height)
        channels = info.channels[index]
        #: bytes of a row without those between rows
        self.row_bytes = info.row_bytes(index, stream.width)
        self.item_size = info.item_size
        #: rows, columns, and channels where there are several side by side
        self.shape = (self.rows, columns) if channels == 1 else (self.rows, columns, channels)
        #: in bytes
        self.strides = (self.pitch, self.item_size * channels, self.item_size)[: len(self.shape)]
        self._lease = lease
        self._offset = place.offset + offset
        self._address = place.address + offset
        self._shares = False

    @property
    def address(self) -> int:
        """Where the first sample lies: a CUdeviceptr of GPU memory, else an address of this process."""
        self._lease.check()
        return self._address

    @property
    def typestr(self) -> str:
        """As in NumPy's array interface."""
        return "|u1" if self.item_size == 1 else "<u2"

    def _on_gpu(self) -> _cuda.Device | None:
        return self._lease.place.device

    def _hold(self) -> None:
        # the consumer keeps this object, so the lease may end when it goes
        if self._shares:
            self._lease.check()
        else:
            # the consumer's stream is not known: the default one, which waits for all that are not non-blocking
            self._lease.share(0)
            self._shares = True

    def __del__(self) -> None:
        if getattr(self, "_shares", False):
            self._shares = False
            self._lease.let_go()

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        if self._on_gpu() is None:
            raise AttributeError("the plane is in host memory")
        self._hold()
        # said to be writable, since libraries refuse what is not; the mapping itself is read-only
        return {
            "version": 3, "shape": self.shape, "typestr": self.typestr, "strides": self.strides,
            "data": (self._address, False), "stream": None,
        }  # fmt: skip

    @property
    def __array_interface__(self) -> dict[str, Any]:
        if self._on_gpu() is not None:
            raise AttributeError("the plane is in GPU memory")
        self._hold()
        return {
            "version": 3, "shape": self.shape, "typestr": self.typestr, "strides": self.strides,
            "data": (self._address, True),
        }  # fmt: skip

    def __dlpack_device__(self) -> tuple[int, int]:
        device = self._on_gpu()
        return (_dlpack.CPU, 0) if device is None else (_dlpack.CUDA, device.ordinal)

    def __dlpack__(
        self,
        *,
        stream: int | None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> object:
        device = self.__dlpack_device__()
        if copy or (dl_device is not None and tuple(dl_device) != device):
            raise BufferError(f"the plane is on DLPack device {device} and is not copied; copy it with your library")
        if any(stride % self.item_size for stride in self.strides):
            raise BufferError(f"the pitch of {self.pitch} bytes is no multiple of a sample's {self.item_size}")
        # 1 is the legacy default stream, 2 the thread's own, and -1 says that the consumer does not tell
        reading = 0 if stream in (None, -1) else stream
        return _dlpack.export(
            self._lease, self._address, device, 8 * self.item_size, self.shape,
            [stride // self.item_size for stride in self.strides], reading,
            max_version is not None and max_version[0] >= 1,
        )  # fmt: skip

    def tobytes(self) -> bytes:
        """A copy in host memory, row by row without what lies between rows. Waits for the GPU, if it lies there."""
        self._lease.check()
        device = self._on_gpu()
        if device is not None:
            return _cuda.download(device, self._address, self.pitch, self.row_bytes, self.rows)
        mapping = self._mapping()
        if self.pitch == self.row_bytes:
            return mapping[self._offset : self._offset + self.rows * self.row_bytes]
        starts = range(self._offset, self._offset + self.rows * self.pitch, self.pitch)
        return b"".join(mapping[start : start + self.row_bytes] for start in starts)

    def _mapping(self) -> mmap.mmap:
        mapping = self._lease.place.slab.mapping
        if mapping is None:
            raise Error("the plane is in GPU memory, which the host cannot address; use tobytes, DLPack or CUDA")
        return mapping

    def _memoryview(self) -> memoryview:
        self._lease.check()
        length = (self.rows - 1) * self.pitch + self.row_bytes
        return memoryview(self._mapping())[self._offset : self._offset + length]


class Frame:
    """A frame, and the right to read it: a lease, which ends with ``close()``. Any thread, one at a time.

    Closing ends the lease at once for host memory; for GPU memory that was handed out by DLPack or
    ``__cuda_array_interface__`` when the work queued on the consumer's stream is done. Work that this package does
    not know of (raw addresses) must be done before, or be named by ``release_after(stream)``.
    """

    def __init__(self, taken: Taken, epoch: int) -> None:
        self._lease = taken.lease
        self._closed = False
        self._views: list[memoryview] = []
        self._planes: tuple[Plane, ...] | None = None
        self._metadata = taken.metadata
        self._stream = taken.lease.place.stream
        #: number of the frame in the epoch, from 1
        self.sequence = taken.sequence
        #: the publisher's life
        self.epoch = epoch

    # ---- what it is

    @property
    def width(self) -> int:
        """Pixels."""
        return self._stream.width

    @property
    def height(self) -> int:
        """Pixels."""
        return self._stream.height

    @property
    def format(self) -> PixelFormat:
        """The pixel format."""
        return self._stream.format

    @property
    def memory_kind(self) -> MemoryKind:
        """Where the frame lives."""
        return self._stream.memory_kind

    @property
    def generation(self) -> int:
        """It grows when size, format or source change."""
        return self._lease.place.generation

    @property
    def pts(self) -> int | None:
        """Presentation time in ticks of ``time_base``, if known."""
        return _known(self._metadata.pts)

    @property
    def pts_nanos(self) -> int | None:
        """Presentation time in ns, if known."""
        return _known(self._metadata.pts_nanos)

    @property
    def capture_nanos(self) -> int | None:
        """The camera's wall clock, ns since 1970-01-01 UTC, if known."""
        return _known(self._metadata.capture_nanos)

    @property
    def publish_nanos(self) -> int:
        """When it was published: CLOCK_MONOTONIC, ns (``time.monotonic_ns()``)."""
        return self._metadata.publish_nanos

    @property
    def duration_nanos(self) -> int:
        """For how long to show it, ns; 0 is unknown."""
        return self._metadata.duration_nanos

    @property
    def flags(self) -> FrameFlag:
        """Known flags."""
        return FrameFlag(self._metadata.flags & KNOWN_FLAGS)

    @property
    def lost_before(self) -> int:
        """Frames that the publisher knows were lost since the frame before."""
        return self._metadata.lost_before

    @property
    def time_base(self) -> tuple[int, int]:
        """Seconds of a tick, as numerator and denominator."""
        return self._stream.time_base

    @property
    def frame_rate(self) -> tuple[int, int]:
        """Frames a second as the source announces them; numerator 0: unknown."""
        return self._stream.frame_rate

    @property
    def full_range(self) -> bool:
        """Whether luma spans 0 to 255, else 16 to 235 (of 8 bits)."""
        return self._stream.full_range

    @property
    def matrix(self) -> int:
        """Matrix coefficients, ISO/IEC 23091-2; 2 is unspecified."""
        return self._stream.matrix

    @property
    def primaries(self) -> int:
        """Colour primaries, ISO/IEC 23091-2."""
        return self._stream.primaries

    @property
    def transfer(self) -> int:
        """Transfer characteristics, ISO/IEC 23091-2."""
        return self._stream.transfer

    @property
    def device(self) -> int | None:
        """Number of the GPU that reads it, as this process counts them (torch's and CuPy's number too); None: host."""
        device = self._lease.place.device
        return None if device is None else device.ordinal

    # ---- the picture

    @property
    def planes(self) -> tuple[Plane, ...]:
        """The planes; see docs/protocol.md, 2.6, for what is in them."""
        self._lease.check()
        if self._planes is None:
            self._planes = tuple(Plane(self._lease, index) for index in range(len(self._stream.planes)))
        return self._planes

    def device_address(self, plane: int = 0) -> int:
        """CUdeviceptr of a plane's first sample."""
        if self.device is None:
            raise Error("the frame is in host memory; use planes[i].address, memoryview or numpy")
        return self.planes[plane].address

    def memoryview(self, plane: int = 0) -> memoryview:
        """A plane of host memory as read-only bytes, with what lies between rows. It is released with the frame."""
        view = self.planes[plane]._memoryview()
        self._views.append(view)
        return view

    # ---- the lease

    def await_on(self, stream: object) -> None:
        """Has later work on a stream see the whole frame.

        Frames are published when they are finished, so there is nothing to wait for; this checks the stream.
        """
        self._lease.check()
        _cuda.stream_handle(stream)

    def release_after(self, stream: object) -> None:
        """Closes the frame now; its lease ends when the work that is queued on the stream so far is done. Never waits.

        The stream is a raw handle, a torch.cuda.Stream or a cupy.cuda.Stream, of the frame's device.
        """
        handle = _cuda.stream_handle(stream)
        self._lease.check()
        self._lease.after(handle)
        self.close()

    @property
    def is_closed(self) -> bool:
        """Whether ``close()`` was called."""
        return self._closed

    def close(self) -> None:
        """Gives the frame back, as far as nothing made from it is left. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        for view in self._views:
            try:
                view.release()
            except BufferError:
                _LOG.warning("an array made from a memoryview of frame %d outlives it: its picture will change", self.sequence)
        self._views.clear()
        self._planes = None  # who still has a plane with an array on it keeps its share
        self._lease.let_go()

    def __enter__(self) -> Frame:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self.close()

    def __repr__(self) -> str:
        return f"<Frame {self.sequence} {self.width}x{self.height} {self.format.name} in {self.memory_kind.name} memory>"
