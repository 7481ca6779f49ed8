/*
 * Pictures of the VGA, mode by mode: what a guest writes through the window
 * or the linear frame buffer, against colours worked out here pixel by pixel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "kernel/disk/gpt.h"
#include "tests/unit/fake_snapshot.h"
#include "tests/unit/vga_fixture.h"

static struct display_view view;
static struct display_target target;

/* ---- Colours and pictures --------------------------------------------------- */

/* DAC entry i: all different, of 6 bits. */
static void dac_part(unsigned i, uint8_t rgb[3])
{
    rgb[0] = i & 63;
    rgb[1] = (i >> 6) * 21;
    rgb[2] = 63 - (i & 63);
}

static uint32_t dac(unsigned i)
{
    uint8_t c[3];

    dac_part(i, c);
    for (unsigned k = 0; k < 3; k++)
        c[k] = (uint8_t)(c[k] << 2 | c[k] >> 4);
    return (uint32_t)c[0] << 16 | (uint32_t)c[1] << 8 | c[2];
}

static void load_dac(struct fixture *f)
{
    out(f, 0x3c8, 0);
    for (unsigned i = 0; i < 256; i++) {
        uint8_t c[3];

        dac_part(i, c);
        for (unsigned k = 0; k < 3; k++)
            out(f, 0x3c9, c[k]);
    }
}

static void begin(struct fixture *f, const struct video_mode *m)
{
    video_mode(f, m);
    load_dac(f);
}

/* All of it, into memory of exactly its size. */
static void draw(struct fixture *f)
{
    struct display_mode mode = vga_mode(f->vga);

    free(target.pixels);
    target = (struct display_target){
        malloc(4 * mode.width * mode.height), mode.width, mode.width,
        mode.height,
    };
    memset(&view, 0, sizeof view);
    assert_int_equal(vga_draw(f->vga, &view, &target, DISPLAY_BOTH),
                     mode.height);
}

static void check_size(unsigned width, unsigned height)
{
    assert_int_equal(view.mode.width, width);
    assert_int_equal(view.mode.height, height);
}

static uint32_t crc(void)
{
    return gpt_crc32(0, target.pixels, 4 * target.stride * target.height);
}

static uint32_t pixel(unsigned x, unsigned y)
{
    return target.pixels[y * target.stride + x];
}

static void check_pixel(unsigned x, unsigned y, uint32_t want)
{
    if (pixel(x, y) != want)
        fail_msg("(%u, %u) is %06x, not %06x", x, y, pixel(x, y), want);
}

/* The picture is `of` in each pixel, each `sx` wide and `sy` high. */
static void check_all(unsigned (*of)(unsigned x, unsigned y), unsigned sx,
                      unsigned sy, uint32_t (*color)(unsigned i))
{
    for (unsigned y = 0; y < view.mode.height; y++)
        for (unsigned x = 0; x < view.mode.width; x++)
            check_pixel(x, y, color(of(x / sx, y / sy)));
}

/* What a line drawn again may differ in: nothing. */
static void check_redrawn(struct fixture *f, unsigned shown)
{
    static struct display_view fresh;
    struct display_target t = target;

    memset(&fresh, 0, sizeof fresh);
    t.pixels = malloc(4 * t.stride * t.height);
    vga_draw(f->vga, &fresh, &t, shown);
    for (unsigned y = 0; y < fresh.mode.height; y++)
        if (memcmp(t.pixels + y * t.stride, target.pixels + y * target.stride,
                   4 * fresh.mode.width))
            fail_msg("line %u is an old one", y);
    free(t.pixels);
}

/* ---- Planes ------------------------------------------------------------------ */

static unsigned sixteen(unsigned x, unsigned y) { return (x + 3 * y) & 15; }

/* Bit p of eight dots, the left one highest. */
static uint8_t plane_byte(unsigned x, unsigned y, unsigned p)
{
    uint8_t byte = 0;

    for (unsigned i = 0; i < 8; i++)
        byte = (uint8_t)(byte << 1 | (sixteen(x + i, y) >> p & 1));
    return byte;
}

static void fill_planes(struct fixture *f, unsigned width, unsigned height)
{
    for (unsigned p = 0; p < 4; p++) {
        indexed(f, 0x3c4, 2, (uint8_t)(1 << p));
        for (unsigned y = 0; y < height; y++)
            for (unsigned x = 0; x < width; x += 8)
                poke(f, 0xa0000 + y * (width / 8) + x / 8,
                     plane_byte(x, y, p));
    }
}

