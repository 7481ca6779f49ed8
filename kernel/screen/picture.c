/* See picture.h. */
#include "kernel/screen/picture.h"

#define CHUNK 64u               /* pixels that are made at a time */
#define SCALE_MAX 8u

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

/* n * of / all, rounded down, but one at least. */
static unsigned part(unsigned n, unsigned of, unsigned all)
{
    unsigned r = (unsigned)((uint64_t)n * of / all);

    return r ? r : 1;
}

struct picture_place picture_place(const struct surface *surface,
                                   unsigned width, unsigned height)
{
    struct picture_place place = { 0 };
    unsigned scale;

    if (surface->is_text || !width || !height)
        return place;
    scale = least(surface->width / width, surface->height / height);
    place.scale = scale = least(scale, SCALE_MAX);
    if (scale) {
        place.width = width * scale;
        place.height = height * scale;
    } else if ((uint64_t)width * surface->height >
               (uint64_t)height * surface->width) {
        place.width = surface->width;
        place.height = part(height, surface->width, width);
    } else {
        place.width = part(width, surface->height, height);
        place.height = surface->height;
    }
    place.x = (surface->width - place.width) / 2;
    place.y = (surface->height - place.height) / 2;
    return place;
}

/* Pixels as the surface has them, each `scale` times. Bytes made. */
static unsigned make_pixels(const struct surface *s, const uint32_t *from,
                            unsigned count, unsigned scale, uint8_t *to)
{
    unsigned bytes = s->bits / 8u;
    uint8_t *p = to;

    for (unsigned i = 0; i < count; i++) {
        uint32_t pixel = surface_pixel(s, from[i] >> 16 & 0xff,
                                       from[i] >> 8 & 0xff, from[i] & 0xff);

        for (unsigned k = 0; k < scale; k++, p += bytes)
            surface_store(p, pixel, bytes);
    }
    return (unsigned)(p - to);
}

static volatile uint8_t *line_at(const struct surface *s,
                                 const struct picture_place *at, unsigned y)
{
    return s->memory + (size_t)(at->y + y) * s->pitch +
           (size_t)at->x * (s->bits / 8u);
}

/* Line `y` of its own. */
static void draw_line(const struct surface *s, const struct picture_place *at,
                      const uint32_t *from, unsigned y)
{
    size_t wide = at->scale * (s->bits / 8u);
    volatile uint8_t *line = line_at(s, at, y * at->scale);
    unsigned width = at->width / at->scale;
    uint8_t made[CHUNK * SCALE_MAX * 4];

    for (unsigned x = 0; x < width; x += CHUNK) {
        unsigned n = make_pixels(s, from + x, least(CHUNK, width - x),
                                 at->scale, made);

        for (unsigned k = 0; k < at->scale; k++)
            surface_copy(line + x * wide + (size_t)k * s->pitch, made, n);
    }
}

/* ---- Smaller than it is ------------------------------------------------------ */

/* Where the nth of `of` parts of `all` begins. */
static unsigned begin(unsigned n, unsigned of, unsigned all)
{
    return (unsigned)((uint64_t)n * all / of);
}

/* The mean of its pixels from x0 to x1 and y0 to y1, which are some. */
static uint32_t mean(const struct picture *p, unsigned x0, unsigned x1,
                     unsigned y0, unsigned y1)
{
    uint64_t red = 0, green = 0, blue = 0;
    uint64_t n = (uint64_t)(x1 - x0) * (y1 - y0);

    for (unsigned y = y0; y < y1; y++)
        for (const uint32_t *at = p->pixels + y * p->stride + x0,
                 *end = at + (x1 - x0); at < end; at++) {
            red += *at >> 16 & 0xff;
            green += *at >> 8 & 0xff;
            blue += *at & 0xff;
        }
    return (uint32_t)(red / n << 16 | green / n << 8 | blue / n);
}

/* Line `y` of the screen's, of its lines y0 to y1. */
static void draw_mean(const struct surface *s, const struct picture_place *at,
                      const struct picture *p, unsigned y, unsigned y0,
                      unsigned y1)
{
    volatile uint8_t *line = line_at(s, at, y);
    uint32_t means[CHUNK];
    uint8_t made[CHUNK * 4];

    for (unsigned x = 0; x < at->width; x += CHUNK) {
        unsigned n = least(CHUNK, at->width - x);

        for (unsigned i = 0; i < n; i++)
            means[i] = mean(p, begin(x + i, at->width, p->width),
                            begin(x + i + 1, at->width, p->width), y0, y1);
        n = make_pixels(s, means, n, 1, made);
        surface_copy(line + (size_t)x * (s->bits / 8u), made, n);
    }
}

static void draw_smaller(const struct surface *s,
                         const struct picture_place *at,
                         const struct picture *p, const uint8_t *changed)
{
    for (unsigned y = 0; y < at->height; y++) {
        unsigned y0 = begin(y, at->height, p->height);
        unsigned y1 = begin(y + 1, at->height, p->height);
        bool draws = !changed;

        for (unsigned i = y0; i < y1 && !draws; i++)
            draws = changed[i];
        if (draws)
            draw_mean(s, at, p, y, y0, y1);
    }
}

void picture_draw(const struct surface *surface, const struct picture *picture,
                  const uint8_t *changed)
{
    struct picture_place at = picture_place(surface, picture->width,
                                            picture->height);

    if (at.width && !at.scale) {
        draw_smaller(surface, &at, picture, changed);
        return;
    }
    for (unsigned y = 0; at.width && y < picture->height; y++)
        if (!changed || changed[y])
            draw_line(surface, &at, picture->pixels + y * picture->stride, y);
}
