// Part of cuframes.hpp: descriptors, mappings, the clock and the run directory.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "error.hpp"

#if !defined(__linux__)
#error "cuframes runs on Linux only"
#endif

namespace cuframes::detail {

/// Nanoseconds.
using Nanos = std::int64_t;

constexpr Nanos millisecond = 1000000;
constexpr Nanos second = 1000 * millisecond;

/// CLOCK_MONOTONIC.
inline Nanos now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<Nanos>(time.tv_sec) * second + time.tv_nsec;
}

inline timespec to_timespec(Nanos nanos) {
    timespec time{};
    time.tv_sec = static_cast<time_t>(nanos / second);
    time.tv_nsec = static_cast<long>(nanos % second);
    return time;
}

/// A file descriptor, closed once.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) {
            close();
            number_ = std::exchange(other.number_, -1);
        }
        return *this;
    }
    ~Descriptor() { close(); }

    int number() const { return number_; }
    explicit operator bool() const { return number_ >= 0; }

    void close() {
        if (number_ >= 0) {
            ::close(std::exchange(number_, -1));
        }
    }

private:
    int number_ = -1;
};

/// A mapped file, unmapped once.
class Mapping {
public:
    Mapping() = default;
    Mapping(Mapping&& other) noexcept : address_(std::exchange(other.address_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Mapping& operator=(Mapping&& other) noexcept {
        if (this != &other) {
            unmap();
            address_ = std::exchange(other.address_, nullptr);
            size_ = std::exchange(other.size_, 0);
        }
        return *this;
    }
    ~Mapping() { unmap(); }

    /// Maps a file that another process sent. Throws unreachable() unless it is a regular file that has the bytes and always will: if its owner
    /// could cut it short, reading on would end this process.
    static Mapping of(const Descriptor& file, std::uint64_t size, bool writable) {
        struct stat status {};
        if (fstat(file.number(), &status) != 0) {
            throw unreachable("its memory cannot be looked at: " + failed("fstat"));
        }
        if (!S_ISREG(status.st_mode)) {
            throw unreachable("its memory cannot be mapped: the descriptor received is no regular file; the peer does not speak this protocol");
        }
        if (size == 0 || static_cast<std::uint64_t>(status.st_size) < size) {
            throw unreachable("its memory cannot be mapped: the file received has " + std::to_string(status.st_size) + " bytes where " +
                              std::to_string(size) + " were announced; the peer does not keep to the protocol");
        }
        const int seals = fcntl(file.number(), F_GET_SEALS);
        if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) {
            throw unreachable(
                "its memory cannot be mapped: the file received could be cut short while it is read, for it is not sealed against that "
                "(F_SEAL_SHRINK); the peer does not keep to the protocol");
        }
        void* address = mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, file.number(), 0);
        if (address == MAP_FAILED) {
            throw unreachable("its memory of " + std::to_string(size) + " bytes cannot be mapped: " + failed("mmap"));
        }
        Mapping mapping;
        mapping.address_ = static_cast<std::uint8_t*>(address);
        mapping.size_ = static_cast<std::size_t>(size);
        return mapping;
    }

    std::uint8_t* address() const { return address_; }
    std::size_t size() const { return size_; }

private:
    void unmap() {
        if (address_ != nullptr) {
            munmap(std::exchange(address_, nullptr), size_);
        }
    }

    std::uint8_t* address_ = nullptr;
    std::size_t size_ = 0;
};

inline bool is_key(std::string_view key) {
    if (key.empty() || key.size() > 64 || key == "." || key == "..") {
        return false;
    }
    for (const char c : key) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '.' && c != '_' && c != '-') {
            return false;
        }
    }
    return true;
}

/// Why sockets of producers cannot be looked for in a directory; empty if they can. Whoever may write to it may pose as a producer there.
inline std::string problem_of_run_dir(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        return "is no directory";
    }
    if ((status.st_mode & S_IWOTH) != 0) {
        return "can be written by anybody, who could then pose as a producer";
    }
    // of the name that is looked for in /tmp, where anybody can make it
    const std::string name = path.substr(path.find_last_of('/') + 1);
    const uid_t user = getuid();
    if (name == "cuframes-" + std::to_string(user)) {
        struct stat link {};
        if (lstat(path.c_str(), &link) != 0 || S_ISLNK(link.st_mode)) {
            return "is a symbolic link, which anybody can make there";
        }
        if (status.st_uid != 0 && status.st_uid != user) {
            return "belongs to user " + std::to_string(status.st_uid) + ", who could put other sockets in place of its own";
        }
    }
    if (access(path.c_str(), R_OK | X_OK) != 0) {
        return "cannot be read by user " + std::to_string(user);
    }
    return {};
}

/// Finds the run directory: `named`, $CUFRAMES_RUN_DIR, /run/cuframes, $XDG_RUNTIME_DIR/cuframes, /tmp/cuframes-UID. What is named by the
/// application or the variable is used or refused, never passed over.
inline std::string find_run_dir(const std::string& named) {
    const char* variable = std::getenv("CUFRAMES_RUN_DIR");
    const bool by_variable = named.empty() && variable != nullptr && variable[0] != '\0';
    if (!named.empty() || by_variable) {
        const std::string path = by_variable ? variable : named;
        const std::string problem = problem_of_run_dir(path);
        if (!problem.empty()) {
            throw Error(Code::system, "the run directory " + path + (by_variable ? " ($CUFRAMES_RUN_DIR) " : " (Options::run_dir) ") + problem +
                                          "; name the one that the producer uses");
        }
        return path;
    }
    std::vector<std::string> candidates{"/run/cuframes"};
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    if (runtime != nullptr && runtime[0] != '\0') {
        candidates.push_back(std::string(runtime) + "/cuframes");
    }
    candidates.push_back("/tmp/cuframes-" + std::to_string(getuid()));
    std::string problems;
    for (const std::string& candidate : candidates) {
        const std::string problem = problem_of_run_dir(candidate);
        if (problem.empty()) {
            return candidate;
        }
        problems += (problems.empty() ? "" : "; ") + candidate + " " + problem;
    }
    throw Error(Code::system, "no run directory is usable: " + problems + "; name one with Options::run_dir or $CUFRAMES_RUN_DIR");
}

/// The path of a key's socket.
inline std::string socket_of(const std::string& run_dir, const std::string& key) {
    std::string path = run_dir + "/" + key + ".sock";
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
        throw Error(Code::invalid_argument, "the path of a socket may have " + std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes, and " +
                                                path + " has " + std::to_string(path.size()) + "; choose a shorter run directory or key");
    }
    return path;
}

}  // namespace cuframes::detail
