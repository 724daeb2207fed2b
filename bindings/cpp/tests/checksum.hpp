// A subscriber process that downloads every frame and writes down its checksum: CRC-32C over the planes, row by row without padding, as the Java
// GPU tests have it.
//
// Arguments: key, run-dir, policy, file (lines "epoch sequence ptsNanos copied checksum"); credits (0), frames (0: until the stream ends), gpu.
// Writes lines: connected, and in the end summary, or failed CODE sentence. Exit status 0, or 1 if the subscription failed.
#pragma once

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cuframes.hpp>
#include <memory>
#include <vector>

#include "pattern.hpp"

namespace cuframes_tests {

inline int checksum(const Arguments& arguments) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(arguments.text("file").c_str(), "w"), &std::fclose);
    if (file == nullptr) {
        std::fprintf(stderr, "file=%s cannot be written; name another\n", arguments.text("file").c_str());
        return 2;
    }
    try {
        cuframes::Options options;
        options.run_dir = arguments.text("run-dir");
        options.policy = cuframes::Policy::parse(arguments.text("policy", "latest"));
        options.credits = static_cast<std::uint32_t>(arguments.number("credits", 0));
        options.gpu = arguments.text("gpu");
        options.connect_timeout = std::chrono::seconds(60);
        cuframes::Subscriber subscriber(arguments.text("key"), options);
        std::printf("connected\n");
        std::fflush(stdout);
        const auto wanted = static_cast<std::uint64_t>(arguments.number("frames", 0));
        Crc32c crc;
        std::vector<std::uint8_t> plane;
        cuframes::FrameInfo last;
        std::uint64_t received = 0;
        std::int64_t begin = 0;
        std::int64_t end = 0;
        while (wanted == 0 || received < wanted) {
            const std::optional<cuframes::Frame> frame = subscriber.next();
            if (!frame) {
                break;
            }
            crc.reset();
            for (std::uint32_t i = 0; i < frame->plane_count(); i++) {
                const cuframes::Plane place = frame->plane(i);
                plane.resize(std::size_t{place.rows} * place.row_bytes);
                frame->download(i, plane.data());
                crc.update(plane.data(), plane.size());
            }
            std::fprintf(file.get(), "%" PRId64 " %" PRIu64 " %" PRId64 " %s %" PRIx32 "\n", static_cast<std::int64_t>(frame->epoch), frame->sequence,
                         frame->pts_nanos, frame->has(cuframes::flag_copied) ? "true" : "false", crc.value());
            end = cuframes::detail::now();
            begin = received++ == 0 ? end : begin;
            last = *frame;
        }
        const cuframes::Statistics statistics = subscriber.statistics();
        std::printf("summary received=%" PRIu64 " dropped=%" PRIu64 " gaps=%" PRIu64 " reconnects=%" PRIu64 " copied=0 nanos=%" PRId64
                    " memory=%s format=%s width=%" PRIu32 " height=%" PRIu32 " gpu=%s\n",
                    received, statistics.dropped, statistics.gaps, statistics.reconnects, end - begin, name_of(last.memory), name_of(last.format),
                    last.width, last.height, cuframes::to_string(last.gpu).c_str());
        return 0;
    } catch (const cuframes::Error& error) {
        std::printf("failed code=%s %s\n", name_of(error.code()), error.what());
        return 1;
    }
}

}  // namespace cuframes_tests
