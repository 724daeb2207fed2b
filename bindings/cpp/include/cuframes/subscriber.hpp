// Part of cuframes.hpp: the subscriber.
#pragma once

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "options.hpp"
#include "retry.hpp"
#include "session.hpp"

namespace cuframes {

/// Where the connection stands; the numbers are those of docs/protocol.md, 5.4.
enum class State { disconnected = 1, connecting = 2, handshake = 3, streaming = 4, refused = 5, closed = 6 };

namespace detail {

/// What a Subscriber does, at an address that does not change.
class Core {
public:
    Core(const std::string& key, const Options& options)
        : options_(options), terms_{key, options.policy, options.credits, options.name, options.gpu, options.use_gpus}, backoff_(now()) {
        if (!is_key(key)) {
            throw Error(Code::invalid_argument, "\"" + printable(key) +
                                                    "\" is no valid key; use 1 to 64 letters, digits, dots, underscores and hyphens, not only dots");
        }
        if (options.credits > capacity) {
            throw Error(Code::invalid_argument, "a subscriber has 1 to " + std::to_string(capacity) + " credits (0: as the publisher likes), not " +
                                                    std::to_string(options.credits));
        }
        if (options.policy.mode == Policy::Mode::fifo && (options.policy.depth < 1 || options.policy.depth > capacity)) {
            throw Error(Code::invalid_argument, "a fifo has a depth of 1 to " + std::to_string(capacity) + ", not " + std::to_string(options.policy.depth));
        }
        if (terms_.name.empty()) {
            terms_.name = "cpp " + std::to_string(getpid());
        }
        if (terms_.name.size() > max_name || !is_utf8(terms_.name)) {
            throw Error(Code::invalid_argument, "a subscriber's name has 1 to " + std::to_string(max_name) + " bytes of UTF-8 without NUL, not " +
                                                    std::to_string(terms_.name.size()));
        }
        wake_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!wake_) {
            throw Error(Code::system, "no eventfd can be made: " + failed("eventfd"));
        }
        connect_first(std::max<Nanos>(options.connect_timeout.count(), 100 * millisecond));
    }

    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;
    ~Core() { close(); }

    /// A negative timeout: for ever.
    std::optional<Frame> next(Nanos timeout) {
        if (in_next_.exchange(true, std::memory_order_acquire)) {
            throw Error(Code::misuse, "another thread is waiting for a frame of \"" + terms_.key + "\"; use a subscriber for each thread");
        }
        struct Leave {
            std::atomic<bool>& in_next;
            ~Leave() { in_next.store(false, std::memory_order_release); }
        } leave{in_next_};
        const Nanos limit = std::numeric_limits<Nanos>::max() / 2;
        disarm();
        std::optional<Frame> frame = await_frame(now() + (timeout < 0 ? limit : std::min(timeout, limit)));
        if (!frame) {
            arm();
        }
        return frame;
    }

