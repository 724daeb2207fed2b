"""RGB pictures that the kernel makes of frames in GPU memory, held against those that NumPy makes of the same bytes.

    python3 gpu_colour.py --key cam1 --run-dir /tmp/run --library torch [--frames 10]

Each frame is converted in all data types and layouts, and closed before the pictures are looked at. Writes ``connected`` and in
the end ``summary …``, or ``failed …``. Exit status 0, or 1 if a picture differs by more than 1 of 255, or by 1e-5 of 1.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cuframes  # noqa: E402
from cuframes import colour  # noqa: E402

_KINDS = [(dtype, layout) for dtype in ("uint8", "float32") for layout in ("hwc", "chw")]


class Failed(Exception):
    """A check failed."""


def downloaded(np: Any, frame: cuframes.Frame) -> Any:
    """What the converter looks at, of a frame's bytes in host memory."""
    planes = [np.frombuffer(plane.tobytes(), dtype=plane.typestr).reshape(plane.shape) for plane in frame.planes]
    return SimpleNamespace(
        format=frame.format, planes=planes, matrix=frame.matrix, full_range=frame.full_range, device=None,
        height=frame.height, width=frame.width,
    )  # fmt: skip


def in_host_memory(np: Any, picture: Any, library: str) -> Any:
    if library == "torch":
        return picture.cpu().numpy()
    import cupy

    return cupy.asnumpy(picture)


def compare(np: Any, frame: cuframes.Frame, library: str) -> float:
    """The greatest difference, in units of what is allowed."""
    with frame:
        if frame.device is None:
            raise Failed("the frames are in host memory; start the producer with --memory cuda")
        sources = downloaded(np, frame)
        pictures = [colour.to_rgb(frame, dtype=dtype, layout=layout, library=library) for dtype, layout in _KINDS]
    greatest = 0.0
    for (dtype, layout), picture in zip(_KINDS, pictures, strict=True):
        expected = colour.to_rgb(sources, dtype=dtype, layout=layout)
        got = in_host_memory(np, picture, library)
        if got.shape != expected.shape or got.dtype != expected.dtype:
            raise Failed(f"{dtype} {layout} came as {got.dtype} {got.shape}, not as {expected.dtype} {expected.shape}")
        difference = float(np.abs(got.astype(float) - expected.astype(float)).max())
        if expected.max() == expected.min():
            raise Failed("the picture has one colour only, so that nothing is shown by it")
        greatest = max(greatest, difference / (1 if dtype == "uint8" else 1e-5))
    if greatest > 1:
        raise Failed(f"frame {frame.sequence} differs by {greatest:.1f} times what is allowed")
    return greatest


def receive(options: argparse.Namespace) -> None:
    import numpy as np

    greatest, received = 0.0, 0
    with cuframes.subscribe(options.key, run_dir=options.run_dir, policy="lossless", connect_timeout=60) as subscriber:
        print("connected", flush=True)
        kind = ""
        while not subscriber.at_end and received < options.frames:
            frame = subscriber.next(1.0)
            if frame is None:
                continue
            kind = f"memory={frame.memory_kind.name} format={frame.format.name} size={frame.width}x{frame.height}"
            greatest = max(greatest, compare(np, frame, options.library))
            received += 1
    print(f"summary received={received} library={options.library} difference={greatest:.2f} {kind}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--key", required=True)
    parser.add_argument("--run-dir")
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--library", choices=("torch", "cupy"), default="torch")
    try:
        receive(parser.parse_args())
    except (Failed, cuframes.Error) as e:
        print(f"failed {e}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
