// Part of cuframes.hpp: a frame, which is a lease.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "leases.hpp"

namespace cuframes {

/// A time that is not known.
constexpr std::int64_t no_time = std::numeric_limits<std::int64_t>::min();

/// One plane of a frame. Row r begins r * pitch bytes after the first.
struct Plane {
    /// The first sample, for work on the frame's GPU; 0 in host memory.
    cuda::DevicePtr cuda_ptr = 0;
    /// The first sample in host memory; null on a GPU.
    const std::uint8_t* data = nullptr;
    std::uint32_t pitch = 0;
    std::uint32_t rows = 0;
    /// Bytes of a row that carry samples.
    std::uint32_t row_bytes = 0;
};

/// What is known of a frame: copies, of which changing one changes nothing else.
struct FrameInfo {
    /// The first sample of the first plane on the GPU, a CUdeviceptr of the GPU's primary context. Reading is all that is allowed. 0 in host memory.
    cuda::DevicePtr cuda_ptr = 0;
    /// The same in host memory; null on a GPU.
    const std::uint8_t* data = nullptr;
    /// Pixels.
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    /// Bytes from row to row of the first plane.
    std::uint32_t pitch = 0;
    PixelFormat format{};
    MemoryKind memory{};
    /// The GPU that reads it; all zero in host memory.
    Uuid gpu{};

    /// The publisher's life, and the frame's number in it: 1, 2, 3 …
    std::uint64_t epoch = 0;
    std::uint64_t sequence = 0;
    /// Changes with size, format and source.
    std::uint32_t generation = 0;
    /// Bits of Flag.
    std::uint32_t flags = 0;
    /// Frames that the publisher knows were lost since the frame before.
    std::uint32_t lost_before = 0;
    /// Whether the stream does not go on from the frame that was returned before: frames lost at the source, a seek, a new publisher.
    /// Frames that only this subscriber did not take are no break.
    bool breaks_stream = false;

    /// Presentation time in ticks of the time base, which is time_base[0] / time_base[1] seconds; no_time if unknown.
    std::int64_t pts = no_time;
    std::array<std::uint32_t, 2> time_base{};
    /// The same in nanoseconds; no_time if unknown.
    std::int64_t pts_nanos = no_time;
    /// The camera's wall clock, nanoseconds since 1970 (UTC); no_time if unknown.
    std::int64_t capture_nanos = no_time;
    /// CLOCK_MONOTONIC at publication.
    std::int64_t publish_nanos = 0;
    /// For how long to show it; 0 if unknown.
    std::int64_t duration_nanos = 0;

    /// Frames a second as the source announces them, as a ratio; 0 / n if unknown.
    std::array<std::uint32_t, 2> frame_rate{};
    /// 1: luma spans 0 to 255; 0: 16 to 235.
    bool full_range = false;
    /// ISO/IEC 23091-2; 2 is unspecified.
    std::uint8_t primaries = 2;
    std::uint8_t transfer = 2;
    std::uint8_t matrix = 2;

    bool has(Flag flag) const { return (flags & flag) != 0; }
};

namespace detail {

class Session;

/// What a frame needs of its slot; shared by the slot's frames.
struct SlotView {
    std::uint32_t generation = 0;
    MemoryKind kind{};
    Geometry geometry;
    Stream stream{};
    /// Host memory's mapping or the GPU's.
    std::shared_ptr<const void> memory;
    const std::uint8_t* data = nullptr;
    cuda::DevicePtr address = 0;
    std::shared_ptr<GpuReader> reader;
};

}  // namespace detail

/// A frame that this process may read: a lease on its slot, which ends with this object, or later by release_after(). Move-only, one owner.
///
/// Any thread may use it and end it, one at a time. What it lies in stays mapped as long as it lives, also when the publisher is gone: it can be
/// read on. Only when the publisher cut this subscriber off while it lives, or the Subscriber was destroyed, may the slot be written again: plane()
/// and download() then throw.
class Frame : public FrameInfo {
public:
    Frame(Frame&& other) noexcept
        : FrameInfo(static_cast<const FrameInfo&>(other)),
          leases_(std::move(other.leases_)),
          slot_(std::move(other.slot_)),
          lease_(other.lease_),
          delivery_(other.delivery_) {
        static_cast<FrameInfo&>(other) = FrameInfo{};
    }

    Frame& operator=(Frame&& other) noexcept {
        if (this != &other) {
            release();
            static_cast<FrameInfo&>(*this) = std::exchange(static_cast<FrameInfo&>(other), FrameInfo{});
            leases_ = std::move(other.leases_);
            slot_ = std::move(other.slot_);
            lease_ = other.lease_;
            delivery_ = other.delivery_;
        }
        return *this;
    }

