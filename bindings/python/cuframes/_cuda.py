"""The CUDA driver through ctypes: the only module that calls it. Nothing is loaded before ``driver()`` is called.

Every function that needs a context takes a ``Device`` and makes its primary context current for the call only: it is
the one that PyTorch, CuPy and CUDA's runtime use, so addresses and streams are shared with them. Any thread.
"""

from __future__ import annotations

import ctypes
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_size_t, c_uint, c_ulonglong, c_void_p

from .errors import CudaError, MemoryUnreachableError

#: Names the library for tests that bring a driver of their own.
LIBRARY_VARIABLE = "CUFRAMES_CUDA_LIBRARY"

NOT_READY = 600
_INVALID_CONTEXT = 201
_POSIX_DESCRIPTOR = 1
_ON_DEVICE = 1
_READ = 1
_LAZY_PEER_ACCESS = 1
_DISABLE_TIMING = 2
_HOST, _DEVICE = 1, 2


class _IpcHandle(Structure):
    _fields_ = [("reserved", ctypes.c_ubyte * 64)]


class _Access(Structure):
    _fields_ = [("location_type", c_int), ("location_id", c_int), ("flags", c_int)]


class _Copy2D(Structure):
    """CUDA_MEMCPY2D."""

    _fields_ = [
        ("src_x", c_size_t), ("src_y", c_size_t), ("src_type", c_int), ("src_host", c_void_p),
        ("src_device", c_ulonglong), ("src_array", c_void_p), ("src_pitch", c_size_t),
        ("dst_x", c_size_t), ("dst_y", c_size_t), ("dst_type", c_int), ("dst_host", c_void_p),
        ("dst_device", c_ulonglong), ("dst_array", c_void_p), ("dst_pitch", c_size_t),
        ("width", c_size_t), ("height", c_size_t),
    ]  # fmt: skip


_SIGNATURES: dict[str, list[type]] = {
    "cuInit": [c_uint],
    "cuDeviceGetCount": [POINTER(c_int)],
    "cuDeviceGet": [POINTER(c_int), c_int],
    "cuDeviceGetUuid_v2": [c_void_p, c_int],
    "cuDevicePrimaryCtxRetain": [POINTER(c_void_p), c_int],
    "cuCtxPushCurrent_v2": [c_void_p],
    "cuCtxPopCurrent_v2": [POINTER(c_void_p)],
    "cuMemImportFromShareableHandle": [POINTER(c_ulonglong), c_void_p, c_int],
    "cuMemAddressReserve": [POINTER(c_ulonglong), c_size_t, c_size_t, c_ulonglong, c_ulonglong],
    "cuMemAddressFree": [c_ulonglong, c_size_t],
    "cuMemMap": [c_ulonglong, c_size_t, c_size_t, c_ulonglong, c_ulonglong],
    "cuMemUnmap": [c_ulonglong, c_size_t],
    "cuMemSetAccess": [c_ulonglong, c_size_t, POINTER(_Access), c_size_t],
    "cuMemRelease": [c_ulonglong],
    "cuIpcOpenMemHandle_v2": [POINTER(c_ulonglong), _IpcHandle, c_uint],
    "cuIpcCloseMemHandle": [c_ulonglong],
    "cuMemGetAddressRange_v2": [POINTER(c_ulonglong), POINTER(c_size_t), c_ulonglong],
    "cuEventCreate": [POINTER(c_void_p), c_uint],
    "cuEventRecord": [c_void_p, c_void_p],
    "cuEventQuery": [c_void_p],
    "cuEventDestroy_v2": [c_void_p],
    "cuMemcpy2D_v2": [POINTER(_Copy2D)],
    "cuGetErrorName": [c_int, POINTER(c_char_p)],
    "cuGetErrorString": [c_int, POINTER(c_char_p)],
}


class Device:
    """A GPU that this process sees. Its primary context is retained at first use, and kept for the process's life."""

    def __init__(self, driver: Driver, ordinal: int, number: int, identity: bytes) -> None:
        self.ordinal = ordinal
        self.uuid = identity
        self._driver = driver
        self.number = number
        self._context: c_void_p | None = None
        self._lock = threading.RLock()  # a finalizer may come while this thread holds it

    @property
    def name(self) -> str:
        """The UUID as NVIDIA's tools print it."""
        return gpu_name(self.uuid)

    @contextmanager
    def current(self) -> Iterator[Driver]:
        """Makes the primary context current in this thread."""
        driver = self._driver
        with self._lock:
            if self._context is None:
                context = c_void_p()
                driver.call("cuDevicePrimaryCtxRetain", byref(context), self.number)
                self._context = context
        driver.call("cuCtxPushCurrent_v2", self._context)
        try:
            yield driver
        finally:
            driver.call("cuCtxPopCurrent_v2", byref(c_void_p()))


