/*
 * Test code: a stand-in for the decoder's library (libnvcuvid.so.1) with its one function that is called. It decodes H.264
 * in 4:2:0 with 8 bits, and HEVC in 4:2:0 and 4:4:4 with 8 and 10.
 */
#include <stdint.h>
#include <stdlib.h>

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

enum { H264 = 4, HEVC = 8, YUV420 = 1, YUV444 = 3, INVALID_VALUE = 1, INVALID_CONTEXT = 201 };

int cuCtxGetCurrent(void **context); /* of the stand-in driver */

int cuvidGetDecoderCaps(struct capabilities *c) {
    void *context = 0;
    if (cuCtxGetCurrent(&context) != 0 || !context) return INVALID_CONTEXT;
    if (getenv("NVCUVID_FAILS")) return INVALID_VALUE;
    const char *only_hevc = getenv("NVCUVID_ONLY_HEVC");
    c->supported = (c->codec == H264 && c->chroma == YUV420 && c->depth_minus_8 == 0 && !only_hevc)
        || (c->codec == HEVC && (c->chroma == YUV420 || c->chroma == YUV444) && c->depth_minus_8 <= 2);
    if (getenv("NVCUVID_NOTHING")) c->supported = 0;
    c->engines = 7;
    c->max_width = c->codec == H264 ? 4096 : 8192;
    c->max_height = c->codec == H264 ? 4097 : 8193;
    c->max_macroblocks = 65536;
    c->min_width = c->min_height = 48;
    return 0;
}
