"""How long a frame takes from its publication to the return of ``next``, in microseconds: Python's figure beside Java's.

    python3 latency.py --key cam1 [--run-dir DIR] [--frames 250] [--settle 15] [--subscribers 3] [--spin 0]

Each subscriber is a process. The producer publishes at its own rate: start it with ``--test-pattern 1920x1080@25``. Prints
one line of JSON: ``received``, and over all subscribers ``p50``, ``p90``, ``p99``, ``max``.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cuframes  # noqa: E402


def receive(options: argparse.Namespace) -> list[int]:
    """Nanoseconds from publication to reception, a number for each frame that counts."""
    nanos = []
    with cuframes.subscribe(
        options.key, run_dir=options.run_dir, spin=options.spin, connect_timeout=30, name="python latency"
    ) as subscriber:
        gc.disable()  # as it would be for a program that cares
        for number in range(options.settle + options.frames):
            frame = subscriber.next()
            now = time.monotonic_ns()
            if frame is None:
                break
            if number >= options.settle:
                nanos.append(now - frame.publish_nanos)
            frame.close()
    return nanos


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", required=True)
    parser.add_argument("--run-dir")
    parser.add_argument("--frames", type=int, default=250)
    parser.add_argument("--settle", type=int, default=15)
    parser.add_argument("--subscribers", type=int, default=3)
    parser.add_argument("--spin", type=float, default=0.0)
    options = parser.parse_args()
    if options.subscribers == 0:  # one of the processes below
        print(json.dumps(receive(options)))
        return 0
    command = [sys.executable, *sys.argv, "--subscribers", "0"]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(options.subscribers)]
    nanos: list[int] = []
    for child in children:
        output, _ = child.communicate()
        if child.returncode:
            return 1
        nanos += json.loads(output)
    nanos.sort()
    if not nanos:
        print("no frame was received", file=sys.stderr)
        return 1

    def micros(share: float) -> float:
        return nanos[min(len(nanos) - 1, int(share * len(nanos)))] / 1000

    print(
        json.dumps(
            {
                "received": len(nanos), "subscribers": options.subscribers,
                "p50": micros(0.5), "p90": micros(0.9), "p99": micros(0.99), "max": nanos[-1] / 1000,
            }
        )
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
