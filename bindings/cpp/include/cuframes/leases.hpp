// Part of cuframes.hpp: leases, and work of the GPU whose end ends them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "connection.hpp"
#include "cuda.hpp"
#include "layout.hpp"

namespace cuframes::detail {

/// The leases of one connection: what frames need to come back from any thread. Outlives the connection, whose page it keeps mapped.
class Leases {
public:
    Leases(Mapping page, const std::shared_ptr<Connection>& connection, bool lossless, std::uint32_t credits)
        : mapping_(std::move(page)), connection_(connection), lossless_(lossless), credits_(credits) {}

    SubscriberPage& page() const { return *reinterpret_cast<SubscriberPage*>(mapping_.address()); }

    std::uint32_t credits() const { return credits_; }

    /// Frames that the application has. A lease may last longer, until the GPU has done with it.
    std::uint32_t held() const { return held_.load(std::memory_order_acquire); }
    void hold() { held_.fetch_add(1, std::memory_order_relaxed); }
    void let_go() { held_.fetch_sub(1, std::memory_order_release); }

    /// Ends a lease.
    void give_back(std::uint32_t lease, std::uint64_t delivery) {
        store_release(page().released[lease], delivery);
        if (lossless_) {
            full_fence();
            const std::shared_ptr<Connection> connection = load_acquire(page().publisherWaits) == 1 ? connection_.lock() : nullptr;
            if (connection != nullptr) {
                connection->send(Type::request);  // if it cannot be sent, the reader will find that the connection has ended
            }
        }
    }

    /// The publisher may use the slots again although frames are held.
    void revoke() { revoked_.store(true, std::memory_order_release); }
    bool is_revoked() const { return revoked_.load(std::memory_order_acquire); }

private:
    Mapping mapping_;
    const std::weak_ptr<Connection> connection_;
    const bool lossless_;
    const std::uint32_t credits_;
    std::atomic<std::uint32_t> held_{0};
    std::atomic<bool> revoked_{false};
};

/// Work of this process's GPU whose end ends a lease. Each piece is marked by an event of this process, which is polled by a thread of the
/// library while there is any; nobody waits. Events are used again, so that a frame costs none. Any thread may call any method.
///
/// Whatever breaks a context is reported by each query from then on; what was waited for counts as done then, because it never will be.
class PendingWork {
public:
    explicit PendingWork(std::shared_ptr<PrimaryContext> context) : context_(std::move(context)) {}
    PendingWork(const PendingWork&) = delete;
    PendingWork& operator=(const PendingWork&) = delete;

    ~PendingWork() {
        try {
            const PrimaryContext::Current current(*context_);
            for (const cuda::Event event : unused_) {
                context_->driver().cuEventDestroy(event);
            }
        } catch (const Error&) {
            return;  // the context is broken, and the events go with it
        }
    }

    /// What is needed until a piece of work is done, and the lease that ends then.
    struct Ticket {
        cuda::Event event = nullptr;
        std::shared_ptr<const void> owner;  // of this, and of the thread that polls it
        std::shared_ptr<const void> memory;
        std::shared_ptr<Leases> leases;
        std::uint32_t lease = 0;
        std::uint64_t delivery = 0;
    };

    /// Ends a lease when all work is done that is queued in the stream now.
    /// Throws Error, and does nothing, if this is no stream of the context.
    void after(cuda::Stream stream, Ticket ticket) {
        const PrimaryContext::Current current(*context_);
        const std::lock_guard<std::mutex> lock(mutex_);
        cuda::Event event = nullptr;
        if (unused_.empty()) {
            constexpr unsigned disable_timing = 2;
            context_->driver().check(context_->driver().cuEventCreate(&event, disable_timing), "cuEventCreate", "mark the end of work");
        } else {
            event = unused_.back();
            unused_.pop_back();
        }
        const cuda::Result result = context_->driver().cuEventRecord(event, stream);
        if (result != cuda::success) {
            unused_.push_back(event);
            context_->driver().check(result, "cuEventRecord", "mark the end of work in this stream; it must be one of GPU " + context_->gpu().describe());
        }
        ticket.event = event;
        waiting_.push_back(std::move(ticket));
    }

    /// Ends the leases whose work is done. Whether there are others. With the last one this may end, unless the caller has a hold on it.
    bool poll() {
        while (true) {
            Ticket done;
            {
                const std::lock_guard<std::mutex> lock(mutex_);
                if (!take_complete(done)) {
                    return !waiting_.empty();
                }
            }
            done.leases->give_back(done.lease, done.delivery);
        }
    }

private:
    bool take_complete(Ticket& done) {
        for (auto ticket = waiting_.begin(); ticket != waiting_.end(); ++ticket) {
            if (context_->driver().cuEventQuery(ticket->event) != cuda::not_ready) {
                done = std::move(*ticket);
                waiting_.erase(ticket);
                unused_.push_back(done.event);
                return true;
            }
        }
        return false;
    }

