"""DLPack capsules made with ctypes: a consumer gets the address, and its deleter gives the lease back."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Sequence

from ._leases import Lease

CPU, CUDA = 1, 2
_UNSIGNED = 1
_READ_ONLY = 1
_VERSION = (1, 0)


class _Device(ctypes.Structure):
    _fields_ = [("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32)]


class _DataType(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p), ("device", _Device), ("ndim", ctypes.c_int32), ("dtype", _DataType),
        ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]  # fmt: skip


class _Managed(ctypes.Structure):
    """DLManagedTensor."""

    _fields_ = [("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class _ManagedVersioned(ctypes.Structure):
    """DLManagedTensorVersioned: it can say that the memory is for reading."""

    _fields_ = [
        ("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p), ("flags", ctypes.c_uint64), ("tensor", _Tensor),
    ]  # fmt: skip


#: by address: what consumers have not deleted yet
_live: dict[int, tuple[object, Lease]] = {}
_lock = threading.RLock()


# The arguments are bound early: a consumer may delete a tensor while the interpreter takes its modules apart.
def _delete(address: int | None, live: dict[int, tuple[object, Lease]] = _live) -> None:
    found = live.pop(address, None) if address is not None else None
    if found is not None:
        found[1].let_go()


_NAME, _NAME_VERSIONED = b"dltensor", b"dltensor_versioned"
_api = ctypes.pythonapi
# with addresses: a capsule that is being destroyed must not be counted again
_is_valid = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(("PyCapsule_IsValid", _api))
_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(("PyCapsule_GetPointer", _api))
_new_capsule = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
    ("PyCapsule_New", _api)
)


def _destroy(capsule: int) -> None:
    """Of a capsule: if nobody took the tensor out of it, it still has its first name."""
    for name in (_NAME, _NAME_VERSIONED):
        if _is_valid(capsule, name):
            _delete(_pointer(capsule, name))


_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_deleter = _CALLBACK(_delete)
_destructor = _CALLBACK(_destroy)
# never freed: consumers may call them until the process ends
ctypes.pythonapi.Py_IncRef(ctypes.py_object(_deleter))
ctypes.pythonapi.Py_IncRef(ctypes.py_object(_destructor))


def export(
    lease: Lease, address: int, device: tuple[int, int], bits: int, shape: Sequence[int], strides: Sequence[int],
    stream: int | None, versioned: bool,
) -> object:  # fmt: skip
    """A capsule with a share in the lease. ``strides`` are in samples; ``stream`` is where the consumer reads."""
    lease.share(stream)
    dimensions = ctypes.c_int64 * len(shape)
    sizes, steps = dimensions(*shape), dimensions(*strides)
    tensor = _Tensor(
        address, _Device(*device), len(shape), _DataType(_UNSIGNED, bits, 1),
        ctypes.cast(sizes, ctypes.POINTER(ctypes.c_int64)), ctypes.cast(steps, ctypes.POINTER(ctypes.c_int64)), 0,
    )  # fmt: skip
    deleter = ctypes.cast(_deleter, ctypes.c_void_p)
    managed: ctypes.Structure
    if versioned:
        managed = _ManagedVersioned(*_VERSION, None, deleter, _READ_ONLY, tensor)
    else:
        managed = _Managed(tensor, None, deleter)
    where = ctypes.addressof(managed)
    with _lock:
        _live[where] = ((managed, sizes, steps), lease)
    try:
        return _new_capsule(where, _NAME_VERSIONED if versioned else _NAME, ctypes.cast(_destructor, ctypes.c_void_p))
    except BaseException:
        _delete(where)
        raise


def live() -> int:
    """How many tensors consumers have."""
    return len(_live)


assert ctypes.sizeof(_Tensor) == 48 or sys.maxsize < 2**32
