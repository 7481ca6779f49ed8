/*
 * Portable Network Graphics (ISO/IEC 15948): signature, IHDR, IDAT chunks with
 * one zlib stream, IEND. Each line is filtered by the one above it ("Up"): in
 * most modes a line is there twice, and a screen's columns are alike.
 */
#include "kernel/picture/picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "emu/display.h"

#define CHUNK_BYTES 8192u       /* of an IDAT chunk */
#define CHUNK_HEADER 8u         /* length, type */
#define CHUNK_CRC 4u
#define FILTER_UP 2u
#define TRUECOLOR 2u

struct png {
    picture_sink *sink;
    void *ctx;
    z_stream z;
    uint8_t chunk[CHUNK_HEADER + CHUNK_BYTES + CHUNK_CRC];
    uint8_t line[1 + 3 * DISPLAY_WIDTH_MAX];
};

static void put_be32(uint8_t *at, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* A chunk of the `len` bytes that stand in png->chunk behind its header. */
static int write_chunk(struct png *png, const char *type, size_t len)
{
    uint8_t *c = png->chunk;

    put_be32(c, (uint32_t)len);
    memcpy(c + 4, type, 4);
    put_be32(c + CHUNK_HEADER + len,
             (uint32_t)crc32(0, c + 4, (uInt)(4 + len)));
    return png->sink(png->ctx, c, CHUNK_HEADER + len + CHUNK_CRC);
}

static int write_header(struct png *png, const struct picture *p)
{
    static const uint8_t signature[8] = "\x89PNG\r\n\x1a\n";
    uint8_t *data = png->chunk + CHUNK_HEADER;
    int r = png->sink(png->ctx, signature, sizeof signature);

    if (r)
        return r;
    put_be32(data, p->width);
    put_be32(data + 4, p->height);
    memcpy(data + 8, (const uint8_t[5]){ 8, TRUECOLOR }, 5);
    return write_chunk(png, "IHDR", 13);
}

/* A pixel's three bytes, each less that above it. */
static void put_line(struct png *png, const struct picture *p, unsigned y)
{
    const uint32_t *here = p->pixels + (size_t)y * p->width;
    const uint32_t *above = y ? here - p->width : NULL;
    uint8_t *out = png->line;

    *out++ = FILTER_UP;
    for (unsigned x = 0; x < p->width; x++) {
        uint32_t a = here[x], b = above ? above[x] : 0;

        *out++ = (uint8_t)((a >> 16) - (b >> 16));
        *out++ = (uint8_t)((a >> 8) - (b >> 8));
        *out++ = (uint8_t)(a - b);
    }
}

static void empty_chunk(struct png *png)
{
    png->z.next_out = png->chunk + CHUNK_HEADER;
    png->z.avail_out = CHUNK_BYTES;
}

/* Compress what is in z.next_in, and write each chunk that is full. */
static int compress_part(struct png *png, int flush)
{
    int state = Z_OK, r = 0;

    while (!r && state == Z_OK &&
           (png->z.avail_in || flush == Z_FINISH)) {
        state = deflate(&png->z, flush);
        if (!png->z.avail_out || state == Z_STREAM_END) {
            r = write_chunk(png, "IDAT", CHUNK_BYTES - png->z.avail_out);
            empty_chunk(png);
        }
    }
    return r;
}

static int write_all(struct png *png, const struct picture *p)
{
    int r = write_header(png, p);

    empty_chunk(png);
    for (unsigned y = 0; !r && y < p->height; y++) {
        put_line(png, p, y);
        png->z.next_in = png->line;
        png->z.avail_in = 1 + 3 * p->width;
        r = compress_part(png, Z_NO_FLUSH);
    }
    if (!r)
        r = compress_part(png, Z_FINISH);
    return r ? r : write_chunk(png, "IEND", 0);
}

int picture_write_png(const struct picture *p, picture_sink *sink, void *ctx)
{
    struct png *png = calloc(1, sizeof *png);
    int r;

    if (!png || deflateInit(&png->z, Z_DEFAULT_COMPRESSION) != Z_OK) {
        free(png);
        return -ENOMEM;
    }
    png->sink = sink;
    png->ctx = ctx;
    r = write_all(png, p);
    deflateEnd(&png->z);
    free(png);
    return r;
}
