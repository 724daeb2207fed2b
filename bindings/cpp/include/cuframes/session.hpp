// Part of cuframes.hpp: one connection, from HELLO to its end.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "frame_map.hpp"
#include "options.hpp"

namespace cuframes {

namespace detail {

constexpr const char* library_name = "cuframes-cpp 0.1.0";

/// Counts, in one thread; any may read.
///
/// A break is seen in two ways, neither of which suffices: by the flag of a frame that was delivered, and by the ring's counter, which knows those
/// of frames that were not delivered, but may be ahead of the frame at hand. The larger of the two is right. Where the counter was ahead, the frame
/// that it stood for comes later, and is broken all the same.
class Counters {
public:
    void connected() { add(connections_, 1); }

    /// A frame was taken out of the queue, perhaps to be skipped.
    void taken(std::uint32_t flags) {
        if ((flags & flag_discontinuity) != 0) {
            flagged_++;
            broken_ = true;
        }
    }

    /// Whether a frame went to the application before, or a later one did: a new connection begins with the newest there is.
    bool had(std::uint64_t epoch, std::uint64_t sequence) const { return epoch == epoch_ && sequence <= last_sequence_; }

    /// A frame goes to the application. `discontinuities`: the ring's. `in_order`: whether the frames between this one and the newest are still to
    /// come. Returns whether the stream is broken before it.
    bool returned(std::uint64_t epoch, std::uint64_t sequence, std::uint64_t discontinuities, bool in_order) {
        add(received_, 1);
        const bool told = broken_;
        broken_ = false;
        if (epoch != epoch_) {
            const bool first = epoch_ == 0;
            epoch_ = epoch;
            last_sequence_ = sequence;
            flagged_ = 0;
            at_first_ = discontinuities;
            counted_ = 0;
            add(gaps_, first ? 0 : 1);
            return !first;
        }
        const bool jumped = sequence != last_sequence_ + 1;
        add(dropped_, sequence - last_sequence_ - 1);
        last_sequence_ = sequence;
        if (discontinuities - at_first_ < flagged_) {
            at_first_ = discontinuities - flagged_;  // it was ahead of the first frame
        }
        const std::uint64_t seen = discontinuities - at_first_;
        const std::uint64_t breaks = (in_order && !jumped) || flagged_ > seen ? flagged_ : seen;
        if (breaks <= counted_) {
            return told;
        }
        add(gaps_, breaks - counted_);
        counted_ = breaks;
        return true;
    }

    Statistics snapshot() const {
        const std::uint64_t connections = connections_.load(std::memory_order_relaxed);
        return {received_.load(std::memory_order_relaxed), dropped_.load(std::memory_order_relaxed), gaps_.load(std::memory_order_relaxed),
                connections == 0 ? 0 : connections - 1};
    }

private:
    using Count = std::atomic<std::uint64_t>;

    static void add(Count& count, std::uint64_t more) { count.store(count.load(std::memory_order_relaxed) + more, std::memory_order_relaxed); }

