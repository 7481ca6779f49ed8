/* Portable pixmaps: a header in text, then three bytes a pixel. */
#include "kernel/picture/picture.h"

#include <stdio.h>

int picture_write_ppm(const struct picture *p, picture_sink *sink, void *ctx)
{
    const uint32_t *pixel = p->pixels;
    uint8_t part[3 * 1024];
    size_t count = (size_t)p->width * p->height, n;
    int r;

    n = (size_t)snprintf((char *)part, sizeof part, "P6\n%u %u\n255\n",
                         p->width, p->height);
    r = sink(ctx, part, n);
    while (!r && count) {
        for (n = 0; n < sizeof part && count; n += 3, count--, pixel++) {
            part[n] = (uint8_t)(*pixel >> 16);
            part[n + 1] = (uint8_t)(*pixel >> 8);
            part[n + 2] = (uint8_t)*pixel;
        }
        r = sink(ctx, part, n);
    }
    return r;
}
