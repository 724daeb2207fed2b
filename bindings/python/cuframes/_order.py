"""Orders of memory accesses for a language that has none.

A 4- or 8-byte element of a ``memoryview`` cast to ``I`` or ``Q`` over a page-aligned mapping is read and written by one
aligned machine access: CPython copies it by a ``memcpy`` of constant size, which compilers make a single move. The
compiler cannot merge or reorder two of them, since many calls of the interpreter lie between.

That leaves the processor. On x86-64 loads are not reordered with loads, nor stores with stores, nor a load with a later
store: each is an acquire or a release already, and only store-before-load needs a fence. An uncontended lock's
acquisition is a locked instruction, and thereby a full fence, in every CPython. Elsewhere (arm64) nothing is given,
and libatomic's ``atomic_thread_fence`` stands in for all three; without that library nothing can be read safely.
"""

from __future__ import annotations

import ctypes
import platform
import threading
from collections.abc import Callable

from .errors import Error

_SEQ_CST = 5
_lock_type = threading.Lock


def _nothing() -> None:
    """On x86-64 the processor does it."""


def _locked_instruction() -> None:
    # a lock of its own: others' threads must not wait here
    lock = _lock_type()
    lock.acquire()
    lock.release()


def _missing() -> None:
    raise Error(
        f"on {platform.machine()} the library libatomic.so.1 is needed for memory fences and was not found; "
        "install the package libatomic1"
    )


def _choose() -> tuple[Callable[[], object], Callable[[], object]]:
    if platform.machine() in ("x86_64", "AMD64"):
        return _nothing, _locked_instruction
    try:
        function = ctypes.CDLL("libatomic.so.1").atomic_thread_fence
    except (OSError, AttributeError):
        return _missing, _missing
    function.argtypes = [ctypes.c_int]
    function.restype = None

    def fence() -> None:
        function(_SEQ_CST)

    return fence, fence


#: ``order()`` behind an acquiring load and before a releasing store; ``full_fence()`` between a store and a load.
order, full_fence = _choose()
