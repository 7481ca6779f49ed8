/* A screen's picture as a file: PPM or PNG. */
#ifndef KERNEL_PICTURE_PICTURE_H
#define KERNEL_PICTURE_PICTURE_H

#include <stddef.h>
#include <stdint.h>

struct guest;

/* Its lines follow each other without a gap. */
struct picture {
    uint32_t *pixels;           /* 00RRGGBBh */
    unsigned width, height;     /* 1 to DISPLAY_WIDTH_MAX, DISPLAY_HEIGHT_MAX */
    size_t bytes;               /* that picture_free gives back */
};

/*
 * What the guest's screen shows now, cursor and what blinks included. I/O core.
 * 0; -ENOMEM; -ETIMEDOUT: the guest's core does not answer; -EAGAIN: the mode
 * changes all the time.
 */
int picture_take(struct guest *g, struct picture *p);
void picture_free(struct picture *p);

/* Takes the file's bytes, front to end. 0 or -errno. */
typedef int picture_sink(void *ctx, const void *buf, size_t len);

/*
 * Write all of it. 0, -ENOMEM or the sink's error. A PPM is P6 (netpbm's), a
 * PNG has 8 bits a colour (ISO/IEC 15948) and is compressed by zlib.
 */
typedef int picture_write(const struct picture *p, picture_sink *sink,
                          void *ctx);
picture_write picture_write_ppm, picture_write_png;

#endif
