/* See canvas.h. */
#include "kernel/screen/canvas.h"

#include <stddef.h>
#include <string.h>

#include "kernel/screen/font.h"
#include "kernel/screen/palette.h"

#define UNDERLINE_ROW 14u       /* of a glyph */
#define SCALE_MAX 8u
#define PIXEL_BYTES_MAX 4u
#define BRIGHT 8u
#define TEXT_BLINK 0x80u
/* A text mode has no underlined cells but in this colour. */
#define UNDERLINE_COLOUR 3u

/* How a cell looks. */
struct look {
    unsigned glyph;
    uint8_t foreground, background;
    bool underlined, blinks;
};

static struct look look_of(struct screen_cell cell)
{
    cell = cell_plain(cell);
    return (struct look){
        .glyph = font_glyph(cell.c),
        .foreground = cell.colour & 15,
        .background = cell.colour >> 4,
        .underlined = cell.attributes & CELL_UNDERLINE,
        .blinks = cell.attributes & CELL_BLINK,
    };
}

static void put_text(struct canvas *canvas, unsigned row, unsigned column,
                     const struct look *look)
{
    unsigned foreground = look->foreground;
    unsigned attribute = (look->background & 7u) << 4;

    if (look->underlined)
        foreground = UNDERLINE_COLOUR | (foreground & BRIGHT);
    attribute |= foreground | (look->blinks ? TEXT_BLINK : 0);
    *(volatile uint16_t *)(canvas->surface.memory +
                           (size_t)row * canvas->surface.pitch + column * 2) =
        (uint16_t)(font_text_glyphs[look->glyph] | attribute << 8);
}

/* One line of a glyph as the surface has it, each pixel `scale` times. */
static unsigned make_line(const struct canvas *canvas, unsigned bits,
                          const uint32_t colour[2], uint8_t *line)
{
    unsigned bytes = canvas->surface.bits / 8;
    uint8_t *p = line;

    for (unsigned x = 0; x < FONT_WIDTH; x++)
        for (unsigned i = 0; i < canvas->scale; i++, p += bytes)
            surface_store(p, colour[bits >> (FONT_WIDTH - 1 - x) & 1], bytes);
    return (unsigned)(p - line);
}

/* The common case: 32 bits a pixel, and two of them are a word. */
static void put_pairs(volatile uint8_t *to, unsigned bits,
                      const uint64_t pair[4])
{
    volatile surface_word *word = (volatile surface_word *)to;

    word[0] = pair[bits >> 6 & 3];
    word[1] = pair[bits >> 4 & 3];
    word[2] = pair[bits >> 2 & 3];
    word[3] = pair[bits & 3];
}

static void put_pixels(struct canvas *canvas, unsigned row, unsigned column,
                       const struct look *look)
{
    const struct surface *s = &canvas->surface;
    unsigned scale = canvas->scale, background = look->background;
    size_t width = FONT_WIDTH * scale * (s->bits / 8u);
    volatile uint8_t *to = s->memory + column * width +
                           (size_t)row * FONT_HEIGHT * scale * s->pitch;
    uint8_t line[FONT_WIDTH * SCALE_MAX * PIXEL_BYTES_MAX];
    uint64_t pair[4];
    uint32_t colour[2];

    if (look->blinks)           /* nothing here draws it by itself */
        background |= BRIGHT;
    colour[0] = canvas->colour[background];
    colour[1] = canvas->colour[look->foreground];
    /* The left pixel is the low half. */
    for (unsigned i = 0; i < 4; i++)
        pair[i] = colour[i >> 1] | (uint64_t)colour[i & 1] << 32;
    for (unsigned r = 0; r < FONT_HEIGHT; r++) {
        unsigned bits = font_glyphs[look->glyph][r], bytes;

        if (look->underlined && r == UNDERLINE_ROW)
            bits = 0xff;
        if (s->bits == 32 && scale == 1) {
            put_pairs(to, bits, pair);
            to += s->pitch;
            continue;
        }
        bytes = make_line(canvas, bits, colour, line);
        for (unsigned i = 0; i < scale; i++, to += s->pitch)
            surface_copy(to, line, bytes);
    }
}

