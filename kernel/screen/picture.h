/*
 * A guest's picture on a framebuffer: in the middle, each of its pixels as
 * large as fits, or, if it is larger than the screen, the whole of it smaller,
 * by the mean of those pixels that fall on one.
 */
#ifndef KERNEL_SCREEN_PICTURE_H
#define KERNEL_SCREEN_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/screen/surface.h"

struct picture {
    const uint32_t *pixels;     /* 00RRGGBBh each */
    size_t stride;              /* pixels from a line to the next */
    unsigned width, height;
};

/* Where it is shown; 0 wide: not at all. */
struct picture_place {
    unsigned x, y;              /* screen pixels */
    unsigned scale;             /* of them for one of its own; 0: less */
    unsigned width, height;     /* what it takes of the screen */
};

struct picture_place picture_place(const struct surface *surface,
                                   unsigned width, unsigned height);

/*
 * Draw its lines, those `y` for which changed[y] is not 0 (NULL: all). Nothing
 * is drawn around it.
 */
void picture_draw(const struct surface *surface, const struct picture *picture,
                  const uint8_t *changed);

#endif
