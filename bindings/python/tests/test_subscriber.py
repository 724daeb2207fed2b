"""The subscriber against a publisher that does what each test wants."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from fake_publisher import HEIGHT, KEY, PATIENCE, PITCH, SLOT_SIZE, WIDTH, FakePublisher, nv12  # noqa: E402

import cuframes  # noqa: E402
from cuframes import _dlpack, _rundir, _wire  # noqa: E402

try:
    import numpy
except ImportError:
    numpy = None  # type: ignore[assignment]


class Base(unittest.TestCase):
    def setUp(self) -> None:
        self.publisher = self.enterContext(FakePublisher()) if hasattr(self, "enterContext") else FakePublisher()
        if not hasattr(self, "enterContext"):
            self.addCleanup(self.publisher.__exit__)

    def subscriber(self, **options: object) -> cuframes.Subscriber:
        options.setdefault("policy", "fifo:3")
        options.setdefault("use_gpu", False)
        made = cuframes.Subscriber(KEY, run_dir=self.publisher.directory, **options)  # type: ignore[arg-type]
        self.addCleanup(made.close)
        return made

    def beside(self, action: Callable[[], object]) -> None:
        """Runs the publisher's part, which is joined in the end."""
        failures: list[BaseException] = []

        def run() -> None:
            try:
                action()
            except BaseException as e:
                failures.append(e)

        thread = threading.Thread(target=run)
        thread.start()

        def join() -> None:
            thread.join(PATIENCE)
            self.assertEqual([], failures)

        self.addCleanup(join)
        self._join = join

    def connected(self, **options: object) -> cuframes.Subscriber:
        subscriber = self.subscriber(**options)
        self.beside(self.publisher.greet)
        subscriber.connect(PATIENCE)
        # MEMORY is answered by whoever waits for frames
        until(lambda: subscriber.next(0) is None and not self._alive())
        return subscriber

    def _alive(self) -> bool:
        return any(thread.name.endswith("(run)") for thread in threading.enumerate())

    def take(self, subscriber: cuframes.Subscriber) -> cuframes.Frame:
        frame = subscriber.next(PATIENCE)
        assert frame is not None
        return frame


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it does not become true")
        time.sleep(0.001)


