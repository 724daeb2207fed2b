"""Reads and judges the code in the pictures of the test pattern (docs/test-pattern.md). Needs nothing but Python."""

from __future__ import annotations

from collections.abc import Callable

from cuframes import Frame

NO_CODE = "no code"
DAMAGED = "damaged"
TORN = "torn"


def crc16(data: bytes) -> int:
    """CRC-16/IBM-3740."""
    crc = 0xFFFF
    for octet in data:
        crc ^= octet << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def _strip(luma: bytes | memoryview, pitch: int, top: int, cell: int) -> tuple[int, int] | None | bool:
    """(number, tag); None if no strip is there; False if it is damaged."""
    offsets = [j * cell // 8 * pitch + i * cell // 8 for j in range(4) for i in range(4)]

    def level(row: int, column: int) -> int:
        at = (top + row * cell + cell // 4) * pitch + column * cell + cell // 4
        return sum(luma[at + offset] for offset in offsets)

    cells = [[level(row, column) for column in range(18)] for row in range(4)]
    white = min(cells[0][0], cells[1][17], cells[2][0], cells[3][17])
    black = max(cells[0][17], cells[1][0], cells[2][17], cells[3][0])
    if white - black < 64 * 16:
        return None
    words = [sum((2 * value > white + black) << 15 - i for i, value in enumerate(row[1:17])) for row in cells]
    number, tag = words[0] << 16 | words[1], words[2]
    return (number, tag) if crc16(number.to_bytes(4, "big") + tag.to_bytes(2, "big")) == words[3] else False


def read(luma: bytes | memoryview, pitch: int, width: int, height: int) -> tuple[int, int] | str:
    """(number, tag), or one of NO_CODE, DAMAGED and TORN."""
    cell = 8 * max(1, min(width // 640, height // 360))
    room = height - 4 * cell
    strips = [_strip(luma, pitch, top, cell) for top in (0, room // 2 // cell * cell, room)]
    valid = [strip for strip in strips if isinstance(strip, tuple)]
    if len(set(valid)) > 1:
        return TORN
    if len(valid) == 3:
        return valid[0]
    return NO_CODE if all(strip is None for strip in strips) else DAMAGED


def code_of(frame: Frame) -> tuple[int, int] | str:
    """Of a frame, wherever it lies."""
    plane = frame.planes[0]
    if frame.device is None:
        return read(frame.memoryview(0), plane.pitch, frame.width, frame.height)
    return read(plane.tobytes(), plane.row_bytes, frame.width, frame.height)


class Verifier:
    """Judges a sequence of frames by their codes."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self.violations = 0
        self.last_number = -1
        self._report = report
        self._last: tuple[int, int] | None = None

    def violation(self, what: str) -> None:
        """Something is wrong."""
        self.violations += 1
        self._report(f"violation {what}")

    def next(self, code: tuple[int, int] | str, epoch: int, sequence: int, breaks: bool) -> None:
        """Takes the next frame; ``breaks``: it was said that it does not go on from the one before."""
        if isinstance(code, str):
            self.violation(f"frame {sequence} is {code}")
            return
        number = code[0]
        if self._last is not None and self._last[0] == epoch:
            if sequence <= self._last[1]:
                self.violation(f"frame {sequence} comes after {self._last[1]}")
            elif not breaks and number - self.last_number < sequence - self._last[1]:
                self.violation(f"frame {sequence} has number {number}, and {self._last[1]} had {self.last_number}")
        elif self._last is not None and not breaks:
            self.violation(f"frame {sequence} is of another epoch, and nobody said so")
        self._last = (epoch, sequence)
        self.last_number = number
