// Part of cuframes.hpp: when to try to connect again.
#pragma once

#include <algorithm>

#include "error.hpp"
#include "system.hpp"

namespace cuframes::detail {

/// When to try to connect again: 50 ms after the end of a connection, then twice as long each time, up to a second.
class Backoff {
public:
    static constexpr Nanos first = 50 * millisecond;
    static constexpr Nanos last = second;

    /// The next attempt is due at once.
    explicit Backoff(Nanos time) : next_(time) {}

    void failed(Nanos time) {
        next_ = time + delay_;
        delay_ = std::min(2 * delay_, last);
    }

    /// The publisher asked for patience.
    void refused(Nanos time) {
        delay_ = last;
        failed(time);
    }

    void succeeded() { delay_ = first; }

    /// Until the next attempt; not positive when it is due.
    Nanos remaining(Nanos time) const { return next_ - time; }

private:
    Nanos delay_ = first;
    Nanos next_;
};

/// Whether a publisher may give another answer later (docs/protocol.md, 5.4).
inline bool is_worth_trying_again(Code code) {
    switch (code) {
        case Code::protocol_violation:
        case Code::version_mismatch:
        case Code::wrong_key:
        case Code::not_allowed:
        case Code::too_many_credits:
        case Code::lossless_refused:
        case Code::memory_unreachable:
        case Code::no_packets: return false;
        default: return true;
    }
}

}  // namespace cuframes::detail