static void test_16_colors(void **state)
{
    struct fixture *f = *state;

    begin(f, &graphics_12);
    fill_planes(f, 640, 480);
    draw(f);
    check_size(640, 480);
    assert_int_equal(view.mode.kind, DISPLAY_GRAPHICS);
    assert_int_equal(view.mode.columns, 0);
    check_all(sixteen, 1, 1, dac);
    begin(f, &graphics_0d);
    fill_planes(f, 320, 200);
    draw(f);
    check_size(640, 400);       /* each dot is two wide and two lines high */
    check_all(sixteen, 2, 2, dac);
}

static uint32_t by_palette(unsigned i) { return dac(0x28 + (i & 5)); }
static uint32_t by_p54s(unsigned i) { return dac(0x98 + (i & 5)); }
static uint32_t by_mask(unsigned i) { return dac((0x98 + (i & 5)) & 0x8d); }

static void test_palette(void **state)
{
    struct fixture *f = *state;

    begin(f, &graphics_12);
    fill_planes(f, 640, 480);
    for (uint8_t i = 0; i < 16; i++)
        attribute(f, i, 0x28 + i);
    attribute(f, 0x12, 5);      /* planes 0 and 2 */
    draw(f);
    check_all(sixteen, 1, 1, by_palette);
    attribute(f, 0x14, 0x09);   /* bits 7 and 6: 2; 5 and 4 only by P54S: 1 */
    attribute(f, 0x10, 0x81);
    draw(f);
    check_all(sixteen, 1, 1, by_p54s);
    out(f, 0x3c6, 0x8d);
    draw(f);
    check_all(sixteen, 1, 1, by_mask);
    out(f, 0x3c6, 0xff);
    fake_out(f->m, 0x1ce, 2, 4);
    fake_out(f->m, 0x1cf, 2, 0x20);     /* 8 bits a colour */
    draw(f);
    check_pixel(0, 0, 0x182a27);        /* entry 98h, as it was written */
}

static void test_blinking_dots(void **state)
{
    struct fixture *f = *state;

    begin(f, &graphics_12);
    fill_planes(f, 640, 480);
    attribute(f, 0x10, 0x09);
    draw(f);
    check_all(sixteen, 1, 1, dac);
    assert_int_equal(vga_draw(f->vga, &view, &target, DISPLAY_CURSOR), 480);
    check_pixel(0, 0, dac(8));
    check_pixel(9, 0, dac(1));
}

/* ---- CGA --------------------------------------------------------------------- */

static unsigned four(unsigned x, unsigned y) { return (x ^ y) & 3; }
static unsigned two(unsigned x, unsigned y) { return (x >> 1 ^ y) & 1; }

/* Even lines at B8000h, odd ones 8 KiB on: pixels packed in bytes. */
static void fill_cga(struct fixture *f, unsigned width, unsigned bits,
                     unsigned (*of)(unsigned x, unsigned y))
{
    for (unsigned y = 0; y < 200; y++)
        for (unsigned x = 0; x < width; x += 8 / bits) {
            unsigned byte = 0;

            for (unsigned i = 0; i < 8 / bits; i++)
                byte = byte << bits | of(x + i, y);
            poke(f, 0xb8000 + (y & 1) * 0x2000 + y / 2 * 80 + x * bits / 8,
                 (uint8_t)byte);
        }
}

static void test_cga(void **state)
{
    struct fixture *f = *state;

    begin(f, &graphics_04);
    fill_cga(f, 320, 2, four);
    draw(f);
    check_size(640, 400);
    check_all(four, 2, 2, dac);
    begin(f, &graphics_06);
    fill_cga(f, 640, 1, two);
    draw(f);
    check_size(640, 400);
    check_all(two, 1, 2, dac);
}

/* ---- 256 colours --------------------------------------------------------------- */

static unsigned many(unsigned x, unsigned y) { return (x * 5 + y * 7) & 255; }
static unsigned many_down(unsigned x, unsigned y) { return many(x, y + 40); }

static void fill_chained(struct fixture *f)
{
    for (unsigned i = 0; i < 320 * 200; i++)
        poke(f, 0xa0000 + i, (uint8_t)many(i % 320, i / 320));
}

static void fill_unchained(struct fixture *f, unsigned height)
{
    for (unsigned p = 0; p < 4; p++) {
        indexed(f, 0x3c4, 2, (uint8_t)(1 << p));
        for (unsigned i = 0; i < 80 * height; i++)
            poke(f, 0xa0000 + i, (uint8_t)many(4 * (i % 80) + p, i / 80));
    }
    indexed(f, 0x3c4, 2, 15);
}

