"""The page docs/protocol.md against this implementation: golden bytes and tables."""

from __future__ import annotations

import re
import struct
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cuframes import ErrorCode, MemoryKind, PixelFormat, ProtocolError, State, _layout, _wire  # noqa: E402
from cuframes.formats import FORMATS  # noqa: E402

_PAGE = Path(__file__).resolve().parents[3] / "docs" / "protocol.md"
_TEXT = _PAGE.read_text(encoding="utf-8") if _PAGE.exists() else ""
_EPOCH = 0x1122334455667788
_GPU1 = bytes.fromhex("00112233445566778899aabbccddeeff")
_GPU2 = bytes.fromhex("f0e1d2c3b4a5968778695a4b3c2d1e0f")


def message(name: str) -> bytes:
    """A hex block of section 9.1."""
    found = re.search(rf"^```hex {name}\n(.*?)^```", _TEXT, re.M | re.S)
    assert found is not None, name
    return bytes.fromhex("".join(line.split("#")[0] for line in found[1].splitlines()))


def structure(name: str) -> bytes:
    """A hex block of section 9.2."""
    found = re.search(rf"^```hex {name} (\d+)\n(.*?)^```", _TEXT, re.M | re.S)
    assert found is not None, name
    data = bytearray(int(found[1]))
    for line in found[2].splitlines():
        offset, _, octets = line.partition(":")
        row = bytes.fromhex(octets)
        data[int(offset, 16) : int(offset, 16) + len(row)] = row
    return bytes(data)


def table(name: str) -> list[list[str]]:
    """Rows of a table that is marked with its name."""
    found = re.search(rf"<!-- table: {name}[^>]*-->\n(.*?)\n\n", _TEXT, re.S)
    assert found is not None, name
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found[1].splitlines()[2:]]


def _stream(kind: MemoryKind) -> _wire.Stream:
    return _wire.Stream(
        1918, 1078, PixelFormat.YUV420P, kind, (7, 90000), (30000, 1001), True, 9, 13, 6, 3342848,
        ((0, 2048), (2228224, 1024), (2785280, 1025)),
    )  # fmt: skip


def _memory(kind: MemoryKind, gpu: bytes | None) -> _wire.Memory:
    return _wire.Memory(3, _stream(kind), ((4, 33554432), (5, 8388608)), gpu)


_LIBRARY = "cuframes-test 0.1"
_MESSAGES: dict[str, tuple[int, _wire.Message]] = {
    "HELLO": (0, _wire.Hello((1, 0), _LIBRARY, "front-door", "Türöffner", 1, (2, 3, 5), 2)),
    "HELLO_GPUS": (
        0, _wire.Hello((1, 1), _LIBRARY, "front-door", "Türöffner", 1, (2, 3, 5), 14, 4343, (_GPU1, _GPU2)),
    ),
    "HELLO_OBSERVER": (0, _wire.Hello((1, 0), _LIBRARY, "front-door", "top", 2, None, 0)),
    "WELCOME": (2, _wire.Welcome((1, 0), _LIBRARY, _EPOCH, 3072, (17, 1, 5))),
    "WELCOME_OBSERVER": (1, _wire.Welcome((1, 0), _LIBRARY, _EPOCH, 3072, (0, 0, 0))),
    "MEMORY": (2, _memory(MemoryKind.HOST, None)),
    "MEMORY_CUDA": (2, _memory(MemoryKind.CUDA, _GPU1)),
    "MEMORY_CUDA_IPC": (0, _memory(MemoryKind.CUDA_IPC, _GPU1)),
    "ACK": (0, _wire.Ack(3)),
    "DOORBELL": (0, _wire.Doorbell()),
    "REQUEST": (0, _wire.Request()),
    "ERROR": (0, _wire.Failure((1, 0), 3, "this is front-door, not back-door: connect to back-door.sock")),
    "BYE": (0, _wire.Bye(2)),
}  # fmt: skip


