"""Subscriptions: connecting, waiting, and connecting again."""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from types import TracebackType

from . import _wire
from ._leases import Leases
from ._rundir import check_key, run_directory
from ._session import Counters, Session, Wish
from ._state import EDGES, MOST_CREDITS, State, parse_policy
from .errors import (
    ClosedError,
    Error,
    NoCreditError,
    NoPublisherError,
    ProtocolError,
    RefusedError,
    code_name,
    worth_retrying,
)
from .frame import Frame

_LOG = logging.getLogger("cuframes")
LIBRARY = "cuframes-python 0.1"

_HANDSHAKE_SECONDS = 5.0
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0
_AFTER_REFUSAL = 1.0
#: from one look at own GPU work to the next, while there is some
_GPU_STEP = 0.001
_UNSENT_STEP = 0.02
_LAST_WORK_SECONDS = 5.0
_ROUNDS = 64


class Subscriber:
    """A subscription, which connects again by itself when its publisher has gone and come back.

    One thread at a time takes frames; ``close()`` is for any, and ends the wait of another. Frames may be used and closed by
    other threads. Not to be used on both sides of a fork.
    """

    def __init__(
        self,
        key: str,
        *,
        policy: str = "latest",
        credits: int = 0,
        run_dir: str | os.PathLike[str] | None = None,
        name: str | None = None,
        gpu: int | str | None = None,
        use_gpu: bool = True,
        reconnect: bool = True,
        spin: float = 0.0,
    ) -> None:
        """Connects at the first ``connect`` or ``next``; ``subscribe`` documents the arguments."""
        mode, depth = parse_policy(policy)
        if not 0 <= credits <= MOST_CREDITS:
            raise ValueError(f"{credits} credits; 1 to {MOST_CREDITS} are possible, 0 leaves it to the publisher")
        self.key = check_key(key)
        self._wish = Wish(self.key, name or f"python {os.getpid()}", mode, depth, credits, gpu, use_gpu)
        self._run_dir = run_dir
        self._reconnect = reconnect
        self._spin = spin
        self._counters = Counters()
        self._state = State.DISCONNECTED
        self._session: Session | None = None
        self._past: list[Leases] = []
        self._refusal: Error | None = None
        self._at_end = False
        self._connections = 0
        self._problem = "it was not tried"
        self._pause = _FIRST_PAUSE
        self._try_at = 0.0
        self._handshake_until = 0.0
        self._busy = False
        # held by who takes frames; reentrant, for a signal handler that closes
        self._using = threading.RLock()
        self._closing = threading.Event()
        self._wake, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._epoll = select.epoll()
        self._epoll.register(self._wake, select.EPOLLIN)

    # ---- what is known

    @property
    def state(self) -> State:
        """Where the connection stands."""
        return self._state

    @property
    def at_end(self) -> bool:
        """Whether no frame will come again: the source has ended, or its publisher left and ``reconnect`` is off."""
        return self._at_end

    @property
    def statistics(self) -> Counters:
        """What was counted so far; a copy."""
        counters = self._counters
        return replace(counters)

    @property
    def credits(self) -> int:
        """How many frames may be held at a time; 0 before the first connection."""
        session = self._session
        return session.leases.credits if session is not None and session.leases is not None else 0

    def fileno(self) -> int:
        """A descriptor for poll, epoll and event loops, the same for the subscriber's life. See ``poll_timeout``.

        It becomes readable when ``next(0)`` may have something; ``next(0)`` must have returned None before.
        """
        return self._epoll.fileno()

    def poll_timeout(self) -> float | None:
        """Seconds until ``next(0)`` is to be called again even if ``fileno()`` is not readable; None: no need."""
        now = time.monotonic()
        if self._busy or self._at_end or self._closing.is_set():
            return 0.0
        due: list[float] = []
        if self._state == State.DISCONNECTED:
            due.append(self._try_at)
        elif self._state == State.HANDSHAKE:
            due.append(self._handshake_until)
        session = self._session
        if session is not None:
            if session.memory_deadline is not None:
                due.append(session.memory_deadline)
            if session.has_unsent:
                due.append(now + _UNSENT_STEP)
        if any(leases.pending for leases in self._all_leases()):
            due.append(now + _GPU_STEP)
        return max(0.0, min(due) - now) if due else None

    def _all_leases(self) -> list[Leases]:
        current = self._session.leases if self._session is not None else None
        return self._past if current is None else [*self._past, current]

    # ---- frames

    def connect(self, timeout: float | None = 5.0) -> None:
        """Waits until a publisher has let this subscriber in. Raises NoPublisherError, RefusedError or ProtocolError."""
        with self._exclusive():
            deadline = None if timeout is None else time.monotonic() + timeout
            while not self._connect_step():
                now = time.monotonic()
                if deadline is not None and now >= deadline:
                    raise NoPublisherError(self._no_publisher(timeout or 0.0))
                self._wait(deadline)

    def _no_publisher(self, timeout: float) -> str:
        return f'no publisher of "{self.key}" let us in within {timeout:g} s: {self._problem}'

    def _connect_step(self) -> bool:
        """Whether it is connected (or has been: a publisher may have gone again); nothing blocks."""
        if not self._connections:
            self._require_open()
            for _ in range(_ROUNDS):
                if self._state == State.STREAMING or not self._advance():
                    break
        return self._connections > 0

    def next(self, timeout: float | None = None) -> Frame | None:
        """The next frame according to the policy; the caller's to close. None if none came in time, or ``at_end``.

        ``timeout`` is in seconds; 0 looks without waiting, None waits for as long as it takes. Raises RefusedError,
        ProtocolError, NoCreditError if the application holds all frames that it may hold, and ClosedError.
        """
        with self._exclusive():
            deadline = None if timeout is None else time.monotonic() + timeout
            while True:
                frame = self._poll()
                if frame is not None or self._at_end:
                    return frame
                if deadline is not None and time.monotonic() >= deadline:
                    return None
                if not self._spin_for_delivery(deadline):
                    self._wait(deadline)

    def __iter__(self) -> Iterator[Frame]:
        """Frames until the stream ends. Each is closed when the next is asked for; tensors made from it stay valid."""
        while True:
            frame = self.next()
            if frame is None:
                return
            try:
                yield frame
            finally:
                frame.close()
            del frame

    def _exclusive(self) -> _Exclusive:
        return _Exclusive(self._using, self.key)

    def _spin_for_delivery(self, deadline: float | None) -> bool:
        session = self._session
        if self._spin <= 0 or session is None or self._state != State.STREAMING:
            return False
        end = time.monotonic() + self._spin
        if deadline is not None:
            end = min(end, deadline)
        while time.monotonic() < end and not self._closing.is_set():
            if session.has_delivery():
                return True
        return False

    def _wait(self, deadline: float | None) -> None:
        timeout = self.poll_timeout()
        if deadline is not None:
            left = max(0.0, deadline - time.monotonic())
            timeout = left if timeout is None else min(timeout, left)
        if self._closing.is_set():
            raise self._closed()
        try:
            self._epoll.poll(-1 if timeout is None else timeout)
        except ValueError:
            raise self._closed() from None  # a signal handler has closed it
        if self._closing.is_set():
            raise self._closed()

    def _closed(self) -> ClosedError:
        return ClosedError(f'the subscriber of "{self.key}" is closed')

    def _require_open(self) -> None:
        if self._closing.is_set():
            raise self._closed()
        if self._refusal is not None:
            raise self._refusal

    def _poll(self) -> Frame | None:
        """A frame, if there is one now; nothing blocks. Without one, the publisher was told to ring."""
        self._busy = False
        for _ in range(_ROUNDS):
            if self._at_end:
                return None
            self._require_open()
            for leases in self._all_leases():
                leases.poll()
            self._past = [leases for leases in self._past if leases.held]
            if self._state != State.STREAMING:
                if not self._advance():
                    return None
                continue
            session = self._session
            assert session is not None and session.leases is not None
            session.wake_up()
            self._require_credit(session.leases)
            try:
                taken = session.take()
                if taken is not None:
                    return Frame(taken, session.epoch)
                if not session.ended and session.receive():
                    continue
            except ProtocolError as e:
                raise self._breach(session, e) from e
            if session.ended:
                self._leave(session)
            elif session.memory_deadline is not None or session.fall_asleep():
                return None
        self._busy = True
        return None

    def _require_credit(self, leases: Leases) -> None:
        if leases.held - leases.pending >= leases.credits:
            raise NoCreditError(
                f'all {leases.credits} frames that the subscriber of "{self.key}" may hold are held; close some, let go of '
                "arrays and tensors made from them, or ask for more credits"
            )

    # ---- the connection

    def _become(self, state: State) -> None:
        if state not in EDGES[self._state]:
            raise AssertionError(f"a subscriber does not go from {self._state.name} to {state.name}")
        self._state = state

    def _advance(self) -> bool:
        """A step towards STREAMING; whether there may be another at once."""
        if self._state == State.DISCONNECTED:
            if time.monotonic() < self._try_at:
                return False
            self._become(State.CONNECTING)
            return True
        if self._state == State.CONNECTING:
            return self._connect()
        if self._state == State.HANDSHAKE:
            return self._greet()
        raise AssertionError(f"nothing leads from {self._state.name} to STREAMING")

    def _connect(self) -> bool:
        path = run_directory(self._run_dir) / f"{self.key}.sock"
        try:
            self._session = Session(str(path), self._wish, LIBRARY, self._counters)
        except OSError as e:
            self._disconnected(f"{path}: {e.strerror or e}; see that its producer runs, and CUFRAMES_RUN_DIR on both sides")
            return False
        self._epoll.register(self._session.fileno(), select.EPOLLIN)
        self._handshake_until = time.monotonic() + _HANDSHAKE_SECONDS
        self._become(State.HANDSHAKE)
        return True

    def _greet(self) -> bool:
        session = self._session
        assert session is not None
        try:
            progress = session.receive()
        except ProtocolError as e:
            raise self._breach(session, e) from e
        if session.is_greeted:
            self._become(State.STREAMING)
            self._pause = _FIRST_PAUSE
            if self._connections:
                self._counters.reconnects += 1
            self._connections += 1
            return True
        if session.ended:
            if session.failure is not None:
                return self._refused(session, session.failure)
            self._end(session)
            self._disconnected("the publisher ended the connection before it answered")
            return False
        if time.monotonic() >= self._handshake_until:
            self._end(session)
            self._disconnected("the publisher did not answer within 5 s; it may be stopped or hang")
            return False
        return progress

    def _disconnected(self, why: str) -> None:
        self._problem = why
        self._become(State.DISCONNECTED)
        self._try_at = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _leave(self, session: Session) -> None:
        """The connection has ended and its queue is read empty."""
        if session.failure is not None:
            self._refused(session, session.failure)
            return
        bye = session.bye
        self._end(session)
        self._disconnected("the publisher has gone")
        if bye == _wire.REASON_END_OF_STREAM or (bye is not None and not self._reconnect):
            self._at_end = True
        elif not self._reconnect:
            self._refusal = Error(f'the publisher of "{self.key}" is gone without a word; see whether it has crashed')
            raise self._refusal

    def _refused(self, session: Session, failure: _wire.Failure) -> bool:
        """The publisher's ERROR: it lives, and the leases have ended."""
        sentence = f'the publisher of "{self.key}" says no ({code_name(failure.code)}): {failure.printable}'
        if session.leases is not None:
            session.leases.revoke(f"the lease has ended: {sentence}")
        self._end(session)
        streaming = self._state == State.STREAMING
        if not worth_retrying(failure.code) or (streaming and not self._reconnect):
            self._become(State.REFUSED)
            self._refusal = RefusedError(sentence, failure.code)
            raise self._refusal
        _LOG.warning("%s; trying again", sentence)
        self._disconnected(sentence)
        self._try_at = time.monotonic() + _AFTER_REFUSAL
        return False

    def _breach(self, session: Session, breach: ProtocolError) -> ProtocolError:
        """The publisher broke the protocol, or its frames are where this process cannot read them."""
        code = breach.code or 1
        session.say_last(_wire.Failure((_wire.MAJOR, _wire.MINOR), code, str(breach)))
        sentence = f'the publisher of "{self.key}" cannot be understood: {breach}'
        if session.leases is not None:
            session.leases.revoke(sentence)
        self._end(session)
        self._become(State.REFUSED)
        refusal = type(breach)(sentence) if type(breach) is not ProtocolError else ProtocolError(sentence, code)
        self._refusal = refusal
        return refusal

    def _end(self, session: Session) -> None:
        with suppress(OSError, ValueError, KeyError):
            self._epoll.unregister(session.fileno())
        if session.leases is not None and session.leases.held:
            self._past.append(session.leases)
        session.close()
        self._session = None

    def close(self) -> None:
        """Ends the connection and all leases: frames cannot be read any more, nor should arrays made from them.

        Waits for GPU work of this process behind which frames were released, for 5 s at most. A second call does nothing.
        """
        if self._closing.is_set():
            return
        self._closing.set()
        with suppress(OSError):
            os.write(self._waker, b".")
        with self._using:
            session = self._session
            if session is not None:
                self._await_own_work()
                if session.leases is not None:
                    if session.leases.held:
                        _LOG.warning("the subscriber of %s is closed with %d frames open", self.key, session.leases.held)
                    session.leases.revoke(f'the subscriber of "{self.key}" is closed, and the leases of its frames with it')
                session.say_last(_wire.Bye(_wire.REASON_CLOSING))
                self._end(session)
            self._become(State.CLOSED)
            self._epoll.close()
            os.close(self._wake)
            os.close(self._waker)

    def _await_own_work(self) -> None:
        end = time.monotonic() + _LAST_WORK_SECONDS
        while any(leases.pending for leases in self._all_leases()) and time.monotonic() < end:
            for leases in self._all_leases():
                leases.poll()
            time.sleep(_GPU_STEP)

    def __enter__(self) -> Subscriber:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Exclusive:
    """One thread takes frames."""

    def __init__(self, lock: threading._RLock, key: str) -> None:
        self._lock = lock
        self._key = key

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise Error(f'another thread waits for a frame of "{self._key}"; use a subscriber for each thread')

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()