void canvas_put(struct canvas *canvas, unsigned row, unsigned column,
                struct screen_cell cell)
{
    struct screen_cell *drawn;
    struct look look;

    if (row >= canvas->rows || column >= canvas->columns)
        return;
    if (!cell.c)
        cell.c = ' ';
    drawn = &canvas->drawn[row][column];
    if (drawn->c == cell.c && drawn->colour == cell.colour &&
        drawn->attributes == cell.attributes)
        return;
    *drawn = cell;
    canvas->changes++;
    if (!canvas->surface.memory)
        return;
    look = look_of(cell);
    if (canvas->surface.is_text)
        put_text(canvas, row, column, &look);
    else
        put_pixels(canvas, row, column, &look);
}

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

void canvas_forget(struct canvas *canvas)
{
    if (canvas->surface.memory)         /* else that is all there is */
        memset(canvas->drawn, 0, sizeof canvas->drawn);
}

void canvas_clear(struct canvas *canvas)
{
    const struct surface *s = &canvas->surface;
    const struct screen_cell blank = { ' ', CELL_COLOUR_DEFAULT, 0 };
    static const uint8_t black[256];
    size_t bytes = s->width * (s->bits / 8u);

    canvas->changes++;
    for (unsigned y = 0; y < s->height && !s->is_text; y++)
        for (size_t x = 0; x < bytes; x += sizeof black)
            surface_copy(s->memory + (size_t)y * s->pitch + x, black,
                         bytes - x < sizeof black ? bytes - x : sizeof black);
    for (unsigned y = 0; y < canvas->rows; y++)
        for (unsigned x = 0; x < canvas->columns; x++) {
            if (s->is_text)
                canvas_put(canvas, y, x, blank);
            else
                canvas->drawn[y][x] = blank;
        }
}

static bool is_sensible(const struct surface *s)
{
    if ((!s->memory && !s->is_text) || !s->width || !s->height)
        return false;
    return s->is_text || ((s->bits == 16 || s->bits == 24 || s->bits == 32) &&
                          s->red_bits <= 8 && s->green_bits <= 8 &&
                          s->blue_bits <= 8);
}

/* As many cells as fit, as large as that needs. */
static void divide(struct canvas *canvas)
{
    unsigned width = canvas->surface.width, height = canvas->surface.height;

    canvas->scale = 1;
    if (!canvas->surface.is_text) {
        width /= FONT_WIDTH;
        height /= FONT_HEIGHT;
        while (canvas->scale < SCALE_MAX &&
               (width / canvas->scale > CANVAS_COLUMNS_MAX ||
                height / canvas->scale > CANVAS_ROWS_MAX))
            canvas->scale++;
    }
    canvas->columns = least(width / canvas->scale, CANVAS_COLUMNS_MAX);
    canvas->rows = least(height / canvas->scale, CANVAS_ROWS_MAX);
    if (!canvas->columns || !canvas->rows)
        canvas->rows = 0;
}

bool canvas_init(struct canvas *canvas, const struct surface *surface)
{
    memset(canvas, 0, sizeof *canvas);
    if (!is_sensible(surface))
        return false;
    canvas->surface = *surface;
    for (unsigned i = 0; i < 16; i++)
        canvas->colour[i] = surface_pixel(surface, palette[i][0],
                                          palette[i][1], palette[i][2]);
    divide(canvas);
    return canvas->rows;
}

void canvas_resize(struct canvas *canvas, unsigned width, unsigned height)
{
    struct surface *s = &canvas->surface;

    s->width = width;
    s->height = height;
    s->pitch = width * (s->is_text ? 2 : s->bits / 8u);
    divide(canvas);
    canvas_clear(canvas);
}

bool canvas_fit(struct canvas *canvas, unsigned width, unsigned height)
{
    if (!canvas->width_max)
        return false;
    if (!width || !height) {
        width = canvas->width_usual;
        height = canvas->height_usual;
    }
    width = least(width, canvas->width_max);
    height = least(height, canvas->height_max);
    if (width == canvas->surface.width && height == canvas->surface.height)
        return false;
    canvas_resize(canvas, width, height);
    return true;
}
