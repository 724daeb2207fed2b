// Part of cuframes.hpp: messages of the control socket (docs/protocol.md, 3 and 4). The only parser and the only writer.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "error.hpp"
#include "layout.hpp"

namespace cuframes {

/// A GPU's name: 16 bytes in the order in which they are printed.
using Uuid = std::array<std::uint8_t, 16>;

/// As drivers and tools print it, without "GPU-".
inline std::string to_string(const Uuid& uuid) {
    static const char* digits = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < uuid.size(); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text += '-';
        }
        text += digits[uuid[i] >> 4];
        text += digits[uuid[i] & 15];
    }
    return text;
}

namespace detail {

constexpr std::size_t header_size = sizeof(MessageHeader);
constexpr std::size_t max_body = 65528;
constexpr std::uint32_t max_descriptors = 60;
constexpr std::size_t max_text = 1024;
constexpr std::size_t max_gpus = 64;
constexpr std::size_t max_name = 48;
constexpr std::uint64_t max_slot_size = std::uint64_t{1} << 31;
constexpr std::uint32_t max_dimension = 32768;
constexpr std::uint32_t below_2_31 = 0x80000000u;

enum class Type : std::uint16_t { hello = 1, welcome = 2, memory = 3, ack = 4, doorbell = 5, request = 6, error = 7, bye = 8 };

enum class Tag : std::uint16_t {
    protocol = 1,
    library = 2,
    key = 3,
    name = 4,
    role = 5,
    delivery = 6,
    memory_kinds = 7,
    epoch = 8,
    ring = 9,
    subscriber = 10,
    generation = 11,
    stream = 12,
    slab = 13,
    error = 14,
    text = 15,
    reason = 16,
    gpu = 17,
    pid = 18,
};

constexpr std::uint16_t last_tag = 18;
constexpr std::uint32_t reason_closing = 1;
constexpr std::uint32_t reason_end_of_stream = 2;

inline const char* name_of(Type type) {
    static const char* const names[] = {"HELLO", "WELCOME", "MEMORY", "ACK", "DOORBELL", "REQUEST", "ERROR", "BYE"};
    const auto number = static_cast<std::size_t>(type);
    return number >= 1 && number <= 8 ? names[number - 1] : "unknown";
}

inline const char* name_of(Tag tag) {
    static const char* const names[] = {"PROTOCOL", "LIBRARY", "KEY",        "NAME",   "ROLE", "DELIVERY", "MEMORY_KINDS", "EPOCH", "RING",
                                        "SUBSCRIBER", "GENERATION", "STREAM", "SLAB", "ERROR", "TEXT",     "REASON",       "GPU",   "PID"};
    const auto number = static_cast<std::size_t>(tag);
    return number >= 1 && number <= last_tag ? names[number - 1] : "unknown";
}

/// Bytes that a field has at least; 0: a text.
inline std::size_t size_of(Tag tag) {
    static const std::uint8_t sizes[] = {8, 0, 0, 0, 4, 12, 4, 8, 8, 16, 4, 80, 16, 4, 0, 4, 16, 4};
    return sizes[static_cast<std::size_t>(tag) - 1];
}

/// Writes one message, field by field.
class Writer {
public:
    explicit Writer(Type type, std::uint16_t descriptors = 0) : bytes_(header_size), type_(type), descriptors_(descriptors) {}

    Writer& u32(Tag tag, std::uint32_t value) { return field(tag, &value, sizeof value); }
    Writer& u64(Tag tag, std::uint64_t value) { return field(tag, &value, sizeof value); }
    Writer& text(Tag tag, std::string_view value) { return field(tag, value.data(), std::min(value.size(), max_text)); }
    Writer& uuid(const Uuid& value) { return field(Tag::gpu, value.data(), value.size()); }

    Writer& protocol(std::uint16_t minor = protocol_minor) {
        struct {
            std::uint32_t magic;
            std::uint16_t major;
            std::uint16_t minor;
        } value{magic_ring, protocol_major, minor};
        return field(Tag::protocol, &value, sizeof value);
    }

