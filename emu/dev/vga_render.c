/*
 * The pixels of a scan line, in every mode: characters, four planes, two and
 * four bits a dot (IBM VGA Technical Reference), and the display interface's
 * packed pixels. Whatever the registers say, all that is read is in display
 * memory: addresses are reduced to its size.
 */
#include "emu/dev/vga_internal.h"

#include <string.h>

/* A line of dots, with a character more for panning. */
#define DOTS_MAX (257u * 9u)
#define LINE_GRAPHICS_FIRST 0xc0u
#define LINE_GRAPHICS_LAST 0xdfu

/* The four planes at address `a`, plane 0 in the lowest byte. */
static uint32_t planes_at(const struct vga *v, uint32_t a)
{
    uint32_t word;

    memcpy(&word, v->vram + 4 * (a & (VGA_VRAM_BYTES / 4 - 1)), sizeof word);
    return word;
}

/* ---- Text ------------------------------------------------------------------ */

/* Character map A or B of SR3, in steps of 8 KiB (bits 5 and 4 are odd ones). */
unsigned vga_font_address(const struct vga *v, bool bit3)
{
    unsigned fonts = v->sr[SR_FONTS];
    unsigned map = bit3 ? (fonts >> 2 & 3) << 1 | (fonts >> 5 & 1)
                        : (fonts & 3) << 1 | (fonts >> 4 & 1);

    return map << 13;
}

struct glyph_line {
    unsigned bits;              /* the leftmost in bit 7 */
    bool ninth;
    uint8_t fore, back;
};

static struct glyph_line glyph_line(const struct vga *v,
                                    const struct vga_frame *f, uint32_t cell,
                                    unsigned row, bool cursor)
{
    unsigned c = cell & 0xff, attribute = cell >> 8 & 0xff;
    unsigned font = vga_font_address(v, attribute & 8);
    struct glyph_line g = {
        .bits = planes_at(v, font + 32 * c + row) >> 16 & 0xff,
        .fore = attribute & 15,
        .back = (uint8_t)(attribute >> 4),
    };

    g.ninth = (v->ar[AR_MODE] & AR10_LINE_GRAPHICS) &&
              c >= LINE_GRAPHICS_FIRST && c <= LINE_GRAPHICS_LAST &&
              (g.bits & 1);
    if (v->ar[AR_MODE] & AR10_BLINK) {
        g.back &= 7;
        if ((attribute & 0x80) && !(f->shown & DISPLAY_BLINKING) && !cursor)
            g.bits = g.ninth = 0;
    }
    if (cursor || ((attribute & 0x77) == 1 &&
                   row == (v->cr[CR_UNDERLINE] & 31u)))
        g.bits = 0xff, g.ninth = true;
    return g;
}

static void text_dots(const struct vga *v, const struct vga_frame *f,
                      const struct vga_scan *s, uint8_t *dot)
{
    bool cursor = f->cursor.on && (f->shown & DISPLAY_CURSOR) &&
                  s->row >= f->cursor.first && s->row <= f->cursor.last;
    unsigned count_by = vga_count_by(v);

    for (unsigned x = 0; x <= f->columns; x++) {
        unsigned counter = s->address + x / count_by;
        struct glyph_line g = glyph_line(
            v, f, planes_at(v, vga_address(v, counter, s->row)), s->row,
            cursor && (uint16_t)counter == f->cursor.address);

        for (unsigned i = 8; i-- > 0;)
            *dot++ = g.bits >> i & 1 ? g.fore : g.back;
        if (f->dots == 9)
            *dot++ = g.ninth ? g.fore : g.back;
    }
}

/* ---- Dots of four bits ------------------------------------------------------ */

/* Bit n of a byte to bit 4n. */
static uint32_t spread(uint32_t byte)
{
    byte = (byte | byte << 12) & 0x000f000f;
    byte = (byte | byte << 6) & 0x03030303;
    return (byte | byte << 3) & 0x11111111;
}

/* Eight dots, the leftmost in the highest four bits: a bit of each plane. */
static uint32_t planar(uint32_t word)
{
    return spread(word & 0xff) | spread(word >> 8 & 0xff) << 1 |
           spread(word >> 16 & 0xff) << 2 | spread(word >> 24) << 3;
}

/* Pairs of bits n to bits 4n: of a byte of four dots. */
static uint32_t spread_pairs(uint32_t byte)
{
    byte = (byte | byte << 4) & 0x0f0f;
    return (byte | byte << 2) & 0x3333;
}

/* Four dots of planes 0 and 2, then four of planes 1 and 3. */
static uint32_t interleaved(uint32_t word)
{
    uint32_t left = spread_pairs(word & 0xff) |
                    spread_pairs(word >> 16 & 0xff) << 2;
    uint32_t right = spread_pairs(word >> 8 & 0xff) |
                     spread_pairs(word >> 24) << 2;

    return left << 16 | right;
}

static uint32_t eight_dots(unsigned mode, uint32_t word)
{
    if (mode & GR5_NIBBLES)
        return __builtin_bswap32(word);         /* plane 0 is the leftmost */
    return mode & GR5_INTERLEAVE ? interleaved(word) : planar(word);
}