def gpu_name(identity: bytes) -> str:
    """A UUID as NVIDIA's tools print it."""
    return f"GPU-{uuid.UUID(bytes=identity)}"


class Driver:
    """libcuda.so.1, initialised."""

    def __init__(self) -> None:
        name = os.environ.get(LIBRARY_VARIABLE) or "libcuda.so.1"
        try:
            library = ctypes.CDLL(name)
        except OSError as e:
            raise CudaError(f"the CUDA driver {name} cannot be loaded: {e}; install NVIDIA's driver") from e
        self._library = library
        self._functions = {}
        for function, arguments in _SIGNATURES.items():
            try:
                entry = getattr(library, function)
            except AttributeError as e:
                raise CudaError(f"{name} has no {function}; it is too old, install driver 470 or later") from e
            entry.argtypes = arguments
            entry.restype = c_int
            self._functions[function] = entry
        self.call("cuInit", 0)
        count = c_int()
        self.call("cuDeviceGetCount", byref(count))
        self.devices = [self._device(ordinal) for ordinal in range(count.value)]

    def _device(self, ordinal: int) -> Device:
        number = c_int()
        self.call("cuDeviceGet", byref(number), ordinal)
        identity = ctypes.create_string_buffer(16)
        self.call("cuDeviceGetUuid_v2", identity, number.value)
        return Device(self, ordinal, number.value, identity.raw)

    def result(self, function: str, *arguments: object) -> int:
        """Calls a function and returns its CUresult."""
        return int(self._functions[function](*arguments))

    def call(self, function: str, *arguments: object) -> None:
        """Calls a function. Raises CudaError unless it succeeds."""
        result = self._functions[function](*arguments)
        if result:
            raise CudaError(f"{function} failed: {self.describe(result)}", function, result)

    def extra(self, function: str, signature: list[type], *arguments: object) -> None:
        """Calls a function that only some programs need, and an old or small driver may lack."""
        entry = self._functions.get(function)
        if entry is None:
            try:
                entry = getattr(self._library, function)
            except AttributeError as e:
                raise CudaError(f"the CUDA driver has no {function}; install a newer one", function) from e
            entry.argtypes = signature
            entry.restype = c_int
            self._functions[function] = entry
        self.call(function, *arguments)

    def describe(self, result: int) -> str:
        """A CUresult's name and text."""
        name, text = c_char_p(), c_char_p()
        self._functions["cuGetErrorName"](result, byref(name))
        self._functions["cuGetErrorString"](result, byref(text))
        return f"{(name.value or b'unknown error').decode()} ({result}), {(text.value or b'').decode()}"


_lock = threading.Lock()
_driver: Driver | None = None
_obstacle: CudaError | None = None


def driver() -> Driver:
    """The driver, loaded at the first call. Raises CudaError where there is none; it is not tried again."""
    global _driver, _obstacle
    with _lock:
        if _obstacle is not None:
            raise CudaError(str(_obstacle), _obstacle.function, _obstacle.result)
        if _driver is None:
            try:
                _driver = Driver()
            except CudaError as e:
                _obstacle = e
                raise
        return _driver


def devices() -> list[Device]:
    """The GPUs that this process sees; none where there is no driver."""
    try:
        return driver().devices
    except CudaError:
        return []


def find(wish: int | str) -> Device:
    """A GPU by number or UUID."""
    seen = driver().devices
    for device in seen:
        if wish == device.ordinal or str(wish).lower().removeprefix("gpu-") == device.name.lower().removeprefix("gpu-"):
            return device
    raise CudaError(f"there is no GPU {wish!r}; this process sees {', '.join(d.name for d in seen) or 'none'}")


class GpuMapping:
    """Another process's GPU memory, readable by work on ``device``. ``close()`` when nothing uses it any more."""

    def __init__(self, device: Device, address: int, size: int, legacy: bool) -> None:
        self.device = device
        self.address = address
        self.size = size
        self._legacy = legacy
        self._open = True

    def close(self) -> None:
        """Unmaps it. A second call does nothing."""
        if not self._open:
            return
        self._open = False
        with self.device.current() as cuda:
            if self._legacy:
                cuda.call("cuIpcCloseMemHandle", self.address)
            else:
                cuda.call("cuMemUnmap", self.address, self.size)
                cuda.call("cuMemAddressFree", self.address, self.size)


def import_slab(device: Device, descriptor: int, size: int, owner: str) -> GpuMapping:
    """Maps memory of kind CUDA with read access only. The descriptor stays the caller's."""
    try:
        with device.current() as cuda:
            handle = c_ulonglong()
            # the descriptor's number is passed as if it were a pointer
            cuda.call("cuMemImportFromShareableHandle", byref(handle), descriptor, _POSIX_DESCRIPTOR)
            try:
                return GpuMapping(device, _map(cuda, device, handle.value, size), size, legacy=False)
            finally:
                cuda.call("cuMemRelease", handle.value)  # the mapping keeps the memory
    except CudaError as e:
        raise MemoryUnreachableError(f"GPU memory on {owner} cannot be read from {device.name}: {e}") from e