    int fd() {
        if (!epoll_) {
            Descriptor epoll(epoll_create1(EPOLL_CLOEXEC));
            Descriptor timer(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
            if (!epoll || !timer || !add(epoll, timer.number()) || !add(epoll, wake_.number())) {
                throw Error(Code::system, "no descriptor for poll can be made: " + failed("epoll"));
            }
            epoll_ = std::move(epoll);
            timer_ = std::move(timer);
            if (session_ != nullptr) {
                add(epoll_, session_->number());
            }
            set_timer(1);  // so that whoever polls before the first next() calls it
        }
        return epoll_.number();
    }

    /// Any thread, and signal handlers.
    void stop() noexcept {
        stopping_.store(true, std::memory_order_release);
        const std::uint64_t one = 1;
        const int error = errno;
        const ssize_t written = write(wake_.number(), &one, sizeof one);
        (void)written;  // a full counter wakes as well
        errno = error;
    }

    bool is_at_end() const { return at_end_.load(std::memory_order_acquire); }
    State state() const { return state_.load(std::memory_order_acquire); }
    Statistics statistics() const { return counters_.snapshot(); }
    const std::string& key() const { return terms_.key; }

private:
    static constexpr Nanos handshake_limit = 5 * second;
    static constexpr const char* no_answer = "it took the connection and says nothing; see whether its process is stopped";

    std::optional<Frame> await_frame(Nanos deadline) {
        int rounds = 0;
        while (!is_at_end()) {
            if (stopping_.load(std::memory_order_acquire)) {
                close();
                return std::nullopt;
            }
            if (refusal_) {
                throw *refusal_;
            }
            bool progress = true;
            if (state() == State::streaming) {
                require_credit();
                std::optional<Frame> frame = guarded([this] { return session_->take(); });
                if (frame) {
                    return frame;
                }
                if (session_->is_ended()) {
                    leave();
                } else {
                    progress = await_delivery(deadline);
                }
            } else {
                advance(deadline, false);
                progress = state() == State::streaming;
            }
            // what has come is looked at after the deadline too, but a publisher that never stops talking keeps nobody
            if ((!progress || ++rounds > Session::most_at_once) && now() >= deadline) {
                return std::nullopt;
            }
        }
        return std::nullopt;
    }

    void require_credit() const {
        if (session_->leases()->held() >= session_->leases()->credits()) {
            throw Error(Code::misuse, "all " + std::to_string(session_->leases()->credits()) + " frames that the subscriber of \"" + terms_.key +
                                          "\" may hold are held; release one, or ask for more credits");
        }
    }

    /// Runs what may find a breach, and refuses the publisher then.
    template <typename Action>
    auto guarded(Action action) -> decltype(action()) {
        try {
            return action();
        } catch (const Breach& breach) {
            session_->say_error(breach);
            revoke();
            drop_session();
            refuse(Error(breach.code(), breach.code() == Code::memory_unreachable
                                            ? "the frames of \"" + terms_.key + "\" cannot be read here: " + breach.what()
                                            : "the producer of \"" + terms_.key + "\" cannot be understood: " + breach.what() +
                                                  "; see that both sides run the same version of cuframes"));
        }
    }

    [[noreturn]] void refuse(const Error& error) {
        refusal_ = error;
        state_.store(State::refused, std::memory_order_release);
        throw error;
    }

    /// Waits for a delivery or a message; whether there may be something new.
    bool await_delivery(Nanos deadline) {
        if (const auto limit = session_->memory_deadline()) {
            return receive(std::min(deadline, *limit));
        }
        if (options_.spin.count() > 0) {
            const Nanos end = std::min(deadline, now() + options_.spin.count());
            for (unsigned i = 0; !stopping_.load(std::memory_order_relaxed); i++) {
                if (session_->has_delivery()) {
                    return true;
                }
                if (now() >= end) {
                    break;
                }
#if defined(__x86_64__)
                __builtin_ia32_pause();
#endif
            }
        }
        if (!session_->fall_asleep()) {
            session_->wake_up();
            return true;
        }
        const bool something = receive(deadline) || session_->has_delivery();
        session_->wake_up();
        return something;
    }

    bool receive(Nanos deadline) {
        return guarded([this, deadline] { return session_->receive(std::max<Nanos>(0, deadline - now()), wake_.number()); });
    }

    /// A step towards STREAMING.
    void advance(Nanos deadline, bool first) {
        switch (state()) {
            case State::disconnected: {
                const Nanos time = now();
                const Nanos wait = std::min(backoff_.remaining(time), deadline - time);
                if (wait > 0) {
                    pollfd wanted{wake_.number(), POLLIN, 0};
                    const timespec pause = to_timespec(wait);
                    ppoll(&wanted, 1, &pause, nullptr);
                }
                if (backoff_.remaining(now()) <= 0) {
                    become(State::connecting);
                }
                break;
            }
            case State::connecting: connect(); break;
            case State::handshake: greet(deadline, first); break;
            default: break;
        }
    }

    void connect() {
        tried_ = true;
        try {
            std::shared_ptr<Connection> connection = Connection::to(socket_of(find_run_dir(options_.run_dir), terms_.key));
            session_ = std::make_unique<Session>(std::move(connection), terms_, counters_);
        } catch (const Error& e) {
            if (e.code() == Code::invalid_argument) {
                refuse(e);
            }
            disconnected(e.what());
            return;
        }
        if (epoll_) {
            add(epoll_, session_->number());
        }
        handshake_deadline_ = now() + handshake_limit;
        become(State::handshake);
    }

    void greet(Nanos deadline, bool first) {
        receive(std::min(deadline, handshake_deadline_));
        if (session_->is_greeted()) {
            become(State::streaming);
            backoff_.succeeded();
            counters_.connected();
        } else if (session_->is_ended()) {
            const std::optional<Failure> failure = session_->failure();
            drop_session();
            if (failure && (first || !is_worth_trying_again(failure->code))) {
                refuse(refusal(*failure));
            }
            disconnected("the producer ended the connection" + (failure ? ": " + printable(failure->text) : std::string()));
            if (failure) {
                backoff_.refused(now());
            }
        } else if (now() >= handshake_deadline_) {
            drop_session();
            disconnected(no_answer);
        }
    }

    Error refusal(const Failure& failure) const {
        return Error(failure.code, "the producer of \"" + terms_.key + "\" refuses (" + name_of(failure.code) + "): " + printable(failure.text));
    }

    void disconnected(const std::string& why) {
        last_problem_ = why;
        become(State::disconnected);
        backoff_.failed(now());
    }

    /// The connection has ended and its queue is read empty.
    void leave() {
        const std::optional<Failure> failure = session_->failure();
        const std::uint32_t bye = session_->bye();
        if (failure) {
            revoke();  // the publisher lives and has ended our leases
        }
        drop_session();
        if (failure) {
            if (!options_.reconnect || !is_worth_trying_again(failure->code)) {
                refuse(refusal(*failure));
            }
            disconnected(printable(failure->text));
            backoff_.refused(now());
            return;
        }
        disconnected("the producer has gone");
        if (bye == reason_end_of_stream || (bye != 0 && !options_.reconnect)) {
            at_end_.store(true, std::memory_order_release);
        } else if (!options_.reconnect) {
            refuse(Error(Code::producer_gone, "the producer of \"" + terms_.key + "\" is gone without a word; see whether it has crashed"));
        }
    }

    void connect_first(Nanos limit) {
        const Nanos deadline = now() + limit;
        while (state() != State::streaming) {
            if (tried_ && state() != State::connecting && now() >= deadline) {
                throw Error(Code::no_producer, "no producer of \"" + terms_.key + "\" answered within " + std::to_string(limit / millisecond) + " ms: " +
                                                   (state() == State::handshake ? no_answer : last_problem_));
            }
            advance(deadline, true);
        }
    }

    void become(State state) { state_.store(state, std::memory_order_release); }

    void revoke() {
        if (session_->leases() != nullptr) {
            session_->leases()->revoke();
        }
    }

    /// Ends the connection; frames that are held keep what they lie in.
    void drop_session() {
        if (epoll_) {
            epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, session_->number(), nullptr);
        }
        session_->shut();  // a frame that is just being released may have a hold on the socket
        session_.reset();
    }

