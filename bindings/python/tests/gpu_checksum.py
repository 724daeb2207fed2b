"""Frames as torch tensors where they lie in GPU memory, and the checksum of each, to compare with another subscriber's.

    python3 gpu_checksum.py --key cam1 --run-dir /tmp/run --frames 1000 --file python.txt

Each line of the file is ``epoch sequence ptsNanos copied checksum``, as the tests' ChecksumSubscriber in Java writes it:
CRC32C in hexadecimal over the planes, row by row without padding. With torch each plane becomes a tensor by DLPack, whose
``data_ptr()`` must be the frame's device address, and what is summed up is copied from that tensor. ``--library cupy``
does the same by ``__cuda_array_interface__``, ``--library none`` downloads with the driver alone (and serves the stand-in
driver). Writes ``connected`` and in the end ``summary …``, or ``failed …``. Exit status 0, or 1 if a check failed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, TextIO

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cuframes  # noqa: E402

_UNKNOWN = -(1 << 63)
_POLL = 1.0


def _tables() -> list[list[int]]:
    first = []
    for value in range(256):
        crc = value
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        first.append(crc)
    tables = [first]
    for _ in range(7):
        last = tables[-1]
        tables.append([first[value & 0xFF] ^ value >> 8 for value in last])
    return tables


_T = _tables()


def crc32c(data: bytes, crc: int = 0) -> int:
    """CRC-32C (Castagnoli) in pure Python, eight bytes a step. Slow: some 0.3 s for 1 MB."""
    t0, t1, t2, t3, t4, t5, t6, t7 = _T
    crc ^= 0xFFFFFFFF
    whole = len(data) // 8 * 8
    words = memoryview(data)[:whole].cast("Q")
    for word in words:
        word ^= crc
        crc = (
            t7[word & 0xFF] ^ t6[word >> 8 & 0xFF] ^ t5[word >> 16 & 0xFF] ^ t4[word >> 24 & 0xFF]
            ^ t3[word >> 32 & 0xFF] ^ t2[word >> 40 & 0xFF] ^ t1[word >> 48 & 0xFF] ^ t0[word >> 56]
        )  # fmt: skip
    for octet in data[whole:]:
        crc = crc >> 8 ^ t0[(crc ^ octet) & 0xFF]
    return crc ^ 0xFFFFFFFF


_LANES = 4096


class VectorCrc:
    """The same with NumPy: the bytes in many lanes at once, whose sums are then put together. Some 30 ms for 1080p."""

    def __init__(self, np: Any) -> None:
        self._np = np
        self._table = np.array(_T[0], dtype=np.uint32)
        self._shifts: dict[int, list[list[int]]] = {}

    def _step(self, crc: Any, octets: Any) -> Any:
        return self._table[(crc ^ octets) & 0xFF] ^ crc >> 8

    def _shift(self, count: int) -> list[list[int]]:
        """What so many zero bytes make of a sum, as four tables for its four bytes."""
        known = self._shifts.get(count)
        if known is None:
            np = self._np
            values = (np.arange(256, dtype=np.uint32) << np.array([[0], [8], [16], [24]], dtype=np.uint32)).reshape(-1)
            for _ in range(count):
                values = self._step(values, 0)
            known = self._shifts[count] = values.reshape(4, 256).tolist()
        return known

    def __call__(self, data: bytes, crc: int = 0) -> int:
        if len(data) < _LANES:
            return crc32c(data, crc)
        np = self._np
        length = -(-len(data) // _LANES)
        padded = np.zeros(length * _LANES, dtype=np.uint8)  # zeros before the first byte change nothing
        begin = len(padded) - len(data)
        padded[begin:] = np.frombuffer(data, dtype=np.uint8)
        # the initial value counts as if it were xored with the first four bytes
        padded[begin : begin + 4] ^= np.frombuffer((crc ^ 0xFFFFFFFF).to_bytes(4, "little"), dtype=np.uint8)
        columns = np.ascontiguousarray(padded.reshape(_LANES, length).T).astype(np.uint32)
        lanes = np.zeros(_LANES, dtype=np.uint32)
        for column in columns:
            lanes = self._step(lanes, column)
        t0, t1, t2, t3 = self._shift(length)
        total = 0
        for lane in lanes.tolist():
            total = t0[total & 0xFF] ^ t1[total >> 8 & 0xFF] ^ t2[total >> 16 & 0xFF] ^ t3[total >> 24] ^ lane
        return int(total) ^ 0xFFFFFFFF


def fast_crc32c() -> Any:
    """With NumPy, if it is installed; else the one above."""
    try:
        import numpy
    except ImportError:
        return crc32c
    return VectorCrc(numpy)


def signed(number: int) -> int:
    """As Java prints an unsigned number of 64 bits."""
    return number - (1 << 64) if number >> 63 else number


class Failed(Exception):
    """A check failed."""


def plane_bytes(plane: cuframes.Plane, library: str) -> bytes:
    """The plane's bytes, copied from what the library made of it."""
    if library == "none":
        return plane.tobytes()
    if library == "torch":
        import torch

        tensor = torch.from_dlpack(plane)
        address, host = tensor.data_ptr(), tensor.cpu().numpy()
        # the other way gives the same address
        again = torch.as_tensor(plane, device="cuda") if plane.item_size == 1 else tensor
        if again.data_ptr() != plane.address:
            raise Failed(f"torch.as_tensor made a copy at {again.data_ptr():#x} of what is at {plane.address:#x}")
    else:
        import cupy

        array = cupy.asarray(plane)
        address, host = array.data.ptr, cupy.asnumpy(array)
    if address != plane.address:
        raise Failed(f"{library} made a copy at {address:#x} of what is at {plane.address:#x}")
    if tuple(host.shape) != plane.shape:
        raise Failed(f"{library} has the shape {tuple(host.shape)} of a plane {plane.shape}")
    return bytes(host.tobytes())