def subscribe(
    key: str,
    *,
    policy: str = "latest",
    credits: int = 0,
    run_dir: str | os.PathLike[str] | None = None,
    name: str | None = None,
    gpu: int | str | None = None,
    use_gpu: bool = True,
    reconnect: bool = True,
    spin: float = 0.0,
    connect_timeout: float | None = 5.0,
) -> Subscriber:
    """Subscribes to a stream, waiting for its publisher.

    key: the stream's name.
    policy: ``latest`` (the newest frame at the moment of ``next``), ``fifo:N`` (in order, N deep), ``lossless``.
    credits: frames that may be held at a time, 1 to 64; 0 leaves it to the publisher (2, N + 1 or 4).
    run_dir: where the sockets are; by default as docs/protocol.md says.
    name: what operators see.
    gpu: number or UUID of the GPU that reads; by default the one that the frames lie on.
    use_gpu: whether frames in GPU memory are accepted; without it, CUDA is not loaded.
    reconnect: whether to connect again when the publisher has gone.
    spin: seconds to watch the page before sleeping; less latency for a busy processor.
    connect_timeout: seconds to wait for the publisher; None: for as long as it takes.
    """
    subscriber = Subscriber(
        key, policy=policy, credits=credits, run_dir=run_dir, name=name, gpu=gpu, use_gpu=use_gpu, reconnect=reconnect,
        spin=spin,
    )  # fmt: skip
    try:
        subscriber.connect(connect_timeout)
    except BaseException:
        subscriber.close()
        raise
    return subscriber
