// Part of cuframes.hpp: what stands in shared memory, byte by byte, with the names of docs/protocol.md (2.1 to 2.7).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "cuframes shares little-endian memory and runs on little-endian machines only"
#endif

namespace cuframes {

/// Samples of a frame; the numbers are those of the wire.
enum class PixelFormat : std::uint32_t {
    nv12 = 1,
    yuv420p = 2,
    yuv422p = 3,
    yuv444p = 4,
    gray8 = 5,
    p010 = 6,
    yuv420p10 = 7,
    rgb24 = 8,
    bgr24 = 9,
    rgba = 10,
    bgra = 11,
    yuv422p10 = 12,
    yuv444p10 = 13,
};

/// Where frames live; the numbers are those of the wire.
enum class MemoryKind : std::uint32_t { host = 1, cuda = 2, cuda_ipc = 3 };

/// Bits of Frame::flags. Others may be set by later versions.
enum Flag : std::uint32_t {
    flag_key = 1u << 0,
    flag_discontinuity = 1u << 1,
    flag_corrupt = 1u << 2,
    flag_interlaced = 1u << 3,
    flag_top_field_first = 1u << 4,
    flag_copied = 1u << 5,
};

namespace detail {

constexpr std::uint32_t magic_ring = 0x52465543;
constexpr std::uint32_t magic_page = 0x50465543;
constexpr std::uint16_t protocol_major = 1;
constexpr std::uint16_t protocol_minor = 1;
constexpr std::uint32_t max_slots = 4096;
constexpr std::uint32_t max_subscribers = 1024;
constexpr std::uint32_t capacity = 64;  // of the queue, and of leases
constexpr std::uint32_t max_planes = 4;

struct PlanePlace {
    std::uint32_t offset;
    std::uint32_t pitch;
};

// Each list has name, offset and size of the fields: they are asserted below, and compared with the tables of the page by a test.

#define CUFRAMES_RING_HEADER(F)                                                                                                  \
    F(magic, 0, 4) F(major, 4, 2) F(minor, 6, 2) F(state, 8, 4) F(publisherPid, 12, 4) F(epoch, 16, 8) F(ringSize, 24, 8)         \
    F(slotCapacity, 32, 4) F(subscriberCapacity, 36, 4) F(slotDescriptorsAt, 40, 4) F(frameMetadataAt, 44, 4)                     \
    F(subscriberSlotsAt, 48, 4) F(reserved1, 52, 4) F(startedNanos, 56, 8) F(library, 64, 32) F(key, 96, 64) F(reserved2, 160, 96) \
    F(newestSequence, 256, 8) F(newestPublishNanos, 264, 8) F(heartbeatNanos, 272, 8) F(generation, 280, 4)                       \
    F(sourceState, 284, 4) F(lostNoSlot, 288, 8) F(copied, 296, 8) F(discontinuities, 304, 8) F(memoryBytes, 312, 8)              \
    F(slots, 320, 4) F(slotsInUse, 324, 4) F(subscribers, 328, 4) F(memoryKind, 332, 4) F(width, 336, 4) F(height, 340, 4)        \
    F(format, 344, 4) F(frameRateNumerator, 348, 4) F(frameRateDenominator, 352, 4) F(reserved3, 356, 156)

struct RingHeader {
    std::uint32_t magic;
    std::uint16_t major;
    std::uint16_t minor;
    std::uint32_t state;
    std::uint32_t publisherPid;
    std::uint64_t epoch;
    std::uint64_t ringSize;
    std::uint32_t slotCapacity;
    std::uint32_t subscriberCapacity;
    std::uint32_t slotDescriptorsAt;
    std::uint32_t frameMetadataAt;
    std::uint32_t subscriberSlotsAt;
    std::uint32_t reserved1;
    std::int64_t startedNanos;
    char library[32];
    char key[64];
    std::uint8_t reserved2[96];
    std::uint64_t newestSequence;
    std::int64_t newestPublishNanos;
    std::int64_t heartbeatNanos;
    std::uint32_t generation;
    std::uint32_t sourceState;
    std::uint64_t lostNoSlot;
    std::uint64_t copied;
    std::uint64_t discontinuities;
    std::uint64_t memoryBytes;
    std::uint32_t slots;
    std::uint32_t slotsInUse;
    std::uint32_t subscribers;
    std::uint32_t memoryKind;
    std::uint32_t width;
    std::uint32_t height;
    std::uint32_t format;
    std::uint32_t frameRateNumerator;
    std::uint32_t frameRateDenominator;
    std::uint8_t reserved3[156];
};

#define CUFRAMES_SLOT_DESCRIPTOR(F)                                                                                      \
    F(slab, 0, 4) F(handleReserved, 4, 4) F(offsetInSlab, 8, 8) F(secondArea, 64, 64) F(width, 128, 4) F(height, 132, 4) \
    F(format, 136, 4) F(state, 140, 4) F(planes, 144, 32) F(slotSize, 176, 8) F(generation, 184, 4) F(reserved, 188, 4)

struct SlotDescriptor {
    std::uint32_t slab;
    std::uint32_t handleReserved;
    std::uint64_t offsetInSlab;
    std::uint8_t unnamed[48];
    std::uint8_t secondArea[64];
    std::uint32_t width;
    std::uint32_t height;
    std::uint32_t format;
    std::uint32_t state;
    PlanePlace planes[max_planes];
    std::uint64_t slotSize;
    std::uint32_t generation;
    std::uint32_t reserved;
};

#define CUFRAMES_LEGACY_HANDLE_AREAS(F) \
    F(handle, 0, 64) F(slab, 64, 4) F(handleReserved, 68, 4) F(offsetInSlab, 72, 8) F(reserved, 80, 48)

/// How the first two areas of a slot descriptor are read where the memory is of kind CUDA_IPC.
struct LegacyHandleAreas {
    std::uint8_t handle[64];
    std::uint32_t slab;
    std::uint32_t handleReserved;
    std::uint64_t offsetInSlab;
    std::uint8_t reserved[48];
};

#define CUFRAMES_FRAME_METADATA(F)                                                                                       \
    F(sequence, 0, 8) F(pts, 8, 8) F(ptsNanos, 16, 8) F(captureNanos, 24, 8) F(publishNanos, 32, 8) F(durationNanos, 40, 8) \
    F(generation, 48, 4) F(flags, 52, 4) F(lostBefore, 56, 4) F(reserved, 60, 4)

struct FrameMetadata {
    std::uint64_t sequence;
    std::int64_t pts;
    std::int64_t ptsNanos;
    std::int64_t captureNanos;
    std::int64_t publishNanos;
    std::int64_t durationNanos;
    std::uint32_t generation;
    std::uint32_t flags;
    std::uint32_t lostBefore;
    std::uint32_t reserved;
};

#define CUFRAMES_SUBSCRIBER_SLOT(F)                                                                                          \
    F(id, 0, 8) F(state, 8, 4) F(pid, 12, 4) F(uid, 16, 4) F(mode, 20, 4) F(depth, 24, 4) F(credits, 28, 4) F(delivered, 32, 8) \
    F(released, 40, 8) F(dropped, 48, 8) F(lastSequence, 56, 8) F(lastSeenNanos, 64, 8) F(held, 72, 4) F(generation, 76, 4)  \
    F(name, 80, 48)

struct SubscriberSlot {
    std::uint64_t id;
    std::uint32_t state;
    std::uint32_t pid;
    std::uint32_t uid;
    std::uint32_t mode;
    std::uint32_t depth;
    std::uint32_t credits;
    std::uint64_t delivered;
    std::uint64_t released;
    std::uint64_t dropped;
    std::uint64_t lastSequence;
    std::int64_t lastSeenNanos;
    std::uint32_t held;
    std::uint32_t generation;
    char name[48];
};

#define CUFRAMES_QUEUE_ENTRY(F) F(sequence, 0, 8) F(slot, 8, 4) F(generation, 12, 4) F(lease, 16, 4) F(reserved, 20, 12)

struct QueueEntry {
    std::uint64_t sequence;
    std::uint32_t slot;
    std::uint32_t generation;
    std::uint32_t lease;
    std::uint8_t reserved[12];
};

#define CUFRAMES_SUBSCRIBER_PAGE(F)                                                                                           \
    F(magic, 0, 4) F(major, 4, 2) F(minor, 6, 2) F(epoch, 8, 8) F(subscriberId, 16, 8) F(queueCapacity, 24, 4)                 \
    F(leaseCapacity, 28, 4) F(delivered, 128, 8) F(publisherWaits, 136, 4) F(taken, 256, 8) F(sleeping, 264, 4)                \
    F(released, 384, 512) F(queue, 1024, 2048) F(reserved, 3072, 1024)

/// Every byte has one writer, and the two sides' bytes lie two cache lines apart.
struct SubscriberPage {
    std::uint32_t magic;
    std::uint16_t major;
    std::uint16_t minor;
    std::uint64_t epoch;
    std::uint64_t subscriberId;
    std::uint32_t queueCapacity;
    std::uint32_t leaseCapacity;
    std::uint8_t unnamed1[96];
    std::uint64_t delivered;
    std::uint32_t publisherWaits;
    std::uint8_t unnamed2[116];
    std::uint64_t taken;
    std::uint32_t sleeping;
    std::uint8_t unnamed3[116];
    std::uint64_t released[capacity];
    std::uint8_t unnamed4[128];
    QueueEntry queue[capacity];
    std::uint8_t reserved[1024];
};

#define CUFRAMES_STREAM(F)                                                                                        \
    F(width, 0, 4) F(height, 4, 4) F(format, 8, 4) F(memoryKind, 12, 4) F(timeBaseNumerator, 16, 4)               \
    F(timeBaseDenominator, 20, 4) F(frameRateNumerator, 24, 4) F(frameRateDenominator, 28, 4) F(fullRange, 32, 1) \
    F(primaries, 33, 1) F(transfer, 34, 1) F(matrix, 35, 1) F(reserved, 36, 4) F(slotSize, 40, 8) F(planes, 48, 32)

/// The value of the field STREAM.
struct Stream {
    std::uint32_t width;
    std::uint32_t height;
    std::uint32_t format;
    std::uint32_t memoryKind;
    std::uint32_t timeBaseNumerator;
    std::uint32_t timeBaseDenominator;
    std::uint32_t frameRateNumerator;
    std::uint32_t frameRateDenominator;
    std::uint8_t fullRange;
    std::uint8_t primaries;
    std::uint8_t transfer;
    std::uint8_t matrix;
    std::uint32_t reserved;
    std::uint64_t slotSize;
    PlanePlace planes[max_planes];
};

#define CUFRAMES_MESSAGE_HEADER(F) F(length, 0, 4) F(type, 4, 2) F(descriptors, 6, 2)

struct MessageHeader {
    std::uint32_t length;
    std::uint16_t type;
    std::uint16_t descriptors;
};

/// All structures: list of fields, type, size.
#define CUFRAMES_STRUCTURES(S)                              \
    S(CUFRAMES_RING_HEADER, RingHeader, 512)                \
    S(CUFRAMES_SLOT_DESCRIPTOR, SlotDescriptor, 192)        \
    S(CUFRAMES_LEGACY_HANDLE_AREAS, LegacyHandleAreas, 128) \
    S(CUFRAMES_FRAME_METADATA, FrameMetadata, 64)           \
    S(CUFRAMES_SUBSCRIBER_SLOT, SubscriberSlot, 128)        \
    S(CUFRAMES_QUEUE_ENTRY, QueueEntry, 32)                 \
    S(CUFRAMES_SUBSCRIBER_PAGE, SubscriberPage, 4096)       \
    S(CUFRAMES_STREAM, Stream, 80)                          \
    S(CUFRAMES_MESSAGE_HEADER, MessageHeader, 8)

#define CUFRAMES_CHECK_FIELD(name, at, bytes) static_assert(offsetof(T, name) == (at) && sizeof(T::name) == (bytes), #name);
#define CUFRAMES_CHECK(FIELDS, type, bytes)                                                 \
    namespace check_##type {                                                                \
        using T = type;                                                                     \
        FIELDS(CUFRAMES_CHECK_FIELD)                                                        \
        static_assert(sizeof(T) == (bytes), #type);                                         \
        static_assert(std::is_standard_layout_v<T> && std::is_trivially_copyable_v<T>, #type); \
    }
CUFRAMES_STRUCTURES(CUFRAMES_CHECK)
#undef CUFRAMES_CHECK
#undef CUFRAMES_CHECK_FIELD

// What another process writes is read once, into a variable, so that what was checked is what is used.

template <typename T>
T load(const T& field) {
    T value;
    __atomic_load(&field, &value, __ATOMIC_RELAXED);
    return value;
}

template <typename T>
T load_acquire(const T& field) {
    T value;
    __atomic_load(&field, &value, __ATOMIC_ACQUIRE);
    return value;
}

template <typename T>
void store_release(T& field, std::common_type_t<T> value) {
    __atomic_store(&field, &value, __ATOMIC_RELEASE);
}

/// Orders a store before a later load, on all processors.
inline void full_fence() {
#if defined(__SANITIZE_THREAD__)
    static thread_local int anything = 0;  // ThreadSanitizer knows no fences, but this
    __atomic_fetch_add(&anything, 1, __ATOMIC_SEQ_CST);
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/// How the samples of a plane lie.
struct PlaneShape {
    std::uint8_t shift_x;
    std::uint8_t shift_y;
    std::uint8_t bytes_per_column;
};

struct FormatShape {
    std::uint32_t planes = 0;  // 0: unknown format
    std::array<PlaneShape, 3> plane{};
};

inline FormatShape shape_of(std::uint32_t format) {
    switch (static_cast<PixelFormat>(format)) {
        case PixelFormat::nv12: return {2, {{{0, 0, 1}, {1, 1, 2}, {}}}};
        case PixelFormat::yuv420p: return {3, {{{0, 0, 1}, {1, 1, 1}, {1, 1, 1}}}};
        case PixelFormat::yuv422p: return {3, {{{0, 0, 1}, {1, 0, 1}, {1, 0, 1}}}};
        case PixelFormat::yuv444p: return {3, {{{0, 0, 1}, {0, 0, 1}, {0, 0, 1}}}};
        case PixelFormat::gray8: return {1, {{{0, 0, 1}, {}, {}}}};
        case PixelFormat::p010: return {2, {{{0, 0, 2}, {1, 1, 4}, {}}}};
        case PixelFormat::yuv420p10: return {3, {{{0, 0, 2}, {1, 1, 2}, {1, 1, 2}}}};
        case PixelFormat::rgb24:
        case PixelFormat::bgr24: return {1, {{{0, 0, 3}, {}, {}}}};
        case PixelFormat::rgba:
        case PixelFormat::bgra: return {1, {{{0, 0, 4}, {}, {}}}};
        case PixelFormat::yuv422p10: return {3, {{{0, 0, 2}, {1, 0, 2}, {1, 0, 2}}}};
        case PixelFormat::yuv444p10: return {3, {{{0, 0, 2}, {0, 0, 2}, {0, 0, 2}}}};
    }
    return {};
}

inline std::uint32_t shifted(std::uint32_t value, std::uint32_t shift) { return (value + (1u << shift) - 1) >> shift; }

}  // namespace detail

/// The name as the commands print it.
inline const char* name_of(PixelFormat format) {
    switch (format) {
        case PixelFormat::nv12: return "nv12";
        case PixelFormat::yuv420p: return "yuv420p";
        case PixelFormat::yuv422p: return "yuv422p";
        case PixelFormat::yuv444p: return "yuv444p";
        case PixelFormat::gray8: return "gray";
        case PixelFormat::p010: return "p010le";
        case PixelFormat::yuv420p10: return "yuv420p10le";
        case PixelFormat::rgb24: return "rgb24";
        case PixelFormat::bgr24: return "bgr24";
        case PixelFormat::rgba: return "rgba";
        case PixelFormat::bgra: return "bgra";
        case PixelFormat::yuv422p10: return "yuv422p10le";
        case PixelFormat::yuv444p10: return "yuv444p10le";
    }
    return "unknown";
}

/// The name as the commands print it.
inline const char* name_of(MemoryKind kind) {
    switch (kind) {
        case MemoryKind::host: return "host";
        case MemoryKind::cuda: return "cuda";
        case MemoryKind::cuda_ipc: return "cuda-ipc";
    }
    return "unknown";
}

}  // namespace cuframes
