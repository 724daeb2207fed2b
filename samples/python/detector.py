"""A detector on several cameras: the newest frame of each, as one batch, where the frames lie.

    python3 detector.py cam1 cam2 [--run-dir DIR] [--seconds 10]

On a GPU with torch the frames' planes are tensors in the producer's memory, one kernel makes each a picture of 0 to 1, and
a small convolution looks for edges in the batch. Without a GPU, or without torch, NumPy does it on frames in host memory,
and says so. A real detector would take the place of ``edges``.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path
from typing import Any

try:
    import cuframes
except ImportError:  # not installed: the source tree's
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bindings" / "python"))
    import cuframes


class OnGpu:
    """torch, on the GPU that the frames are on."""

    name = "torch on the GPU"

    def __init__(self) -> None:
        import torch

        if not torch.cuda.is_available():
            raise ImportError("torch sees no GPU")
        self._torch = torch

    def picture(self, frame: cuframes.Frame) -> Any:
        return cuframes.to_rgb(frame, dtype="float32", layout="chw", library="torch")

    def edges(self, pictures: list[Any]) -> list[float]:
        torch = self._torch
        batch = torch.stack(pictures)
        grey = batch.mean(1, keepdim=True)
        kernel = torch.tensor([[-1.0, 0.0, 1.0]] * 3, device=batch.device).reshape(1, 1, 3, 3)
        return [float(value) for value in torch.nn.functional.conv2d(grey, kernel).abs().mean((1, 2, 3)).cpu()]


class OnHost:
    """NumPy, on the processor."""

    name = "NumPy on the processor"

    def __init__(self) -> None:
        import numpy

        self._np = numpy

    def picture(self, frame: cuframes.Frame) -> Any:
        return cuframes.to_rgb(frame, dtype="float32", layout="chw")

    def edges(self, pictures: list[Any]) -> list[float]:
        grey = [picture.mean(0) for picture in pictures]
        return [float(self._np.abs(picture[:, 2:] - picture[:, :-2]).mean() * 3) for picture in grey]


def engine_for(frame: cuframes.Frame) -> OnGpu | OnHost:
    """What works where the frames are."""
    if frame.device is None:
        print("the frames are in host memory: no GPU is used")
        return OnHost()
    return OnGpu()


async def run(options: argparse.Namespace) -> int:
    cameras = [cuframes.subscribe_async(key, run_dir=options.run_dir, name="detector") for key in options.keys]
    try:
        for camera in cameras:
            await camera.connect()
        engine: OnGpu | OnHost | None = None
        batches = 0
        end = time.monotonic() + options.seconds
        while time.monotonic() < end:
            frames = await asyncio.gather(*(camera.next(1.0) for camera in cameras))
            present = [(key, frame) for key, frame in zip(options.keys, frames, strict=True) if frame is not None]
            if not present:
                if all(camera.subscriber.at_end for camera in cameras):
                    break
                continue
            if engine is None:
                engine = engine_for(present[0][1])
                print(f"detecting with {engine.name}")
            pictures = []
            for _, frame in present:
                with frame:  # the picture is our own: the slot goes back as soon as it is made
                    pictures.append(engine.picture(frame))
            if len({picture.shape for picture in pictures}) == 1:
                scores = engine.edges(pictures)
            else:
                scores = [engine.edges([picture])[0] for picture in pictures]
            batches += 1
            if batches % 25 == 1:
                found = zip(present, scores, strict=True)
                print("  ".join(f"{key}#{frame.sequence} edges {score:.3f}" for (key, frame), score in found))
        print(f"{batches} batches")
        return 0 if batches else 1
    finally:
        for camera in cameras:
            camera.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="Looks for edges in the newest frames of several cameras.")
    parser.add_argument("keys", nargs="+", metavar="KEY")
    parser.add_argument("--run-dir")
    parser.add_argument("--seconds", type=float, default=10.0)
    try:
        return asyncio.run(run(parser.parse_args()))
    except (cuframes.Error, ImportError) as e:
        print(f"detector: {e}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