static uint8_t *put_dots(uint8_t *dot, uint32_t eight)
{
    for (unsigned i = 0; i < 8; i++, eight <<= 4)
        *dot++ = (uint8_t)(eight >> 28);
    return dot;
}

static void graphics_dots(const struct vga *v, const struct vga_frame *f,
                          const struct vga_scan *s, uint8_t *dot)
{
    unsigned count_by = vga_count_by(v);

    for (unsigned x = 0; x <= f->columns; x++) {
        unsigned a = vga_address(v, s->address + x / count_by, s->row);

        dot = put_dots(dot, eight_dots(v->gr[GR_MODE], planes_at(v, a)));
    }
}

/* Dots to pixels: one by one, or two for one of 256 colours. */
static void vga_line(const struct vga *v, const struct vga_frame *f,
                     const struct vga_scan *s, uint32_t *out)
{
    bool pairs = v->ar[AR_MODE] & AR10_EIGHT_BIT;
    unsigned count = f->columns * f->dots;
    uint8_t dot[DOTS_MAX];

    if (f->is_text)
        text_dots(v, f, s, dot);
    else
        graphics_dots(v, f, s, dot);
    for (unsigned i = 0; i < count; i++) {
        unsigned at = i + s->pan;
        unsigned pair = at & ~1u;
        uint32_t rgb = pairs ? f->dac[dot[pair] << 4 | dot[pair + 1]]
                             : f->color[dot[at]];

        *out++ = rgb;
        if (f->dot_pixels == 2)
            *out++ = rgb;
    }
}

/* ---- The display interface -------------------------------------------------- */

static uint32_t widen5(uint32_t v) { return v << 3 | v >> 2; }
static uint32_t widen6(uint32_t v) { return v << 2 | v >> 4; }

static uint32_t rgb555(uint32_t v)
{
    return widen5(v >> 10 & 31) << 16 | widen5(v >> 5 & 31) << 8 |
           widen5(v & 31);
}

static uint32_t rgb565(uint32_t v)
{
    return widen5(v >> 11 & 31) << 16 | widen6(v >> 5 & 63) << 8 |
           widen5(v & 31);
}

static void packed_line(const struct vga_frame *f, unsigned bpp,
                        const uint8_t *in, uint32_t *out)
{
    unsigned width = f->mode.width;

    switch (bpp) {
    case 8:
        for (unsigned x = 0; x < width; x++)
            out[x] = f->dac[in[x]];
        break;
    case 15:
        for (unsigned x = 0; x < width; x++, in += 2)
            out[x] = rgb555(in[0] | in[1] << 8);
        break;
    case 16:
        for (unsigned x = 0; x < width; x++, in += 2)
            out[x] = rgb565(in[0] | in[1] << 8);
        break;
    case 24:
        for (unsigned x = 0; x < width; x++, in += 3)
            out[x] = in[0] | in[1] << 8 | (uint32_t)in[2] << 16;
        break;
    default:
        memcpy(out, in, 4 * width);
        for (unsigned x = 0; x < width; x++)
            out[x] &= 0xffffff;
        break;
    }
}

/* 16 colours: the planes, by their full addresses. */
static void planar_line(const struct vga *v, const struct vga_frame *f,
                        uint32_t address, uint32_t *out)
{
    unsigned pan = v->dispi[DISPI_X_OFFSET] & 7, filled = 0;

    address += v->dispi[DISPI_X_OFFSET] / 8;
    while (filled < f->mode.width) {
        uint8_t dot[8];

        put_dots(dot, planar(planes_at(v, address++)));
        for (unsigned i = pan; i < 8 && filled < f->mode.width; i++)
            out[filled++] = f->color[dot[i]];
        pan = 0;
    }
}

static void dispi_line(const struct vga *v, const struct vga_frame *f,
                       unsigned line, uint32_t *out)
{
    unsigned bpp = v->dispi[DISPI_BPP], bytes = (bpp + 7) / 8;
    uint64_t at = (uint64_t)vga_dispi_line_bytes(v) *
                  (line + v->dispi[DISPI_Y_OFFSET]);

    if (bpp == 4) {
        planar_line(v, f, (uint32_t)(at / 4), out);
        return;
    }
    at += (uint64_t)v->dispi[DISPI_X_OFFSET] * bytes;
    if (at + (uint64_t)f->mode.width * bytes <= VGA_VRAM_BYTES)
        packed_line(f, bpp, v->vram + at, out);
    else
        memset(out, 0, 4 * f->mode.width);
}

/* ---- Any ------------------------------------------------------------------- */

void vga_render_line(const struct vga *v, const struct vga_frame *f,
                     const struct vga_scan *s, uint32_t *out)
{
    if (f->is_blank)
        for (unsigned x = 0; x < f->mode.width; x++)
            out[x] = f->blank;
    else if (f->is_dispi)
        dispi_line(v, f, s->line, out);
    else
        vga_line(v, f, s, out);
}
