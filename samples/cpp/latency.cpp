// The receiving end of LatencyBenchmark in C++: LatencyBenchmark --receiver latency measures this subscriber by the method of docs/benchmarks.md, beside
// a bare wake-up on a Unix socket and a bare store that this program waits for too. Started by the benchmark, which tells it what to do.
//   latency (--socket FILE | --memory FILE | --run-dir DIR --key KEY [--policy P] [--spin-millis N])
#include <fcntl.h>
#include <sys/mman.h>

#include <cinttypes>
#include <cstdio>
#include <cuframes.hpp>
#include <functional>
#include <map>
#include <vector>

namespace {

using cuframes::detail::Nanos;
using cuframes::detail::now;

/// A message that has come: its number, when it was sent and when it was here.
struct Arrival {
    std::uint64_t number = 0;
    Nanos sent = 0;
    Nanos received = 0;
};

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "latency: %s\n", cuframes::detail::failed(what).c_str());
    std::exit(1);
}

std::function<void(Arrival&)> frames(const std::map<std::string, std::string>& options) {
    cuframes::Options wanted;
    wanted.run_dir = options.at("--run-dir");
    wanted.reconnect = false;
    const auto policy = options.find("--policy");
    if (policy != options.end()) {
        wanted.policy = cuframes::Policy::parse(policy->second);
    }
    const auto spin = options.find("--spin-millis");
    if (spin != options.end()) {
        wanted.spin = std::chrono::milliseconds(std::stol(spin->second));
    }
    auto subscriber = std::make_shared<cuframes::Subscriber>(options.at("--key"), wanted);
    return [subscriber](Arrival& arrival) {
        const auto frame = subscriber->next(std::chrono::seconds(10));
        arrival.received = now();
        if (!frame) {
            throw cuframes::Error(cuframes::Code::no_producer, "no frame came for 10 s");
        }
        arrival.number = frame->sequence;
        arrival.sent = frame->publish_nanos;
    };
}

/// Eight bytes, the time, most significant first.
std::function<void(Arrival&)> bare(const std::string& path) {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (socket < 0 || connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        fail("connect");
    }
    return [socket](Arrival& arrival) {
        std::uint8_t bytes[8];
        for (std::size_t have = 0; have < sizeof bytes;) {
            const ssize_t count = read(socket, bytes + have, sizeof bytes - have);
            if (count <= 0) {
                fail("read");
            }
            have += static_cast<std::size_t>(count);
        }
        arrival.received = now();
        std::uint64_t time = 0;
        for (const std::uint8_t byte : bytes) {
            time = time << 8 | byte;
        }
        arrival.sent = static_cast<Nanos>(time);
        arrival.number++;
    };
}

/// The time and a count in shared memory.
std::function<void(Arrival&)> store(const std::string& path) {
    const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
    void* mapped = file < 0 ? MAP_FAILED : mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) {
        fail("mmap");
    }
    const auto* words = static_cast<const std::uint64_t*>(mapped);
    return [words](Arrival& arrival) {
        std::uint64_t count;
        while ((count = cuframes::detail::load_acquire(words[1])) == arrival.number) {
#if defined(__x86_64__)
            __builtin_ia32_pause();
#endif
        }
        arrival.received = now();
        arrival.number = count;
        arrival.sent = static_cast<Nanos>(cuframes::detail::load(words[0]));
    };
}

void say(const char* line) {
    std::printf("%s\n", line);
    std::fflush(stdout);
}

}  // namespace

int main(int count, char** values) {
    std::map<std::string, std::string> options;
    for (int i = 1; i + 1 < count; i += 2) {
        options[values[i]] = values[i + 1];
    }
    const bool is_bare = options.count("--socket") != 0;
    const bool is_store = options.count("--memory") != 0;
    if (!is_bare && !is_store && (options.count("--run-dir") == 0 || options.count("--key") == 0)) {
        std::fprintf(stderr, "usage: latency (--socket FILE | --memory FILE | --run-dir DIR --key KEY [--policy P] [--spin-millis N])\n");
        return 2;
    }
    try {
        const auto await = is_bare ? bare(options["--socket"]) : is_store ? store(options["--memory"]) : frames(options);
        say("connected");
        Arrival arrival;
        std::vector<Nanos> latencies;
        std::uint64_t measured = 0;
        std::uint64_t last = 0;
        while (std::scanf("%" SCNu64 " %" SCNu64, &measured, &last) == 2) {
            latencies.clear();
            latencies.reserve(last - measured + 1);
            say("ready");
            do {
                await(arrival);
                if (arrival.number >= measured) {
                    latencies.push_back(arrival.received - arrival.sent);
                }
            } while (arrival.number < last);
            std::printf("nanos ");
            for (std::size_t i = 0; i < latencies.size(); i++) {
                std::printf(i == 0 ? "%" PRId64 : ",%" PRId64, latencies[i]);
            }
            say("");
        }
        return 0;
    } catch (const cuframes::Error& error) {
        std::fprintf(stderr, "latency: %s\n", error.what());
        return 1;
    }
}
