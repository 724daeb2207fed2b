"""One connection: greeting, memory, and the queue of deliveries (docs/protocol.md, 4 and 5). Nothing here blocks.

One thread at a time; only ``leases`` is for any.
"""

from __future__ import annotations

import enum
import os
import select
import time
from dataclasses import dataclass

from . import _cuda, _wire
from ._layout import CAPACITY, PAGE_SIZE, Metadata, Page, Ring, map_file
from ._leases import Lease, Leases
from ._memory import MemoryMap
from ._order import full_fence
from ._socket import ControlSocket, close_quietly
from .errors import MemoryUnreachableError, ProtocolError
from .formats import MemoryKind

#: For how long a MEMORY message may stay out that should have come before a delivery.
MEMORY_SECONDS = 5.0
#: A dying process's GPU memory may go somewhat before its socket.
DEATH_SECONDS = 0.2
#: Messages that are read without looking at anything else.
MOST_AT_ONCE = 64


class Mode(enum.IntEnum):
    """Which frames are delivered (docs/protocol.md, 5.2)."""

    LATEST = 1
    FIFO = 2
    LOSSLESS = 3


@dataclass
class Counters:
    """What a subscriber has counted over all of its connections."""

    received: int = 0
    #: frames between those received, of one epoch
    dropped: int = 0
    #: places where some were
    gaps: int = 0
    reconnects: int = 0
    #: of the last frame received
    epoch: int = 0
    sequence: int = 0

    def had(self, epoch: int, sequence: int) -> bool:
        """Whether a frame was received before, or a later one was: a new connection begins with the newest there is."""
        return epoch == self.epoch and sequence <= self.sequence


@dataclass(frozen=True)
class Wish:
    """What a subscriber asks for."""

    key: str
    name: str
    mode: Mode
    depth: int
    credits: int
    gpu: int | str | None
    use_gpu: bool


@dataclass(frozen=True)
class Taken:
    """A delivery that was taken."""

    lease: Lease
    sequence: int
    metadata: Metadata


