/* What a screen's memory is like: VGA's text mode, or a linear framebuffer. */
#ifndef KERNEL_SCREEN_SURFACE_H
#define KERNEL_SCREEN_SURFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct surface {
    volatile uint8_t *memory;   /* written only: reading is slow */
    bool is_text;               /* character and attribute, two bytes a cell */
    uint32_t pitch;             /* bytes from a line to the next */
    uint32_t width, height;     /* pixels; text: cells */
    uint8_t bits;               /* per pixel: 16, 24 or 32 */
    uint8_t red_shift, red_bits, green_shift, green_bits;
    uint8_t blue_shift, blue_bits;      /* up to 8 bits each */
};

/* A pixel for levels of 0 to 255. */
static inline uint32_t surface_pixel(const struct surface *s, unsigned red,
                                     unsigned green, unsigned blue)
{
    return red >> (8 - s->red_bits) << s->red_shift |
           green >> (8 - s->green_bits) << s->green_shift |
           blue >> (8 - s->blue_bits) << s->blue_shift;
}

/* One pixel of `bytes` 2, 3 or 4 into ordinary memory. */
static inline void surface_store(uint8_t *p, uint32_t pixel, unsigned bytes)
{
    if (bytes == 4) {
        memcpy(p, &pixel, 4);
        return;
    }
    p[0] = (uint8_t)pixel;
    p[1] = (uint8_t)(pixel >> 8);
    if (bytes == 3)
        p[2] = (uint8_t)(pixel >> 16);
}

/* Lines may begin anywhere. */
typedef uint64_t surface_word __attribute__((aligned(1), may_alias));

/* Into the surface, in stores as large as they get. */
static inline void surface_copy(volatile uint8_t *to, const void *from,
                                size_t bytes)
{
    const uint8_t *p = from;
    size_t i = 0;

    for (; i + 8 <= bytes; i += 8)
        *(volatile surface_word *)(to + i) = *(const surface_word *)(p + i);
    for (; i < bytes; i++)
        to[i] = p[i];
}

#endif