static void test_256_colors(void **state)
{
    struct fixture *f = *state;

    begin(f, &graphics_13);
    fill_chained(f);
    draw(f);
    check_size(640, 400);
    check_all(many, 2, 2, dac);
    begin(f, &graphics_x);
    fill_unchained(f, 400);
    draw(f);
    check_size(640, 480);
    check_all(many, 2, 2, dac);
    indexed(f, 0x3d4, 0x0c, 80 * 40 >> 8);      /* a page further on */
    indexed(f, 0x3d4, 0x0d, 80 * 40 & 255);
    draw(f);
    check_all(many_down, 2, 2, dac);
}

static void test_double_scan(void **state)
{
    struct fixture *f = *state;

    begin(f, &graphics_13);
    fill_chained(f);
    indexed(f, 0x3d4, 9, 0xc0);         /* double scan in place of two lines */
    draw(f);
    check_all(many, 2, 2, dac);
    indexed(f, 0x3d4, 9, 0xc1);         /* both */
    draw(f);
    check_all(many, 2, 4, dac);
    indexed(f, 0x3d4, 9, 0x40);
    indexed(f, 0x3d4, 0x17, 0xa7);      /* lines count twice */
    draw(f);
    check_size(640, 800);
}

/* ---- Scrolling and splitting ----------------------------------------------------- */

static void test_panning(void **state)
{
    struct fixture *f = *state;

    begin(f, &graphics_12);
    fill_planes(f, 640, 480);
    attribute(f, 0x13, 3);
    indexed(f, 0x3d4, 0x08, 0x20);      /* and a byte */
    draw(f);
    for (unsigned x = 0; x < 640 - 11; x++)
        check_pixel(x, 7, dac(sixteen(x + 11, 7)));
    check_pixel(639, 7, dac(sixteen(10, 8)));   /* the line's end is next */
    begin(f, &graphics_x);
    fill_unchained(f, 240);
    attribute(f, 0x13, 6);              /* 0, 2, 4, 6 for 0 to 3 pixels */
    draw(f);
    for (unsigned x = 0; x < 634; x++)
        check_pixel(x, 9, dac(many(x / 2 + 3, 4)));
}

/* An address is shown for two or four characters. */
static void test_count_by(void **state)
{
    struct fixture *f = *state;

    begin(f, &graphics_12);
    fill_planes(f, 640, 480);
    indexed(f, 0x3d4, 0x17, 0xeb);
    draw(f);
    check_size(640, 480);
    for (unsigned x = 0; x < 640; x++)
        check_pixel(x, 7, dac(sixteen(x / 16 * 8 + x % 8, 7)));
    indexed(f, 0x3d4, 0x14, 0x20);
    draw(f);
    for (unsigned x = 0; x < 640; x++)
        check_pixel(x, 7, dac(sixteen(x / 32 * 8 + x % 8, 7)));
}

static void test_split(void **state)
{
    struct fixture *f = *state;

    begin(f, &graphics_12);
    fill_planes(f, 640, 480);
    indexed(f, 0x3d4, 0x0c, 80 * 100 >> 8);
    indexed(f, 0x3d4, 0x0d, 80 * 100 & 255);
    attribute(f, 0x13, 2);
    indexed(f, 0x3d4, 0x18, 299 & 255); /* line compare: 299 is above it */
    indexed(f, 0x3d4, 0x07, 0x3e);
    indexed(f, 0x3d4, 0x09, 0x00);
    draw(f);
    check_pixel(5, 299, dac(sixteen(7, 399)));
    check_pixel(5, 300, dac(sixteen(7, 0)));
    check_pixel(5, 301, dac(sixteen(7, 1)));
    attribute(f, 0x10, 0x21);           /* below it, no panning */
    draw(f);
    check_pixel(5, 299, dac(sixteen(7, 399)));
    check_pixel(5, 300, dac(sixteen(5, 0)));
    indexed(f, 0x3d4, 0x07, 0x2e);      /* at 43, within two lines of a row */
    indexed(f, 0x3d4, 0x18, 42);
    indexed(f, 0x3d4, 0x09, 0x01);
    draw(f);
    check_pixel(5, 42, dac(sixteen(7, 121)));
    check_pixel(5, 43, dac(sixteen(5, 0)));
    check_pixel(5, 44, dac(sixteen(5, 0)));
    check_pixel(5, 45, dac(sixteen(5, 1)));
}

/* ---- Text -------------------------------------------------------------------------- */

static bool glyph_dot(unsigned font, unsigned c, unsigned x, unsigned y)
{
    return ((c * 29 + y * 11 + font * 3) ^ y) >> (7 - x) & 1;
}