def _map(cuda: Driver, device: Device, handle: int, size: int) -> int:
    address = c_ulonglong()
    cuda.call("cuMemAddressReserve", byref(address), size, 0, 0, 0)
    try:
        cuda.call("cuMemMap", address.value, size, 0, handle, 0)
        try:
            access = _Access(_ON_DEVICE, device.ordinal, _READ)
            cuda.call("cuMemSetAccess", address.value, size, byref(access), 1)
        except CudaError:
            with suppress(CudaError):
                cuda.call("cuMemUnmap", address.value, size)
            raise
    except CudaError:
        with suppress(CudaError):
            cuda.call("cuMemAddressFree", address.value, size)
        raise
    return address.value


def open_legacy(device: Device, handle: bytes, size: int, owner: str) -> GpuMapping:
    """Opens memory of kind CUDA_IPC. It is writable, and must not be written to."""
    try:
        with device.current() as cuda:
            address = c_ulonglong()
            by_value = _IpcHandle.from_buffer_copy(handle)
            result = cuda.result("cuIpcOpenMemHandle_v2", byref(address), by_value, _LAZY_PEER_ACCESS)
            if result:
                hint = ""
                if result == _INVALID_CONTEXT:
                    hint = (
                        "; a process whose pid, as it sees itself, is the producer's cannot open it (the usual case of two "
                        "containers): start the producer with --memory cuda"
                    )
                raise CudaError(f"cuIpcOpenMemHandle failed: {cuda.describe(result)}{hint}", "cuIpcOpenMemHandle", result)
            mapping = GpuMapping(device, address.value, size, legacy=True)
            base, present = c_ulonglong(), c_size_t()
            try:
                cuda.call("cuMemGetAddressRange_v2", byref(base), byref(present), address.value)
                # the handle opens a whole allocation, whatever was announced; beyond its end the GPU would fault
                if base.value + present.value - address.value < size:
                    raise CudaError(f"the allocation has {present.value} bytes where {size} were announced")
            except CudaError:
                with suppress(CudaError):
                    mapping.close()
                raise
            return mapping
    except CudaError as e:
        raise MemoryUnreachableError(f"GPU memory on {owner} cannot be read from {device.name}: {e}") from e


class Event:
    """An event of this process, recorded once and polled: nobody else ever sees it, and no stream waits for it."""

    def __init__(self, device: Device, stream: int) -> None:
        self._device = device
        self._event: c_void_p | None = None
        event = c_void_p()
        with device.current() as cuda:
            cuda.call("cuEventCreate", byref(event), _DISABLE_TIMING)
            try:
                cuda.call("cuEventRecord", event, stream)
            except CudaError:
                with suppress(CudaError):
                    cuda.call("cuEventDestroy_v2", event)
                raise
        self._event = event

    def is_done(self) -> bool:
        """Whether what was queued on the stream before has run. Then the event is gone.

        Raises CudaError if the context is broken: then it will never run.
        """
        if self._event is None:
            return True
        with self._device.current() as cuda:
            result = cuda.result("cuEventQuery", self._event)
            if result == NOT_READY:
                return False
            event, self._event = self._event, None
            cuda.call("cuEventDestroy_v2", event)
            if result:
                raise CudaError(f"cuEventQuery failed: {cuda.describe(result)}", "cuEventQuery", result)
        return True


def download(device: Device, address: int, pitch: int, row_bytes: int, rows: int) -> bytes:
    """A plane's rows without the bytes between them, copied to the host; waits for it."""
    target = bytearray(row_bytes * rows)
    buffer = (ctypes.c_char * len(target)).from_buffer(target)
    copy = _Copy2D(
        src_type=_DEVICE, src_device=address, src_pitch=pitch,
        dst_type=_HOST, dst_host=ctypes.addressof(buffer), dst_pitch=row_bytes,
        width=row_bytes, height=rows,
    )  # fmt: skip
    with device.current() as cuda:
        cuda.call("cuMemcpy2D_v2", byref(copy))
    del buffer
    return bytes(target)


def stream_handle(stream: object) -> int:
    """The raw handle of a stream: an int, None (the default one), torch.cuda.Stream, cupy.cuda.Stream, or alike."""
    if stream is None:
        return 0
    for attribute in ("cuda_stream", "ptr", "handle"):
        value = getattr(stream, attribute, None)
        if value is not None:
            return int(value)
    if isinstance(stream, int) and stream >= 0:
        return stream
    raise TypeError(f"{stream!r} is no CUDA stream; give a raw handle, a torch.cuda.Stream or a cupy.cuda.Stream")
