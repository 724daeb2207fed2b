// Part of cuframes.hpp: how to subscribe, and what is counted.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "error.hpp"

namespace cuframes {

/// How frames are chosen (docs/protocol.md, 5.2).
struct Policy {
    enum class Mode : std::uint32_t { latest = 1, fifo = 2, lossless = 3 };

    Mode mode = Mode::latest;
    std::uint32_t depth = 0;

    /// The newest at the moment of next(); what was not taken is skipped and counted.
    static Policy latest() { return {}; }
    /// In order, up to `depth` waiting.
    static Policy fifo(std::uint32_t depth) { return {Mode::fifo, depth}; }
    /// In order, none left out: the source waits. For files; live sources refuse it.
    static Policy lossless() { return {Mode::lossless, 0}; }

    /// Of "latest", "fifo:N" or "lossless", as commands have it.
    static Policy parse(const std::string& text) {
        if (text == "latest") {
            return latest();
        }
        if (text == "lossless") {
            return lossless();
        }
        if (text.rfind("fifo:", 0) == 0 && text.size() > 5 && text.size() <= 8 && text.find_first_not_of("0123456789", 5) == std::string::npos) {
            return fifo(static_cast<std::uint32_t>(std::stoul(text.substr(5))));
        }
        throw Error(Code::invalid_argument, "\"" + text + "\" is no policy; use latest, fifo:N or lossless");
    }
};

/// What a subscriber counted, over all of its connections.
struct Statistics {
    /// Frames returned.
    std::uint64_t received = 0;
    /// Frames that were published and not returned, by their numbers.
    std::uint64_t dropped = 0;
    /// Breaks of the stream, see FrameInfo::breaks_stream.
    std::uint64_t gaps = 0;
    std::uint64_t reconnects = 0;
};

/// How to subscribe.
struct Options {
    /// Where producers have their sockets; empty: $CUFRAMES_RUN_DIR, /run/cuframes, $XDG_RUNTIME_DIR/cuframes, /tmp/cuframes-UID, first usable.
    std::string run_dir{};
    Policy policy{};
    /// Frames that the application may hold at a time, those waiting in its queue included: 1 to 64, or 0 to leave it to the publisher (2 for
    /// latest, depth + 1 for fifo, 4 for lossless).
    std::uint32_t credits = 0;
    /// What operators see, 1 to 48 bytes of UTF-8; empty: "cpp" and the process id.
    std::string name{};
    /// For how long to watch memory before a wait goes to sleep. A spinning wait sees a frame sooner and costs a processor.
    std::chrono::nanoseconds spin{0};
    /// Whether to connect again when the publisher is gone and comes back, or another takes the key.
    bool reconnect = true;
    /// How long the constructor waits for a publisher, at least 100 ms.
    std::chrono::nanoseconds connect_timeout{std::chrono::seconds(5)};
    /// The GPU that is to read frames of GPU memory, by its number in this process or its UUID; empty: the one that they lie on if this process sees
    /// it, else the first.
    std::string gpu{};
    /// False: never touches the CUDA driver, and reads host memory only.
    bool use_gpus = true;
};

}  // namespace cuframes
