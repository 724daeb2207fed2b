"""Colours: the formula on the processor, and the kernel's source, compiled as C, against it."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cuframes import PixelFormat, _kernel, colour  # noqa: E402
from cuframes.formats import FORMATS  # noqa: E402

try:
    import numpy
except ImportError:
    numpy = None  # type: ignore[assignment]

_SHIM = """
#define __device__
#define __global__
static struct { unsigned x, y; } blockIdx, threadIdx, blockDim = { 1, 1 };
%s
void one_thread(unsigned column, unsigned row) { blockIdx.x = column; blockIdx.y = row; }
"""


def frame_of(pixel_format: PixelFormat, planes: list[Any], matrix: int = 1, full_range: bool = False) -> Any:
    """What the converters look at."""
    for plane in planes:
        plane.address, plane.pitch = plane.ctypes.data, plane.strides[0]
    return SimpleNamespace(
        format=pixel_format, planes=planes, matrix=matrix, full_range=full_range, device=None,
        height=planes[0].shape[0], width=planes[0].shape[1],
    )  # fmt: skip


@unittest.skipIf(numpy is None, "numpy is not installed (Debian: python3-numpy)")
class Colours(unittest.TestCase):
    def plane(self, values: Any, dtype: str = "uint8") -> Any:
        class Plane(numpy.ndarray):
            address = 0
            pitch = 0

        return numpy.ascontiguousarray(values, dtype=dtype).view(Plane)

    def noise(self, pixel_format: PixelFormat, width: int, height: int) -> list[Any]:
        info = FORMATS[pixel_format]
        random = numpy.random.default_rng(pixel_format.value)
        planes = []
        for index, channels in enumerate(info.channels):
            columns, rows = info.size(index, width, height)
            shape = (rows, columns) if channels == 1 else (rows, columns, channels)
            values = random.integers(0, 1 << info.bits, shape) << info.padding
            planes.append(self.plane(values, "uint8" if info.item_size == 1 else "uint16"))
        return planes

    def test_known_colours(self) -> None:
        # BT.709, limited range: black, white and the primary red of the standard's own table (63, 102, 240)
        for (y, cb, cr), rgb in (((16, 128, 128), (0, 0, 0)), ((235, 128, 128), (255, 255, 255)), ((63, 102, 240), (255, 0, 0))):
            planes = [self.plane(numpy.full((2, 2), y)), self.plane(numpy.array([[[cb, cr]]]))]
            got = colour.to_rgb(frame_of(PixelFormat.NV12, planes))
            self.assertLessEqual(numpy.abs(got.astype(int) - rgb).max(), 1, (y, cb, cr))
        # ten bits in the high bits of sixteen: the same white
        planes = [self.plane(numpy.full((2, 2), 940 << 6), "uint16"), self.plane(numpy.full((1, 1, 2), 512 << 6), "uint16")]
        self.assertTrue((colour.to_rgb(frame_of(PixelFormat.P010, planes)) == 255).all())

    def test_packed_formats_and_layouts(self) -> None:
        pixel = self.plane(numpy.array([[[1, 2, 3, 4]]]))
        self.assertEqual([3, 2, 1], colour.to_rgb(frame_of(PixelFormat.BGRA, [pixel]))[0, 0].tolist())
        self.assertEqual((3, 1, 1), colour.to_rgb(frame_of(PixelFormat.RGBA, [pixel]), layout="chw").shape)

    def test_unknown_matrices_and_arguments_are_refused(self) -> None:
        planes = self.noise(PixelFormat.NV12, 4, 4)
        with self.assertRaisesRegex(Exception, "matrix coefficients 0"):
            colour.to_rgb(frame_of(PixelFormat.NV12, planes, matrix=0))
        with self.assertRaises(ValueError):
            colour.to_rgb(frame_of(PixelFormat.NV12, planes), dtype="float64")

    @unittest.skipIf(shutil.which("cc") is None, "there is no C compiler")
    def test_the_kernel_gives_what_numpy_gives(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            source = Path(directory, "kernel.c")
            library = Path(directory, "kernel.so")
            source.write_text(_SHIM % _kernel.SOURCE, encoding="ascii")
            subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
            kernel = ctypes.CDLL(str(library))
            kernel.cuframes_to_rgb.argtypes = _kernel.PARAMETERS
            for name in ("NV12", "P010", "YUV420P", "YUV422P10", "YUV444P"):
                pixel_format = PixelFormat[name]
                for dtype, layout, full in (("uint8", "hwc", False), ("float32", "chw", True)):
                    with self.subTest(pixel_format.name, dtype=dtype):
                        self.compare(kernel, frame_of(pixel_format, self.noise(pixel_format, 7, 5), 9, full), dtype, layout)

    def compare(self, kernel: Any, frame: Any, dtype: str, layout: str) -> None:
        expected = colour.to_rgb(frame, dtype=dtype, layout=layout)
        got = numpy.zeros_like(expected)
        arguments = colour.arguments(frame, got.ctypes.data, dtype, layout)
        for row in range(frame.height + 1):  # a thread more than there are pixels does nothing
            for column in range(frame.width + 1):
                kernel.one_thread(column, row)
                kernel.cuframes_to_rgb(*arguments)
        difference = numpy.abs(got.astype(float) - expected.astype(float)).max()
        self.assertLessEqual(difference, 1 if dtype == "uint8" else 1e-5)


if __name__ == "__main__":
    unittest.main()