def receive(options: argparse.Namespace, file: TextIO) -> None:
    checksum = fast_crc32c()
    received = 0
    begin = time.monotonic()
    with cuframes.subscribe(
        options.key, run_dir=options.run_dir, policy=options.policy, connect_timeout=60, name="python checksum"
    ) as subscriber:
        print("connected", flush=True)
        kind = ""
        while not subscriber.at_end and received < options.frames:
            frame = subscriber.next(_POLL)
            if frame is None:
                continue
            with frame:
                crc = 0
                for plane in frame.planes:
                    crc = checksum(plane_bytes(plane, options.library), crc)
                copied = str(bool(frame.flags & cuframes.FrameFlag.COPIED)).lower()
                pts = _UNKNOWN if frame.pts_nanos is None else frame.pts_nanos
                file.write(f"{signed(frame.epoch)} {frame.sequence} {pts} {copied} {crc:x}\n")
                kind = f"memory={frame.memory_kind.name} format={frame.format.name} size={frame.width}x{frame.height}"
                if frame.device is None and not options.host:
                    raise Failed("the frames are in host memory; start the producer with --memory cuda")
            received += 1
        counted = subscriber.statistics
    print(
        f"summary received={received} dropped={counted.dropped} library={options.library} "
        f"seconds={time.monotonic() - begin:.1f} {kind}",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--key", required=True)
    parser.add_argument("--run-dir")
    parser.add_argument("--policy", default="fifo:4")
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--file", default="-")
    parser.add_argument("--library", choices=("torch", "cupy", "none"), default="torch")
    parser.add_argument("--host", action="store_true", help="frames in host memory will do")
    options = parser.parse_args()
    try:
        if options.file == "-":
            receive(options, sys.stdout)
        else:
            with open(options.file, "w", encoding="ascii") as file:
                receive(options, file)
    except (Failed, cuframes.Error) as e:
        print(f"failed {e}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