    Count received_{0};
    Count dropped_{0};
    Count gaps_{0};
    Count connections_{0};
    std::uint64_t epoch_ = 0;
    std::uint64_t last_sequence_ = 0;
    std::uint64_t flagged_ = 0;
    std::uint64_t at_first_ = 0;
    std::uint64_t counted_ = 0;  // breaks of this epoch that are in gaps_
    bool broken_ = false;        // whether a frame with the flag was taken since the last one that went to the application
};

/// What a connection is made with.
struct Terms {
    std::string key;
    Policy policy;
    std::uint32_t credits = 0;
    std::string name;
    std::string gpu;
    bool use_gpus = true;
};

/// One connection: greeting, memory, and the queue of deliveries. One thread at a time. A Breach from here means that the publisher broke the
/// protocol, or that its memory cannot be reached.
class Session {
public:
    /// Says HELLO.
    Session(std::shared_ptr<Connection> connection, const Terms& terms, Counters& counters)
        : connection_(std::move(connection)), terms_(terms), counters_(counters) {
        std::uint32_t kinds = 1u << static_cast<unsigned>(MemoryKind::host);
        std::vector<Uuid> gpus;
        if (terms.use_gpus) {
            for (const Gpu& gpu : Gpus::seen().all) {
                kinds |= 1u << static_cast<unsigned>(MemoryKind::cuda) | 1u << static_cast<unsigned>(MemoryKind::cuda_ipc);
                gpus.push_back(gpu.uuid);
            }
        }
        const std::uint32_t delivery[3] = {static_cast<std::uint32_t>(terms.policy.mode), terms.policy.depth, terms.credits};
        Writer hello(Type::hello);
        hello.protocol()
            .text(Tag::library, library_name)
            .text(Tag::key, terms.key)
            .text(Tag::name, terms.name)
            .u32(Tag::role, 1)
            .field(Tag::delivery, delivery, sizeof delivery)
            .u32(Tag::memory_kinds, kinds)
            .u32(Tag::pid, static_cast<std::uint32_t>(getpid()));
        for (std::size_t i = 0; i < gpus.size() && i < max_gpus; i++) {
            hello.uuid(gpus[i]);
        }
        connection_->send(hello);  // if it cannot be sent, the connection has ended, which receive() finds out
    }

    int number() const { return connection_->number(); }
    bool is_greeted() const { return leases_ != nullptr; }

    /// Whether the socket has nothing more to say.
    bool is_ended() const { return ended_; }

    /// The publisher's last word, if it was an error.
    const std::optional<Failure>& failure() const { return failure_; }

    /// Why the publisher left in good order; 0 if it did not.
    std::uint32_t bye() const { return bye_; }

    const std::shared_ptr<Leases>& leases() const { return leases_; }

    /// Handles one message. Whether there was one, or the end. Waits for at most `timeout`, or until `also` is readable.
    bool receive(Nanos timeout, int also) {
        if (ended_) {
            return true;
        }
        Connection::Status status = connection_->receive(timeout, also);
        if (status == Connection::Status::nothing) {
            return false;
        }
        handle(status);
        // messages that came together are answered together
        for (int i = 1; unanswered_ != 0 && !ended_ && i < most_at_once; i++) {
            status = connection_->receive();
            if (status == Connection::Status::nothing) {
                break;
            }
            handle(status);
        }
        if (unanswered_ != 0 && !ended_) {
            Writer ack(Type::ack);
            ack.u32(Tag::generation, std::exchange(unanswered_, 0));
            connection_->send(ack);
        }
        return true;
    }

    /// Whether there is a delivery that was not taken. Cheap.
    bool has_delivery() const { return load_acquire(leases_->page().delivered) != taken_; }

    /// Says that this side is about to block; whether it may, since nothing has come meanwhile.
    bool fall_asleep() {
        store_release(leases_->page().sleeping, 1);
        full_fence();
        return load_acquire(leases_->page().delivered) == taken_;
    }

    void wake_up() { store_release(leases_->page().sleeping, 0); }

    /// Takes the next frame according to the policy; nothing if there is none (now), or the memory that it lies in is not known yet.
    std::optional<Frame> take() {
        if (failure_) {
            return std::nullopt;  // the leases of what is left in the queue have ended
        }
        map_->poll();
        try {
            return terms_.policy.mode == Policy::Mode::latest ? take_latest() : take_next();
        } catch (const Breach& breach) {
            if (is_excused(breach)) {
                return std::nullopt;
            }
            throw;
        }
    }

    /// Whether the next delivery waits for a MEMORY message, and until when.
    std::optional<Nanos> memory_deadline() const {
        return memory_missing_ ? std::optional<Nanos>(memory_missing_since_ + memory_limit + 1) : std::nullopt;
    }

    /// Tells the publisher what it did wrong.
    void say_error(const Breach& breach) {
        Writer error(Type::error);
        error.protocol().u32(Tag::error, static_cast<std::uint32_t>(breach.code())).text(Tag::text, shortened(breach.what()));
        connection_->send(error);
    }

