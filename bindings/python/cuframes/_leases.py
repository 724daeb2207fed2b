"""Leases: who still reads a slot, and when the publisher may have it back."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from . import _cuda
from ._layout import Page
from ._memory import Place
from ._order import full_fence
from .errors import ClosedError, CudaError

_LOG = logging.getLogger("cuframes")


class Leases:
    """The leases of one connection. Any thread may end one, also from a finalizer in the middle of anything here.

    A lease has shares: the frame's own, and one for each array or tensor made from it. When the last is dropped, own
    events are recorded on the streams whose work may still read the slot; when these are done, the lease ends. A lease
    without such streams ends at once.
    """

    def __init__(self, page: Page, lossless: bool, credits: int, request: Callable[[], None]) -> None:
        self.credits = credits
        self._page = page
        self._lossless = lossless
        self._request = request
        self._lock = threading.Lock()
        #: dropped leases that nobody has looked at yet; appending is atomic, so that finalizers can
        self._dropped: deque[Lease] = deque()
        self._pending: list[Lease] = []
        self._held = 0
        self._revoked: str | None = None

    @property
    def held(self) -> int:
        """Leases that have not ended, also those that only wait for the GPU."""
        return self._held

    @property
    def pending(self) -> int:
        """Leases that wait for the GPU only."""
        return len(self._pending)

    @property
    def revoked(self) -> str | None:
        """Why frames may not be read any more, or None."""
        return self._revoked

    def revoke(self, why: str) -> None:
        """The publisher has ended all leases, or is about to: what is held must not be read any more."""
        self._revoked = why

    def begin(self, number: int, delivery: int, place: Place) -> Lease:
        """A delivery was taken."""
        place.slab.use()
        with self._lock:
            self._held += 1
        return Lease(self, number, delivery, place)

    def give_back(self, number: int, delivery: int) -> None:
        """Ends a lease of which no frame was made."""
        with self._lock:
            self._page.release(number, delivery)
        self._tell()

    def _tell(self) -> None:
        if self._lossless:
            full_fence()
            if self._page.publisher_waits():
                self._request()

    def drop(self, lease: Lease) -> None:
        """The last share of a lease is gone."""
        self._dropped.append(lease)
        self.poll()

    def poll(self) -> None:
        """Looks at what was dropped and at own events. Who finds the lock taken leaves it to the holder."""
        while (self._dropped or self._pending) and self._lock.acquire(blocking=False):
            ended = False
            try:
                while self._dropped:
                    lease = self._dropped.popleft()
                    lease.record()
                    self._pending.append(lease)
                still = [lease for lease in self._pending if not lease.is_done()]
                for lease in self._pending:
                    if lease not in still:
                        self._page.release(lease.number, lease.delivery)
                        self._held -= 1
                        lease.place.slab.let_go()
                        ended = True
                self._pending = still
            finally:
                self._lock.release()
            if ended:
                self._tell()
            if not self._dropped:
                return


class Lease:
    """One delivery's right to read a slot. Any thread."""

    def __init__(self, leases: Leases, number: int, delivery: int, place: Place) -> None:
        self.number = number
        self.delivery = delivery
        self.place = place
        self._leases = leases
        self._shares = 1
        self._lock = threading.RLock()  # a finalizer may come while this thread holds it
        self._streams: set[int] = set()
        self._events: list[_cuda.Event] = []
        self._unfenced = False

    def check(self) -> None:
        """Raises ClosedError unless the slot may be read."""
        if self._leases.revoked is not None:
            raise ClosedError(self._leases.revoked)
        if self._shares <= 0:
            raise ClosedError("the frame is closed, and its slot may hold another picture by now; read it before closing it")

    def share(self, stream: int | None = None) -> None:
        """A consumer more, whose work runs on the stream if it is one of a GPU."""
        with self._lock:
            self.check()
            self._shares += 1
            if stream is not None and self.place.device is not None:
                self._streams.add(stream)

    def after(self, stream: int) -> None:
        """Work on a stream reads the slot."""
        with self._lock:
            if self.place.device is not None:
                self._streams.add(stream)

    def let_go(self) -> None:
        """A share is gone."""
        with self._lock:
            self._shares -= 1
            last = self._shares == 0
        if last:
            self._leases.drop(self)

    def record(self) -> None:
        """Own events behind what was queued on the streams. With the leases' lock."""
        device = self.place.device
        if device is None:
            return
        for stream in self._streams:
            try:
                self._events.append(_cuda.Event(device, stream))
            except CudaError as e:
                # work may be under way that nothing tells the end of: the slot must stay ours until the connection ends
                _LOG.error("a frame cannot be given back before the connection ends: %s", e)
                self._unfenced = True

    def is_done(self) -> bool:
        """Whether the GPU has done what was queued."""
        if self._unfenced:
            return False
        try:
            self._events = [event for event in self._events if not event.is_done()]
        except CudaError as e:
            _LOG.error("a frame cannot be given back before the connection ends: %s", e)
            self._unfenced = True
            return False
        return not self._events