    void close() {
        if (state() == State::closed) {
            return;
        }
        if (session_ != nullptr) {
            revoke();
            session_->say_bye();
            drop_session();
        }
        at_end_.store(true, std::memory_order_release);
        become(State::closed);
    }

    // What follows is for those who wait on fd() with poll or epoll.

    static bool add(const Descriptor& epoll, int number) {
        epoll_event event{};
        event.events = EPOLLIN;
        return epoll_ctl(epoll.number(), EPOLL_CTL_ADD, number, &event) == 0;
    }

    void set_timer(Nanos after) {
        itimerspec time{};
        time.it_value = to_timespec(std::max<Nanos>(after, 1));
        timerfd_settime(timer_.number(), 0, &time, nullptr);
    }

    void disarm() {
        if (!epoll_) {
            return;
        }
        const itimerspec none{};
        timerfd_settime(timer_.number(), 0, &none, nullptr);
        if (asleep_ && session_ != nullptr && session_->is_greeted()) {
            session_->wake_up();
        }
        asleep_ = false;
    }

    /// Nothing is there: has fd() become readable when there may be something.
    void arm() {
        if (!epoll_) {
            return;
        }
        const Nanos time = now();
        if (is_at_end() || refusal_) {
            set_timer(1);  // what there is to know is there for ever
        } else if (state() == State::streaming) {
            if (const auto limit = session_->memory_deadline()) {
                set_timer(*limit - time);  // a delivery is there, and its MEMORY message will make the socket readable
                return;
            }
            asleep_ = true;
            if (!session_->fall_asleep()) {
                set_timer(1);
            }
        } else if (state() == State::handshake) {
            set_timer(handshake_deadline_ - time);
        } else {
            set_timer(backoff_.remaining(time));
        }
    }