    void say_bye() {
        Writer bye(Type::bye);
        bye.u32(Tag::reason, reason_closing);
        connection_->send(bye);
    }

    /// Ends the connection for both sides.
    void shut() { connection_->shut(); }

    /// Messages that are read without looking at anything else.
    static constexpr int most_at_once = 64;

private:
    /// For how long a MEMORY message may stay out that should have been sent before a delivery.
    static constexpr Nanos memory_limit = 5 * second;
    /// A dying process's GPU memory may go somewhat before its socket.
    static constexpr Nanos death_limit = 200 * millisecond;

    static std::string shortened(std::string text) {
        std::size_t size = std::min<std::size_t>(text.size(), 900);
        while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) {
            size--;  // not within a character
        }
        text.resize(size);
        return text;
    }

    void handle(Connection::Status status) {
        if (status != Connection::Status::message) {
            ended_ = true;
            cut_ = status == Connection::Status::broken;
            return;
        }
        const Type type = connection_->type();
        std::vector<Descriptor> files = connection_->take_descriptors();
        if (type == Type::welcome && !is_greeted()) {
            greet(parse_welcome(connection_->fields()), files);
        } else if (type == Type::memory && is_greeted()) {
            const Memory memory = parse_memory(connection_->fields());
            require_descriptors(files, memory.descriptors());
            map_->announce(memory, files);
            unanswered_ = memory.generation;
        } else if (type == Type::doorbell && is_greeted()) {
            require_descriptors(files, 0);
        } else if (type == Type::error) {
            require_descriptors(files, 0);
            failure_ = parse_error(connection_->fields());
            ended_ = true;
        } else if (type == Type::bye) {
            require_descriptors(files, 0);
            bye_ = connection_->fields().u32(Tag::reason);
            ended_ = true;
        } else if (static_cast<unsigned>(type) >= 1 && type <= Type::bye) {
            throw violation(std::string("a ") + name_of(type) + " message came " + (is_greeted() ? "from a publisher after WELCOME" : "before WELCOME"));
        }  // else of a later version: skipped, and its descriptors closed
    }

    void require_descriptors(const std::vector<Descriptor>& files, std::size_t wanted) const {
        if (files.size() != wanted) {
            throw violation(std::string("a ") + name_of(connection_->type()) + " message came with " + std::to_string(files.size()) +
                            " descriptors instead of " + std::to_string(wanted));
        }
    }

    void greet(const Welcome& welcome, const std::vector<Descriptor>& files) {
        require_descriptors(files, 2);
        if (welcome.credits < 1 || welcome.credits > capacity) {
            throw violation("WELCOME grants " + std::to_string(welcome.credits) + " credits; 1 to " + std::to_string(capacity) + " are possible");
        }
        auto ring = std::make_shared<const Ring>(files[0], welcome, terms_.key);
        Mapping page = Mapping::of(files[1], sizeof(SubscriberPage), true);
        const auto& own = *reinterpret_cast<const SubscriberPage*>(page.address());
        if (load_acquire(own.magic) != magic_page || load(own.major) != protocol_major || load(own.epoch) != welcome.epoch ||
            load(own.subscriberId) != welcome.subscriber_id || load(own.queueCapacity) != capacity || load(own.leaseCapacity) != capacity) {
            throw violation("the page received is not this subscriber's");
        }
        ring_ = std::move(ring);
        epoch_ = welcome.epoch;
        map_ = std::make_unique<FrameMap>(ring_, terms_.gpu, terms_.use_gpus);
        leases_ = std::make_shared<Leases>(std::move(page), connection_, terms_.policy.mode == Policy::Mode::lossless, welcome.credits);
        Writer ack(Type::ack);
        ack.u32(Tag::generation, 0);
        connection_->send(ack);
    }

