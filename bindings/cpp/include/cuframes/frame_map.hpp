// Part of cuframes.hpp: where the frames of a connection lie.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "frame.hpp"

namespace cuframes::detail {

/// A ring file, checked. Only read.
class Ring {
public:
    /// Throws Breach unless it is the one that WELCOME announces.
    Ring(const Descriptor& file, const Welcome& welcome, const std::string& key) {
        constexpr std::uint64_t most = sizeof(RingHeader) + max_slots * (sizeof(SlotDescriptor) + sizeof(FrameMetadata)) +
                                       max_subscribers * sizeof(SubscriberSlot) + 65536;
        if (welcome.ring_size < sizeof(RingHeader) || welcome.ring_size > most) {
            throw violation("a ring of " + std::to_string(welcome.ring_size) + " bytes was announced; " + std::to_string(sizeof(RingHeader)) + " to " +
                            std::to_string(most) + " are possible");
        }
        mapping_ = Mapping::of(file, welcome.ring_size, false);
        const std::uint32_t state = load_acquire(header().state);
        require(load(header().magic) == magic_ring, "it does not begin with CUFR");
        require(load(header().major) == protocol_major, "it is of version " + std::to_string(load(header().major)));
        require(state == 1 || state == 2, "its publisher has not finished it");
        require(load(header().epoch) == welcome.epoch && welcome.epoch != 0, "it is another publisher's");
        const std::uint64_t size = load(header().ringSize);
        require(size >= sizeof(RingHeader) && size <= mapping_.size(),
                "it is said to have " + std::to_string(size) + " bytes, the file has " + std::to_string(mapping_.size()));
        slots_ = load(header().slotCapacity);
        const std::uint32_t subscribers = load(header().subscriberCapacity);
        require(slots_ >= 1 && slots_ <= max_slots, "it has " + std::to_string(slots_) + " slots");
        require(subscribers >= 1 && subscribers <= max_subscribers, "it has " + std::to_string(subscribers) + " subscriber slots");
        require(welcome.subscriber_index < subscribers, "its table has no entry " + std::to_string(welcome.subscriber_index));
        descriptors_at_ = table(load(header().slotDescriptorsAt), slots_ * sizeof(SlotDescriptor), size);
        metadata_at_ = table(load(header().frameMetadataAt), slots_ * sizeof(FrameMetadata), size);
        table(load(header().subscriberSlotsAt), subscribers * sizeof(SubscriberSlot), size);
        const std::string own(header().key, strnlen(header().key, sizeof header().key));
        if (own != key) {
            throw violation("the ring is of the stream \"" + printable(own) + "\", not \"" + key + "\"");
        }
    }

    const RingHeader& header() const { return *reinterpret_cast<const RingHeader*>(mapping_.address()); }
    std::uint32_t slots() const { return slots_; }

    const SlotDescriptor& descriptor(std::uint32_t slot) const {
        return reinterpret_cast<const SlotDescriptor*>(mapping_.address() + descriptors_at_)[slot];
    }

    const FrameMetadata& metadata(std::uint32_t slot) const {
        return reinterpret_cast<const FrameMetadata*>(mapping_.address() + metadata_at_)[slot];
    }

    /// Copies metadata, all but the number: they are the slot's next frame's as soon as the publisher has ended the lease. Whether all
    /// of it is of frame `sequence`.
    bool take_metadata(std::uint32_t slot, std::uint64_t sequence, FrameMetadata& into) const {
        const FrameMetadata& from = metadata(slot);
        // each keeps the loads behind it there: the publisher writes the number before the rest, so that whoever sees something of
        // the next frame sees its number at last
        into.flags = load_acquire(from.flags);
        into.lostBefore = load_acquire(from.lostBefore);
        into.pts = load_acquire(from.pts);
        into.ptsNanos = load_acquire(from.ptsNanos);
        into.captureNanos = load_acquire(from.captureNanos);
        into.publishNanos = load_acquire(from.publishNanos);
        into.durationNanos = load_acquire(from.durationNanos);
        return load(from.sequence) == sequence;
    }

private:
    static void require(bool right, const std::string& why) {
        if (!right) {
            throw violation("the ring cannot be used: " + why);
        }
    }

