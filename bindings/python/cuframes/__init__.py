"""Frames of a cuframes producer in Python, read where the decoder put them.

    for frame in cuframes.subscribe("cam1"):
        luma = torch.from_dlpack(frame.planes[0])
"""

from ._session import Counters, Mode
from ._state import State
from .aio import AsyncSubscriber, subscribe_async
from .colour import to_rgb
from .errors import (
    ClosedError,
    CudaError,
    Error,
    ErrorCode,
    MemoryUnreachableError,
    NoCreditError,
    NoPublisherError,
    ProtocolError,
    RefusedError,
)
from .formats import FrameFlag, MemoryKind, PixelFormat
from .frame import Frame, Plane
from .subscriber import Subscriber, subscribe

__version__ = "0.1.0"

__all__ = [
    "AsyncSubscriber", "ClosedError", "Counters", "CudaError", "Error", "ErrorCode", "Frame", "FrameFlag",
    "MemoryKind", "MemoryUnreachableError", "Mode", "NoCreditError", "NoPublisherError", "PixelFormat", "Plane",
    "ProtocolError", "RefusedError", "State", "Subscriber", "subscribe", "subscribe_async", "to_rgb",
]  # fmt: skip