static void load_font(struct fixture *f, unsigned font, unsigned slot)
{
    indexed(f, 0x3c4, 2, 0x04);
    indexed(f, 0x3c4, 4, 0x06);
    indexed(f, 0x3ce, 5, 0x00);
    indexed(f, 0x3ce, 6, 0x04);
    for (unsigned c = 0; c < 256; c++)
        for (unsigned y = 0; y < 32; y++)
            poke(f, 0xa0000 + slot * 0x2000 + 32 * c + y,
                 (uint8_t)((c * 29 + y * 11 + font * 3) ^ y));
    indexed(f, 0x3c4, 2, 0x03);
    indexed(f, 0x3c4, 4, 0x02);
    indexed(f, 0x3ce, 5, 0x10);
    indexed(f, 0x3ce, 6, 0x0e);
}

static uint16_t cell(unsigned x, unsigned y)
{
    return (uint16_t)((x * 7 + y * 80) & 0xff) |
           (uint16_t)((x * 3 + y * 17) & 0x7f) << 8;
}

static void fill_text(struct fixture *f)
{
    for (unsigned i = 0; i < 80 * 25; i++)
        f->dev->ops->mmio_write(f->dev, 0xb8000 + 2 * i, 2,
                                cell(i % 80, i / 80));
    indexed(f, 0x3d4, 0x0e, 0xff);      /* the cursor: elsewhere */
}

/* Of text without blinking or cursor, nine dots a character. */
static uint32_t text_pixel(unsigned x, unsigned y)
{
    unsigned at = cell(x / 9, y / 16), c = at & 255, dot = x % 9;
    bool on;

    if (dot < 8)
        on = glyph_dot(0, c, dot, y % 16);
    else
        on = c >= 0xc0 && c <= 0xdf && glyph_dot(0, c, 7, y % 16);
    return dac(on ? at >> 8 & 15 : at >> 12);
}

static void test_text(void **state)
{
    struct fixture *f = *state;

    begin(f, &text_03);
    load_font(f, 0, 0);
    fill_text(f);
    draw(f);
    check_size(720, 400);
    assert_int_equal(view.mode.kind, DISPLAY_TEXT);
    assert_int_equal(view.mode.columns, 80);
    assert_int_equal(view.mode.rows, 25);
    assert_int_equal(view.mode.cell_width, 9);
    assert_int_equal(view.mode.cell_height, 16);
    for (unsigned y = 0; y < 400; y++)
        for (unsigned x = 0; x < 720; x++)
            check_pixel(x, y, text_pixel(x, y));
    attribute(f, 0x13, 2);              /* three dots to the left */
    draw(f);
    for (unsigned x = 0; x < 717; x++)
        check_pixel(x, 77, text_pixel(x + 3, 77));
    attribute(f, 0x13, 8);
    indexed(f, 0x3d4, 0x08, 5);         /* five lines up */
    draw(f);
    for (unsigned x = 0; x < 720; x++)
        check_pixel(x, 77, text_pixel(x, 82));
    assert_int_equal(view.mode.rows, 26);
}

static void test_text_of_8_dots(void **state)
{
    struct fixture *f = *state;

    begin(f, &text_03);
    load_font(f, 0, 0);
    fill_text(f);
    indexed(f, 0x3c4, 1, 0x01);
    attribute(f, 0x13, 0);
    draw(f);
    check_size(640, 400);
    for (unsigned x = 0; x < 640; x++)
        check_pixel(x, 99, text_pixel(x / 8 * 9 + x % 8, 99));
    indexed(f, 0x3c4, 1, 0x09);         /* 40 columns have wide dots */
    indexed(f, 0x3d4, 0x11, 0x0e);
    indexed(f, 0x3d4, 1, 39);
    draw(f);
    check_size(640, 400);
    for (unsigned x = 0; x < 640; x++)
        check_pixel(x, 99, text_pixel(x / 16 * 9 + x / 2 % 8, 99));
}

/* Character `c`, attribute `a` in the corner. */
static void corner(struct fixture *f, uint8_t c, uint8_t a)
{
    f->dev->ops->mmio_write(f->dev, 0xb8000, 2, (uint64_t)a << 8 | c);
}

static void test_fonts(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint8_t sr3;
        unsigned plain, bright; /* which font */
    } map[] = {
        { 0x00, 0, 0 }, { 0x04, 0, 1 }, { 0x01, 1, 0 }, { 0x20, 0, 2 },
        { 0x12, 3, 0 }, { 0x0f, 4, 4 },
    };
    /* In steps of 8 KiB: fonts 0 to 4 */
    static const unsigned slot[] = { 0, 2, 1, 5, 6 };
    uint8_t glyph[256][32];

    begin(f, &text_03);
    for (unsigned i = 0; i < 5; i++)
        load_font(f, i, slot[i]);
    fill_text(f);
    attribute(f, 0x12, 7);              /* bit 3 chooses the font alone */
    for (unsigned i = 0; i < sizeof map / sizeof *map; i++) {
        indexed(f, 0x3c4, 3, map[i].sr3);
        for (unsigned bright = 0; bright < 2; bright++) {
            unsigned font = bright ? map[i].bright : map[i].plain;

            corner(f, 'R', (uint8_t)(0x12 | bright << 3));
            draw(f);
            for (unsigned y = 0; y < 16; y++)
                for (unsigned x = 0; x < 8; x++)
                    check_pixel(x, y, dac(glyph_dot(font, 'R', x, y) ? 2 : 1));
            vga_font(f->vga, bright, glyph);
            for (unsigned x = 0; x < 8; x++)
                assert_int_equal(glyph['R'][13] >> (7 - x) & 1,
                                 glyph_dot(font, 'R', x, 13));
        }
    }
}