class Session:
    """See the module. A ProtocolError from here means that the publisher broke the protocol."""

    def __init__(self, path: str, wish: Wish, library: str, counters: Counters) -> None:
        self.wish = wish
        self.counters = counters
        self.epoch = 0
        self.ended = False
        self.failure: _wire.Failure | None = None
        self.bye: int | None = None
        self.leases: Leases | None = None
        self._ring: Ring | None = None
        self._page: Page | None = None
        self._memory: MemoryMap | None = None
        self._kinds = 1 << MemoryKind.HOST
        self._last_delivery = [0] * CAPACITY
        self._taken = 0
        self._taken_sequence = 0
        self._advanced_sequence = 0
        self._slot_reused = False  # the slot delivered last holds another frame than the one delivered
        self._metadata: Metadata | None = None
        self._taken_generation = 0
        #: what a delivery must be to answer the REQUEST that is under way; 0: none is
        self._requested = 0
        self._memory_missing_since: float | None = None
        self._sleeping = False
        gpus = _cuda.devices() if wish.use_gpu else []
        if gpus:
            self._kinds |= 1 << MemoryKind.CUDA | 1 << MemoryKind.CUDA_IPC
        self._connection = ControlSocket(path)
        self._connection.send(
            _wire.Hello(
                (_wire.MAJOR, _wire.MINOR), library, wish.key, _wire.shorten(wish.name, 48), _wire.ROLE_SUBSCRIBER,
                (wish.mode, wish.depth, wish.credits), self._kinds, os.getpid(),
                tuple(gpu.uuid for gpu in gpus[: _wire.MAX_GPUS]),
            )
        )  # fmt: skip

    def fileno(self) -> int:
        """The socket, for poll."""
        return self._connection.fileno()

    @property
    def is_greeted(self) -> bool:
        """Whether WELCOME was mapped and answered."""
        return self._page is not None

    @property
    def has_unsent(self) -> bool:
        """Whether something waits for the publisher to read."""
        return self._connection.has_unsent

    @property
    def memory_deadline(self) -> float | None:
        """When a delivery's MEMORY is late, on time.monotonic's clock; None while none is awaited."""
        since = self._memory_missing_since
        return None if since is None else since + MEMORY_SECONDS

    # ---- messages

    def receive(self) -> bool:
        """Reads and handles what the socket has, boundedly. Whether there was anything, or the end."""
        if self.ended:
            return False
        self._connection.flush()
        announced = 0
        progress = False
        for _ in range(MOST_AT_ONCE):
            filled = self._connection.fill()
            while not self.ended:
                generation = self._handle_next()
                if generation is None:
                    break
                announced = generation or announced
            if filled is None and not self.ended:
                self.ended = True
            if not filled or self.ended:
                progress = progress or self.ended
                break
            progress = True
        # answered when nothing more is there: one ACK for all that came together
        if announced and not self.ended:
            self._connection.send(_wire.Ack(announced))
        return progress

    def _handle_next(self) -> int | None:
        """Handles a message: the generation that it announced or 0; None if there is none."""
        found = self._connection.next()
        if found is None:
            return None
        kind, body, files = found
        try:
            message = _wire.decode(kind, body)
            if message is None or (isinstance(message, _wire.Doorbell) and self.is_greeted and not files):
                return 0
            return self._handle(message, files)
        finally:
            for file in files:
                close_quietly(file)

    def _handle(self, message: _wire.Message, files: list[int]) -> int:
        if isinstance(message, _wire.Failure):
            self._require_files(message, files, 0)
            self.failure = message
            self.ended = True
        elif isinstance(message, _wire.Bye):
            self._require_files(message, files, 0)
            self.bye = message.reason
            self.ended = True
        elif isinstance(message, _wire.Welcome) and not self.is_greeted:
            self._require_files(message, files, 2)
            self._greet(message, files)
        elif isinstance(message, _wire.Memory) and self._memory is not None:
            legacy = message.stream.memory_kind == MemoryKind.CUDA_IPC
            self._require_files(message, files, 0 if legacy else len(message.slabs))
            self._memory.announce(message, files)
            return message.generation
        else:
            when = "after WELCOME" if self.is_greeted else "before WELCOME"
            raise ProtocolError(f"a message {_wire.name_of(message)} came {when} from a publisher")
        return 0

    @staticmethod
    def _require_files(message: _wire.Message, files: list[int], count: int) -> None:
        if len(files) != count:
            raise ProtocolError(f"{_wire.name_of(message)} brought {len(files)} descriptors where {count} belong to it")

    def _greet(self, welcome: _wire.Welcome, files: list[int]) -> None:
        number, index, credits = welcome.subscriber
        if welcome.epoch == 0 or number == 0 or not 1 <= credits <= CAPACITY:
            raise ProtocolError(f"WELCOME has epoch {welcome.epoch}, subscriber {number} and {credits} credits")
        if not 512 <= welcome.ring_size < 1 << 31:
            raise ProtocolError(f"WELCOME says that the ring has {welcome.ring_size} bytes")
        ring = Ring(map_file(files[0], welcome.ring_size, "the ring file"), welcome.epoch)
        if index >= ring.subscriber_capacity:
            raise ProtocolError(f"WELCOME gives index {index} in a table of {ring.subscriber_capacity}")
        page = Page(map_file(files[1], PAGE_SIZE, "the subscriber page", writable=True), welcome.epoch, number)
        if ring.is_closed:
            self.ended = True  # it is leaving just now
            return
        self.epoch = welcome.epoch
        lossless = self.wish.mode == Mode.LOSSLESS
        self.leases = Leases(page, lossless, credits, self._request)
        self._ring = ring
        self._memory = MemoryMap(ring, self.wish.gpu, self._kinds)
        self._page = page
        self._connection.send(_wire.Ack(0))

    def _request(self) -> None:
        self._connection.send(_wire.Request())

    # ---- deliveries

    def has_delivery(self) -> bool:
        """Whether there is a delivery that was not taken. Cheap."""
        return self._page is not None and self._page.delivered() != self._taken

    def fall_asleep(self) -> bool:
        """Says that this side is about to block; whether it may, since nothing has come meanwhile."""
        assert self._page is not None
        self._page.sleep(True)
        self._sleeping = True
        full_fence()
        return self._page.delivered() == self._taken

    def wake_up(self) -> None:
        """Says that it does not block any more."""
        if self._sleeping and self._page is not None:
            self._page.sleep(False)
            self._sleeping = False

    def take(self) -> Taken | None:
        """The next frame according to the mode; None if there is none now, or its memory is not known yet."""
        if self.failure is not None or self._page is None:
            return None  # the leases of what is left in the queue have ended
        try:
            return self._take_latest() if self.wish.mode == Mode.LATEST else self._take_next()
        except ProtocolError as breach:
            self._excuse(breach)
            return None

    def _excuse(self, breach: ProtocolError) -> None:
        """What looks like a breach may be the connection's end: who cut this side off, or lost its sockets, uses its slots again."""
        unreachable = isinstance(breach, MemoryUnreachableError)  # a dead publisher's legacy handle
        deadline = time.monotonic() + (DEATH_SECONDS if unreachable else 0)
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        # bounded, also for a publisher that never stops talking
        for _ in range(MOST_AT_ONCE):
            if self.ended or not self.receive() and not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                break
        if self.failure is None and not (self.ended and (unreachable or self._slot_reused)):
            raise breach

    def _take_next(self) -> Taken | None:
        assert self.leases is not None
        while (found := self._advance()) is not None:
            if not self.counters.had(self.epoch, found[0]):
                return self._frame(found)
            self._taken_sequence = found[0]
            self.leases.give_back(found[1], found[2])
        return None

    def _take_latest(self) -> Taken | None:
        assert self._ring is not None and self.leases is not None
        candidate = self._advance()
        if candidate is None:
            self._request_missed()
            return None
        # bounded, also for a publisher that delivers as fast as this side takes
        for _ in range(CAPACITY):
            following = self._advance()
            if following is None:
                break
            self.leases.give_back(candidate[1], candidate[2])
            candidate = following
        wanted = self._requested or self._ring.newest_sequence()
        had = self.counters.had(self.epoch, candidate[0])
        if self.ended or candidate[0] >= wanted:
            self._requested = 0
            if not had:
                return self._frame(candidate)
        self.leases.give_back(candidate[1], candidate[2])
        if had:
            self._taken_sequence = candidate[0]
        elif self._requested == 0:
            self._requested = wanted
            self._request()
        return None

    def _request_missed(self) -> None:
        """The queue is empty, but a frame may have found no credit: then the ring's number is larger."""
        assert self._ring is not None and self.leases is not None
        if self.ended or self._requested or not self._taken_sequence or self.leases.held >= self.leases.credits:
            return
        newest = self._ring.newest_sequence()
        if newest > self._taken_sequence and not self.has_delivery():
            self._requested = newest
            self._request()

    def _advance(self) -> tuple[int, int, int, int] | None:
        """Goes to the next delivery: (sequence, lease, delivery, slot). None if there is none, or it cannot be read yet."""
        assert self._page is not None and self._ring is not None and self._memory is not None
        delivered = self._page.delivered()
        if delivered == self._taken:
            return None
        if not self._taken < delivered <= self._taken + CAPACITY:
            raise ProtocolError(f"the page counts {delivered} deliveries, and {self._taken} of them were taken")
        delivery = self._taken + 1
        sequence, slot, generation, lease = self._page.entry(delivery)
        if slot >= self._ring.capacity:
            raise ProtocolError(f"delivery {delivery} is of slot {slot}, and there are {self._ring.capacity}")
        if lease >= CAPACITY or self._page.released(lease) != self._last_delivery[lease]:
            raise ProtocolError(f"delivery {delivery} has the lease number {lease}, which is not free")
        if not self._is_readable(slot, generation):
            return None
        metadata = self._ring.metadata(slot)
        newer = self._ring.metadata(slot).sequence  # once more: the publisher writes it before the rest
        self._slot_reused = not metadata.sequence == newer == sequence
        if self._slot_reused or sequence <= self._advanced_sequence:
            raise ProtocolError(f"frame {sequence} was delivered after frame {self._advanced_sequence}, in a slot with frame {newer}")
        self._metadata = metadata
        self._advanced_sequence = sequence
        self._last_delivery[lease] = delivery
        self._taken = delivery
        self._taken_generation = generation
        self._page.take(delivery)
        return sequence, lease, delivery, slot

    def _is_readable(self, slot: int, generation: int) -> bool:
        assert self._memory is not None
        if self._memory.place(slot, generation) is None and not self.ended:
            self.receive()
        if self._memory.place(slot, generation) is not None:
            self._memory_missing_since = None
            return True
        now = time.monotonic()
        if self._memory_missing_since is None:
            self._memory_missing_since = now
        if self.ended or now - self._memory_missing_since >= MEMORY_SECONDS:
            raise ProtocolError(f"slot {slot} was delivered in generation {generation}, and no MEMORY has brought its memory")
        return False

    def _frame(self, found: tuple[int, int, int, int]) -> Taken:
        assert self._ring is not None and self._memory is not None and self.leases is not None
        sequence, number, delivery, slot = found
        place = self._memory.place(slot, self._taken_generation)
        assert place is not None
        assert self._metadata is not None
        self._memory.retire_before(place.generation)
        missing = sequence - self._taken_sequence - 1
        if self._taken_sequence and missing > 0:
            self.counters.dropped += missing
            self.counters.gaps += 1
        self._taken_sequence = sequence
        self.counters.epoch, self.counters.sequence = self.epoch, sequence
        self.counters.received += 1
        return Taken(self.leases.begin(number, delivery, place), sequence, self._metadata)

    # ---- the end

    def say_last(self, message: _wire.Message) -> None:
        """Sends BYE or ERROR, if that is still possible."""
        if not self.ended:
            self._connection.send(message)

    def close(self) -> None:
        """Ends the connection; what frames use stays mapped."""
        self.ended = True
        self._connection.close()
        if self._memory is not None:
            self._memory.close()
            self._memory = None
        self._page = None
