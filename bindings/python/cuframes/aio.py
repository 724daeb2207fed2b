"""The same for asyncio: nothing blocks the event loop, and no thread is made."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from types import TracebackType

from .errors import NoPublisherError
from .frame import Frame
from .subscriber import Subscriber


class AsyncSubscriber:
    """A ``Subscriber`` for one task at a time. It connects when the first frame is asked for, or with ``async with``."""

    def __init__(self, subscriber: Subscriber, connect_timeout: float | None = 5.0) -> None:
        self.subscriber = subscriber
        self._connect_timeout = connect_timeout
        self._connected = False

    async def connect(self) -> None:
        """Waits until a publisher has let this subscriber in; raises as ``Subscriber.connect``."""
        timeout = self._connect_timeout
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.subscriber._connect_step():
            if deadline is not None and time.monotonic() >= deadline:
                raise NoPublisherError(self.subscriber._no_publisher(timeout or 0.0))
            await self._wait(deadline)
        self._connected = True

    async def next(self, timeout: float | None = None) -> Frame | None:
        """As ``Subscriber.next``. A task that is cancelled here loses no frame."""
        if not self._connected:
            await self.connect()
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            frame = self.subscriber.next(0)
            if frame is not None or self.subscriber.at_end:
                return frame
            if deadline is not None and time.monotonic() >= deadline:
                return None
            await self._wait(deadline)

    async def _wait(self, deadline: float | None) -> None:
        timeout = self.subscriber.poll_timeout()
        if deadline is not None:
            left = max(0.0, deadline - time.monotonic())
            timeout = left if timeout is None else min(timeout, left)
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        descriptor = self.subscriber.fileno()
        loop.add_reader(descriptor, readable.set)
        try:
            await asyncio.wait_for(readable.wait(), timeout)
        except asyncio.TimeoutError:
            return
        finally:
            loop.remove_reader(descriptor)

    async def __aiter__(self) -> AsyncIterator[Frame]:
        """Frames until the stream ends. Each is closed when the next is asked for."""
        while True:
            frame = await self.next()
            if frame is None:
                return
            try:
                yield frame
            finally:
                frame.close()
            del frame

    def close(self) -> None:
        """See ``Subscriber.close``."""
        self.subscriber.close()

    async def __aenter__(self) -> AsyncSubscriber:
        try:
            await self.connect()
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def subscribe_async(
    key: str,
    *,
    policy: str = "latest",
    credits: int = 0,
    run_dir: str | os.PathLike[str] | None = None,
    name: str | None = None,
    gpu: int | str | None = None,
    use_gpu: bool = True,
    reconnect: bool = True,
    connect_timeout: float | None = 5.0,
) -> AsyncSubscriber:
    """``async for frame in subscribe_async("cam1"):`` The arguments are those of ``subscribe``."""
    return AsyncSubscriber(
        Subscriber(
            key, policy=policy, credits=credits, run_dir=run_dir, name=name, gpu=gpu, use_gpu=use_gpu, reconnect=reconnect
        ),
        connect_timeout,
    )
