"""A subscriber process that judges every frame by its code, as the tests' own in Java does.

Arguments are ``name=value``: ``key``, ``run-dir``, ``policy``; ``credits`` (0), ``progress`` (frames from one report to
the next; 0: none), ``hold`` (ms with each frame), ``frames`` (0: no end), ``reconnect`` (true), ``check`` (true; false:
frames are only taken), ``mode`` (``sync`` or ``async``), ``timeout`` (s to wait for a publisher; 30). It writes
``connected``, ``progress …``, ``violation …``, and in the end ``summary …`` or ``failed …`` with the error's class
and sentence. The end of stdin ends it. Exit status 0, or 1 if the subscription failed.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from pattern import Verifier, code_of  # noqa: E402

import cuframes  # noqa: E402

_POLL = 0.1


def say(line: str) -> None:
    print(line, flush=True)


class Run:
    def __init__(self, options: dict[str, str]) -> None:
        self.options = options
        self.verifier = Verifier(say)
        self.leaving = threading.Event()
        self.received = 0
        self.generations: set[tuple[int, int]] = set()

    def number(self, name: str) -> int:
        return int(self.options.get(name, "0"))

    def watch_input(self) -> None:
        sys.stdin.read()
        self.leaving.set()

    def take(self, frame: cuframes.Frame, subscriber: cuframes.Subscriber) -> None:
        with frame:
            self.received += 1
            number = self.received
            if self.options.get("check") != "false":
                code = code_of(frame)
                breaks = bool(frame.flags & cuframes.FrameFlag.DISCONTINUITY) or frame.sequence == 1
                new = (frame.epoch, frame.generation) not in self.generations
                self.verifier.next(code, frame.epoch, frame.sequence, breaks or new)
                if self.number("hold"):
                    time.sleep(self.number("hold") / 1000)
                    if code_of(frame) != code:
                        self.verifier.violation(f"frame {frame.sequence} changed while it was held")
            self.generations.add((frame.epoch, frame.generation))
            progress = self.number("progress")
            if progress and number % progress == 0:
                say(
                    f"progress received={number} epoch={frame.epoch} sequence={frame.sequence} "
                    f"number={self.verifier.last_number} width={frame.width} height={frame.height} "
                    f"memory={frame.memory_kind.name} generation={frame.generation} "
                    f"reconnects={subscriber.statistics.reconnects}"
                )

    def going_on(self, subscriber: cuframes.Subscriber) -> bool:
        wanted = self.number("frames")
        return not (self.leaving.is_set() or subscriber.at_end or (wanted and self.received >= wanted))

    def sync(self) -> cuframes.Subscriber:
        with cuframes.Subscriber(self.options["key"], **self.arguments()) as subscriber:  # type: ignore[arg-type]
            subscriber.connect(float(self.options.get("timeout", "30")))
            say("connected")
            while self.going_on(subscriber):
                frame = subscriber.next(_POLL)
                if frame is not None:
                    self.take(frame, subscriber)
            return subscriber

    async def asynchronous(self) -> cuframes.Subscriber:
        timeout = float(self.options.get("timeout", "30"))
        stream = cuframes.subscribe_async(
            self.options["key"], connect_timeout=timeout, **self.arguments()  # type: ignore[arg-type]
        )
        async with stream:
            say("connected")
            while self.going_on(stream.subscriber):
                frame = await stream.next(_POLL)
                if frame is not None:
                    self.take(frame, stream.subscriber)
        return stream.subscriber

    def arguments(self) -> dict[str, object]:
        return {
            "policy": self.options.get("policy", "latest"),
            "run_dir": self.options.get("run-dir"),
            "credits": self.number("credits"),
            "reconnect": self.options.get("reconnect") != "false",
            "name": "python verifier",
        }

    def run(self) -> int:
        threading.Thread(target=self.watch_input, daemon=True).start()
        try:
            asynchronous = self.options.get("mode") == "async"
            subscriber = asyncio.run(self.asynchronous()) if asynchronous else self.sync()
        except cuframes.Error as e:
            say(f"failed {type(e).__name__} {e.code} {e}")
            return 1
        counted = subscriber.statistics
        say(
            f"summary received={self.received} violations={self.verifier.violations} dropped={counted.dropped} "
            f"gaps={counted.gaps} reconnects={counted.reconnects} end={str(subscriber.at_end).lower()}"
        )
        return 0


if __name__ == "__main__":
    sys.exit(Run(dict(argument.split("=", 1) for argument in sys.argv[1:])).run())
