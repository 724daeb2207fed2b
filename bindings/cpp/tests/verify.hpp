// A subscriber process that looks at the pixels of every frame, and looks again before it gives the frame back.
//
// Arguments: key, run-dir, policy; tag (-1: any), wrap (0: the source's numbers never start over), hold (ms for which each frame is kept), progress
// (frames from one report to the next, 25), reconnect (true), wait (next; poll: on fd(); try: without waiting), release (here; thread; stream: after
// work in a stream), connect-ms (60000), stdin (end: its end ends this; ignore), credits, gpu, frames (0: until it ends).
//
// Writes lines: connected, progress, break, skip, hole, violation, and in the end summary, or failed CODE sentence. Exit status 0, or 1 if the
// subscription failed, or 3 if a frame was not what it should be.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cuframes.hpp>
#include <cstdarg>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "pattern.hpp"

namespace cuframes_tests {

inline void report(const char* format, ...) __attribute__((format(printf, 1, 2)));

inline void report(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    std::vprintf(format, arguments);
    va_end(arguments);
    std::printf("\n");
    std::fflush(stdout);
}

using Number = unsigned long long;

/// Judges a sequence of frames by their codes.
class Verifier {
public:
    Verifier(std::int64_t tag, std::uint64_t wrap) : tag_(tag), wrap_(wrap == 0 ? std::uint64_t{1} << 32 : wrap) {}

    void next(const FrameCode& code, const cuframes::Frame& frame) {
        if (code.reading != Reading::ok) {
            violation(code.describe(), frame);
            return;
        }
        if (tag_ >= 0 && code.tag != tag_) {
            violation("another stream's", frame);
        }
        if (frame.breaks_stream) {
            breaks++;
        } else if (has_last_ && frame.epoch != epoch_) {
            violation("of another epoch, and nobody said so", frame);
        } else if (has_last_ && frame.generation == generation_) {
            follow(code, frame);  // another source, as tests have it, begins with 0 again
        }
        if (has_last_ && frame.epoch == epoch_ && frame.sequence <= sequence_) {
            violation("out of order", frame);
        }
        has_last_ = true;
        epoch_ = frame.epoch;
        sequence_ = frame.sequence;
        generation_ = frame.generation;
        last_number = code.number;
    }

    void violation(const char* what, const cuframes::Frame& frame) {
        violations++;
        report("violation frame %llu is %s", static_cast<Number>(frame.sequence), what);
    }

    std::uint64_t violations = 0;
    std::uint64_t breaks = 0;
    std::uint64_t holes = 0;
    std::uint64_t last_number = 0;

private:
    void follow(const FrameCode& code, const cuframes::Frame& frame) {
        const std::uint64_t step = (code.number + wrap_ - last_number) % wrap_;
        const std::uint64_t numbers = frame.sequence - sequence_;
        if (step == 0) {
            violation("stale", frame);
        } else if (step > wrap_ / 2 || step < numbers) {
            violation("not as far on as its number", frame);
        } else if (step > numbers) {
            holes += step - numbers;
            report("hole sequence=%llu number=%u missing=%llu", static_cast<Number>(frame.sequence), code.number, static_cast<Number>(step - numbers));
        }
    }

    const std::int64_t tag_;
    const std::uint64_t wrap_;
    bool has_last_ = false;
    std::uint64_t epoch_ = 0;
    std::uint64_t sequence_ = 0;
    std::uint32_t generation_ = 0;
};

/// A thread that ends leases.
class Releaser {
public:
    Releaser() : thread_([this] { run(); }) {}
    Releaser(const Releaser&) = delete;
    Releaser& operator=(const Releaser&) = delete;
    ~Releaser() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            ending_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }

    void take(cuframes::Frame frame) {
        {
            std::unique_lock<std::mutex> lock(mutex_);
            frames_.push_back(std::move(frame));
        }
        changed_.notify_one();
    }

    /// One frame at most is on its way: the subscriber has two credits.
    void await_empty() {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_back_.wait(lock, [this] { return frames_.empty(); });
    }

private:
    void run() {
        std::unique_lock<std::mutex> lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return ending_ || !frames_.empty(); });
            if (frames_.empty()) {
                return;
            }
            frames_.front().release();
            frames_.pop_front();
            changed_back_.notify_one();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::condition_variable changed_back_;
    std::deque<cuframes::Frame> frames_;
    bool ending_ = false;
    std::thread thread_;
};

