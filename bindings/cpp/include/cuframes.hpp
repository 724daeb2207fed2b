// cuframes for C++17: receives the frames of a stream where they lie, in GPU or host memory, without a copy.
//
//     #include <cuframes.hpp>
//
//     cuframes::Subscriber sub("cam1");
//     while (auto frame = sub.next()) {
//         process(frame->cuda_ptr, frame->width, frame->height);
//     }
//
// Header only; link with -pthread (and -ldl before glibc 2.34). Needs no CUDA headers and no CUDA libraries: the driver, libcuda.so.1, is loaded
// when there is one. docs/cpp.md explains the use, docs/protocol.md what happens between the processes.
#pragma once

#include "cuframes/subscriber.hpp"  // IWYU pragma: export