    Writer& field(Tag tag, const void* value, std::size_t size) {
        const std::uint16_t head[2] = {static_cast<std::uint16_t>(tag), static_cast<std::uint16_t>(size)};
        append(head, sizeof head);
        append(value, size);
        return *this;
    }

    /// The message with its header.
    const std::vector<std::uint8_t>& bytes() {
        const MessageHeader header{static_cast<std::uint32_t>(bytes_.size() - header_size), static_cast<std::uint16_t>(type_), descriptors_};
        std::memcpy(bytes_.data(), &header, sizeof header);
        return bytes_;
    }

private:
    void append(const void* from, std::size_t size) {
        const auto* begin = static_cast<const std::uint8_t*>(from);
        bytes_.insert(bytes_.end(), begin, begin + size);
    }

    std::vector<std::uint8_t> bytes_;
    Type type_;
    std::uint16_t descriptors_;
};

inline bool is_utf8(std::string_view text) {
    std::size_t i = 0;
    while (i < text.size()) {
        const auto first = static_cast<unsigned char>(text[i++]);
        const std::size_t more = first < 0x80 ? 0 : first >= 0xc2 && first < 0xe0 ? 1 : (first & 0xf0) == 0xe0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 4;
        if (first == 0 || more > text.size() - i) {
            return false;
        }
        for (std::size_t j = 0; j < more; j++) {
            const auto next = static_cast<unsigned char>(text[i + j]);
            const bool over_long = j == 0 && ((first == 0xe0 && next < 0xa0) || (first == 0xf0 && next < 0x90));
            const bool beyond = j == 0 && ((first == 0xed && next >= 0xa0) || (first == 0xf4 && next >= 0x90));
            if ((next & 0xc0) != 0x80 || over_long || beyond) {
                return false;
            }
        }
        i += more;
    }
    return true;
}

/// The fields of a body, cut apart and checked for their lengths. Refers to the body.
class Fields {
public:
    Fields(Type type, const std::uint8_t* body, std::size_t size) : type_(type) {
        std::size_t at = 0;
        while (at < size) {
            std::uint16_t head[2];
            if (size - at < sizeof head) {
                throw wrong("its last field is cut off");
            }
            std::memcpy(head, body + at, sizeof head);
            at += sizeof head;
            if (head[1] > size - at) {
                throw wrong("a field of " + std::to_string(head[1]) + " bytes reaches beyond its end");
            }
            if (head[0] >= 1 && head[0] <= last_tag) {
                add(static_cast<Tag>(head[0]), std::string_view(reinterpret_cast<const char*>(body + at), head[1]));
            }
            at += head[1];
        }
    }

    bool has(Tag tag) const { return present_[static_cast<std::size_t>(tag)]; }

    std::uint32_t u32(Tag tag) const { return number<std::uint32_t>(tag, 0); }
    std::uint64_t u64(Tag tag) const { return number<std::uint64_t>(tag, 0); }

    /// A number inside a field.
    template <typename T>
    T number(Tag tag, std::size_t at) const {
        return number_in<T>(required(tag), at);
    }

    std::string text(Tag tag) const {
        const std::string_view value = required(tag);
        if (!is_utf8(value)) {
            throw wrong(std::string(name_of(tag)) + " is no UTF-8 text without NUL");
        }
        return std::string(value);
    }

    /// Checks PROTOCOL, and returns the minor version that both speak.
    std::uint16_t compatible_minor() const {
        if (u32(Tag::protocol) != magic_ring) {
            throw wrong("PROTOCOL does not begin with CUFR");
        }
        const auto major = number<std::uint16_t>(Tag::protocol, 4);
        const auto minor = number<std::uint16_t>(Tag::protocol, 6);
        if (major != protocol_major) {
            throw Breach(Code::version_mismatch, "it speaks protocol " + std::to_string(major) + "." + std::to_string(minor) + " and this side " +
                                                     std::to_string(protocol_major) + "." + std::to_string(protocol_minor));
        }
        return std::min(minor, protocol_minor);
    }

    const std::vector<std::string_view>& slabs() const { return slabs_; }
    const std::vector<Uuid>& gpus() const { return gpus_; }