    /// What looks like a breach may have another reason, which then is the connection's end: a publisher that cut this side off, or lost its own
    /// sockets, uses its slots again, and one that died takes the legacy handles with it that were not opened yet.
    bool is_excused(const Breach& breach) {
        const bool is_unreachable = breach.code() == Code::memory_unreachable;
        const Nanos deadline = now() + (is_unreachable ? death_limit : 0);
        for (int i = 0; i < most_at_once && !ended_ && receive(std::max<Nanos>(0, deadline - now()), -1); i++) {
        }
        return failure_ || cut_ || (ended_ && (is_unreachable || slot_reused_));
    }

    std::optional<Frame> take_next() {
        while (advance()) {
            if (!counters_.had(epoch_, entry_.sequence)) {
                return frame();
            }
            leases_->give_back(entry_.lease, taken_);
        }
        return std::nullopt;
    }

    std::optional<Frame> take_latest() {
        if (!advance()) {
            request_missed();
            return std::nullopt;
        }
        // bounded, also for a publisher that delivers as fast as this side takes
        for (std::uint32_t i = 1; i < capacity; i++) {
            const std::uint32_t lease = entry_.lease;
            const std::uint64_t delivery = taken_;
            if (!advance()) {
                break;
            }
            leases_->give_back(lease, delivery);
        }
        // one REQUEST for each frame: at a high rate even its answer may be old on arrival, and something must be taken
        const std::uint64_t wanted = requested_ != 0 ? requested_ : load_acquire(ring_->header().newestSequence);
        const bool had = counters_.had(epoch_, entry_.sequence);
        if (ended_ || entry_.sequence >= wanted) {
            requested_ = 0;
            if (!had) {
                return frame();
            }
        }
        leases_->give_back(entry_.lease, taken_);
        if (requested_ == 0 && !had) {
            requested_ = wanted;
            connection_->send(Type::request);
        }
        return std::nullopt;
    }

    /// The queue is empty, but a frame may have found no credit. The publisher delivers before it shows a number in the ring, so that a number seen
    /// first and no delivery seen then means that there was none.
    void request_missed() {
        const std::uint64_t newest = load_acquire(ring_->header().newestSequence);
        // the first frame comes unasked
        if (!ended_ && requested_ == 0 && entry_.sequence > 0 && newest > entry_.sequence && !has_delivery()) {
            requested_ = newest;
            connection_->send(Type::request);
        }
    }

    /// Goes to the next delivery; false if there is none yet, or it cannot be read yet.
    bool advance() {
        SubscriberPage& page = leases_->page();
        const std::uint64_t delivered = load_acquire(page.delivered);
        if (delivered == taken_) {
            return false;
        }
        if (delivered < taken_ || delivered - taken_ > capacity) {
            throw violation("the page counts " + std::to_string(delivered) + " deliveries, and " + std::to_string(taken_) + " of them were taken");
        }
        const std::uint64_t next = taken_ + 1;
        const QueueEntry& queued = page.queue[taken_ % capacity];
        const Entry entry{load(queued.sequence), load(queued.slot), load(queued.generation), load(queued.lease)};
        if (entry.slot >= ring_->slots()) {
            throw violation("delivery " + std::to_string(next) + " is of slot " + std::to_string(entry.slot) + ", and there are " +
                            std::to_string(ring_->slots()));
        }
        if (entry.lease >= capacity || load_acquire(page.released[entry.lease]) != last_delivery_[entry.lease]) {
            throw violation("delivery " + std::to_string(next) + " has the lease number " + std::to_string(entry.lease) + ", which is not free");
        }
        if (!is_readable(entry)) {
            return false;
        }
        slot_reused_ = !ring_->take_metadata(entry.slot, entry.sequence, metadata_);
        if (slot_reused_ || entry.sequence <= entry_.sequence) {
            throw violation("frame " + std::to_string(entry.sequence) + " was delivered after frame " + std::to_string(entry_.sequence) +
                            ", in a slot with frame " + std::to_string(load(ring_->metadata(entry.slot).sequence)));
        }
        last_delivery_[entry.lease] = next;
        entry_ = entry;
        taken_ = next;
        store_release(page.taken, next);
        if (!counters_.had(epoch_, entry.sequence)) {
            counters_.taken(metadata_.flags);
        }
        map_->retire_before(entry.generation);
        return true;
    }

