// Shows that a lease ends with the GPU's work and not before: needs the stand-in driver, whose streams can be stopped, and a lossless stream.
// Arguments: key, run-dir.
#pragma once

#include <cuframes.hpp>

#include "units.hpp"
#include "verify.hpp"

namespace cuframes_tests {

inline int deferred(const Arguments& arguments) {
    Expect expect;
    try {
        using Control = int (*)(cuframes::cuda::Stream);
        const auto block = cuframes::cuda::Driver::get().function<Control>("standin_block");
        const auto unblock = cuframes::cuda::Driver::get().function<Control>("standin_unblock");
        if (block == nullptr || unblock == nullptr) {
            report("failed code=MISUSE the driver here is not the stand-in");
            return 1;
        }
        cuframes::Options options;
        options.run_dir = arguments.text("run-dir");
        options.policy = cuframes::Policy::lossless();
        options.credits = 1;
        options.connect_timeout = std::chrono::seconds(60);
        auto subscriber = std::make_unique<cuframes::Subscriber>(arguments.text("key"), options);
        TestStream work;
        TestStream other;
        std::optional<cuframes::Frame> frame = subscriber->next();
        const std::uint64_t first = frame->sequence;
        expect.equal(code_of([&] { subscriber->try_next(); }), number(cuframes::Code::misuse), "next with all credits held");
        expect.equal(code_of([&] { (void)frame->plane(3); }), number(cuframes::Code::invalid_argument), "plane 3 of 3");
        block(work.stream);  // whatever is queued from now on, the mark of the lease's end too, waits
        frame->release_after(work.stream);
        expect.equal(frame->cuda_ptr, 0u, "the address of a frame that was given away");
        expect.equal(code_of([&] { (void)frame->plane(0); }), number(cuframes::Code::misuse), "a plane of it");
        expect.equal(code_of([&] { frame->release_after(work.stream); }), number(cuframes::Code::misuse), "giving it away again");
        expect.that(!subscriber->next(std::chrono::milliseconds(200)).has_value(), "the only lease lasts as long as the work");
        unblock(work.stream);
        frame = subscriber->next();
        expect.equal(frame->sequence, first + 1, "the frame that waited for it");
        frame->release_after(other.stream);
        frame = subscriber->next();
        expect.equal(frame->sequence, first + 2, "and the next");
        // work that outlives the subscriber keeps what it reads
        block(work.stream);
        frame->release_after(work.stream);
        subscriber.reset();
        unblock(work.stream);
    } catch (const cuframes::Error& error) {
        report("failed code=%s %s", name_of(error.code()), error.what());
        return 1;
    }
    report("deferred checked=%d failed=%d", expect.checked, expect.failed);
    return expect.failed == 0 ? 0 : 1;
}

}  // namespace cuframes_tests