class Frames(Base):
    def test_a_frame_is_read_in_place_and_given_back(self) -> None:
        subscriber = self.connected()
        self.publisher.picture(2)[: 2 * PITCH] = bytes(range(2 * PITCH))
        delivery = self.publisher.deliver(2, 5, flags=1 | 1 << 20)
        with self.take(subscriber) as frame:
            self.assertEqual((1, WIDTH, HEIGHT), (frame.sequence, frame.width, frame.height))
            self.assertEqual((3600, None, cuframes.FrameFlag.KEY), (frame.pts, frame.pts_nanos, frame.flags))
            view = frame.memoryview(0)
            self.assertEqual((True, 33), (view.readonly, view[33]))
            self.assertEqual(bytes(range(WIDTH)) + bytes(range(PITCH, PITCH + WIDTH)), frame.planes[0].tobytes()[: 2 * WIDTH])
            self.assertEqual((HEIGHT // 2, WIDTH // 2, 2), frame.planes[1].shape)
            self.assertEqual(0, self.publisher.released(5))
            plane = frame.planes[0]
        self.assertEqual(delivery, self.publisher.released(5))
        for use in (lambda: view[0], lambda: plane.tobytes(), lambda: frame.planes):
            with self.assertRaises((cuframes.ClosedError, ValueError)):
                use()

    def test_iteration_closes_each_frame(self) -> None:
        subscriber = self.connected()
        for lease in range(3):
            self.publisher.deliver(lease, lease)
        self.publisher.send(_wire.Bye(_wire.REASON_END_OF_STREAM))
        self.assertEqual([1, 2, 3], [frame.sequence for frame in subscriber])
        self.assertTrue(subscriber.at_end)
        self.assertEqual([1, 2, 3], [self.publisher.released(lease) for lease in range(3)])

    def test_latest_gives_old_deliveries_back_and_counts_them(self) -> None:
        subscriber = self.connected(policy="latest")
        for lease in range(3):
            self.publisher.deliver(lease, lease)
        frame = self.take(subscriber)
        self.assertEqual(3, frame.sequence)
        self.assertEqual([1, 2, 0], [self.publisher.released(lease) for lease in range(3)])

    def test_too_many_frames_held_is_an_error_and_no_hang(self) -> None:
        subscriber = self.connected()
        frames = []
        for lease in range(4):
            self.publisher.deliver(lease, lease)
            frames.append(self.take(subscriber))
        with self.assertRaisesRegex(cuframes.NoCreditError, "all 4 frames"):
            subscriber.next(0)
        frames[0].close()
        self.assertIsNone(subscriber.next(0))

    def test_a_forgotten_frame_is_given_back(self) -> None:
        subscriber = self.connected()
        self.publisher.deliver(0, 0)
        self.take(subscriber)
        gc.collect()
        self.assertEqual(1, self.publisher.released(0))

    def test_closing_ends_the_wait_of_another_thread(self) -> None:
        subscriber = self.connected()
        threading.Timer(0.05, subscriber.close).start()
        with self.assertRaises(cuframes.ClosedError):
            subscriber.next(PATIENCE)
        self.assertEqual(_wire.Bye(_wire.REASON_CLOSING), self.publisher.receive())

    def test_frames_cannot_be_read_after_the_subscriber_was_closed(self) -> None:
        subscriber = self.connected()
        self.publisher.deliver(0, 0)
        frame = self.take(subscriber)
        with self.assertLogs("cuframes", "WARNING"):
            subscriber.close()
        with self.assertRaises(cuframes.ClosedError):
            frame.planes[0].tobytes()

    def test_asyncio(self) -> None:
        async def main() -> list[int]:
            stream = cuframes.subscribe_async(
                KEY, run_dir=self.publisher.directory, policy="fifo:3", use_gpu=False, connect_timeout=PATIENCE
            )
            async with stream:
                return [frame.sequence async for frame in stream]

        def serve() -> None:
            self.publisher.greet()
            for lease in range(3):
                self.publisher.deliver(lease, lease)
            self.publisher.send(_wire.Bye(_wire.REASON_END_OF_STREAM))

        self.beside(serve)
        self.assertEqual([1, 2, 3], asyncio.run(main()))


class Consumers(Base):
    """Arrays and tensors keep the lease."""

    @unittest.skipIf(numpy is None, "numpy is not installed (Debian: python3-numpy)")
    def test_numpy_sees_the_slot_and_keeps_the_lease(self) -> None:
        subscriber = self.connected()
        self.publisher.picture(0)[PITCH + 3] = 77
        self.publisher.deliver(0, 0)
        for make in (numpy.asarray, numpy.from_dlpack):
            with self.subTest(make.__name__):
                frame = self.take(subscriber)
                array = make(frame.planes[0])
                address = frame.planes[0].address
                frame.close()
                del frame
                self.assertEqual(((HEIGHT, WIDTH), (PITCH, 1), 77), (array.shape, array.strides, array[1, 3]))
                self.assertEqual(address, array.__array_interface__["data"][0])
                self.assertFalse(array.flags.writeable)
                self.assertEqual(self.publisher.delivered - 1, self.publisher.released(0))
                del array
                gc.collect()
                self.assertEqual(self.publisher.delivered, self.publisher.released(0))
                self.publisher.deliver(0, 0)

    def test_a_capsule_that_nobody_takes_gives_its_share_back(self) -> None:
        subscriber = self.connected()
        self.publisher.deliver(0, 0)
        frame = self.take(subscriber)
        before = _dlpack.live()
        capsules = [frame.planes[1].__dlpack__(), frame.planes[1].__dlpack__(max_version=(1, 1))]
        frame.close()
        self.assertEqual((0, before + 2), (self.publisher.released(0), _dlpack.live()))
        del capsules
        gc.collect()
        self.assertEqual((1, before), (self.publisher.released(0), _dlpack.live()))

    def test_what_the_capsule_says_and_its_deleter(self) -> None:
        subscriber = self.connected()
        self.publisher.deliver(3, 0)
        frame = self.take(subscriber)
        plane = frame.planes[1]
        self.assertEqual((1, 0), plane.__dlpack_device__())
        capsule = plane.__dlpack__(max_version=(1, 0))
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        where = pointer(capsule, b"dltensor_versioned")
        managed = _dlpack._ManagedVersioned.from_address(where)
        self.assertEqual((plane.address, 3, 1), (managed.tensor.data, managed.tensor.ndim, managed.flags))
        self.assertEqual([HEIGHT // 2, WIDTH // 2, 2], managed.tensor.shape[:3])
        self.assertEqual([PITCH, 2, 1], managed.tensor.strides[:3])
        # as a consumer does: takes it, and deletes it on a thread of its own
        rename = ctypes.pythonapi.PyCapsule_SetName
        rename.argtypes = [ctypes.py_object, ctypes.c_char_p]
        rename(capsule, b"used_dltensor_versioned")
        deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(managed.deleter)
        frame.close()
        del capsule
        self.assertEqual(0, self.publisher.released(0))
        thread = threading.Thread(target=deleter, args=(where,))
        thread.start()
        thread.join()
        self.assertEqual(1, self.publisher.released(0))

    def test_copies_and_other_devices_are_refused(self) -> None:
        subscriber = self.connected()
        self.publisher.deliver(0, 0)
        plane = self.take(subscriber).planes[0]
        for options in ({"copy": True}, {"dl_device": (2, 0)}):
            with self.assertRaises(BufferError):
                plane.__dlpack__(**options)  # type: ignore[arg-type]
        self.assertFalse(hasattr(plane, "__cuda_array_interface__"))


class Faults(Base):
    def assert_connects_again(self, subscriber: cuframes.Subscriber) -> None:
        """To a publisher that comes back, of which it gets the first frame."""

        def again() -> None:
            self.publisher.begin(0x5678)
            self.publisher.greet()
            self.publisher.deliver(0, 0)

        self.beside(again)
        frame = self.take(subscriber)
        self.assertEqual((0x5678, 1, 1), (frame.epoch, frame.sequence, subscriber.statistics.reconnects))

    def test_a_publisher_that_dies_and_comes_back(self) -> None:
        subscriber = self.connected()
        self.publisher.picture(0)[0] = 9
        self.publisher.deliver(0, 0)
        kept = self.take(subscriber)
        self.publisher.deliver(1, 1)
        self.publisher.hang_up()
        self.assertEqual(2, self.take(subscriber).sequence)  # what was delivered before is still read
        self.assert_connects_again(subscriber)
        self.assertEqual(9, kept.memoryview(0)[0])

    def test_without_reconnection_it_is_an_error(self) -> None:
        subscriber = self.connected(reconnect=False)
        self.publisher.hang_up()
        with self.assertRaisesRegex(cuframes.Error, "gone without a word"):
            subscriber.next(PATIENCE)

    def test_slots_used_again_after_the_end_are_no_breach(self) -> None:
        """A publisher whose sockets were closed under it takes its subscribers for gone, and goes on."""
        subscriber = self.connected(policy="fifo:3")
        self.publisher.deliver(0, 0)
        self.take(subscriber).close()
        self.publisher.deliver(1, 1)
        self.publisher.hang_up()
        self.publisher.write_metadata(1, 7)
        self.assert_connects_again(subscriber)

    def test_a_handle_of_a_dying_publisher_is_no_breach(self) -> None:
        """Its GPU memory may be gone before its socket is."""
        session = self.connected()._session
        assert session is not None
        gone = cuframes.MemoryUnreachableError("the handle cannot be opened")
        with self.assertRaises(cuframes.MemoryUnreachableError):
            session._excuse(gone)
        timer = threading.Timer(0.05, self.publisher.hang_up)
        timer.start()
        session._excuse(gone)
        timer.join()

    def test_a_publisher_that_never_stops_talking_is_in_breach_all_the_same(self) -> None:
        session = self.connected()._session
        assert session is not None
        with mock.patch.object(session, "receive", return_value=True) as receive, self.assertRaises(cuframes.ProtocolError):
            session._excuse(cuframes.ProtocolError("breach"))
        self.assertEqual(64, receive.call_count)

    def test_a_generation_change_on_the_same_connection(self) -> None:
        subscriber = self.connected()
        self.publisher.deliver(0, 0)
        old = self.take(subscriber)
        self.publisher.memory(2, nv12(WIDTH - 4), 2, 4, 8)
        self.publisher.picture(5, 2, 4)[0] = 42
        self.publisher.deliver(5, 1, generation=2)
        frame = self.take(subscriber)
        self.assertEqual((2, WIDTH - 4, 42), (frame.generation, frame.width, frame.memoryview(0)[0]))
        self.assertEqual(_wire.Ack(2), self.publisher.receive())
        self.assertEqual(SLOT_SIZE // 2, len(old.memoryview(0)) + PITCH - WIDTH)  # the old slab is still mapped

    def refused(self, failure: _wire.Failure) -> cuframes.Subscriber:
        subscriber = self.subscriber()

        def serve() -> None:
            self.publisher.accept()
            self.publisher.send(failure)
            self.publisher.hang_up()

        self.beside(serve)
        return subscriber

    def test_refused_for_good(self) -> None:
        subscriber = self.refused(_wire.Failure((1, 1), 7, "too many\x1b[1m"))
        with self.assertRaisesRegex(cuframes.RefusedError, r"TOO_MANY_CREDITS\): too many\?\[1m") as caught:
            subscriber.connect(PATIENCE)
        self.assertEqual((7, cuframes.State.REFUSED), (caught.exception.code, subscriber.state))

    def test_refused_for_now(self) -> None:
        subscriber = self.refused(_wire.Failure((1, 1), 5, "full"))
        with self.assertLogs("cuframes", "WARNING"), self.assertRaisesRegex(cuframes.NoPublisherError, "full"):
            subscriber.connect(0.3)

    def test_another_major_version(self) -> None:
        subscriber = self.subscriber()

        def serve() -> None:
            self.publisher.accept()
            self.publisher.welcome((2, 0))
            answer = self.publisher.receive()
            assert isinstance(answer, _wire.Failure) and answer.code == 2, answer

        self.beside(serve)
        with self.assertRaisesRegex(cuframes.ProtocolError, "speaks protocol 2.0, this side 1.1") as caught:
            subscriber.connect(PATIENCE)
        self.assertEqual(cuframes.ErrorCode.VERSION_MISMATCH, caught.exception.code)

    def test_an_error_revokes_what_is_held(self) -> None:
        subscriber = self.connected()
        self.publisher.deliver(0, 0)
        frame = self.take(subscriber)
        self.publisher.send(_wire.Failure((1, 1), 4, "not you"))
        with self.assertRaises(cuframes.RefusedError):
            subscriber.next(PATIENCE)
        with self.assertRaisesRegex(cuframes.ClosedError, "not you"):
            frame.planes[0].tobytes()

    def test_breaches_are_answered_and_final(self) -> None:
        for name, breach in (
            ("garbage", lambda p: p.send_raw(b"\xff" * 64)),
            ("WELCOME twice", lambda p: p.welcome()),
            ("a lease that is taken", lambda p: (p.deliver(0, 0), p.deliver(1, 0))),
            ("a slot out of range", lambda p: p.deliver(0, 0) and p.page.bytes.__setitem__(slice(1032, 1036), b"\xff" * 4)),
        ):
            with self.subTest(name):
                self.setUp()
                subscriber = self.connected(policy="latest")
                breach(self.publisher)
                with self.assertRaises(cuframes.ProtocolError):
                    while True:
                        subscriber.next(PATIENCE)
                said = self.publisher.receive()
                while isinstance(said, _wire.Request):
                    said = self.publisher.receive()
                self.assertIsInstance(said, _wire.Failure)
                with self.assertRaises(cuframes.ProtocolError):
                    subscriber.next(0)


class Arguments(unittest.TestCase):
    def test_what_is_no_key_policy_or_number(self) -> None:
        for arguments in (
            {"key": "a/b"}, {"key": ".."}, {"key": ""}, {"key": "x" * 65}, {"policy": "fifo"}, {"policy": "fifo:0"},
            {"policy": "fifo:64"}, {"policy": "newest"}, {"credits": 65}, {"credits": -1},
        ):  # fmt: skip
            with self.subTest(arguments), self.assertRaises(ValueError):
                cuframes.Subscriber(**{"key": "a", **arguments})  # type: ignore[arg-type]

    def test_a_directory_in_which_anybody_can_pose_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o700)
            self.assertTrue(_rundir._is_usable(Path(directory)))
            _rundir._check_private(Path(directory))
            link = Path(directory, "link")
            link.symlink_to(directory)
            with self.assertRaisesRegex(cuframes.Error, "may pose as a producer"):
                _rundir._check_private(link)
            os.chmod(directory, 0o777)
            self.assertFalse(_rundir._is_usable(Path(directory)))
            with self.assertRaisesRegex(cuframes.Error, "may pose as a producer"):
                _rundir._check_private(Path(directory))
            os.chmod(directory, 0o700)

    def test_nobody_publishes(self) -> None:
        with self.assertRaisesRegex(cuframes.NoPublisherError, "/nowhere/cam1.sock: No such file"):
            cuframes.subscribe("cam1", run_dir="/nowhere", connect_timeout=0.1)


if __name__ == "__main__":
    unittest.main()
