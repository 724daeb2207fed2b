// The library's parts by themselves: what is checked of what comes from outside, and how failures are told.
#pragma once

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cuframes.hpp>
#include <functional>
#include <string>
#include <vector>

#include "golden.hpp"
#include "pattern.hpp"

namespace cuframes_tests {

/// The code of the Error that an action throws; 0 if it throws none.
inline unsigned code_of(const std::function<void()>& action) {
    try {
        action();
        return 0;
    } catch (const cuframes::Error& error) {
        return static_cast<unsigned>(error.code());
    }
}

inline unsigned number(cuframes::Code code) { return static_cast<unsigned>(code); }

inline void check_values(Expect& expect) {
    using namespace cuframes;
    expect.that(detail::is_key("cam-1_A.b") && detail::is_key(std::string(64, 'x')), "valid keys");
    for (const std::string& key : {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string(65, 'x'), std::string("\xc3\xbc")}) {
        expect.that(!detail::is_key(key), "invalid key " + key);
    }
    expect.equal(code_of([] { Subscriber subscriber("a/b"); }), number(Code::invalid_argument), "a subscriber of an invalid key");
    const auto of = [](const std::function<void(Options&)>& change) {
        return code_of([&change] {
            Options options;
            change(options);
            Subscriber subscriber("nobody", options);
        });
    };
    expect.equal(of([](Options& o) { o.credits = 65; }), number(Code::invalid_argument), "65 credits");
    expect.equal(of([](Options& o) { o.policy = Policy::fifo(0); }), number(Code::invalid_argument), "a fifo of 0");
    expect.equal(of([](Options& o) { o.name = std::string(49, 'x'); }), number(Code::invalid_argument), "a name of 49 bytes");
    expect.equal(of([](Options& o) { o.name = "\xff"; }), number(Code::invalid_argument), "a name that is no UTF-8");
    expect.equal(of([](Options& o) {
                     o.run_dir = "/nowhere/at/all";
                     o.connect_timeout = std::chrono::milliseconds(1);
                 }),
                 number(Code::no_producer), "no run directory");
    expect.equal(Policy::parse("fifo:12").depth, 12u, "fifo:12");
    for (const char* text : {"", "fifo", "fifo:", "fifo:-1", "fifo:1x", "fifo:99999", "newest"}) {
        expect.equal(code_of([text] { Policy::parse(text); }), number(Code::invalid_argument), std::string("policy ") + text);
    }
    for (const char* text : {"a", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80", ""}) {
        expect.that(detail::is_utf8(text), std::string("UTF-8 ") + text);
    }
    for (const char* text : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x80\x80\xaf", "\xf5\x80\x80\x80"}) {
        expect.that(!detail::is_utf8(text), "what is no UTF-8");
    }
    expect.that(!detail::is_utf8(std::string_view("a\0b", 3)), "text with NUL");
    expect.equal(std::string(name_of(static_cast<Code>(99))), std::string("UNKNOWN"), "a code of a later version");
    expect.equal(detail::printable("a\x1b[2J\n"), std::string("a?[2J?"), "control characters");
}

inline void check_backoff(Expect& expect) {
    using namespace cuframes::detail;
    Backoff backoff(1000);
    expect.that(backoff.remaining(1000) <= 0, "the first attempt is due at once");
    Nanos time = 1000;
    for (const Nanos delay : {50, 100, 200, 400, 800, 1000, 1000}) {
        backoff.failed(time);
        expect.equal(backoff.remaining(time), delay * millisecond, "delay");
        time += delay * millisecond;
    }
    backoff.succeeded();
    backoff.failed(time);
    expect.equal(backoff.remaining(time), 50 * millisecond, "delay after a success");
    backoff.refused(time);
    expect.equal(backoff.remaining(time), second, "delay after a refusal");
}

inline void check_run_dir(Expect& expect) {
    using namespace cuframes::detail;
    char name[] = "/tmp/cuframes-units-XXXXXX";
    expect.that(mkdtemp(name) != nullptr, "a directory is made");
    const std::string path = name;
    expect.equal(problem_of_run_dir(path), std::string(), "an ordinary directory");
    expect.equal(find_run_dir(path), path, "the directory that was named");
    chmod(name, 0777);
    expect.that(problem_of_run_dir(path).find("anybody") != std::string::npos, "a directory that anybody may write to");
    expect.equal(code_of([&path] { find_run_dir(path); }), number(cuframes::Code::system), "it is refused, not passed over");
    chmod(name, 0700);
    const std::string own = path + "/cuframes-" + std::to_string(getuid());
    expect.that(symlink(name, own.c_str()) == 0, "a link is made");
    expect.that(problem_of_run_dir(own).find("symbolic link") != std::string::npos, "a link of the name in /tmp");
    unlink(own.c_str());
    rmdir(name);
    expect.that(!problem_of_run_dir(path).empty(), "a directory that is not there");
    expect.equal(code_of([] { socket_of("/tmp/" + std::string(100, 'x'), "cam"); }), number(cuframes::Code::invalid_argument), "a path too long");
}

inline void check_messages(Expect& expect) {
    using namespace cuframes::detail;
    const auto parse = [](Type type, Writer writer, std::size_t cut) {
        return code_of([&] {
            const Bytes bytes = writer.bytes();
            const Fields fields(type, bytes.data() + header_size, bytes.size() - header_size - cut);
            switch (type) {
                case Type::welcome: parse_welcome(fields); break;
                case Type::memory: parse_memory(fields); break;
                case Type::error: parse_error(fields); break;
                default: fields.u32(Tag::reason);
            }
        });
    };
    const unsigned breach = number(cuframes::Code::protocol_violation);
    expect.equal(parse(Type::bye, Writer(Type::bye).u32(Tag::reason, 7), 0), 0u, "BYE with an unknown reason");
    expect.equal(parse(Type::bye, Writer(Type::bye).u32(Tag::reason, 1), 1), breach, "a field beyond the body");
    expect.equal(parse(Type::bye, Writer(Type::bye).u32(Tag::reason, 1), 6), breach, "half a tag");
    expect.equal(parse(Type::bye, Writer(Type::bye).field(Tag::reason, "ab", 2), 0), breach, "a short field");
    expect.equal(parse(Type::bye, Writer(Type::bye).u64(Tag::reason, 1), 0), 0u, "a field that is longer than this version knows");
    expect.equal(parse(Type::bye, Writer(Type::bye).field(static_cast<Tag>(999), "abc", 3).u32(Tag::reason, 1), 0), 0u, "an unknown tag");
    expect.equal(parse(Type::bye, Writer(Type::bye), 0), breach, "a field that is missing");
    expect.equal(parse(Type::error, Writer(Type::error).protocol().u32(Tag::error, 3).text(Tag::text, "\xff"), 0), breach, "text that is no UTF-8");
    const std::uint8_t other_major[8] = {0x43, 0x55, 0x46, 0x52, 2, 0, 0, 0};
    expect.equal(parse(Type::welcome, Writer(Type::welcome).field(Tag::protocol, other_major, 8), 0), number(cuframes::Code::version_mismatch),
                 "another major version");
    Writer many(Type::memory);
    for (int i = 0; i < 61; i++) {
        many.field(Tag::slab, "0123456789abcdef", 16);
    }
    expect.equal(parse(Type::memory, many, 0), breach, "61 slabs");
    Geometry geometry;
    const PlanePlace planes[4] = {{0, 640}, {640 * 480, 640}, {0, 0}, {0, 0}};
    const auto fits = [&](std::uint32_t format, std::uint32_t width, std::uint32_t height, std::uint64_t size) {
        return check_geometry(format, width, height, size, planes, geometry).empty();
    };
    expect.that(fits(1, 640, 480, 460800), "NV12 of 640x480");
    expect.that(!fits(1, 640, 480, 460799), "a slot that is a byte too small");
    expect.that(!fits(1, 641, 480, 1 << 20), "rows that are longer than their pitch");
    expect.that(!fits(0, 640, 480, 460800) && !fits(14, 640, 480, 460800), "unknown formats");
    expect.that(!fits(1, 0, 480, 460800) && !fits(1, 640, 32769, std::uint64_t{1} << 31), "sizes out of range");
    const PlanePlace huge[4] = {{0xffffffff, 0x7fffffff}, {0xffffffff, 0x7fffffff}, {}, {}};
    expect.that(!check_geometry(1, 32768, 32768, std::uint64_t{1} << 31, huge, geometry).empty(), "planes that wrap around");
}

/// Whatever bytes come, they are a message or a Breach, and nothing beyond them is read (which AddressSanitizer sees).
inline void check_mutations(const std::vector<Bytes>& seeds, Expect& expect) {
    using namespace cuframes::detail;
    std::uint64_t state = 88172645463325252u;
    const auto random = [&state](std::size_t below) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return static_cast<std::size_t>(state % below);
    };
    int breaches = 0;
    int messages = 0;
    for (int i = 0; i < 20000; i++) {
        Bytes bytes = seeds[random(seeds.size())];
        const Type type = static_cast<Type>(bytes[4]);
        for (std::size_t changes = random(6); changes > 0; changes--) {
            bytes[header_size + random(bytes.size() - header_size)] = static_cast<std::uint8_t>(random(256));
        }
        const Bytes body(bytes.begin() + header_size, bytes.end() - static_cast<std::ptrdiff_t>(random(4) == 0 ? random(bytes.size() - header_size) : 0));
        const unsigned code = code_of([&] {
            const Fields fields(type, body.data(), body.size());
            if (type == Type::welcome) {
                parse_welcome(fields);
            } else if (type == Type::memory) {
                parse_memory(fields);
            } else {
                parse_error(fields);
            }
        });
        (code == 0 ? messages : breaches)++;
    }
    expect.that(breaches > 1000 && messages > 1000, "mutations of both kinds: " + std::to_string(breaches) + ", " + std::to_string(messages));
}

/// Sends bytes with descriptors.
inline void send_raw(int socket, const Bytes& bytes, std::size_t descriptors) {
    alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
    iovec from{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &from;
    message.msg_iovlen = 1;
    if (descriptors > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
        cmsghdr* part = CMSG_FIRSTHDR(&message);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(descriptors * sizeof(int));
        for (std::size_t i = 0; i < descriptors; i++) {
            const int zero = 0;
            std::memcpy(CMSG_DATA(part) + i * sizeof zero, &zero, sizeof zero);
        }
    }
    if (sendmsg(socket, &message, MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) {
        std::abort();
    }
}

inline void check_framing(Expect& expect) {
    using namespace cuframes::detail;
    char name[] = "/tmp/cuframes-units-XXXXXX";
    expect.that(mkdtemp(name) != nullptr, "a directory is made");
    const std::string path = std::string(name) + "/cam.sock";
    const Descriptor server(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    expect.that(bind(server.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && listen(server.number(), 8) == 0, "a server listens");
    const auto talk = [&](const std::function<void(int, Connection&)>& conversation) {
        const auto connection = Connection::to(path);
        const Descriptor peer(accept4(server.number(), nullptr, nullptr, SOCK_CLOEXEC));
        conversation(peer.number(), *connection);
    };
    talk([&](int peer, Connection& connection) {
        expect.that(connection.receive() == Connection::Status::nothing, "nothing is there");
        Bytes two = Writer(Type::doorbell).bytes();
        const Bytes bye = Writer(Type::bye).u32(Tag::reason, 2).bytes();
        two.insert(two.end(), bye.begin(), bye.end());
        send_raw(peer, Bytes(two.begin(), two.begin() + 11), 0);
        expect.that(connection.receive() == Connection::Status::message && connection.type() == Type::doorbell, "a message");
        expect.that(connection.receive() == Connection::Status::nothing, "half a message");
        send_raw(peer, Bytes(two.begin() + 11, two.end()), 0);
        expect.that(connection.receive() == Connection::Status::message && connection.fields().u32(Tag::reason) == 2, "the other half");
        send_raw(peer, Writer(static_cast<Type>(77), 2).bytes(), 2);
        send_raw(peer, Writer(Type::memory, 1).bytes(), 1);
        expect.that(connection.receive() == Connection::Status::message, "a message with two descriptors");
        expect.equal(connection.take_descriptors().size(), 2u, "its descriptors");
        expect.that(connection.receive() == Connection::Status::message, "a message with one");
        expect.equal(connection.take_descriptors().size(), 1u, "its descriptor");
        shutdown(peer, SHUT_WR);
        expect.that(connection.receive() == Connection::Status::end, "the end");
        expect.that(connection.send(Type::request), "the other direction is open");
    });
    const unsigned breach = number(cuframes::Code::protocol_violation);
    const auto outcome = [&](const Bytes& bytes, std::size_t descriptors) {
        unsigned code = 0;
        talk([&](int peer, Connection& connection) {
            send_raw(peer, bytes, descriptors);
            code = code_of([&connection] {
                while (connection.receive() == Connection::Status::message) {
                }
            });
        });
        return code;
    };
    expect.equal(outcome(Writer(Type::memory, 2).bytes(), 1), breach, "fewer descriptors than declared");
    expect.equal(outcome(Writer(Type::doorbell).bytes(), 1), breach, "a descriptor that nobody declared");
    expect.equal(outcome(Bytes{0xf9, 0xff, 0, 0, 5, 0, 0, 0}, 0), breach, "a body of 65529 bytes");
    expect.equal(outcome(Bytes{0, 0, 0, 0, 5, 0, 61, 0}, 0), breach, "61 descriptors");
    expect.equal(code_of([&] { Connection::to(path + "x"); }), number(cuframes::Code::no_producer), "no socket");
    unlink(path.c_str());
    rmdir(name);
}

inline void check_pattern(Expect& expect) {
    const std::uint8_t text[] = "123456789";
    expect.equal(crc16(text, 9), 0x29b1, "CRC-16/IBM-3740");
    Crc32c crc;
    crc.update(text, 9);
    expect.equal(crc.value(), 0xe3069283u, "CRC-32C");
    std::vector<std::uint8_t> luma(320 * 240, 16);
    expect.that(read_code(luma.data(), 320, 320, 240).reading == Reading::none, "no code");
    const char* rows[4] = {"100010010001101000", "001010110011110001", "110101011110011010", "011110000010100101"};
    const auto draw = [&](std::size_t top) {
        for (std::size_t y = 0; y < 32; y++) {
            for (std::size_t x = 0; x < 144; x++) {
                luma[(top + y) * 320 + x] = rows[y / 8][x / 8] == '1' ? 235 : 16;
            }
        }
    };
    draw(0);
    draw(104);
    expect.that(read_code(luma.data(), 320, 320, 240).reading == Reading::damaged, "two of three strips");
    draw(208);
    const FrameCode code = read_code(luma.data(), 320, 320, 240);
    expect.that(code.reading == Reading::ok && code.number == 0x12345678 && code.tag == 0xabcd, "the example of docs/test-pattern.md");
}

inline int units() {
    using namespace cuframes::detail;
    Expect expect;
    check_values(expect);
    check_backoff(expect);
    check_run_dir(expect);
    check_messages(expect);
    check_framing(expect);
    check_pattern(expect);
    Stream stream{};
    stream.width = 640;
    stream.height = 480;
    stream.format = 1;
    stream.memoryKind = 1;
    stream.timeBaseNumerator = stream.timeBaseDenominator = stream.frameRateDenominator = 1;
    stream.slotSize = 460800;
    stream.planes[0] = {0, 640};
    stream.planes[1] = {640 * 480, 640};
    check_mutations({Writer(Type::welcome).protocol().text(Tag::library, "x").u64(Tag::epoch, 1).u64(Tag::ring, 4096).field(Tag::subscriber, "0123456\0" "1\0\0\0" "2\0\0\0", 16).bytes(),
                     Writer(Type::memory).u32(Tag::generation, 1).field(Tag::stream, &stream, sizeof stream).field(Tag::slab, "\1\0\0\0" "\0\0\0\0" "\1\2\3\0" "\0\0\0\0", 16).bytes(),
                     Writer(Type::error).protocol().u32(Tag::error, 3).text(Tag::text, "a sentence").bytes()},
                    expect);
    std::printf("units: %d checked, %d failed\n", expect.checked, expect.failed);
    return expect.failed == 0 ? 0 : 1;
}

}  // namespace cuframes_tests
