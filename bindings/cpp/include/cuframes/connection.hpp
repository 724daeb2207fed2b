// Part of cuframes.hpp: the control socket.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "message.hpp"
#include "system.hpp"

namespace cuframes::detail {

/// One connection to a publisher. One thread at a time receives; any thread sends.
class Connection {
public:
    enum class Status { nothing, message, end, broken };

    /// Connects without waiting: a local socket accepts at once, or its publisher has no time for anybody.
    /// Throws Error with the reason.
    static std::unique_ptr<Connection> to(const std::string& path) {
        Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket) {
            throw Error(Code::system, "no socket can be made: " + failed("socket"));
        }
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        if (connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            const int error = errno;
            const char* remedy = error == ENOENT         ? "; is its producer running, and with this run directory?"
                                 : error == ECONNREFUSED ? "; its producer has ended"
                                 : error == EACCES       ? "; ask for this user to be let in (--socket-group, --socket-mode)"
                                 : error == EAGAIN       ? "; its producer takes no connections: see whether its process is stopped"
                                                         : "";
            throw Error(Code::no_producer, path + " cannot be connected to (" + failed("connect") + ")" + remedy);
        }
        return std::unique_ptr<Connection>(new Connection(std::move(socket)));
    }

    int number() const { return socket_.number(); }

    /// Takes what is there. A message stays until the next call.
    Status receive() {
        taken_.clear();
        while (true) {
            if (next()) {
                return Status::message;
            }
            const Status read = fill();
            if (read != Status::message) {
                return read;
            }
        }
    }

    /// receive(), but waits for something. `also`: a descriptor that ends the wait, too.
    Status receive(Nanos timeout, int also) {
        if (timeout > 0) {
            taken_.clear();
            if (next()) {
                return Status::message;
            }
            wait(timeout, also);
        }
        return receive();
    }

    /// Waits until something may be there; signals end it as well.
    void wait(Nanos timeout, int also) const {
        pollfd wanted[2] = {{socket_.number(), POLLIN, 0}, {also, POLLIN, 0}};
        const timespec time = to_timespec(timeout);
        ppoll(wanted, 2, &time, nullptr);
    }

    Type type() const { return static_cast<Type>(header_.type); }

    /// The fields of the message; valid until the next receive.
    Fields fields() const { return Fields(type(), buffer_.data() + body_, header_.length); }

    /// The descriptors that came with the message.
    std::vector<Descriptor> take_descriptors() { return std::move(taken_); }

    /// Sends a message. False if the connection has ended or the publisher takes nothing for a second: then it is over.
    bool send(Writer& message) {
        const std::vector<std::uint8_t>& bytes = message.bytes();
        return send(bytes.data(), bytes.size());
    }

    /// Sends a message without fields.
    bool send(Type type) {
        const MessageHeader header{0, static_cast<std::uint16_t>(type), 0};
        std::uint8_t bytes[sizeof header];
        std::memcpy(bytes, &header, sizeof header);
        return send(bytes, sizeof bytes);
    }

    /// Ends the connection; what came before can still be received.
    void shut() { shutdown(socket_.number(), SHUT_RDWR); }

private:
    static constexpr Nanos send_limit = second;

    explicit Connection(Descriptor socket) : socket_(std::move(socket)), buffer_(header_size + max_body) {}

    bool send(const std::uint8_t* bytes, std::size_t size) {
        const std::lock_guard<std::mutex> lock(sending_);
        const Nanos deadline = now() + send_limit;
        std::size_t sent = 0;
        while (sent < size) {
            const ssize_t count = ::send(socket_.number(), bytes + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (count > 0) {
                sent += static_cast<std::size_t>(count);
            } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
                const Nanos left = deadline - now();
                if (left <= 0) {
                    shut();  // a message may be sent in part
                    return false;
                }
                pollfd wanted{socket_.number(), POLLOUT, 0};
                const timespec time = to_timespec(left);
                ppoll(&wanted, 1, &time, nullptr);
            } else if (errno != EINTR) {
                return false;
            }
        }
        return true;
    }

    /// Goes to the next message, if it is here.
    bool next() {
        const std::size_t available = end_ - start_;
        if (available == 0 && !pending_.empty()) {
            throw violation(std::to_string(pending_.size()) + " file descriptors came that no message declares");
        }
        if (available < header_size) {
            return false;
        }
        MessageHeader header;
        std::memcpy(&header, buffer_.data() + start_, sizeof header);
        if (header.length > max_body || header.descriptors > max_descriptors) {
            throw violation("a message of " + std::to_string(header.length) + " bytes with " + std::to_string(header.descriptors) +
                            " file descriptors is announced where at most " + std::to_string(max_body) + " and " + std::to_string(max_descriptors) +
                            " are allowed");
        }
        if (available < header_size + header.length) {
            return false;
        }
        if (pending_.size() < header.descriptors) {
            throw violation("a message declares " + std::to_string(header.descriptors) + " file descriptors and " + std::to_string(pending_.size()) +
                            " came with it; if the publisher is right, this process may have too many files open (ulimit -n)");
        }
        for (std::uint16_t i = 0; i < header.descriptors; i++) {
            taken_.push_back(std::move(pending_.front()));
            pending_.pop_front();
        }
        header_ = header;
        body_ = start_ + header_size;
        start_ = body_ + header.length;
        return true;
    }

    /// Reads once. Descriptors belong to messages in the order in which they arrive.
    Status fill() {
        if (start_ > 0) {
            std::memmove(buffer_.data(), buffer_.data() + start_, end_ - start_);
            end_ -= start_;
            start_ = 0;
        }
        constexpr std::size_t most = 253;  // the kernel sends no more at a time
        alignas(cmsghdr) char control[CMSG_SPACE(most * sizeof(int))];
        iovec into{buffer_.data() + end_, buffer_.size() - end_};
        msghdr message{};
        message.msg_iov = &into;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const ssize_t count = recvmsg(socket_.number(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (count < 0) {
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? Status::nothing : Status::broken;
        }
        for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
            if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
                adopt(part);
            }
        }
        if (count == 0) {
            return Status::end;
        }
        end_ += static_cast<std::size_t>(count);
        if (pending_.size() > 2 * max_descriptors) {
            throw violation(std::to_string(pending_.size()) + " file descriptors came that no message declares");
        }
        return Status::message;
    }

    void adopt(const cmsghdr* part) {
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; i++) {
            int number;
            std::memcpy(&number, CMSG_DATA(part) + i * sizeof number, sizeof number);
            pending_.emplace_back(number);
        }
    }

    Descriptor socket_;
    std::mutex sending_;

    std::vector<std::uint8_t> buffer_;
    std::size_t start_ = 0;
    std::size_t end_ = 0;
    MessageHeader header_{};
    std::size_t body_ = 0;
    std::deque<Descriptor> pending_;
    std::vector<Descriptor> taken_;
};

}  // namespace cuframes::detail
