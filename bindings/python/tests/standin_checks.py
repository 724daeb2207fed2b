"""What the binding does with a CUDA driver, seen by the stand-in driver's own counters.

    CUFRAMES_CUDA_LIBRARY=…/libcuda.so.1 python3 standin_checks.py KEY RUN-DIR

The driver and a producer of frames in its memory are started by a test in Java. Prints ``checked``; exit status 1 and a
traceback where something is not as it should be.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cuframes  # noqa: E402
from cuframes import _cuda  # noqa: E402

_PATIENCE = 30.0

standin = ctypes.CDLL(os.environ["CUFRAMES_CUDA_LIBRARY"])
standin.standin_live.restype = ctypes.c_long
standin.standin_calls.restype = ctypes.c_longlong


def live(kind: str) -> int:
    return int(standin.standin_live(kind.encode()))


def calls(function: str) -> int:
    return int(standin.standin_calls(function.encode()))


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.001)


def new_stream() -> int:
    stream = ctypes.c_void_p()
    with _cuda.driver().devices[0].current() as cuda:
        cuda.extra("cuStreamCreate", [ctypes.POINTER(ctypes.c_void_p), ctypes.c_uint], ctypes.byref(stream), 1)
    return int(stream.value or 0)


def take(subscriber: cuframes.Subscriber) -> cuframes.Frame:
    frame = subscriber.next(_PATIENCE)
    assert frame is not None
    return frame


def held(subscriber: cuframes.Subscriber) -> int:
    session = subscriber._session
    assert session is not None and session.leases is not None
    session.leases.poll()
    return session.leases.held


def main() -> None:
    subscriber = cuframes.subscribe(sys.argv[1], run_dir=sys.argv[2], policy="fifo:3", connect_timeout=_PATIENCE)
    frame = take(subscriber)
    plane = frame.planes[0]
    imported = "mappings" if frame.memory_kind == cuframes.MemoryKind.CUDA else "imports"
    assert live(imported) >= 1 and live("handles") == 0, "a slab is imported, and only its mapping kept"
    assert (frame.device, plane.__dlpack_device__()) == (0, (2, 0))

    # the interfaces say where the frame lies, and keep the lease
    interface = plane.__cuda_array_interface__
    assert interface["data"][0] == frame.device_address(0) == plane.address
    assert interface["shape"] == plane.shape and interface["strides"] == plane.strides
    assert not hasattr(plane, "__array_interface__")
    capsule = plane.__dlpack__(stream=1)
    before = held(subscriber)
    frame.close()
    del frame, interface, plane
    gc.collect()
    assert held(subscriber) == before, "the capsule has a share"
    del capsule
    gc.collect()
    until(lambda: held(subscriber) == before - 1, "the lease ends with the last share")
    assert live("events") == 0

    # a lease ends when the work behind it is done, and nobody waits for that
    stream = new_stream()
    frame = take(subscriber)
    before = held(subscriber)
    assert standin.standin_block(ctypes.c_void_p(stream)) == 0
    frame.await_on(stream)
    frame.release_after(stream)
    assert frame.is_closed and held(subscriber) == before and live("events") == 1
    other = take(subscriber)
    other.close()
    assert held(subscriber) == before, "the other one's has ended, this one's has not"
    assert standin.standin_unblock(ctypes.c_void_p(stream)) == 0
    until(lambda: held(subscriber) == before - 1, "the lease ends with the work")
    assert live("events") == 0 and calls("cuStreamWaitEvent") == 0

    # a download gives what the frame shows; writes are refused where the mapping is for reading
    with take(subscriber) as frame:
        data = frame.planes[0].tobytes()
        assert len(data) == frame.width * frame.height and len(set(data)) > 2
        if frame.memory_kind == cuframes.MemoryKind.CUDA:
            with _cuda.driver().devices[0].current() as cuda:
                copy = [ctypes.c_ulonglong, ctypes.c_char_p, ctypes.c_size_t]
                try:
                    cuda.extra("cuMemcpyHtoD_v2", copy, frame.device_address(0), b"x" * 16, 16)
                    raise AssertionError("a write was not refused")
                except cuframes.CudaError as e:
                    assert e.result == 1, e

    # frames that are open keep their memory mapped; then nothing is left
    frame = take(subscriber)
    subscriber.close()
    assert live(imported) >= 1
    frame.close()
    assert live(imported) == 0 and live("reservations") == 0 and live("events") == 0
    print("checked")


main()
