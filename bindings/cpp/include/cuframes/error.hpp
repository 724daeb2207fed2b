// Part of cuframes.hpp: how failures are told.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace cuframes {

/// What went wrong. Numbers below 1000 are those of ERROR messages (docs/protocol.md, 6), whichever side said it; a number that this version
/// does not know is kept as it came.
enum class Code : std::uint32_t {
    protocol_violation = 1,
    version_mismatch = 2,
    wrong_key = 3,
    not_allowed = 4,
    too_many_subscribers = 5,
    memory_limit = 6,
    too_many_credits = 7,
    lossless_refused = 8,
    memory_unreachable = 9,
    handshake_timeout = 10,
    too_slow = 11,
    internal = 12,
    no_packets = 13,

    /// A value that the application gave is out of range.
    invalid_argument = 1001,
    /// A call that may not be made now: by a second thread, on a frame whose lease has ended, with all credits held.
    misuse = 1002,
    /// No producer answered in time.
    no_producer = 1003,
    /// The producer died, and reconnecting is switched off.
    producer_gone = 1004,
    /// The CUDA driver refused something.
    cuda = 1005,
    /// The operating system refused something.
    system = 1006,
};

/// The name of a code as docs/protocol.md has it.
inline const char* name_of(Code code) {
    switch (code) {
        case Code::protocol_violation: return "PROTOCOL_VIOLATION";
        case Code::version_mismatch: return "VERSION_MISMATCH";
        case Code::wrong_key: return "WRONG_KEY";
        case Code::not_allowed: return "NOT_ALLOWED";
        case Code::too_many_subscribers: return "TOO_MANY_SUBSCRIBERS";
        case Code::memory_limit: return "MEMORY_LIMIT";
        case Code::too_many_credits: return "TOO_MANY_CREDITS";
        case Code::lossless_refused: return "LOSSLESS_REFUSED";
        case Code::memory_unreachable: return "MEMORY_UNREACHABLE";
        case Code::handshake_timeout: return "HANDSHAKE_TIMEOUT";
        case Code::too_slow: return "TOO_SLOW";
        case Code::internal: return "INTERNAL";
        case Code::no_packets: return "NO_PACKETS";
        case Code::invalid_argument: return "INVALID_ARGUMENT";
        case Code::misuse: return "MISUSE";
        case Code::no_producer: return "NO_PRODUCER";
        case Code::producer_gone: return "PRODUCER_GONE";
        case Code::cuda: return "CUDA";
        case Code::system: return "SYSTEM";
    }
    return "UNKNOWN";
}

/// Everything that this library throws, but for std::bad_alloc. what() is a sentence that names the thing, the value and what to do.
class Error : public std::runtime_error {
public:
    Error(Code code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}

    Code code() const noexcept { return code_; }

private:
    Code code_;
};

namespace detail {

/// The publisher broke the protocol, or its frames are where this process cannot read them: told to it, and the end of the connection.
class Breach : public Error {
public:
    using Error::Error;
};

inline Breach violation(const std::string& what) { return Breach(Code::protocol_violation, what); }

inline Breach unreachable(const std::string& what) { return Breach(Code::memory_unreachable, what); }

/// "open: Permission denied", of a call that has just failed.
inline std::string failed(const char* call) {
    const int error = errno;
    char text[128] = "";
    // the GNU function returns where the text is, the POSIX one whether there is one
    const auto told = strerror_r(error, text, sizeof text);
    if constexpr (std::is_same_v<decltype(strerror_r(error, text, sizeof text)), char*>) {
        return std::string(call) + ": " + reinterpret_cast<const char*>(told);
    } else {
        return std::string(call) + ": " + text;
    }
}

/// What a peer said, fit for a terminal: no control characters.
inline std::string printable(std::string text) {
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            c = '?';
        }
    }
    return text;
}

}  // namespace detail
}  // namespace cuframes
