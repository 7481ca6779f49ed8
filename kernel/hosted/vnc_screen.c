/* See vnc_screen.h. */
#include "kernel/hosted/vnc_screen.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS (VNC_WIDTH_MAX / VNC_TILE_WIDTH)
#define ROWS (VNC_HEIGHT_MAX / VNC_TILE_HEIGHT)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t *picture;       /* of the largest size; guarded, as what follows */
static unsigned width, height;
static uint64_t now;            /* goes up with each change */
static uint64_t changed_at[ROWS][COLUMNS];

bool vnc_screen_open(void)
{
    picture = calloc((size_t)VNC_WIDTH_MAX * VNC_HEIGHT_MAX, VNC_PIXEL);
    return picture;
}

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

static void put_tile(const uint32_t *pixels, unsigned row, unsigned column,
                     bool all)
{
    unsigned x = column * VNC_TILE_WIDTH, y = row * VNC_TILE_HEIGHT;
    size_t bytes = least(VNC_TILE_WIDTH, width - x) * VNC_PIXEL;
    unsigned end = least(y + VNC_TILE_HEIGHT, height);

    for (; y < end; y++) {
        size_t at = (size_t)y * width + x;

        if (!all && !memcmp(picture + at, pixels + at, bytes))
            continue;
        memcpy(picture + at, pixels + at, bytes);
        changed_at[row][column] = now;
    }
}

void vnc_screen_put(const uint32_t *pixels, unsigned new_width,
                    unsigned new_height)
{
    bool all = new_width != width || new_height != height;

    pthread_mutex_lock(&lock);
    now++;
    width = new_width;
    height = new_height;
    for (unsigned row = 0; row * VNC_TILE_HEIGHT < height; row++)
        for (unsigned column = 0; column * VNC_TILE_WIDTH < width; column++)
            put_tile(pixels, row, column, all);
    pthread_mutex_unlock(&lock);
}

/* ---- Copies ---------------------------------------------------------------- */

/* A run of tiles in a row, which is told as one. With the lock. */
static void take_run(struct vnc_copy *copy, unsigned row, unsigned first,
                     unsigned end, uint16_t rectangle[4])
{
    unsigned x = first * VNC_TILE_WIDTH, y = row * VNC_TILE_HEIGHT;
    unsigned w = least(end * VNC_TILE_WIDTH, width) - x;
    unsigned h = least(VNC_TILE_HEIGHT, height - y);

    for (unsigned i = y; i < y + h; i++)
        memcpy(copy->pixels + (size_t)i * copy->width + x,
               picture + (size_t)i * width + x, w * VNC_PIXEL);
    rectangle[0] = (uint16_t)x;
    rectangle[1] = (uint16_t)y;
    rectangle[2] = (uint16_t)w;
    rectangle[3] = (uint16_t)h;
}

static unsigned take_row(struct vnc_copy *copy, unsigned row,
                         uint16_t rectangles[][4])
{
    unsigned count = 0, first = 0, columns;

    columns = (width + VNC_TILE_WIDTH - 1) / VNC_TILE_WIDTH;
    for (unsigned column = 0; column <= columns; column++) {
        if (column < columns && changed_at[row][column] > copy->seen)
            continue;
        if (column > first)
            take_run(copy, row, first, column, rectangles[count++]);
        first = column + 1;
    }
    return count;
}

/* Another size: a buffer for that. With the lock. */
static bool renew(struct vnc_copy *copy)
{
    unsigned padded = (width + 3) & ~3u;
    uint32_t *pixels = calloc((size_t)padded * height, VNC_PIXEL);

    if (!pixels)
        return false;
    copy->pixels = pixels;
    copy->width = padded;
    copy->height = height;
    copy->seen = 0;
    return true;
}

bool vnc_screen_take(struct vnc_copy *copy,
                     void (*resized)(void *ctx, struct vnc_copy *copy),
                     void (*changed)(void *ctx, unsigned x, unsigned y,
                                     unsigned width, unsigned height),
                     void *ctx)
{
    uint16_t rectangles[ROWS * (COLUMNS + 1) / 2][4];
    uint32_t *old = copy->pixels;
    unsigned count = 0;
    bool is_new, good = true;

    pthread_mutex_lock(&lock);
    is_new = !old || copy->width != ((width + 3) & ~3u) ||
             copy->height != height;
    if (is_new)
        good = renew(copy);
    for (unsigned row = 0; good && row * VNC_TILE_HEIGHT < height; row++)
        count += take_row(copy, row, rectangles + count);
    copy->seen = now;
    pthread_mutex_unlock(&lock);
    if (!good)
        return false;
    if (is_new) {
        resized(ctx, copy);
        free(old);
    }
    for (unsigned i = 0; i < count; i++)
        changed(ctx, rectangles[i][0], rectangles[i][1], rectangles[i][2],
                rectangles[i][3]);
    return true;
}