    const Options options_;
    Terms terms_;
    Counters counters_;
    Backoff backoff_;
    std::atomic<State> state_{State::disconnected};
    std::atomic<bool> at_end_{false};
    std::atomic<bool> stopping_{false};
    std::atomic<bool> in_next_{false};

    std::unique_ptr<Session> session_;
    Nanos handshake_deadline_ = 0;
    /// Why there will be no frame any more.
    std::optional<Error> refusal_;
    bool tried_ = false;
    std::string last_problem_;

    Descriptor wake_;
    Descriptor epoll_;
    Descriptor timer_;
    bool asleep_ = false;
};

}  // namespace detail

/// Receives the frames of one stream, in place.
///
///     cuframes::Subscriber sub("cam1");
///     while (auto frame = sub.next()) {
///         process(frame->cuda_ptr, frame->width, frame->height);
///     }
///
/// Threads: one at a time calls next(), try_next() and fd(); a second one is turned away with an Error. stop(), state(), at_end() and statistics()
/// are for any, stop() for signal handlers too. The subscriber has no thread of its own: a connection is looked after, and made anew, inside next().
/// (The process gets one, "releases", with the first Frame::release_after on a GPU; it lives while work is waited for or a connection to a GPU is.)
///
/// Move-only. Destroying it ends the connection and with it all leases: release frames before.
class Subscriber {
public:
    /// Subscribes, waiting Options::connect_timeout for the publisher to accept; its first frame may be long in coming.
    /// Throws Error if there is no publisher, it says no, or a value makes no sense.
    explicit Subscriber(const std::string& key, const Options& options = Options()) : core_(std::make_unique<detail::Core>(key, options)) {}

    /// Waits for the next frame according to the policy, connecting again when the publisher went away and comes back. Empty only when no frame
    /// will ever come: at_end().
    /// Throws Error if the publisher refused or broke the protocol, and asking again would not help; if it is gone without a word and
    /// Options::reconnect is off; if another thread is in here; or if the application holds as many frames as it has credits.
    std::optional<Frame> next() {
        while (!core_->is_at_end()) {
            std::optional<Frame> frame = core_->next(-1);
            if (frame) {
                return frame;
            }
        }
        return std::nullopt;
    }

    /// The same, but waits for at most so long: empty then, too.
    std::optional<Frame> next(std::chrono::nanoseconds timeout) { return core_->next(std::max<detail::Nanos>(0, timeout.count())); }

    /// The same, without waiting.
    std::optional<Frame> try_next() { return core_->next(0); }

    /// A descriptor for poll, epoll and event loops, the same for the subscriber's life: readable when try_next() may have something to do. Call it
    /// until it returns nothing, then wait again. It stays readable when at_end(), or after an Error that is for good.
    int fd() { return core_->fd(); }

    /// Has next() return nothing, now and for ever. The connection ends in next(), or with this object.
    void stop() noexcept { core_->stop(); }

    /// Whether no frame will ever come again: the publisher said that its source has ended, or left and Options::reconnect is off; or stop() was
    /// called. What had been delivered was returned before.
    bool at_end() const { return core_->is_at_end(); }

    State state() const { return core_->state(); }
    Statistics statistics() const { return core_->statistics(); }
    const std::string& key() const { return core_->key(); }

private:
    std::unique_ptr<detail::Core> core_;
};

}  // namespace cuframes