    static std::uint32_t table(std::uint32_t at, std::size_t size, std::uint64_t ring_size) {
        require(at >= sizeof(RingHeader) && at % 8 == 0 && size <= ring_size && at <= ring_size - size,
                "a table at " + std::to_string(at) + " with " + std::to_string(size) + " bytes does not fit into " + std::to_string(ring_size));
        return at;
    }

    Mapping mapping_;
    std::uint32_t slots_ = 0;
    std::uint32_t descriptors_at_ = 0;
    std::uint32_t metadata_at_ = 0;
};

/// Generations and slabs as MEMORY messages announced them, each slab mapped once, and slots, each checked once for each generation. One thread.
class FrameMap {
public:
    /// `gpu`: what the application asked to read with, or empty. `use_gpus`: whether the driver may be touched.
    FrameMap(std::shared_ptr<const Ring> ring, std::string gpu, bool use_gpus) : ring_(std::move(ring)), wish_(std::move(gpu)), use_gpus_(use_gpus), views_(ring_->slots()) {
        warm_up();
    }

    /// Maps what a MEMORY message brings; takes the descriptors.
    void announce(const Memory& memory, const std::vector<Descriptor>& files) {
        const auto known = generations_.find(memory.generation);
        const bool is_known = known != generations_.end();
        if (memory.generation < newest_ || (is_known && !(known->second.geometry == memory.geometry && known->second.kind == memory.kind))) {
            throw violation("generation " + std::to_string(memory.generation) + " was announced after " + std::to_string(newest_) +
                            ", or announced anew with another geometry or kind of memory");
        }
        if (!is_known && generations_.size() >= most_generations) {
            throw violation("generation " + std::to_string(memory.generation) + " was announced, and no frame of the " +
                            std::to_string(generations_.size()) + " before it was delivered");
        }
        const std::shared_ptr<GpuReader> reader = memory.kind == MemoryKind::host ? nullptr : choose(memory);
        for (std::size_t i = 0; i < memory.slabs.size(); i++) {
            const Memory::Slab& announced = memory.slabs[i];
            if (slabs_.count(announced.number) != 0 || slabs_.size() >= views_.size()) {
                throw violation("slab " + std::to_string(announced.number) + " was announced twice, or is one too many");
            }
            Slab slab{memory.generation, memory.kind, announced.size, nullptr, nullptr, 0, reader};
            if (memory.kind == MemoryKind::host) {
                auto mapping = std::make_shared<Mapping>(Mapping::of(files[i], announced.size, false));
                slab.data = mapping->address();
                slab.memory = std::move(mapping);
            } else if (memory.kind == MemoryKind::cuda) {
                take(slab, [&] { return GpuMemory::map(reader->context(), files[i], announced.size); });
            }
            slabs_.emplace(announced.number, std::move(slab));
        }
        if (!is_known) {
            generations_.emplace(memory.generation, Generation{memory.kind, memory.geometry, memory.stream});
        }
        newest_ = memory.generation;
    }

    /// A slot, checked when its generation is new; null if the generation or the slot's slab was not announced.
    std::shared_ptr<const SlotView> view(std::uint32_t slot, std::uint32_t generation) {
        std::shared_ptr<const SlotView>& view = views_[slot];
        if (view == nullptr || view->generation != generation) {
            view = check(slot, generation);
        }
        return view;
    }

    /// Whether frames of a generation are over, since one of a later one was taken.
    bool is_over(std::uint32_t generation) const { return generation < taken_; }