    Breach wrong(const std::string& what) const { return violation("a " + std::string(name_of(type_)) + " message is wrong: " + what); }

    template <typename T>
    static T number_in(std::string_view value, std::size_t at) {
        T number;
        std::memcpy(&number, value.data() + at, sizeof number);
        return number;
    }

    std::string_view required(Tag tag) const {
        if (!has(tag)) {
            throw wrong(std::string(name_of(tag)) + " is missing");
        }
        return first_[static_cast<std::size_t>(tag)];
    }

private:
    void add(Tag tag, std::string_view value) {
        const std::size_t size = size_of(tag);
        if (size == 0 ? value.size() > max_text : value.size() < size) {
            throw wrong(std::string(name_of(tag)) + " has " + std::to_string(value.size()) + " bytes");
        }
        if (tag == Tag::slab) {
            if (slabs_.size() == max_descriptors) {
                throw wrong("it has more than " + std::to_string(max_descriptors) + " slabs");
            }
            slabs_.push_back(value);
        } else if (tag == Tag::gpu) {
            if (gpus_.size() == max_gpus) {
                throw wrong("it names more than " + std::to_string(max_gpus) + " GPUs");
            }
            Uuid uuid;
            std::memcpy(uuid.data(), value.data(), uuid.size());
            gpus_.push_back(uuid);
        } else if (!has(tag)) {
            present_[static_cast<std::size_t>(tag)] = true;
            first_[static_cast<std::size_t>(tag)] = value;
        }
    }

    Type type_;
    std::array<bool, last_tag + 1> present_{};
    std::array<std::string_view, last_tag + 1> first_{};
    std::vector<std::string_view> slabs_;
    std::vector<Uuid> gpus_;
};

/// What WELCOME says.
struct Welcome {
    std::string library;
    std::uint64_t epoch;
    std::uint64_t ring_size;
    std::uint64_t subscriber_id;
    std::uint32_t subscriber_index;
    std::uint32_t credits;
};

inline Welcome parse_welcome(const Fields& fields) {
    fields.compatible_minor();
    Welcome welcome{fields.text(Tag::library),
                    fields.u64(Tag::epoch),
                    fields.u64(Tag::ring),
                    fields.u64(Tag::subscriber),
                    fields.number<std::uint32_t>(Tag::subscriber, 8),
                    fields.number<std::uint32_t>(Tag::subscriber, 12)};
    if (welcome.subscriber_index >= below_2_31 || welcome.credits >= below_2_31) {
        throw fields.wrong("index " + std::to_string(welcome.subscriber_index) + " with " + std::to_string(welcome.credits) +
                           " credits is out of range");
    }
    return welcome;
}

/// The geometry of a generation's slots, checked.
struct Geometry {
    PixelFormat format{};
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::uint64_t slot_size = 0;
    std::uint32_t planes = 0;
    struct Plane {
        std::uint32_t offset = 0;
        std::uint32_t pitch = 0;
        std::uint32_t rows = 0;
        std::uint32_t row_bytes = 0;
    };
    std::array<Plane, max_planes> plane{};