static void test_attributes(void **state)
{
    struct fixture *f = *state;

    begin(f, &text_03);
    load_font(f, 0, 0);
    fill_text(f);
    corner(f, 1, 0xa4);                 /* blinks: the background is 2 */
    draw(f);
    for (unsigned x = 0; x < 8; x++)
        check_pixel(x, 5, dac(glyph_dot(0, 1, x, 5) ? 4 : 2));
    vga_draw(f->vga, &view, &target, DISPLAY_CURSOR);
    for (unsigned x = 0; x < 9; x++)
        check_pixel(x, 5, dac(2));
    attribute(f, 0x10, 0x04);           /* a bright background instead */
    vga_draw(f->vga, &view, &target, DISPLAY_CURSOR);
    for (unsigned x = 0; x < 8; x++)
        check_pixel(x, 5, dac(glyph_dot(0, 1, x, 5) ? 4 : 10));
    indexed(f, 0x3d4, 0x14, 12);        /* underlined, where there is such */
    corner(f, 0, 0x01);
    vga_draw(f->vga, &view, &target, DISPLAY_BOTH);
    for (unsigned x = 0; x < 9; x++)
        check_pixel(x, 12, dac(1));
    corner(f, 0, 0x11);
    vga_draw(f->vga, &view, &target, DISPLAY_BOTH);
    for (unsigned x = 0; x < 9; x++)
        check_pixel(x, 12, dac(1));     /* on the same colour, no matter */
    corner(f, 0, 0x02);
    vga_draw(f->vga, &view, &target, DISPLAY_BOTH);
    check_pixel(8, 12, dac(0));
}

static void move_cursor(struct fixture *f, unsigned column, unsigned row)
{
    indexed(f, 0x3d4, 0x0e, (uint8_t)((row * 80 + column) >> 8));
    indexed(f, 0x3d4, 0x0f, (uint8_t)(row * 80 + column));
}

/* How many lines a call draws. */
static int again(struct fixture *f, unsigned shown)
{
    int n = vga_draw(f->vga, &view, &target, shown);
    int said = 0;

    for (unsigned y = 0; y < view.mode.height; y++)
        said += view.line[y];
    assert_int_equal(said, n);
    check_redrawn(f, shown);
    return n;
}

static void test_cursor(void **state)
{
    struct fixture *f = *state;

    begin(f, &text_03);
    load_font(f, 0, 0);
    fill_text(f);
    draw(f);
    move_cursor(f, 10, 3);
    assert_int_equal(again(f, DISPLAY_BOTH), 16);       /* where it is now */
    for (unsigned y = 48; y < 64; y++)
        for (unsigned x = 90; x < 99; x++)
            check_pixel(x, y, y < 61 || y > 62 ? text_pixel(x, y)
                                  : dac(cell(10, 3) >> 8 & 15));
    move_cursor(f, 79, 24);
    assert_int_equal(again(f, DISPLAY_BOTH), 32);       /* and where it was */
    check_pixel(719, 398, dac(cell(79, 24) >> 8 & 15));
    assert_int_equal(again(f, DISPLAY_BLINKING), 16);
    check_pixel(719, 398, text_pixel(719, 398));
    move_cursor(f, 0, 0);
    assert_int_equal(again(f, DISPLAY_BLINKING), 0);
    assert_int_equal(again(f, DISPLAY_BOTH), 16);
    indexed(f, 0x3d4, 0x0b, 0x4e);      /* two characters to the right */
    assert_int_equal(again(f, DISPLAY_BOTH), 16);
    check_pixel(18, 13, dac(cell(2, 0) >> 8 & 15));
    indexed(f, 0x3d4, 0x0a, 0x2d);      /* off */
    assert_int_equal(again(f, DISPLAY_BOTH), 16);
    indexed(f, 0x3d4, 0x0a, 0x0f);      /* begins behind its end: none */
    assert_int_equal(again(f, DISPLAY_BOTH), 0);
}

static struct display_cell cells[80 * 25];
static struct display_text text;
static struct display_view text_view;

