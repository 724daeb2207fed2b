"""One kernel from YUV to RGB, compiled by NVRTC at first use on each GPU and launched through the driver.

It is the same for PyTorch and CuPy, whose streams and allocations it uses; both bring NVRTC, or need it themselves.
"""

from __future__ import annotations

import ctypes
import glob
import importlib.util
import os
import threading
from ctypes import POINTER, byref, c_char_p, c_float, c_int, c_longlong, c_size_t, c_uint, c_ulonglong, c_void_p
from typing import Any

from . import _cuda
from .errors import CudaError

#: C and CUDA alike, so that a test can run it without a GPU. A thread makes a pixel; chroma is of the nearest sample.
SOURCE = r"""
static __device__ float cuframes_sample(const unsigned char *at, int wide, int padding)
{
    return wide ? (float)(*(const unsigned short *)at >> padding) : (float)*at;
}

__global__ void cuframes_to_rgb(
    const unsigned char *y, const unsigned char *u, const unsigned char *v, long long y_pitch, long long c_pitch,
    int width, int height, int c_step, int shift_x, int shift_y, int wide, int padding,
    float y_offset, float y_scale, float c_offset, float c_scale, float rv, float gu, float gv, float bu,
    void *out, long long out_row, long long out_pixel, long long out_channel, int as_float)
{
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    int row = blockIdx.y * blockDim.y + threadIdx.y;
    if (column >= width || row >= height) {
        return;
    }
    long long chroma = (row >> shift_y) * c_pitch + (column >> shift_x) * (long long)c_step;
    float luma = (cuframes_sample(y + row * y_pitch + ((long long)column << wide), wide, padding) - y_offset) * y_scale;
    float cb = (cuframes_sample(u + chroma, wide, padding) - c_offset) * c_scale;
    float cr = (cuframes_sample(v + chroma, wide, padding) - c_offset) * c_scale;
    float rgb[3];
    rgb[0] = luma + rv * cr;
    rgb[1] = luma + gu * cb + gv * cr;
    rgb[2] = luma + bu * cb;
    for (int channel = 0; channel < 3; channel++) {
        float value = rgb[channel] < 0.0f ? 0.0f : rgb[channel] > 1.0f ? 1.0f : rgb[channel];
        long long at = row * out_row + column * out_pixel + channel * out_channel;
        if (as_float) {
            ((float *)out)[at] = value;
        } else {
            ((unsigned char *)out)[at] = (unsigned char)(value * 255.0f + 0.5f);
        }
    }
}
"""
NAME = b"cuframes_to_rgb"

#: the kernel's parameters, in their order
PARAMETERS: tuple[type[Any], ...] = (
    c_void_p, c_void_p, c_void_p, c_longlong, c_longlong, c_int, c_int, c_int, c_int, c_int, c_int, c_int,
    c_float, c_float, c_float, c_float, c_float, c_float, c_float, c_float,
    c_void_p, c_longlong, c_longlong, c_longlong, c_int,
)  # fmt: skip

_BLOCK = (32, 8)
_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*
_lock = threading.Lock()
_functions: dict[int, c_void_p] = {}


def _nvrtc() -> ctypes.CDLL:
    names = [f"libnvrtc.so.{version}" for version in (13, 12, "11.2")]  # also finds what torch has loaded already
    spec = importlib.util.find_spec("nvidia")
    for place in (spec.submodule_search_locations or []) if spec is not None else []:
        names += sorted(glob.glob(os.path.join(place, "*", "lib", "libnvrtc.so.*")))
    names += sorted(glob.glob("/usr/local/cuda*/lib64/libnvrtc.so"))
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise CudaError(
        "the colour kernel cannot be compiled: no libnvrtc.so; install the package nvidia-cuda-nvrtc-cu12 or CUDA's toolkit"
    )


def _compile(architecture: str) -> bytes:
    nvrtc = _nvrtc()

    def call(function: str, *arguments: object) -> None:
        result = getattr(nvrtc, function)(*arguments)
        if result:
            raise CudaError(f"the colour kernel cannot be compiled for {architecture}: {function} failed ({result})")

    program = c_void_p()
    source = SOURCE.replace("__global__", 'extern "C" __global__').encode()
    call("nvrtcCreateProgram", byref(program), source, b"cuframes.cu", 0, None, None)
    try:
        options = (c_char_p * 1)(f"--gpu-architecture={architecture}".encode())
        call("nvrtcCompileProgram", program, 1, options)
        size = c_size_t()
        call("nvrtcGetCUBINSize", program, byref(size))
        code = ctypes.create_string_buffer(size.value)
        call("nvrtcGetCUBIN", program, code)
        return code.raw
    finally:
        nvrtc.nvrtcDestroyProgram(byref(program))


def _function(device: _cuda.Device, cuda: _cuda.Driver) -> c_void_p:
    with _lock:
        known = _functions.get(device.ordinal)
        if known is None:
            capability = []
            for attribute in (_MAJOR, _MINOR):
                value = c_int()
                cuda.extra("cuDeviceGetAttribute", [POINTER(c_int), c_int, c_int], byref(value), attribute, device.number)
                capability.append(value.value)
            code = _compile(f"sm_{capability[0]}{capability[1]}")
            module, known = c_void_p(), c_void_p()
            cuda.extra("cuModuleLoadData", [POINTER(c_void_p), c_char_p], byref(module), code)
            cuda.extra("cuModuleGetFunction", [POINTER(c_void_p), c_void_p, c_char_p], byref(known), module, NAME)
            _functions[device.ordinal] = known  # kept, with its module, for the process's life
        return known


def launch(device: _cuda.Device, stream: int, width: int, height: int, arguments: tuple[float, ...]) -> None:
    """Queues the kernel; ``arguments`` are those of ``PARAMETERS``."""
    values = [kind(value) for kind, value in zip(PARAMETERS, arguments, strict=True)]
    pointers = (c_void_p * len(values))(*[ctypes.addressof(value) for value in values])
    with device.current() as cuda:
        function = _function(device, cuda)
        grid = (-(-width // _BLOCK[0]), -(-height // _BLOCK[1]))
        cuda.extra(
            "cuLaunchKernel", [c_void_p, *[c_uint] * 7, c_ulonglong, c_void_p, c_void_p],
            function, *grid, 1, *_BLOCK, 1, 0, stream, pointers, None,
        )  # fmt: skip
