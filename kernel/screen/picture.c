/* See picture.h. */
#include "kernel/screen/picture.h"

#define CHUNK 64u               /* pixels that are made at a time */
#define SCALE_MAX 8u

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

struct picture_place picture_place(const struct surface *surface,
                                   unsigned width, unsigned height)
{
    struct picture_place place = { 0 };
    unsigned scale;

    if (surface->is_text || !width || !height)
        return place;
    scale = least(surface->width / width, surface->height / height);
    scale = scale < 1 ? 1 : least(scale, SCALE_MAX);
    place.scale = scale;
    place.width = least(width, surface->width / scale);
    place.height = least(height, surface->height / scale);
    place.x = (surface->width - place.width * scale) / 2;
    place.y = (surface->height - place.height * scale) / 2;
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

static void draw_line(const struct surface *s, const struct picture_place *at,
                      const uint32_t *from, unsigned y)
{
    size_t wide = at->scale * (s->bits / 8u);
    volatile uint8_t *line = s->memory + (at->y + (size_t)y * at->scale) *
                             s->pitch + (size_t)at->x * (s->bits / 8u);
    uint8_t made[CHUNK * SCALE_MAX * 4];

    for (unsigned x = 0; x < at->width; x += CHUNK) {
        unsigned n = make_pixels(s, from + x, least(CHUNK, at->width - x),
                                 at->scale, made);

        for (unsigned k = 0; k < at->scale; k++)
            surface_copy(line + x * wide + (size_t)k * s->pitch, made, n);
    }
}

void picture_draw(const struct surface *surface, const struct picture *picture,
                  const uint8_t *changed)
{
    struct picture_place at = picture_place(surface, picture->width,
                                            picture->height);

    for (unsigned y = 0; y < at.height; y++)
        if (!changed || changed[y])
            draw_line(surface, &at, picture->pixels + y * picture->stride, y);
}