static int read_cells(struct fixture *f, size_t count)
{
    return vga_cells(f->vga, &text_view, &text, cells, count, DISPLAY_BOTH);
}

static void test_cells(void **state)
{
    struct fixture *f = *state;

    memset(&text_view, 0, sizeof text_view);
    assert_int_equal(read_cells(f, 2000), -ENODATA);
    begin(f, &text_03);
    fill_text(f);
    move_cursor(f, 17, 20);
    assert_int_equal(read_cells(f, 1999), -ENOSPC);
    assert_int_equal(text.columns * text.rows, 2000);
    assert_int_equal(read_cells(f, 2000), 25);
    for (unsigned i = 0; i < 2000; i++)
        assert_int_equal(cells[i].character | cells[i].attribute << 8,
                         cell(i % 80, i / 80));
    assert_true(text.has_cursor);
    assert_int_equal(text.cursor_column, 17);
    assert_int_equal(text.cursor_row, 20);
    assert_int_equal(text.cursor_first, 13);
    assert_int_equal(text.cursor_last, 14);
    assert_true(text.blinks);
    assert_false(text.two_fonts);
    assert_int_equal(text.color[9], dac(9));
    indexed(f, 0x3c4, 3, 0x04);
    indexed(f, 0x3d4, 0x0e, 0xff);
    assert_true(read_cells(f, 2000) > 0);
    assert_true(text.two_fonts);
    assert_false(text.has_cursor);
    begin(f, &graphics_12);
    assert_int_equal(read_cells(f, 2000), -ENODATA);
    assert_false(vga_changed(f->vga, &text_view));
}

/* What a guest did not write is not read again; as in pictures, 1 KiB of memory
 * is written at once: 256 cells. */
static void test_cells_that_changed(void **state)
{
    struct fixture *f = *state;

    memset(&text_view, 0, sizeof text_view);
    begin(f, &text_03);
    fill_text(f);
    move_cursor(f, 17, 20);
    assert_int_equal(read_cells(f, 2000), 25);
    assert_false(vga_changed(f->vga, &text_view));
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(read_cells(f, 2000), 0);
    poke(f, 0xb8000 + 2 * (80 * 24 + 79), '#');
    assert_true(vga_changed(f->vga, &text_view));
    assert_in_range(read_cells(f, 2000), 1, 4);
    assert_true(text_view.line[24] && !text_view.line[0]);
    assert_int_equal(cells[1999].character, '#');
    move_cursor(f, 17, 10);
    assert_int_equal(read_cells(f, 2000), 2);
    assert_true(text_view.line[10] && text_view.line[20]);
    assert_int_equal(vga_cells(f->vga, &text_view, &text, cells, 2000,
                               DISPLAY_BLINKING), 1);   /* it is not seen */
    assert_true(text_view.line[10]);
    assert_int_equal(vga_cells(f->vga, &text_view, &text, cells, 2000, 0), 0);
    indexed(f, 0x3d4, 0x0d, 80);        /* scrolled, without a write */
    assert_int_equal(read_cells(f, 2000), 25);
    assert_int_equal(cells[0].character, cell(0, 1) & 0xff);
}

static void test_blink_by_time(void **state)
{
    struct fixture *f = *state;
    const uint64_t frame = 449 * 31778;

    begin(f, &text_03);
    assert_int_equal(vga_blink(f->vga), DISPLAY_BOTH);
    fake_advance(f->m, 8 * frame);
    assert_int_equal(vga_blink(f->vga), DISPLAY_BLINKING);
    fake_advance(f->m, 8 * frame);
    assert_int_equal(vga_blink(f->vga), DISPLAY_CURSOR);
    fake_advance(f->m, 8 * frame);
    assert_int_equal(vga_blink(f->vga), 0);
}

/* ---- Bochs display interface --------------------------------------------------------- */

static void dispi_mode(struct fixture *f, uint16_t x, uint16_t y, uint16_t bpp)
{
    dispi(f, 4, 0);
    dispi(f, 1, x);
    dispi(f, 2, y);
    dispi(f, 3, bpp);
    dispi(f, 4, 0x41);
    in(f, 0x3da);
    out(f, 0x3c0, 0x20);
}

static void lfb(struct fixture *f, uint32_t at, unsigned size, uint64_t v)
{
    f->dev->ops->mmio_write(f->dev, LFB + at, size, v);
}