    /// Lets go of what generations before this one had; frames that are still held keep what they lie in.
    void retire_before(std::uint32_t generation) {
        if (generation == taken_) {
            return;
        }
        taken_ = generation;
        for (auto& view : views_) {
            if (view != nullptr && view->generation < generation) {
                view.reset();
            }
        }
        generations_.erase(generations_.begin(), generations_.lower_bound(generation));
        for (auto slab = slabs_.begin(); slab != slabs_.end();) {
            slab = slab->second.generation < generation ? slabs_.erase(slab) : std::next(slab);
        }
    }

    /// Ends leases that the GPU has done with. Cheap if there are none.
    void poll() {
        if (reader_ != nullptr) {
            reader_->poll();
        }
    }

private:
    struct Generation {
        MemoryKind kind;
        Geometry geometry;
        Stream stream;
    };

    struct Slab {
        std::uint32_t generation;
        MemoryKind kind;
        std::uint64_t size;
        /// Null while a slab of kind CUDA_IPC has not been opened.
        std::shared_ptr<const void> memory;
        const std::uint8_t* data;
        cuda::DevicePtr address;
        std::shared_ptr<GpuReader> reader;
    };

    /// Generations that may be announced without a frame of them.
    static constexpr std::size_t most_generations = 1024;

    /// Prepares for frames on a GPU if that is where they are: its first use takes half a second, during which no frame should be waiting.
    void warm_up() {
        const std::uint32_t kind = load(ring_->header().memoryKind);
        if (!use_gpus_ || (kind != static_cast<std::uint32_t>(MemoryKind::cuda) && kind != static_cast<std::uint32_t>(MemoryKind::cuda_ipc))) {
            return;
        }
        const Gpus& gpus = Gpus::seen();
        const Gpu* gpu = !wish_.empty() ? gpus.named(wish_) : gpus.all.size() == 1 ? &gpus.all[0] : nullptr;
        if (gpu != nullptr) {
            read_with(*gpu);
        }
    }

    void read_with(const Gpu& gpu) {
        if (reader_ != nullptr && reader_->gpu().device == gpu.device) {
            return;
        }
        try {
            reader_ = std::make_shared<GpuReader>(gpu);
        } catch (const Error& e) {
            throw unreachable(std::string("the GPU cannot be used to read them: ") + e.what());
        }
    }

    /// The GPU that is to read: what the application named, else the one that the frames lie on, else the first.
    std::shared_ptr<GpuReader> choose(const Memory& memory) {
        if (!use_gpus_) {
            throw unreachable(std::string("they are in ") + name_of(memory.kind) +
                              " memory, and this subscriber was told to use no GPU (Options::use_gpus); or start the producer with --memory host");
        }
        const Gpus& gpus = Gpus::seen();
        if (gpus.all.empty()) {
            throw unreachable(std::string("they are in ") + name_of(memory.kind) + " memory, and this process has " + gpus.problem +
                              "; or start the producer with --memory host");
        }
        if (!memory.gpu) {
            throw violation(std::string("a MEMORY message of kind ") + name_of(memory.kind) + " names no GPU");
        }
        const Gpu* own = gpus.find(*memory.gpu);
        const Gpu* reading = !wish_.empty() ? gpus.named(wish_) : own != nullptr ? own : &gpus.all[0];
        if (reading == nullptr) {
            throw unreachable("there is no GPU " + wish_ + " here (Options::gpu), but " + std::to_string(gpus.all.size()) + ", the first of them " +
                              gpus.all[0].describe());
        }
        frames_gpu_ = *memory.gpu;
        if (own != nullptr && own != reading) {
            int can = 0;
            const cuda::Driver& driver = cuda::Driver::get();
            if (driver.cuDeviceCanAccessPeer(&can, reading->device, own->device) != cuda::success || can == 0) {
                throw cannot_map(*reading, "these two have no peer access");
            }
        }
        read_with(*reading);
        return reader_;
    }

