"""Pixel formats, memory kinds and flags by the numbers of docs/protocol.md, and the geometry of planes."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class PixelFormat(enum.IntEnum):
    """docs/protocol.md, 2.6."""

    NV12 = 1
    YUV420P = 2
    YUV422P = 3
    YUV444P = 4
    GRAY8 = 5
    P010 = 6
    YUV420P10 = 7
    RGB24 = 8
    BGR24 = 9
    RGBA = 10
    BGRA = 11
    YUV422P10 = 12
    YUV444P10 = 13


class MemoryKind(enum.IntEnum):
    """docs/protocol.md, 2.7."""

    HOST = 1
    CUDA = 2
    CUDA_IPC = 3


class FrameFlag(enum.IntFlag):
    """docs/protocol.md, 2.3. Unknown bits are ignored."""

    KEY = 1
    DISCONTINUITY = 2
    CORRUPT = 4
    INTERLACED = 8
    TOP_FIELD_FIRST = 16
    COPIED = 32


KNOWN_FLAGS = 63


@dataclass(frozen=True)
class FormatInfo:
    """``channels``: samples that lie side by side in a pixel, for each plane. ``shift``: chroma shift in x and y."""

    channels: tuple[int, ...]
    shift: tuple[int, int]
    bits: int
    #: how far the sample is shifted to the left in its word
    padding: int = 0

    @property
    def item_size(self) -> int:
        """Bytes of a sample."""
        return 1 if self.bits == 8 else 2

    def size(self, plane: int, width: int, height: int) -> tuple[int, int]:
        """Columns and rows of a plane."""
        if plane == 0:
            return width, height
        x, y = self.shift
        return _round_up(width, x), _round_up(height, y)

    def row_bytes(self, plane: int, width: int) -> int:
        """Bytes of a row without what lies between rows."""
        return self.size(plane, width, 1)[0] * self.channels[plane] * self.item_size


def _round_up(value: int, shift: int) -> int:
    return -((-value) >> shift)


FORMATS: dict[PixelFormat, FormatInfo] = {
    PixelFormat.NV12: FormatInfo((1, 2), (1, 1), 8),
    PixelFormat.YUV420P: FormatInfo((1, 1, 1), (1, 1), 8),
    PixelFormat.YUV422P: FormatInfo((1, 1, 1), (1, 0), 8),
    PixelFormat.YUV444P: FormatInfo((1, 1, 1), (0, 0), 8),
    PixelFormat.GRAY8: FormatInfo((1,), (0, 0), 8),
    PixelFormat.P010: FormatInfo((1, 2), (1, 1), 10, 6),
    PixelFormat.YUV420P10: FormatInfo((1, 1, 1), (1, 1), 10),
    PixelFormat.RGB24: FormatInfo((3,), (0, 0), 8),
    PixelFormat.BGR24: FormatInfo((3,), (0, 0), 8),
    PixelFormat.RGBA: FormatInfo((4,), (0, 0), 8),
    PixelFormat.BGRA: FormatInfo((4,), (0, 0), 8),
    PixelFormat.YUV422P10: FormatInfo((1, 1, 1), (1, 0), 10),
    PixelFormat.YUV444P10: FormatInfo((1, 1, 1), (0, 0), 10),
}
