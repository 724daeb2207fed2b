/*
 * Test code: a stand-in for the one function of the decoder's library that is asked what a GPU decodes. This one decodes AV1
 * in 4:2:0 with 8 bits, up to 4096 by 2304 pixels. FFmpeg does not find it: it has another name.
 */
#include <stdint.h>

struct capabilities {
    int32_t codec, chroma;
    uint32_t depth_minus_8, reserved1[3];
    uint8_t supported, engines;
    uint16_t output_formats;
    uint32_t max_width, max_height, max_macroblocks;
    uint16_t min_width, min_height;
    uint8_t histogram, counter_depth;
    uint16_t max_bins;
    uint32_t reserved3[10];
};
_Static_assert(sizeof(struct capabilities) == 88, "layout of cuviddec.h");

enum { AV1 = 11, YUV420 = 1 };

int cuvidGetDecoderCaps(struct capabilities *c) {
    c->supported = c->codec == AV1 && c->chroma == YUV420 && c->depth_minus_8 == 0;
    c->engines = 1;
    c->max_width = 4096;
    c->max_height = 2304;
    c->max_macroblocks = 36864;
    return 0;
}