/// A stream of the application's, in the primary context of the first GPU.
class TestStream {
public:
    TestStream() : context_(cuframes::detail::Gpus::seen().all.at(0)) {
        const cuframes::detail::PrimaryContext::Current current(context_);
        context_.driver().check(context_.driver().cuStreamCreate(&stream, 1), "cuStreamCreate", "make a stream");
    }
    TestStream(const TestStream&) = delete;
    TestStream& operator=(const TestStream&) = delete;
    ~TestStream() {
        const cuframes::detail::PrimaryContext::Current current(context_);
        context_.driver().cuStreamSynchronize(stream);
        context_.driver().cuStreamDestroy(stream);
    }

    /// Queues a copy of a plane to host memory.
    void copy(const cuframes::Plane& plane, std::uint8_t* to) const {
        const cuframes::detail::PrimaryContext::Current current(context_);
        cuframes::cuda::Copy2D copy{};
        copy.source_type = 2;
        copy.source_device = plane.cuda_ptr;
        copy.source_pitch = plane.pitch;
        copy.target_type = 1;
        copy.target_host = to;
        copy.target_pitch = plane.row_bytes;
        copy.width_bytes = plane.row_bytes;
        copy.height = plane.rows;
        context_.driver().check(context_.driver().cuMemcpy2DAsync(&copy, stream), "cuMemcpy2DAsync", "queue a copy");
    }

    cuframes::cuda::Stream stream = nullptr;

private:
    cuframes::detail::PrimaryContext context_;
};

class Verify {
public:
    explicit Verify(const Arguments& arguments)
        : arguments_(arguments),
          verifier_(arguments.number("tag", -1), static_cast<std::uint64_t>(arguments.number("wrap", 0))),
          progress_(static_cast<std::uint64_t>(arguments.number("progress", 25))),
          wait_(arguments.text("wait", "next")),
          release_(arguments.text("release", "here")) {}

    int run() {
        try {
            cuframes::Options options;
            options.run_dir = arguments_.text("run-dir");
            options.policy = cuframes::Policy::parse(arguments_.text("policy", "latest"));
            options.reconnect = arguments_.text("reconnect") != "false";
            options.connect_timeout = std::chrono::milliseconds(arguments_.number("connect-ms", 60000));
            options.credits = static_cast<std::uint32_t>(arguments_.number("credits", 0));
            options.gpu = arguments_.text("gpu");
            options.use_gpus = arguments_.text("use-gpus") != "false";
            cuframes::Subscriber subscriber(arguments_.text("key"), options);
            report("connected");
            std::thread listener;
            if (arguments_.text("stdin", "end") == "end") {
                listener = std::thread([&subscriber] {
                    char byte;
                    while (read(0, &byte, 1) > 0) {
                    }
                    subscriber.stop();
                });
            }
            struct Join {
                std::thread& thread;
                ~Join() {
                    if (thread.joinable()) {
                        thread.join();
                    }
                }
            } join{listener};
            receive(subscriber);
            const cuframes::Statistics statistics = subscriber.statistics();
            report("summary received=%llu dropped=%llu gaps=%llu reconnects=%llu violations=%llu breaks=%llu holes=%llu first=%llu last=%llu memory=%s",
                   static_cast<Number>(statistics.received), static_cast<Number>(statistics.dropped), static_cast<Number>(statistics.gaps),
                   static_cast<Number>(statistics.reconnects), static_cast<Number>(verifier_.violations), static_cast<Number>(verifier_.breaks),
                   static_cast<Number>(verifier_.holes), static_cast<Number>(first_number_), static_cast<Number>(verifier_.last_number), memory_.c_str());
        } catch (const cuframes::Error& error) {
            report("failed code=%s %s", name_of(error.code()), error.what());
            return 1;
        }
        return verifier_.violations == 0 ? 0 : 3;
    }

private:
    void receive(cuframes::Subscriber& subscriber) {
        const auto wanted = static_cast<std::uint64_t>(arguments_.number("frames", 0));
        while (!subscriber.at_end() && (wanted == 0 || received_ < wanted)) {
            std::optional<cuframes::Frame> frame = next(subscriber);
            if (!frame) {
                continue;
            }
            verify(*frame);
            tell(*frame, subscriber);
            if (release_ == "thread") {
                releaser().take(std::move(*frame));
                releaser().await_empty();
            } else if (release_ == "stream" && frame->cuda_ptr != 0) {
                stream().copy(frame->plane(0), pixels_again_.data());
                frame->await_on(stream().stream);
                frame->release_after(stream().stream);
            }
        }
        stream_.reset();
    }

