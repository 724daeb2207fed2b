// Prints the mean brightness of a hundred frames that lie in host memory. Nothing is copied: the bytes are read where the producer decoded them.
//   brightness KEY [RUN_DIR]
#include <cstdio>
#include <cuframes.hpp>

int main(int count, char** values) {
    if (count < 2) {
        std::fprintf(stderr, "usage: brightness KEY [RUN_DIR]\n");
        return 2;
    }
    try {
        cuframes::Options options;
        options.run_dir = count > 2 ? values[2] : "";
        options.name = "brightness";
        options.use_gpus = false;
        cuframes::Subscriber subscriber(values[1], options);
        for (int i = 0; i < 100; i++) {
            const auto frame = subscriber.next();
            if (!frame) {
                break;  // the source has ended
            }
            const cuframes::Plane luma = frame->plane(0);
            unsigned long long sum = 0;
            for (std::uint32_t y = 0; y < luma.rows; y++) {
                for (std::uint32_t x = 0; x < luma.row_bytes; x++) {
                    sum += luma.data[std::size_t{y} * luma.pitch + x];
                }
            }
            std::printf("frame %llu of %ux%u %s: mean %.1f\n", static_cast<unsigned long long>(frame->sequence), frame->width, frame->height,
                        name_of(frame->format), static_cast<double>(sum) / luma.rows / luma.row_bytes);
        }
        return 0;
    } catch (const cuframes::Error& error) {
        std::fprintf(stderr, "brightness: %s\n", error.what());
        return 1;
    }
}