static void test_direct_colors(void **state)
{
    struct fixture *f = *state;

    dispi_mode(f, 1024, 768, 32);
    lfb(f, 4 * (1024 * 767 + 1023), 4, 0xff123456);
    lfb(f, 0, 8, 0x0000000100abcdef);
    draw(f);
    check_size(1024, 768);
    check_pixel(0, 0, 0xabcdef);
    check_pixel(1, 0, 0x000001);
    check_pixel(1023, 767, 0x123456);
    dispi_mode(f, 800, 600, 24);
    lfb(f, 3 * (800 * 599 + 798), 4, 0x11223344);
    lfb(f, 3 * (800 * 599 + 799) + 1, 2, 0x5566);
    draw(f);
    check_pixel(798, 599, 0x223344);
    check_pixel(799, 599, 0x556611);
    dispi_mode(f, 640, 480, 16);
    lfb(f, 2, 2, 0xf81f);
    lfb(f, 4, 2, 0x07e0);
    lfb(f, 6, 2, 0x8410);
    draw(f);
    check_pixel(1, 0, 0xff00ff);
    check_pixel(2, 0, 0x00ff00);
    check_pixel(3, 0, 0x848284);
    dispi_mode(f, 640, 480, 15);
    lfb(f, 2, 2, 0x7c1f);
    lfb(f, 4, 2, 0x83e0);
    draw(f);
    check_pixel(1, 0, 0xff00ff);
    check_pixel(2, 0, 0x00ff00);
}

static void test_virtual_screen(void **state)
{
    struct fixture *f = *state;

    load_dac(f);
    dispi_mode(f, 320, 200, 8);
    dispi(f, 6, 500);
    for (unsigned i = 0; i < 500 * 400; i++)
        lfb(f, i, 1, many(i % 500, i / 500));
    dispi(f, 8, 180);
    dispi(f, 9, 200);
    draw(f);
    check_size(320, 200);
    for (unsigned y = 0; y < 200; y++)
        for (unsigned x = 0; x < 320; x++)
            check_pixel(x, y, dac(many(x + 180, y + 200)));
    lfb(f, 210 * 500, 1, 1);    /* left of what is shown */
    assert_true(again(f, DISPLAY_BOTH) > 0);
    lfb(f, 10 * 500, 1, 1);     /* above it */
    assert_true(vga_changed(f->vga, &view));
    assert_int_equal(again(f, DISPLAY_BOTH), 0);
    assert_false(vga_changed(f->vga, &view));
}

static void test_16_colors_of_dispi(void **state)
{
    struct fixture *f = *state;

    begin(f, &graphics_12);
    dispi_mode(f, 800, 600, 4);
    fill_planes(f, 800, 600);
    draw(f);
    check_size(800, 600);
    check_all(sixteen, 1, 1, dac);
    dispi(f, 6, 1600);
    dispi(f, 8, 795);
    draw(f);
    for (unsigned x = 0; x < 800; x++)  /* a line is two of those */
        check_pixel(x, 50, dac(x < 5 ? sixteen(x + 795, 100)
                                     : sixteen(x - 5, 101)));
}

/* ---- What is shown at all -------------------------------------------------------------- */

static void test_blank(void **state)
{
    struct fixture *f = *state;

    draw(f);                            /* as the power came on */
    assert_int_equal(view.mode.kind, DISPLAY_BLANK);
    check_pixel(0, 0, 0);
    begin(f, &graphics_12);
    fill_planes(f, 640, 480);
    attribute(f, 0x11, 9);
    in(f, 0x3da);
    out(f, 0x3c0, 0x00);                /* the palette is the CPU's */
    draw(f);
    check_size(640, 480);
    assert_int_equal(view.mode.kind, DISPLAY_BLANK);
    check_pixel(639, 479, dac(9));
    poke(f, 0xa0000, 0xff);
    assert_int_equal(again(f, DISPLAY_BOTH), 0);
    out(f, 0x3c0, 0x00);
    in(f, 0x3da);
    out(f, 0x3c0, 0x20);
    assert_int_equal(again(f, DISPLAY_BOTH), 480);
    check_pixel(639, 479, dac(sixteen(639, 479)));
    indexed(f, 0x3c4, 1, 0x21);         /* the screen is off */
    assert_int_equal(again(f, DISPLAY_BOTH), 480);
    check_pixel(639, 479, 0);
}

static void test_too_small(void **state)
{
    struct fixture *f = *state;

    begin(f, &graphics_12);
    draw(f);
    dispi_mode(f, 800, 600, 8);
    assert_int_equal(vga_draw(f->vga, &view, &target, 0), -ENOSPC);
    check_size(800, 600);
    assert_true(vga_changed(f->vga, &view));
    dispi(f, 4, 0);
    assert_int_equal(again(f, 0), 480);
}

/* ---- What changed ----------------------------------------------------------------------- */

