"""RGB pictures of frames."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from . import _kernel
from .errors import Error
from .formats import FORMATS, PixelFormat
from .frame import Frame

#: red's and blue's share of luma, by matrix coefficients of ISO/IEC 23091-2
_SHARES = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
_UNSPECIFIED = 2
_SD_HEIGHT = 576
_PACKED = {PixelFormat.RGB24: (0, 1, 2), PixelFormat.BGR24: (2, 1, 0), PixelFormat.RGBA: (0, 1, 2), PixelFormat.BGRA: (2, 1, 0)}


def coefficients(frame: Frame) -> tuple[float, ...]:
    """y offset and scale, chroma offset and scale, then what red takes of Cr, green of Cb and Cr, blue of Cb."""
    matrix = frame.matrix
    if matrix in (_UNSPECIFIED, 3):
        matrix = 1 if frame.height > _SD_HEIGHT else 6
    if matrix not in _SHARES:
        raise Error(f"matrix coefficients {frame.matrix} are not known; convert planes yourself")
    red, blue = _SHARES[matrix]
    green = 1 - red - blue
    bits = FORMATS[frame.format].bits
    unit, top = 1 << (bits - 8), (1 << bits) - 1
    if frame.full_range:
        y_offset, y_range, c_range = 0, top, top
    else:
        y_offset, y_range, c_range = 16 * unit, 219 * unit, 224 * unit
    return (
        y_offset, 1 / y_range, 128 * unit, 1 / c_range,
        2 * (1 - red), -2 * blue * (1 - blue) / green, -2 * red * (1 - red) / green, 2 * (1 - blue),
    )  # fmt: skip


def to_rgb(frame: Frame, *, dtype: str = "uint8", layout: str = "hwc", library: str | None = None) -> Any:
    """The frame as RGB: ``uint8`` 0 to 255 or ``float32`` 0 to 1, laid out ``hwc`` or ``chw``.

    Of a frame in GPU memory a torch tensor or a CuPy array on the same GPU, made by one kernel on the library's current
    stream: closing the frame right away is fine. ``library`` is ``torch`` or ``cupy``; by default the one that is imported
    already, or installed. Of a frame in host memory a NumPy array, made in several passes.
    Chroma is taken of the nearest sample. Unspecified matrices are BT.601 up to 576 rows and BT.709 above.
    """
    if dtype not in ("uint8", "float32") or layout not in ("hwc", "chw"):
        raise ValueError(f"dtype {dtype!r}, layout {layout!r}: there are uint8 and float32, hwc and chw")
    if frame.device is None:
        return _on_host(frame, dtype, layout)
    return _on_gpu(frame, dtype, layout, library)


def _module(name: str, what: str) -> Any:
    try:
        return import_module(name)
    except ImportError as e:
        raise Error(f"{what} needs {name}, which is not installed; install it, or read the frame's planes") from e


def _on_host(frame: Frame, dtype: str, layout: str) -> Any:
    np = _module("numpy", "an RGB picture of a frame in host memory")
    planes = [np.asarray(plane) for plane in frame.planes]
    info = FORMATS[frame.format]
    if frame.format in _PACKED:
        rgb = planes[0][:, :, list(_PACKED[frame.format])]
        return _finish(np, rgb if dtype == "uint8" else rgb.astype(np.float32) / 255, layout)
    y_offset, y_scale, c_offset, c_scale, rv, gu, gv, bu = coefficients(frame)
    luma = ((planes[0] >> info.padding).astype(np.float32) - y_offset) * np.float32(y_scale)
    if len(planes) == 1:
        rgb = np.stack([luma] * 3, axis=2)
    else:
        pair = (planes[1][:, :, 0], planes[1][:, :, 1]) if len(planes) == 2 else (planes[1], planes[2])
        cb, cr = (
            ((_spread(np, plane, info.shift, luma.shape) >> info.padding).astype(np.float32) - c_offset)
            * np.float32(c_scale)
            for plane in pair
        )
        rgb = np.stack([luma + rv * cr, luma + gu * cb + gv * cr, luma + bu * cb], axis=2)
    rgb = np.clip(rgb, 0, 1)
    return _finish(np, (rgb * 255 + 0.5).astype(np.uint8) if dtype == "uint8" else rgb.astype(np.float32), layout)


def _spread(np: Any, plane: Any, shift: tuple[int, int], shape: tuple[int, int]) -> Any:
    return np.repeat(np.repeat(plane, 1 << shift[1], axis=0), 1 << shift[0], axis=1)[: shape[0], : shape[1]]


def _finish(np: Any, rgb: Any, layout: str) -> Any:
    return np.ascontiguousarray(rgb if layout == "hwc" else rgb.transpose(2, 0, 1))


def _library(wish: str | None) -> str:
    if wish is not None:
        if wish not in ("torch", "cupy"):
            raise ValueError(f"library {wish!r}: there are torch and cupy")
        return wish
    for name in ("torch", "cupy"):
        if name in sys.modules:
            return name
    for name in ("torch", "cupy"):
        if find_spec(name) is not None:
            return name
    raise Error("an RGB picture of a frame in GPU memory needs torch or cupy; install one, or read the frame's planes")


def _on_gpu(frame: Frame, dtype: str, layout: str, wish: str | None) -> Any:
    name = _library(wish)
    module = _module(name, "an RGB picture of a frame in GPU memory")
    planes = frame.planes
    if len(planes) == 1:
        raise Error(f"{frame.format.name} is converted in host memory only; use the plane as it is")
    height, width = frame.height, frame.width
    shape = (height, width, 3) if layout == "hwc" else (3, height, width)
    device = frame._lease.place.device
    assert device is not None
    if name == "torch":
        out = module.empty(shape, dtype=getattr(module, dtype), device=f"cuda:{device.ordinal}")
        address = out.data_ptr()
        stream = module.cuda.current_stream(device.ordinal).cuda_stream
    else:
        with module.cuda.Device(device.ordinal):
            out = module.empty(shape, dtype=dtype)
            address = out.data.ptr
            stream = module.cuda.get_current_stream().ptr
    _kernel.launch(device, stream, width, height, arguments(frame, address, dtype, layout))
    frame._lease.after(stream)
    return out


def arguments(frame: Frame, out: int, dtype: str, layout: str) -> tuple[float, ...]:
    """What the kernel is called with, in the order of ``_kernel.PARAMETERS``."""
    info = FORMATS[frame.format]
    planes = frame.planes
    size = info.item_size
    u = planes[1].address
    v = u + size if len(planes) == 2 else planes[2].address
    if len(planes) == 3 and planes[1].pitch != planes[2].pitch:
        raise Error("the chroma planes have different pitches; convert planes yourself")
    width, height = frame.width, frame.height
    strides = (3 * width, 3, 1) if layout == "hwc" else (width, 1, width * height)
    return (
        planes[0].address, u, v, planes[0].pitch, planes[1].pitch, width, height, size * info.channels[1], *info.shift,
        size - 1, info.padding, *coefficients(frame), out, *strides, int(dtype == "float32"),
    )  # fmt: skip