    Breach cannot_map(const Gpu& reading, const std::string& why) const {
        if (reading.uuid == frames_gpu_) {
            return unreachable("their memory on GPU " + reading.describe() + " cannot be mapped: " + why);
        }
        return unreachable("they lie on GPU-" + to_string(frames_gpu_) + " and cannot be mapped for GPU " + reading.describe() +
                           ", which is to read them (" + why + "); read them on the GPU that they lie on (Options::gpu)");
    }

    template <typename Make>
    void take(Slab& slab, Make make) const {
        try {
            std::shared_ptr<GpuMemory> memory = make();
            slab.address = memory->address();
            slab.memory = std::move(memory);
        } catch (const Error& e) {
            throw cannot_map(slab.reader->gpu(), e.what());
        }
    }

    std::shared_ptr<const SlotView> check(std::uint32_t slot, std::uint32_t number) {
        const auto generation = generations_.find(number);
        if (generation == generations_.end()) {
            return nullptr;
        }
        SlotDescriptor descriptor;  // read once, so that what was checked is what is used
        std::memcpy(&descriptor, &ring_->descriptor(slot), sizeof descriptor);
        const Generation& known = generation->second;
        LegacyHandleAreas legacy;
        std::memcpy(&legacy, &descriptor, sizeof legacy);
        const bool is_legacy = known.kind == MemoryKind::cuda_ipc;
        const std::uint64_t offset = is_legacy ? legacy.offsetInSlab : descriptor.offsetInSlab;
        const auto found = slabs_.find(is_legacy ? legacy.slab : descriptor.slab);
        if (found == slabs_.end()) {
            return nullptr;
        }
        Slab& slab = found->second;
        const std::string what = "slot " + std::to_string(slot) + " ";
        if (descriptor.generation != number) {
            throw violation(what + "is of generation " + std::to_string(descriptor.generation) + " and was delivered as of " + std::to_string(number));
        }
        Geometry geometry;
        const std::string problem =
            check_geometry(descriptor.format, descriptor.width, descriptor.height, descriptor.slotSize, descriptor.planes, geometry);
        if (!problem.empty()) {
            throw violation(what + "has no valid geometry: " + problem);
        }
        if (!(geometry == known.geometry)) {
            throw violation(what + "has another geometry than its generation");
        }
        if (slab.kind != known.kind) {
            throw violation(what + "lies in " + name_of(slab.kind) + " memory, and its generation in " + name_of(known.kind));
        }
        if (geometry.slot_size > slab.size || offset > slab.size - geometry.slot_size) {
            throw violation(what + "reaches from " + std::to_string(offset) + " over " + std::to_string(geometry.slot_size) +
                            " bytes, outside its slab of " + std::to_string(slab.size));
        }
        if (slab.memory == nullptr) {
            cuda::IpcHandle handle;
            std::memcpy(handle.bytes.data(), legacy.handle, handle.bytes.size());
            take(slab, [&] { return GpuMemory::open(slab.reader->context(), handle, slab.size); });
        }
        auto view = std::make_shared<SlotView>();
        view->generation = number;
        view->kind = known.kind;
        view->geometry = geometry;
        view->stream = known.stream;
        view->memory = slab.memory;
        view->data = slab.data == nullptr ? nullptr : slab.data + offset;
        view->address = slab.address == 0 ? 0 : slab.address + offset;
        view->reader = slab.reader;
        return view;
    }

    std::shared_ptr<const Ring> ring_;
    const std::string wish_;
    const bool use_gpus_;
    Uuid frames_gpu_{};
    std::map<std::uint32_t, Slab> slabs_;
    std::map<std::uint32_t, Generation> generations_;
    std::vector<std::shared_ptr<const SlotView>> views_;
    std::uint32_t newest_ = 0;
    std::uint32_t taken_ = 0;
    /// What reads frames on a GPU; before any frame is announced, what most likely will.
    std::shared_ptr<GpuReader> reader_;
};

}  // namespace cuframes::detail