    std::shared_ptr<PrimaryContext> context_;
    std::mutex mutex_;
    std::vector<cuda::Event> unused_;
    std::vector<Ticket> waiting_;
};

/// The process's thread that polls PendingWork. It sleeps while nothing is waited for, and ends with the last who may need it.
class Poller {
public:
    /// The one that there is, or a new one.
    static std::shared_ptr<Poller> shared() {
        static std::mutex mutex;
        static std::weak_ptr<Poller> present;
        const std::lock_guard<std::mutex> lock(mutex);
        std::shared_ptr<Poller> poller = present.lock();
        if (poller == nullptr) {
            poller = std::make_shared<Poller>();
            present = poller;
        }
        return poller;
    }

    Poller() : state_(std::make_shared<State>()), thread_([state = state_] { run(*state); }) {}
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    ~Poller() {
        {
            const std::lock_guard<std::mutex> lock(state_->mutex);
            state_->ending = true;
        }
        state_->changed.notify_one();
        if (thread_.get_id() == std::this_thread::get_id()) {
            thread_.detach();  // the last who needed it was a lease that ended on it
        } else {
            thread_.join();
        }
    }

    /// Polls until nothing is waited for. It lives as long.
    void watch(std::shared_ptr<PendingWork> work) {
        {
            const std::lock_guard<std::mutex> lock(state_->mutex);
            for (const auto& watched : state_->watched) {
                if (watched == work) {
                    state_->added = true;  // perhaps just found to be idle
                    return;
                }
            }
            state_->watched.push_back(std::move(work));
            state_->added = true;
        }
        state_->changed.notify_one();
    }

private:
    struct State {
        std::mutex mutex;
        std::condition_variable changed;
        std::vector<std::shared_ptr<PendingWork>> watched;
        bool added = false;
        bool ending = false;
    };

    static constexpr std::chrono::microseconds step{200};

    static void run(State& state) {
        std::vector<std::shared_ptr<PendingWork>> round;
        std::unique_lock<std::mutex> lock(state.mutex);
        while (true) {
            state.changed.wait(lock, [&state] { return state.ending || !state.watched.empty(); });
            if (state.ending) {
                return;
            }
            state.added = false;
            round = state.watched;
            lock.unlock();
            for (auto& work : round) {
                if (work->poll()) {
                    work.reset();  // goes on
                }
            }
            lock.lock();
            if (!state.added) {
                for (const auto& idle : round) {
                    for (std::size_t i = 0; idle != nullptr && i < state.watched.size(); i++) {
                        if (state.watched[i] == idle) {
                            state.watched.erase(state.watched.begin() + static_cast<std::ptrdiff_t>(i));
                            break;
                        }
                    }
                }
            }
            const bool idle = state.watched.empty();
            lock.unlock();
            round.clear();  // outside of the lock: what ends here may end this thread's owner
            if (!idle) {
                std::this_thread::sleep_for(step);
            }
            lock.lock();
        }
    }

    std::shared_ptr<State> state_;
    std::thread thread_;
};

/// What a connection needs of the GPU that reads: the context, work that is waited for, and a stream for downloads.
class GpuReader : public std::enable_shared_from_this<GpuReader> {
public:
    explicit GpuReader(const Gpu& gpu)
        : context_(std::make_shared<PrimaryContext>(gpu)), pending_(std::make_shared<PendingWork>(context_)), poller_(Poller::shared()) {}

    const Gpu& gpu() const { return context_->gpu(); }
    const std::shared_ptr<PrimaryContext>& context() const { return context_; }

    void after(cuda::Stream stream, std::shared_ptr<const void> memory, std::shared_ptr<Leases> leases, std::uint32_t lease, std::uint64_t delivery) {
        pending_->after(stream, {nullptr, shared_from_this(), std::move(memory), std::move(leases), lease, delivery});
        poller_->watch(pending_);
    }

    /// Ends leases whose work is done, so that a caller that is here anyway needs not wait for the thread.
    void poll() { pending_->poll(); }

    void download(cuda::DevicePtr from, std::size_t from_pitch, void* to, std::size_t to_pitch, std::size_t row_bytes, std::size_t rows) {
        const std::lock_guard<std::mutex> lock(downloading_);
        if (downloads_ == nullptr) {
            downloads_ = std::make_unique<OwnStream>(context_);
        }
        downloads_->download(from, from_pitch, to, to_pitch, row_bytes, rows);
    }

private:
    std::shared_ptr<PrimaryContext> context_;
    std::shared_ptr<PendingWork> pending_;
    std::shared_ptr<Poller> poller_;
    std::mutex downloading_;
    std::unique_ptr<OwnStream> downloads_;
};

}  // namespace cuframes::detail