static void test_changes(void **state)
{
    struct fixture *f = *state;

    begin(f, &text_03);
    load_font(f, 0, 0);
    fill_text(f);
    draw(f);
    assert_false(vga_changed(f->vga, &view));
    assert_int_equal(again(f, DISPLAY_BOTH), 0);
    in(f, 0x3da);
    peek(f, 0xb8000);
    indexed(f, 0x3d4, 0x0c, 0x00);      /* as it was */
    assert_false(vga_changed(f->vga, &view));
    poke(f, 0xb8000 + 160 * 10, 'x');   /* 1 KiB of memory: 128 characters */
    assert_true(vga_changed(f->vga, &view));
    assert_in_range(again(f, DISPLAY_BOTH), 16, 64);
    assert_int_equal(view.line[160], 1);
    assert_int_equal(view.line[0], 0);
    load_font(f, 1, 0);
    assert_int_equal(again(f, DISPLAY_BOTH), 400);
    out(f, 0x3c8, 4);
    for (unsigned i = 0; i < 3; i++)
        out(f, 0x3c9, 17);
    assert_int_equal(again(f, DISPLAY_BOTH), 400);
    indexed(f, 0x3d4, 0x0d, 80);
    assert_int_equal(again(f, DISPLAY_BOTH), 400);
    assert_int_equal(again(f, DISPLAY_CURSOR), 0);      /* none blinks */
    corner(f, 'y', 0x84);
    indexed(f, 0x3d4, 0x0d, 0);
    assert_int_equal(again(f, DISPLAY_CURSOR), 400);
    assert_int_equal(again(f, DISPLAY_BOTH), 16);
    f->dev->ops->reset(f->dev);
    assert_true(vga_changed(f->vga, &view));
}

/* What a program draws with does not change the picture by itself. */
static void test_drawing_registers(void **state)
{
    struct fixture *f = *state;

    begin(f, &graphics_12);
    draw(f);
    for (uint8_t i = 0; i < 9; i++)
        if (i != 6)
            indexed(f, 0x3ce, i, i == 5 ? 0x02 : 0x0f);
    indexed(f, 0x3c4, 2, 0x03);
    assert_false(vga_changed(f->vga, &view));
    poke(f, 0xa0000 + 80 * 100, 0x05);
    assert_in_range(again(f, DISPLAY_BOTH), 1, 5);
    assert_int_equal(view.line[100], 1);
}

/* Two who look at different times both get what is new to them. */
static void test_two_views(void **state)
{
    struct fixture *f = *state;
    static struct display_view other;
    struct display_target none = target;

    begin(f, &graphics_13);
    draw(f);
    none = target;
    none.pixels = malloc(4 * target.stride * target.height);
    memset(&other, 0, sizeof other);
    assert_int_equal(vga_draw(f->vga, &other, &none, 0), 400);
    poke(f, 0xa0000, 1);
    assert_in_range(vga_draw(f->vga, &other, &none, 0), 2, 8);
    assert_int_equal(vga_draw(f->vga, &other, &none, 0), 0);
    assert_true(vga_changed(f->vga, &view));
    assert_in_range(again(f, DISPLAY_BOTH), 2, 8);
    free(none.pixels);
}

/* A snapshot that is loaded shows what it showed, to those who look on, too. */
static void test_snapshot(void **state)
{
    struct fixture *f = *state;
    struct fake_snapshot s;
    uint32_t before;
    char why[200];

    begin(f, &graphics_12);
    fill_planes(f, 640, 480);
    draw(f);
    before = crc();
    fake_snapshot_save(&s, f->vga);
    attribute(f, 0x12, 5);
    indexed(f, 0x3d4, 0x0d, 3);
    assert_int_equal(again(f, DISPLAY_BOTH), 480);
    assert_true(crc() != before);
    assert_int_equal(fake_snapshot_read(&s, STATE_LOAD, f->vga, why), 0);
    assert_true(vga_changed(f->vga, &view));
    assert_int_equal(again(f, DISPLAY_BOTH), 480);
    assert_true(crc() == before);
    fake_snapshot_free(&s);
}

static int end(void **state)
{
    free(target.pixels);
    memset(&target, 0, sizeof target);
    return teardown(state);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_16_colors),
        T(test_palette),
        T(test_blinking_dots),
        T(test_cga),
        T(test_256_colors),
        T(test_double_scan),
        T(test_panning),
        T(test_count_by),
        T(test_split),
        T(test_text),
        T(test_text_of_8_dots),
        T(test_fonts),
        T(test_attributes),
        T(test_cursor),
        T(test_cells), T(test_cells_that_changed),
        T(test_blink_by_time),
        T(test_direct_colors),
        T(test_virtual_screen),
        T(test_16_colors_of_dispi),
        T(test_blank),
        T(test_too_small),
        T(test_changes),
        T(test_drawing_registers),
        T(test_two_views),
        T(test_snapshot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