    /// Ends the lease. Work of a GPU that reads the frame must be done by now: see release_after().
    ~Frame() { release(); }

    /// Ends the lease now; a second call does nothing.
    void release() noexcept {
        if (leases_ != nullptr) {
            leases_->let_go();
            leases_->give_back(lease_, delivery_);
            forget();
        }
    }

    /// Gives the frame away at once; its lease ends when all work is done that is queued in a stream by now. Does not wait: an event of this
    /// process is recorded, and polled. In host memory this is release().
    ///
    /// `stream` is a CUstream (or cudaStream_t) of the primary context of `gpu`; null is the default stream.
    /// Throws Error if the frame is released already, or the driver refuses, as it does if this is no such stream: then the frame is still held.
    void release_after(cuda::Stream stream) {
        require_lease();
        if (slot_->reader == nullptr) {
            release();
            return;
        }
        slot_->reader->after(stream, slot_->memory, leases_, lease_, delivery_);
        leases_->let_go();
        forget();
    }

    /// Makes work that is queued in a stream from now on see the whole frame. A publisher shows a frame when its own work on it is finished, and
    /// this library copies none, so that there is nothing that a stream had to wait for: this checks that the frame may still be read. Work must
    /// never be made to wait for another process's event, which may never come.
    void await_on(cuda::Stream stream) const {
        (void)stream;
        require_lease();
    }

    std::uint32_t plane_count() const {
        require_held();
        return slot_->geometry.planes;
    }

    /// Where a plane is. Throws Error if the lease has ended, or there is no such plane.
    Plane plane(std::uint32_t index) const {
        require_lease();
        if (index >= slot_->geometry.planes) {
            throw Error(Code::invalid_argument, "frame " + std::to_string(sequence) + " has " + std::to_string(slot_->geometry.planes) +
                                                    " planes; there is no plane " + std::to_string(index));
        }
        const detail::Geometry::Plane& plane = slot_->geometry.plane[index];
        return {slot_->address == 0 ? 0 : slot_->address + plane.offset, slot_->data == nullptr ? nullptr : slot_->data + plane.offset, plane.pitch,
                plane.rows, plane.row_bytes};
    }

    /// Copies a plane to host memory, from wherever it is, and waits for that; `to_pitch` bytes from row to row there (0: no gaps). It
    /// needs to_pitch * (rows - 1) + row_bytes bytes. For pictures, tools and tests, not for a fast path.
    void download(std::uint32_t index, void* to, std::size_t to_pitch = 0) const {
        const Plane from = plane(index);
        to_pitch = to_pitch == 0 ? from.row_bytes : to_pitch;
        if (to_pitch < from.row_bytes) {
            throw Error(Code::invalid_argument, "rows of plane " + std::to_string(index) + " have " + std::to_string(from.row_bytes) +
                                                    " bytes, more than the pitch of " + std::to_string(to_pitch));
        }
        if (slot_->reader != nullptr) {
            slot_->reader->download(from.cuda_ptr, from.pitch, to, to_pitch, from.row_bytes, from.rows);
            return;
        }
        for (std::uint32_t row = 0; row < from.rows; row++) {
            std::memcpy(static_cast<std::uint8_t*>(to) + row * to_pitch, from.data + std::size_t{row} * from.pitch, from.row_bytes);
        }
    }

private:
    friend class detail::Session;

    Frame(FrameInfo info, std::shared_ptr<detail::Leases> leases, std::shared_ptr<const detail::SlotView> slot, std::uint32_t lease,
          std::uint64_t delivery)
        : FrameInfo(std::move(info)), leases_(std::move(leases)), slot_(std::move(slot)), lease_(lease), delivery_(delivery) {
        leases_->hold();
    }

    void forget() noexcept {
        leases_.reset();
        slot_.reset();
        static_cast<FrameInfo&>(*this) = FrameInfo{};
    }

    void require_held() const {
        if (leases_ == nullptr) {
            throw Error(Code::misuse, "this frame is released; its memory may hold another by now");
        }
    }

    void require_lease() const {
        require_held();
        if (leases_->is_revoked()) {
            throw Error(Code::misuse, "the lease on frame " + std::to_string(sequence) + " ended with its connection; release frames before the subscriber");
        }
    }

    std::shared_ptr<detail::Leases> leases_;
    std::shared_ptr<const detail::SlotView> slot_;
    std::uint32_t lease_;
    std::uint64_t delivery_;
};

}  // namespace cuframes