    bool operator==(const Geometry& other) const {
        bool same = format == other.format && width == other.width && height == other.height && slot_size == other.slot_size;
        for (std::size_t i = 0; same && i < planes; i++) {
            same = plane[i].offset == other.plane[i].offset && plane[i].pitch == other.plane[i].pitch;
        }
        return same;
    }
};

/// Checks a geometry; empty if it is right, else what is wrong.
inline std::string check_geometry(std::uint32_t format, std::uint32_t width, std::uint32_t height, std::uint64_t slot_size, const PlanePlace* places,
                                  Geometry& checked) {
    const FormatShape shape = shape_of(format);
    if (shape.planes == 0) {
        return "pixel format " + std::to_string(format) + " is unknown to this version";
    }
    if (width < 1 || width > max_dimension || height < 1 || height > max_dimension) {
        return "a frame of " + std::to_string(width) + "x" + std::to_string(height) + " is out of range";
    }
    if (slot_size < 1 || slot_size > max_slot_size) {
        return "a slot of " + std::to_string(slot_size) + " bytes is out of range";
    }
    checked = Geometry{};
    checked.format = static_cast<PixelFormat>(format);
    checked.width = width;
    checked.height = height;
    checked.slot_size = slot_size;
    checked.planes = shape.planes;
    for (std::size_t i = 0; i < shape.planes; i++) {
        Geometry::Plane& plane = checked.plane[i];
        plane.offset = places[i].offset;
        plane.pitch = places[i].pitch;
        plane.rows = shifted(height, shape.plane[i].shift_y);
        plane.row_bytes = shifted(width, shape.plane[i].shift_x) * shape.plane[i].bytes_per_column;
        const std::uint64_t end = plane.offset + std::uint64_t{plane.pitch} * (plane.rows - 1) + plane.row_bytes;
        if (plane.pitch < plane.row_bytes || plane.pitch >= below_2_31 || end > slot_size) {
            return "plane " + std::to_string(i) + " at " + std::to_string(plane.offset) + " with rows of " + std::to_string(plane.pitch) +
                   " bytes does not fit into a slot of " + std::to_string(slot_size);
        }
    }
    return {};
}

/// What MEMORY says.
struct Memory {
    std::uint32_t generation;
    MemoryKind kind;
    Stream stream;
    Geometry geometry;
    std::optional<Uuid> gpu;
    struct Slab {
        std::uint32_t number;
        std::uint64_t size;
    };
    std::vector<Slab> slabs;

    /// How many descriptors come with it.
    std::size_t descriptors() const { return kind == MemoryKind::cuda_ipc ? 0 : slabs.size(); }
};

inline Memory parse_memory(const Fields& fields) {
    Memory memory{};
    memory.generation = fields.u32(Tag::generation);
    if (memory.generation == 0 || memory.generation >= below_2_31) {
        throw fields.wrong("generation " + std::to_string(memory.generation) + " is out of range");
    }
    std::memcpy(&memory.stream, fields.required(Tag::stream).data(), sizeof memory.stream);
    const Stream& stream = memory.stream;
    if (stream.memoryKind < 1 || stream.memoryKind > 3) {
        throw fields.wrong("memory kind " + std::to_string(stream.memoryKind) + " is unknown to this version");
    }
    memory.kind = static_cast<MemoryKind>(stream.memoryKind);
    const std::string problem =
        check_geometry(stream.format, stream.width, stream.height, stream.slotSize, stream.planes, memory.geometry);
    if (!problem.empty()) {
        throw fields.wrong(problem);
    }
    const std::uint32_t ratios[] = {stream.timeBaseNumerator, stream.timeBaseDenominator, stream.frameRateNumerator, stream.frameRateDenominator};
    for (const std::uint32_t number : ratios) {
        if (number >= below_2_31) {
            throw fields.wrong("a time base or frame rate with " + std::to_string(number) + " is out of range");
        }
    }
    if (stream.timeBaseNumerator == 0 || stream.timeBaseDenominator == 0 || stream.frameRateDenominator == 0) {
        throw fields.wrong("its time base or frame rate has a zero where none may be");
    }
    if (!fields.gpus().empty()) {
        memory.gpu = fields.gpus().front();
    }
    for (const std::string_view value : fields.slabs()) {
        const Memory::Slab slab{Fields::number_in<std::uint32_t>(value, 0), Fields::number_in<std::uint64_t>(value, 8)};
        if (slab.number >= below_2_31 || slab.size == 0 || slab.size >> 62 != 0) {
            throw fields.wrong("slab " + std::to_string(slab.number) + " of " + std::to_string(slab.size) + " bytes is out of range");
        }
        memory.slabs.push_back(slab);
    }
    return memory;
}

/// A publisher's last word.
struct Failure {
    Code code;
    std::string text;
};

inline Failure parse_error(const Fields& fields) {
    if (fields.u32(Tag::protocol) != magic_ring) {
        throw fields.wrong("PROTOCOL does not begin with CUFR");
    }
    return {static_cast<Code>(fields.u32(Tag::error)), fields.text(Tag::text)};
}

}  // namespace detail
}  // namespace cuframes