    struct Entry {
        std::uint64_t sequence;
        std::uint32_t slot;
        std::uint32_t generation;
        std::uint32_t lease;
    };

    bool is_readable(const Entry& entry) {
        if (map_->view(entry.slot, entry.generation) != nullptr) {
            memory_missing_ = false;
            return true;
        }
        const Nanos time = now();
        if (ended_ || map_->is_over(entry.generation) || (memory_missing_ && time - memory_missing_since_ > memory_limit)) {
            throw violation("a frame of generation " + std::to_string(entry.generation) + " was delivered in slot " + std::to_string(entry.slot) +
                            ", and no MEMORY message has announced that, or the slot's slab");
        }
        memory_missing_since_ = memory_missing_ ? memory_missing_since_ : time;
        memory_missing_ = true;
        return false;
    }

    /// The frame of the delivery taken last.
    Frame frame() {
        const std::shared_ptr<const SlotView> slot = map_->view(entry_.slot, entry_.generation);
        FrameInfo info;
        info.cuda_ptr = slot->address == 0 ? 0 : slot->address + slot->geometry.plane[0].offset;
        info.data = slot->data == nullptr ? nullptr : slot->data + slot->geometry.plane[0].offset;
        info.width = slot->geometry.width;
        info.height = slot->geometry.height;
        info.pitch = slot->geometry.plane[0].pitch;
        info.format = slot->geometry.format;
        info.memory = slot->kind;
        if (slot->reader != nullptr) {
            info.gpu = slot->reader->gpu().uuid;
        }
        info.epoch = epoch_;
        info.sequence = entry_.sequence;
        info.generation = entry_.generation;
        info.flags = metadata_.flags;
        info.lost_before = metadata_.lostBefore;
        info.pts = metadata_.pts;
        info.time_base = {slot->stream.timeBaseNumerator, slot->stream.timeBaseDenominator};
        info.pts_nanos = metadata_.ptsNanos;
        info.capture_nanos = metadata_.captureNanos;
        info.publish_nanos = metadata_.publishNanos;
        info.duration_nanos = metadata_.durationNanos;
        info.frame_rate = {slot->stream.frameRateNumerator, slot->stream.frameRateDenominator};
        info.full_range = slot->stream.fullRange != 0;
        info.primaries = slot->stream.primaries;
        info.transfer = slot->stream.transfer;
        info.matrix = slot->stream.matrix;
        info.breaks_stream =
            counters_.returned(epoch_, entry_.sequence, load(ring_->header().discontinuities), terms_.policy.mode != Policy::Mode::latest);
        return Frame(std::move(info), leases_, slot, entry_.lease, taken_);
    }

    const std::shared_ptr<Connection> connection_;
    const Terms& terms_;
    Counters& counters_;

    std::shared_ptr<const Ring> ring_;
    std::unique_ptr<FrameMap> map_;
    /// From the greeting on.
    std::shared_ptr<Leases> leases_;
    std::uint64_t epoch_ = 0;

    std::array<std::uint64_t, capacity> last_delivery_{};
    std::uint64_t taken_ = 0;
    /// The delivery taken last; read from the page once, since the publisher can write there at any moment.
    Entry entry_{};
    /// Of the frame of entry_, its number left out.
    FrameMetadata metadata_{};
    /// What a delivery must be to answer the REQUEST that is under way; 0: none is.
    std::uint64_t requested_ = 0;

    bool memory_missing_ = false;
    bool slot_reused_ = false;  // the slot delivered last holds another frame than the one delivered
    Nanos memory_missing_since_ = 0;
    /// The generation that was mapped and not acknowledged yet; 0: none.
    std::uint32_t unanswered_ = 0;

    bool ended_ = false;
    /// Whether the end was an error of the socket, so that the publisher's last word may be lost.
    bool cut_ = false;
    std::optional<Failure> failure_;
    std::uint32_t bye_ = 0;
};

}  // namespace detail
}  // namespace cuframes