    std::optional<cuframes::Frame> next(cuframes::Subscriber& subscriber) {
        if (wait_ == "poll") {
            const int fd = subscriber.fd();
            std::optional<cuframes::Frame> frame = subscriber.try_next();
            if (!frame && !subscriber.at_end()) {
                pollfd wanted{fd, POLLIN, 0};
                ::poll(&wanted, 1, -1);
            }
            return frame;
        }
        return wait_ == "try" ? subscriber.next(std::chrono::milliseconds(3)) : subscriber.next();
    }

    /// Luma as it lies in host memory, or as it was downloaded.
    const std::uint8_t* luma(const cuframes::Frame& frame, std::vector<std::uint8_t>& buffer, std::size_t& pitch) {
        const cuframes::Plane plane = frame.plane(0);
        pitch = plane.data != nullptr ? plane.pitch : plane.row_bytes;
        if (plane.data != nullptr) {
            return plane.data;
        }
        buffer.resize(std::size_t{plane.row_bytes} * plane.rows);
        frame.download(0, buffer.data());
        return buffer.data();
    }

    std::uint32_t sum(const cuframes::Frame& frame, const std::uint8_t* pixels, std::size_t pitch) {
        crc_.reset();
        // enough to see that another frame was written there
        for (std::size_t row = 0; row < frame.height; row += 16) {
            crc_.update(pixels + row * pitch, frame.width);
        }
        return crc_.value();
    }

    void verify(const cuframes::Frame& frame) {
        std::size_t pitch = 0;
        const std::uint8_t* pixels = luma(frame, pixels_, pitch);
        const FrameCode code = read_code(pixels, pitch, frame.width, frame.height);
        const std::uint32_t before = sum(frame, pixels, pitch);
        if (!frame.has(cuframes::flag_corrupt)) {
            verifier_.next(code, frame);
        }
        const std::int64_t hold = arguments_.number("hold", 0);
        if (hold > 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(hold));
        }
        pixels = luma(frame, pixels_again_, pitch);
        if (!(read_code(pixels, pitch, frame.width, frame.height) == code) || sum(frame, pixels, pitch) != before) {
            verifier_.violation("another picture than before, while it was held", frame);
        }
    }

    void tell(const cuframes::Frame& frame, const cuframes::Subscriber& subscriber) {
        if (received_ == 0) {
            first_number_ = verifier_.last_number;
        } else if (frame.epoch == epoch_ && frame.sequence > sequence_ + 1) {
            report("skip from=%llu to=%llu", static_cast<Number>(sequence_), static_cast<Number>(frame.sequence));
        }
        if (frame.breaks_stream) {
            report("break sequence=%llu number=%llu", static_cast<Number>(frame.sequence), static_cast<Number>(verifier_.last_number));
        }
        received_++;
        sequence_ = frame.sequence;
        epoch_ = frame.epoch;
        memory_ = name_of(frame.memory);
        if (progress_ > 0 && received_ % progress_ == 0) {
            report("progress received=%llu epoch=%llu sequence=%llu number=%llu generation=%u width=%u height=%u format=%s memory=%s breaks=%llu reconnects=%llu",
                   static_cast<Number>(received_), static_cast<Number>(epoch_), static_cast<Number>(sequence_), static_cast<Number>(verifier_.last_number),
                   frame.generation, frame.width, frame.height, name_of(frame.format), memory_.c_str(), static_cast<Number>(verifier_.breaks),
                   static_cast<Number>(subscriber.statistics().reconnects));
        }
    }

    Releaser& releaser() {
        if (releaser_ == nullptr) {
            releaser_ = std::make_unique<Releaser>();
        }
        return *releaser_;
    }

    TestStream& stream() {
        if (stream_ == nullptr) {
            stream_ = std::make_unique<TestStream>();
        }
        return *stream_;
    }

    const Arguments& arguments_;
    Verifier verifier_;
    const std::uint64_t progress_;
    const std::string wait_;
    const std::string release_;
    Crc32c crc_;
    std::vector<std::uint8_t> pixels_;
    std::vector<std::uint8_t> pixels_again_;
    std::unique_ptr<Releaser> releaser_;
    std::unique_ptr<TestStream> stream_;

    std::uint64_t received_ = 0;
    std::uint64_t first_number_ = 0;
    std::uint64_t sequence_ = 0;
    std::uint64_t epoch_ = 0;
    std::string memory_ = "none";
};

}  // namespace cuframes_tests