@unittest.skipUnless(_TEXT, "docs/protocol.md is not around: this needs the source tree")
class GoldenBytes(unittest.TestCase):
    def test_messages_are_built_and_parsed_as_on_the_page(self) -> None:
        for name, (descriptors, value) in _MESSAGES.items():
            with self.subTest(name):
                golden = message(name)
                self.assertEqual(golden.hex(), _wire.encode(value, descriptors).hex())
                length, kind, count = _wire.HEADER.unpack_from(golden)
                self.assertEqual((len(golden) - 8, descriptors), (length, count))
                self.assertEqual(value, _wire.decode(kind, golden[8:]))

    def test_every_golden_message_is_tried(self) -> None:
        messages = set(re.findall(r"^```hex ([A-Z_]+)$", _TEXT, re.M))
        packets = {name for name in messages if name.endswith("_PACKETS")}  # which this package does not ask for
        self.assertEqual(messages - packets, set(_MESSAGES))

    def test_a_message_cut_short_is_a_breach_or_lacks_what_may_be_left_out(self) -> None:
        for name, (_, value) in _MESSAGES.items():
            golden = message(name)
            kind = _wire.HEADER.unpack_from(golden)[1]
            for end in range(8, len(golden)):
                with self.subTest(name, end=end):
                    try:
                        cut = _wire.decode(kind, golden[8:end])
                    except ProtocolError:
                        continue
                    # only fields that are optional or repeated may be missing
                    self.assertIsInstance(cut, (_wire.Hello, _wire.Memory))
                    self.assertNotEqual(value, cut)

    def test_slot_descriptors(self) -> None:
        planes = (0, 2048, 2228224, 1024, 2785280, 1025, 0, 0)
        rest = (1918, 1078, 2, planes, 3342848, 3)
        self.assertEqual(
            _layout.SlotDescriptor(4, 3342848, b"", *rest), _layout.unpack_slot(structure("SlotDescriptor"), False)
        )
        self.assertEqual(
            _layout.SlotDescriptor(4, 3342848, bytes(range(0xA0, 0xE0)), *rest),
            _layout.unpack_slot(structure("SlotDescriptorCudaIpc"), True),
        )

    def test_frame_metadata(self) -> None:
        golden = structure("FrameMetadata")
        value = _layout.Metadata(
            1001, 90090, _layout.UNKNOWN, 1700000001000000000, 5040000000, 33366666, 3, 1 | 2 | 32, 2
        )
        self.assertEqual(value, _layout.unpack_metadata(golden))
        self.assertEqual(golden, value.pack())

    def test_ring_header(self) -> None:
        ring = _layout.Ring(structure("RingHeader") + bytes(3072 - 512), _EPOCH)  # type: ignore[arg-type]
        self.assertEqual(((1, 2), 8, 4, 1001), (ring.version, ring.capacity, ring.subscriber_capacity, ring.newest_sequence()))
        self.assertEqual(4242, ring.publisher_pid)
        for name, at, value in (("magic", 0, 0), ("state", 8, 0), ("size", 24, 1 << 40), ("table", 44, 3000)):
            damaged = bytearray(structure("RingHeader") + bytes(3072 - 512))
            struct.pack_into("<I" if at != 24 else "<Q", damaged, at, value)
            with self.subTest(name), self.assertRaises(ProtocolError):
                _layout.Ring(damaged, _EPOCH)  # type: ignore[arg-type]

    def test_page(self) -> None:
        golden = structure("SubscriberPage")
        # what the subscriber has written is taken out, and written again
        data = bytearray(golden)
        data[256:896] = bytes(640)
        page = _layout.Page(data, _EPOCH, 17)  # type: ignore[arg-type]
        self.assertEqual(1, page.delivered())
        self.assertTrue(page.publisher_waits())
        self.assertEqual((1001, 5, 3, 2), page.entry(1))
        page.take(1)
        page.sleep(True)
        page.release(2, 1)
        self.assertEqual(golden, bytes(data))
        with self.assertRaises(ProtocolError):
            _layout.Page(data, _EPOCH, 18)  # type: ignore[arg-type]


@unittest.skipUnless(_TEXT, "docs/protocol.md is not around: this needs the source tree")
class Tables(unittest.TestCase):
    def test_error_codes(self) -> None:
        self.assertEqual({row[1]: int(row[0]) for row in table("ErrorCode")}, {e.name: e.value for e in ErrorCode})

    def test_memory_kinds(self) -> None:
        self.assertEqual({row[1]: int(row[0]) for row in table("MemoryKind")}, {e.name: e.value for e in MemoryKind})

    def test_states(self) -> None:
        self.assertEqual({row[1]: int(row[0]) for row in table("SubscriberState")}, {e.name: e.value for e in State})

    def test_message_types(self) -> None:
        self.assertEqual({int(row[0]): row[1] for row in table("MessageType")}, _wire.NAMES)

    def test_pixel_formats(self) -> None:
        rows = table("PixelFormat")
        self.assertEqual({row[1]: int(row[0]) for row in rows}, {e.name: e.value for e in PixelFormat})
        for row in rows:
            info = FORMATS[PixelFormat(int(row[0]))]
            with self.subTest(row[1]):
                self.assertEqual((int(row[2]), row[3]), (len(info.channels), "{}, {}".format(*info.shift)))
                self.assertEqual("10 bits" in row[4] or row[1] == "P010", info.bits == 10)

    def test_tags_and_their_sizes(self) -> None:
        rows = [row for row in table("Tag") if row[1] != "PACKET_PAGE"]  # packets are not this package's
        for row in rows:
            with self.subTest(row[1]):
                name = "T_" + {"MEMORY_KINDS": "KINDS"}.get(row[1], row[1])
                tag = getattr(_wire, name)
                self.assertEqual(int(row[0]), tag)
                self.assertEqual(row[2], str(_wire._SIZES.get(tag, "text")))

    def test_sizes(self) -> None:
        for name, size in (
            ("RingHeader", _layout.RING_HEADER), ("SlotDescriptor", _layout.SLOT_DESCRIPTOR),
            ("FrameMetadata", _layout.FRAME_METADATA), ("SubscriberSlot", _layout.SUBSCRIBER_SLOT),
            ("SubscriberPage", _layout.PAGE_SIZE), ("QueueEntry", _layout._QUEUE_ENTRY), ("Stream", _wire._STREAM.size),
        ):  # fmt: skip
            self.assertIn(f"<!-- table: {name} {size} -->", _TEXT)


class Messages(unittest.TestCase):
    def test_unknown_types_and_tags_are_skipped_and_the_first_of_two_counts(self) -> None:
        self.assertIsNone(_wire.decode(99, b"\xff\xff"))
        body = b"\x63\x00\x02\x00ab" + _wire.encode(_wire.Ack(7))[8:] + _wire.encode(_wire.Ack(8))[8:]
        self.assertEqual(_wire.Ack(7), _wire.decode(_wire.ACK, body))

    def test_text_that_is_none(self) -> None:
        for text in (b"a\0b", b"\xff", b"x" * 1025):
            body = _wire.encode(_wire.Failure((1, 1), 1, ""))[8:-4] + struct.pack("<HH", _wire.T_TEXT, len(text)) + text
            with self.subTest(text[:4]), self.assertRaises(ProtocolError):
                _wire.decode(_wire.ERROR, body)

    def test_names_are_cut_between_characters(self) -> None:
        self.assertEqual("aü", _wire.shorten("aüü", 4))


if __name__ == "__main__":
    unittest.main()
