// Compares structures and messages with docs/protocol.md: its tables of offsets, and its golden bytes. Argument: the page's path.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <cuframes.hpp>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace cuframes_tests {

using Bytes = std::vector<std::uint8_t>;

/// Counts what does not hold, and says where.
class Expect {
public:
    void that(bool holds, const std::string& what) {
        checked++;
        if (!holds) {
            failed++;
            std::printf("FAILED %s\n", what.c_str());
        }
    }

    template <typename A, typename B>
    void equal(const A& seen, const B& wanted, const std::string& what) {
        std::ostringstream text;
        text << what << ": " << seen << ", not " << wanted;
        that(seen == wanted, text.str());
    }

    int checked = 0;
    int failed = 0;
};

/// The page's tables and golden bytes.
struct Page {
    struct Field {
        std::string name;
        std::size_t offset;
        std::size_t size;
    };
    std::map<std::string, std::vector<Field>> tables;
    std::map<std::string, std::size_t> sizes;
    std::map<std::string, Bytes> golden;

    explicit Page(const std::string& path) {
        std::ifstream file(path);
        std::string line;
        std::string table;
        std::string block;
        while (std::getline(file, line)) {
            std::istringstream words(line);
            std::string first;
            words >> first;
            if (line.rfind("<!-- table: ", 0) == 0) {
                std::istringstream head(line.substr(12));
                std::size_t size = 0;
                head >> table >> size;
                sizes[table] = size;
            } else if (!table.empty() && first == "|") {
                row(table, line);
            } else if (!table.empty() && line.empty() && !tables[table].empty()) {
                table.clear();
            } else if (line.rfind("```hex ", 0) == 0) {
                std::istringstream head(line.substr(7));
                std::size_t size = 0;
                head >> block >> size;
                golden[block] = Bytes(size);
            } else if (line == "```") {
                block.clear();
            } else if (!block.empty()) {
                hex(golden[block], line);
            }
        }
    }

private:
    void row(const std::string& table, const std::string& line) {
        std::vector<std::string> cells;
        std::istringstream row(line);
        std::string cell;
        while (std::getline(row, cell, '|')) {
            const std::size_t begin = cell.find_first_not_of(' ');
            cells.push_back(begin == std::string::npos ? "" : cell.substr(begin, cell.find_last_not_of(' ') + 1 - begin));
        }
        if (cells.size() > 4 && !cells[1].empty() && cells[1].find_first_not_of("0123456789") == std::string::npos &&
            cells[2].find_first_not_of("0123456789") == std::string::npos && sizes[table] != 0) {
            tables[table].push_back({cells[4], std::stoul(cells[1]), std::stoul(cells[2])});
        }
    }

    static void hex(Bytes& bytes, std::string line) {
        const std::size_t comment = line.find('#');
        line = line.substr(0, comment);
        const std::size_t colon = line.find(':');
        std::size_t at = bytes.size();
        if (colon != std::string::npos) {
            at = std::stoul(line.substr(0, colon), nullptr, 16);
            line = line.substr(colon + 1);
        }
        std::istringstream words(line);
        std::string word;
        while (words >> word) {
            if (at >= bytes.size()) {
                bytes.resize(at + 1);
            }
            bytes[at++] = static_cast<std::uint8_t>(std::stoul(word, nullptr, 16));
        }
    }
};

