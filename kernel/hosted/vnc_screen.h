/*
 * The picture that VNC clients have: the I/O core puts what changed into it, and
 * each client's thread takes what is new to it. Any core.
 */
#ifndef KERNEL_HOSTED_VNC_SCREEN_H
#define KERNEL_HOSTED_VNC_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VNC_WIDTH_MAX 4608u     /* of any guest's (emu/display.h) */
#define VNC_HEIGHT_MAX 2048u
/* What is known to have changed or not: of so many pixels each. */
#define VNC_TILE_WIDTH 64u
#define VNC_TILE_HEIGHT 16u

/* Bytes of a pixel of it: red, green, blue, nothing. */
#define VNC_PIXEL 4u

/* One who has it; all zero: nothing yet. */
struct vnc_copy {
    uint32_t *pixels;           /* malloc'd, of the copy's size */
    unsigned width, height;     /* width: up to a multiple of 4, as RFB likes */
    uint64_t seen;
};

/* False: no memory. */
bool vnc_screen_open(void);
/* The picture is this now: `width` pixels a line without a gap. I/O core. */
void vnc_screen_put(const uint32_t *pixels, unsigned width, unsigned height);
/*
 * Bring a copy up to date. What changed is told to `changed`, in rectangles;
 * `resized` comes first, if its size is another: `old` is freed behind it.
 * False: no memory for it.
 */
bool vnc_screen_take(struct vnc_copy *copy,
                     void (*resized)(void *ctx, struct vnc_copy *copy),
                     void (*changed)(void *ctx, unsigned x, unsigned y,
                                     unsigned width, unsigned height),
                     void *ctx);

#endif