inline void check_tables(const Page& page, Expect& expect) {
#define CUFRAMES_LIST_FIELD(name, at, bytes) own.push_back({#name, at, bytes});
#define CUFRAMES_COMPARE(FIELDS, type, bytes)                                                                   \
    {                                                                                                           \
        std::vector<Page::Field> own;                                                                           \
        FIELDS(CUFRAMES_LIST_FIELD)                                                                             \
        const auto size = page.sizes.find(#type);                                                               \
        expect.that(size != page.sizes.end() && size->second == (bytes), "the size of " #type);                 \
        const auto found = page.tables.find(#type);                                                             \
        const std::vector<Page::Field> theirs = found == page.tables.end() ? std::vector<Page::Field>() : found->second; \
        expect.equal(theirs.size(), own.size(), "number of fields of " #type);                                  \
        for (std::size_t i = 0; i < std::min(own.size(), theirs.size()); i++) {                                 \
            expect.that(own[i].name == theirs[i].name && own[i].offset == theirs[i].offset && own[i].size == theirs[i].size, \
                        #type ": " + own[i].name + " is " + theirs[i].name + " at " + std::to_string(theirs[i].offset) + " there"); \
        }                                                                                                       \
    }
    CUFRAMES_STRUCTURES(CUFRAMES_COMPARE)
#undef CUFRAMES_COMPARE
#undef CUFRAMES_LIST_FIELD
}

/// The golden bytes as a structure.
template <typename T>
T structure(const Page& page, const std::string& name, Expect& expect) {
    T value{};
    const auto found = page.golden.find(name);
    expect.that(found != page.golden.end() && found->second.size() == sizeof value, "golden bytes of " + name);
    if (found != page.golden.end() && found->second.size() == sizeof value) {
        std::memcpy(static_cast<void*>(&value), found->second.data(), sizeof value);
    }
    return value;
}

inline void check_memory_structures(const Page& page, Expect& expect) {
    namespace d = cuframes::detail;
    const auto ring = structure<d::RingHeader>(page, "RingHeader", expect);
    expect.equal(ring.magic, d::magic_ring, "ring.magic");
    expect.equal(ring.minor, 2, "ring.minor");
    expect.equal(ring.publisherPid, 4242u, "ring.publisherPid");
    expect.equal(ring.epoch, 0x1122334455667788u, "ring.epoch");
    expect.equal(ring.ringSize, 3072u, "ring.ringSize");
    expect.equal(ring.subscriberSlotsAt, 2560u, "ring.subscriberSlotsAt");
    expect.equal(ring.startedNanos, 1700000000123456789, "ring.startedNanos");
    expect.equal(std::string(ring.key), std::string("front-door"), "ring.key");
    expect.equal(ring.newestSequence, 1001u, "ring.newestSequence");
    expect.equal(ring.heartbeatNanos, 5050000000, "ring.heartbeatNanos");
    expect.equal(ring.memoryBytes, 41943040u, "ring.memoryBytes");
    expect.equal(ring.frameRateDenominator, 1001u, "ring.frameRateDenominator");
    const auto slot = structure<d::SlotDescriptor>(page, "SlotDescriptor", expect);
    expect.equal(slot.slab, 4u, "slot.slab");
    expect.equal(slot.offsetInSlab, 3342848u, "slot.offsetInSlab");
    expect.equal(slot.planes[2].offset, 2785280u, "slot.planes[2].offset");
    expect.equal(slot.planes[2].pitch, 1025u, "slot.planes[2].pitch");
    expect.equal(slot.slotSize, 3342848u, "slot.slotSize");
    expect.equal(slot.generation, 3u, "slot.generation");
    d::Geometry geometry;
    expect.equal(d::check_geometry(slot.format, slot.width, slot.height, slot.slotSize, slot.planes, geometry), std::string(), "slot geometry");
    expect.equal(geometry.plane[1].rows, 539u, "chroma rows");
    expect.equal(geometry.plane[1].row_bytes, 959u, "chroma columns");
    const auto legacy_slot = structure<d::SlotDescriptor>(page, "SlotDescriptorCudaIpc", expect);
    d::LegacyHandleAreas legacy;
    std::memcpy(&legacy, &legacy_slot, sizeof legacy);
    expect.equal(int{legacy.handle[63]}, 0xdf, "legacy.handle");
    expect.equal(legacy.slab, 4u, "legacy.slab");
    expect.equal(legacy.offsetInSlab, 3342848u, "legacy.offsetInSlab");
    const auto frame = structure<d::FrameMetadata>(page, "FrameMetadata", expect);
    expect.equal(frame.sequence, 1001u, "frame.sequence");
    expect.equal(frame.pts, 90090, "frame.pts");
    expect.equal(frame.ptsNanos, cuframes::no_time, "frame.ptsNanos");
    expect.equal(frame.flags, std::uint32_t{cuframes::flag_key} | cuframes::flag_discontinuity | cuframes::flag_copied, "frame.flags");
    expect.equal(frame.lostBefore, 2u, "frame.lostBefore");
    const auto account = structure<d::SubscriberSlot>(page, "SubscriberSlot", expect);
    expect.equal(account.id, 17u, "account.id");
    expect.equal(account.held, 2u, "account.held");
    expect.equal(std::string(account.name), std::string("T\xc3\xbcr\xc3\xb6" "ffner"), "account.name");
    const auto own = structure<d::SubscriberPage>(page, "SubscriberPage", expect);
    expect.equal(own.magic, d::magic_page, "page.magic");
    expect.equal(own.delivered, 1u, "page.delivered");
    expect.equal(own.publisherWaits, 1u, "page.publisherWaits");
    expect.equal(own.sleeping, 1u, "page.sleeping");
    expect.equal(own.released[2], 1u, "page.released[2]");
    expect.equal(own.queue[0].sequence, 1001u, "page.queue[0].sequence");
    expect.equal(own.queue[0].slot, 5u, "page.queue[0].slot");
    expect.equal(own.queue[0].lease, 2u, "page.queue[0].lease");
}

inline void check_writing(const Page& page, Expect& expect) {
    using namespace cuframes::detail;
    const std::string library = "cuframes-test 0.1";
    const auto same = [&](const char* name, Writer writer) {
        const auto found = page.golden.find(name);
        expect.that(found != page.golden.end() && writer.bytes() == found->second, std::string("the bytes of ") + name);
    };
    const cuframes::Uuid first{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    const cuframes::Uuid other{0xf0, 0xe1, 0xd2, 0xc3, 0xb4, 0xa5, 0x96, 0x87, 0x78, 0x69, 0x5a, 0x4b, 0x3c, 0x2d, 0x1e, 0x0f};
    const std::uint32_t fifo[3] = {2, 3, 5};
    const auto hello = [&](std::uint16_t minor) {
        Writer writer(Type::hello);
        return writer.protocol(minor).text(Tag::library, library).text(Tag::key, "front-door");
    };
    const char* name = "T\xc3\xbcr\xc3\xb6" "ffner";
    same("HELLO", hello(0).text(Tag::name, name).u32(Tag::role, 1).field(Tag::delivery, fifo, sizeof fifo).u32(Tag::memory_kinds, 2));
    same("HELLO_GPUS", hello(1)
                           .text(Tag::name, name)
                           .u32(Tag::role, 1)
                           .field(Tag::delivery, fifo, sizeof fifo)
                           .u32(Tag::memory_kinds, 14)
                           .u32(Tag::pid, 4343)
                           .uuid(first)
                           .uuid(other));
    same("HELLO_OBSERVER", hello(0).text(Tag::name, "top").u32(Tag::role, 2).u32(Tag::memory_kinds, 0));
    struct {
        std::uint64_t id;
        std::uint32_t index;
        std::uint32_t credits;
    } subscriber{17, 1, 5}, nobody{0, 0, 0};
    const auto welcome = [&](std::uint16_t descriptors, const void* who) {
        Writer writer(Type::welcome, descriptors);
        return writer.protocol(0).text(Tag::library, library).u64(Tag::epoch, 0x1122334455667788).u64(Tag::ring, 3072).field(Tag::subscriber, who, 16);
    };
    same("WELCOME", welcome(2, &subscriber));
    same("WELCOME_OBSERVER", welcome(1, &nobody));
    Stream stream{};
    stream.width = 1918;
    stream.height = 1078;
    stream.format = 2;
    stream.timeBaseNumerator = 7;
    stream.timeBaseDenominator = 90000;
    stream.frameRateNumerator = 30000;
    stream.frameRateDenominator = 1001;
    stream.fullRange = 1;
    stream.primaries = 9;
    stream.transfer = 13;
    stream.matrix = 6;
    stream.slotSize = 3342848;
    stream.planes[0] = {0, 2048};
    stream.planes[1] = {2228224, 1024};
    stream.planes[2] = {2785280, 1025};
    struct {
        std::uint32_t number;
        std::uint32_t zero;
        std::uint64_t size;
    } slab4{4, 0, 33554432}, slab5{5, 0, 8388608};
    const auto memory = [&](std::uint32_t kind) {
        stream.memoryKind = kind;
        Writer writer(Type::memory, kind == 3 ? 0 : 2);
        writer.u32(Tag::generation, 3).field(Tag::stream, &stream, sizeof stream);
        if (kind != 1) {
            writer.uuid(first);
        }
        return writer.field(Tag::slab, &slab4, 16).field(Tag::slab, &slab5, 16);
    };
    same("MEMORY", memory(1));
    same("MEMORY_CUDA", memory(2));
    same("MEMORY_CUDA_IPC", memory(3));
    same("ACK", Writer(Type::ack).u32(Tag::generation, 3));
    same("DOORBELL", Writer(Type::doorbell));
    same("REQUEST", Writer(Type::request));
    same("ERROR", Writer(Type::error)
                      .protocol(0)
                      .u32(Tag::error, 3)
                      .text(Tag::text, "this is front-door, not back-door: connect to back-door.sock"));
    same("BYE", Writer(Type::bye).u32(Tag::reason, 2));
}

inline void check_reading(const Page& page, Expect& expect) {
    using namespace cuframes::detail;
    const auto fields = [&](const char* name) {
        const Bytes& bytes = page.golden.at(name);
        MessageHeader header;
        std::memcpy(&header, bytes.data(), sizeof header);
        expect.equal(header.length, bytes.size() - sizeof header, std::string(name) + " length");
        return Fields(static_cast<Type>(header.type), bytes.data() + sizeof header, header.length);
    };
    const Fields hello = fields("HELLO_GPUS");
    expect.equal(hello.text(Tag::key), std::string("front-door"), "HELLO key");
    expect.equal(hello.number<std::uint32_t>(Tag::delivery, 4), 3u, "HELLO depth");
    expect.equal(hello.gpus().size(), 2u, "HELLO gpus");
    expect.equal(cuframes::to_string(hello.gpus()[1]), std::string("f0e1d2c3-b4a5-9687-7869-5a4b3c2d1e0f"), "HELLO second gpu");
    const Welcome welcome = parse_welcome(fields("WELCOME"));
    expect.equal(welcome.epoch, 0x1122334455667788u, "WELCOME epoch");
    expect.equal(welcome.ring_size, 3072u, "WELCOME ring");
    expect.equal(welcome.subscriber_id, 17u, "WELCOME id");
    expect.equal(welcome.credits, 5u, "WELCOME credits");
    expect.equal(parse_welcome(fields("WELCOME_OBSERVER")).credits, 0u, "WELCOME of an observer");
    for (const char* name : {"MEMORY", "MEMORY_CUDA", "MEMORY_CUDA_IPC"}) {
        const Memory memory = parse_memory(fields(name));
        expect.equal(memory.generation, 3u, std::string(name) + " generation");
        expect.equal(memory.geometry.width, 1918u, std::string(name) + " width");
        expect.equal(memory.geometry.plane[2].pitch, 1025u, std::string(name) + " pitch");
        expect.equal(memory.slabs.size(), 2u, std::string(name) + " slabs");
        expect.equal(memory.slabs[1].size, 8388608u, std::string(name) + " slab size");
        expect.equal(memory.descriptors(), memory.kind == cuframes::MemoryKind::cuda_ipc ? 0u : 2u, std::string(name) + " descriptors");
        expect.equal(memory.gpu.has_value(), memory.kind != cuframes::MemoryKind::host, std::string(name) + " gpu");
    }
    const Failure failure = parse_error(fields("ERROR"));
    expect.that(failure.code == cuframes::Code::wrong_key, "ERROR code");
    expect.equal(failure.text, std::string("this is front-door, not back-door: connect to back-door.sock"), "ERROR text");
    expect.equal(fields("BYE").u32(Tag::reason), reason_end_of_stream, "BYE reason");
    expect.equal(fields("ACK").u32(Tag::generation), 3u, "ACK generation");
}

inline int golden(const std::string& path) {
    const Page page(path);
    Expect expect;
    check_tables(page, expect);
    check_memory_structures(page, expect);
    check_writing(page, expect);
    check_reading(page, expect);
    expect.that(page.golden.size() >= 19, "19 golden blocks in " + path);
    std::printf("golden: %d checked, %d failed\n", expect.checked, expect.failed);
    return expect.failed == 0 ? 0 : 1;
}

}  // namespace cuframes_tests
