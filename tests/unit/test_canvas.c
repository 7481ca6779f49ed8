/* Cells and pictures on framebuffers of several kinds, and in VGA's text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/screen/canvas.h"
#include "kernel/screen/font.h"
#include "kernel/screen/picture.h"

#define UNTOUCHED 0x5a

static struct canvas canvas;
static struct surface surface;
static uint8_t *memory;

/* Of the exact size, so that ASan sees what is written outside. */
static bool start(uint32_t width, uint32_t height, uint8_t bits,
                  uint32_t pitch)
{
    surface = (struct surface){
        .pitch = pitch, .width = width, .height = height, .bits = bits,
        .red_shift = 16, .red_bits = 8, .green_shift = 8, .green_bits = 8,
        .blue_bits = 8,
    };
    if (bits == 16) {
        surface.red_shift = 11, surface.red_bits = 5;
        surface.green_shift = 5, surface.green_bits = 6;
        surface.blue_bits = 5;
    }
    memory = malloc((size_t)pitch * height);
    assert_non_null(memory);
    memset(memory, UNTOUCHED, (size_t)pitch * height);
    surface.memory = memory;
    return canvas_init(&canvas, &surface);
}

static bool start_text(void)
{
    surface = (struct surface){ .is_text = true, .pitch = 160, .width = 80,
                                .height = 25 };
    memory = malloc(160 * 25);
    assert_non_null(memory);
    surface.memory = memory;
    return canvas_init(&canvas, &surface);
}

static int end(void **state)
{
    free(memory);
    memory = NULL;
    return 0;
}

static uint32_t pixel(unsigned x, unsigned y)
{
    uint32_t value = 0;

    memcpy(&value, memory + (size_t)y * surface.pitch +
           x * (surface.bits / 8u), surface.bits / 8u);
    return value;
}

static struct screen_cell cell(uint16_t c, unsigned colour, unsigned attributes)
{
    return (struct screen_cell){ c, (uint8_t)colour, (uint8_t)attributes };
}

/* The glyph at that cell, of two pixels' colours, as the font has it. */
static void assert_glyph(unsigned row, unsigned column, unsigned glyph,
                         uint32_t foreground, uint32_t background)
{
    unsigned scale = canvas.scale;

    for (unsigned y = 0; y < FONT_HEIGHT * scale; y++)
        for (unsigned x = 0; x < FONT_WIDTH * scale; x++) {
            bool on = font_glyphs[glyph][y / scale] >> (7 - x / scale) & 1;

            assert_int_equal(pixel(column * FONT_WIDTH * scale + x,
                                   row * FONT_HEIGHT * scale + y),
                             on ? foreground : background);
        }
}

static void assert_untouched(size_t from, size_t to)
{
    for (; from < to; from++)
        assert_int_equal(memory[from], UNTOUCHED);
}

static void test_32_bits(void **state)
{
    assert_true(start(84, 50, 32, 84 * 4 + 8));
    assert_int_equal(canvas.columns, 10);
    assert_int_equal(canvas.rows, 3);
    canvas_put(&canvas, 2, 9, cell('R', CELL_COLOUR(4, 1), 0));
    assert_glyph(2, 9, 'R', 0xaa0000, 0x0000aa);
    assert_untouched(0, surface.pitch * 32);
    assert_untouched(surface.pitch * 48, surface.pitch * 50);
    assert_int_equal(pixel(71, 40), 0x5a5a5a5a);
    assert_int_equal(pixel(80, 40), 0x5a5a5a5a);
    canvas_put(&canvas, 3, 0, cell('R', 7, 0));
    canvas_put(&canvas, 0, 10, cell('R', 7, 0));
    assert_untouched(0, surface.pitch * 32);
}

static void test_24_bits(void **state)
{
    assert_true(start(17, 33, 24, 17 * 3));
    assert_int_equal(canvas.columns, 2);
    canvas_put(&canvas, 1, 1, cell(0xe4, CELL_COLOUR(14, 0), 0));
    assert_glyph(1, 1, 0x84, 0xffff55, 0);
    assert_int_equal(pixel(7, 20), 0x5a5a5a);
    assert_int_equal(pixel(16, 20), 0x5a5a5a);
}

static void test_16_bits(void **state)
{
    assert_true(start(16, 16, 16, 32));
    canvas_put(&canvas, 0, 1, cell('x', CELL_COLOUR(2, 12), 0));
    assert_glyph(0, 1, 'x', 0xaa >> 2 << 5,
                 0x1f << 11 | 0x55 >> 2 << 5 | 0x55 >> 3);
    assert_int_equal(pixel(7, 7), 0x5a5a);
}

/* More pixels than a canvas has cells for: the cells get larger. */
static void test_scaled(void **state)
{
    assert_true(start(3840, 2160, 32, 3840 * 4));
    assert_int_equal(canvas.scale, 2);
    assert_int_equal(canvas.columns, 240);
    assert_int_equal(canvas.rows, 67);
    canvas_put(&canvas, 66, 239, cell('&', CELL_COLOUR(7, 0), 0));
    assert_glyph(66, 239, '&', 0xaaaaaa, 0);
    end(NULL);
    assert_true(start(CANVAS_COLUMNS_MAX * 16 + 8, 64, 16, 8300));
    assert_int_equal(canvas.scale, 2);
    canvas_put(&canvas, 1, 255, cell('&', CELL_COLOUR(7, 0), 0));
    assert_glyph(1, 255, '&', 0xaa >> 3 << 11 | 0xaa >> 2 << 5 | 0xaa >> 3, 0);
}

static void test_attributes(void **state)
{
    uint32_t grey = 0xaaaaaa;

    assert_true(start(64, 16, 32, 64 * 4));
    canvas_put(&canvas, 0, 0, cell('a', 7, CELL_BOLD));
    assert_glyph(0, 0, 'a', 0xffffff, 0);
    canvas_put(&canvas, 0, 1, cell('a', 7, CELL_REVERSE));
    assert_glyph(0, 1, 'a', 0, grey);
    canvas_put(&canvas, 0, 2, cell('a', 7, CELL_HIDDEN | CELL_UNDERLINE));
    assert_glyph(0, 2, ' ', grey, 0);
    canvas_put(&canvas, 0, 3, cell('a', 7, CELL_BLINK));
    assert_glyph(0, 3, 'a', grey, 0x555555);
    canvas_put(&canvas, 0, 4, cell(' ', 7, CELL_UNDERLINE));
    for (unsigned y = 0; y < 16; y++)
        assert_int_equal(pixel(32 + y % 8, y), y == 14 ? grey : 0);
}

static void test_only_what_differs(void **state)
{
    assert_true(start(16, 16, 32, 64));
    canvas_put(&canvas, 0, 0, cell('a', 7, 0));
    memset(memory, UNTOUCHED, 64 * 16);
    canvas_put(&canvas, 0, 0, cell('a', 7, 0));
    assert_untouched(0, 64 * 16);
    canvas_put(&canvas, 0, 0, cell('a', 6, 0));
    assert_glyph(0, 0, 'a', 0xaa5500, 0);
    memset(memory, UNTOUCHED, 64 * 16);
    canvas_forget(&canvas);
    canvas_put(&canvas, 0, 0, cell('a', 6, 0));
    assert_glyph(0, 0, 'a', 0xaa5500, 0);
    canvas_put(&canvas, 0, 1, cell(0, 7, 0));
    assert_glyph(0, 1, ' ', 0xaaaaaa, 0);
}

static void test_clear(void **state)
{
    assert_true(start(85, 50, 24, 85 * 3 + 5));
    canvas_put(&canvas, 0, 0, cell('a', 7, 0));
    canvas_clear(&canvas);
    for (unsigned y = 0; y < 50; y++) {
        for (unsigned x = 0; x < 85; x++)
            assert_int_equal(pixel(x, y), 0);
        assert_untouched(y * surface.pitch + 255, (y + 1) * surface.pitch);
    }
    memset(memory, UNTOUCHED, (size_t)surface.pitch * 50);
    canvas_put(&canvas, 1, 1, cell(' ', CELL_COLOUR_DEFAULT, 0));
    assert_untouched(0, (size_t)surface.pitch * 50);
    canvas_put(&canvas, 0, 0, cell('a', 7, 0));
    assert_glyph(0, 0, 'a', 0xaaaaaa, 0);
}

/* Character and attribute at that cell. */
static unsigned text_at(unsigned row, unsigned column)
{
    return memory[row * 160 + column * 2] |
           memory[row * 160 + column * 2 + 1] << 8;
}

static void test_text_mode(void **state)
{
    assert_true(start_text());
    assert_int_equal(canvas.columns, 80);
    assert_int_equal(canvas.rows, 25);
    canvas_clear(&canvas);
    assert_int_equal(text_at(24, 79), 0x0720);
    canvas_put(&canvas, 24, 79, cell('z', CELL_COLOUR(14, 1), 0));
    assert_int_equal(text_at(24, 79), 0x1e7a);
    canvas_put(&canvas, 0, 0, cell(0xe4, CELL_COLOUR(7, 9), CELL_BLINK));
    assert_int_equal(text_at(0, 0), 0x9784);
    canvas_put(&canvas, 0, 0, cell(0xc0, CELL_COLOUR(7, 9), CELL_UNDERLINE));
    assert_int_equal(text_at(0, 0), 0x1341);
    canvas_put(&canvas, 0, 0, cell('r', CELL_COLOUR(7, 1), CELL_REVERSE));
    assert_int_equal(text_at(0, 0), 0x7172);
    canvas_put(&canvas, 0, 0, cell(0x2588, 7, CELL_BOLD));
    assert_int_equal(text_at(0, 0), 0x0fdb);
}

static void test_no_screen(void **state)
{
    struct surface none = { .width = 640, .height = 480, .bits = 32 };
    uint8_t some[64];

    assert_false(canvas_init(&canvas, &none));
    none.memory = some;
    none.bits = 8;
    assert_false(canvas_init(&canvas, &none));
    none.bits = 32;
    none.red_bits = 10;
    assert_false(canvas_init(&canvas, &none));
    none.red_bits = 8;
    none.height = 15;
    assert_false(canvas_init(&canvas, &none));
    canvas_put(&canvas, 0, 0, cell('a', 7, 0));
    none.height = 0;
    assert_false(canvas_init(&canvas, &none));
}

static void test_place(void **state)
{
    struct surface s = { .width = 1024, .height = 768, .bits = 32 };
    struct picture_place p = picture_place(&s, 720, 400);

    assert_int_equal(p.scale, 1);
    assert_int_equal(p.x, 152);
    assert_int_equal(p.y, 184);
    p = picture_place(&s, 320, 200);
    assert_int_equal(p.scale, 3);
    assert_int_equal(p.x, 32);
    assert_int_equal(p.y, 84);
    assert_int_equal(p.width, 960);
    assert_int_equal(p.height, 600);
    /* The whole of it, and its sides as they were. */
    p = picture_place(&s, 4096, 100);
    assert_int_equal(p.scale, 0);
    assert_int_equal(p.width, 1024);
    assert_int_equal(p.height, 25);
    assert_int_equal(p.x, 0);
    assert_int_equal(p.y, 371);
    p = picture_place(&s, 100, 769);
    assert_int_equal(p.scale, 0);
    assert_int_equal(p.width, 99);
    assert_int_equal(p.height, 768);
    assert_int_equal(picture_place(&s, 1, 65535).width, 1);
    p = picture_place(&s, 1, 1);
    assert_int_equal(p.scale, 8);
    assert_int_equal(picture_place(&s, 0, 5).width, 0);
    s.is_text = true;
    assert_int_equal(picture_place(&s, 64, 64).width, 0);
}

static uint32_t picture_pixel(unsigned x, unsigned y)
{
    return (x * 3 & 0xff) << 16 | (y * 5 & 0xff) << 8 | ((x + y) & 0xff);
}

/* A picture of that size, drawn and looked at pixel by pixel. */
static void check_picture(unsigned width, unsigned height)
{
    const struct picture_place p = picture_place(&surface, width, height);
    struct picture picture = { .stride = width + 3, .width = width,
                               .height = height };
    uint32_t *pixels = malloc((size_t)(width + 3) * height * 4);
    uint32_t around = pixel(0, 0), want;

    assert_non_null(pixels);
    picture.pixels = pixels;
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < width; x++)
            pixels[y * picture.stride + x] = picture_pixel(x, y);
    picture_draw(&surface, &picture, NULL);
    for (unsigned y = 0; y < surface.height; y++)
        for (unsigned x = 0; x < surface.width; x++) {
            if (x < p.x || x >= p.x + p.width || y < p.y ||
                y >= p.y + p.height) {
                assert_int_equal(pixel(x, y), around);
                continue;
            }
            want = picture_pixel((x - p.x) / p.scale, (y - p.y) / p.scale);
            assert_int_equal(pixel(x, y), surface_pixel(
                &surface, want >> 16, want >> 8 & 0xff, want & 0xff));
        }
    free(pixels);
}

static void test_picture(void **state)
{
    static const uint8_t bits[] = { 16, 24, 32 };

    for (unsigned i = 0; i < 3; i++) {
        assert_true(start(300, 220, bits[i], 300 * bits[i] / 8 + i));
        check_picture(140, 100);
        end(NULL);
        assert_true(start(300, 220, bits[i], 300 * bits[i] / 8));
        check_picture(290, 219);
        end(NULL);
    }
}

/* Twice as large as the screen: four pixels fall on one. */
static void test_picture_is_made_smaller(void **state)
{
    static const uint8_t bits[] = { 16, 24, 32 };
    static uint32_t pixels[440 * 203];
    struct picture picture = { pixels, 203, 200, 440 };

    for (unsigned y = 0; y < 440; y++)
        for (unsigned x = 0; x < 200; x++)
            pixels[y * 203 + x] = (x / 2 % 64 * 4) << 16 |
                                  (y / 2 % 64 * 4) << 8 |
                                  (x % 2 ? 0xf8 : y % 2 ? 0xe8 : 0x08);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(start(300, 220, bits[i], 300 * bits[i] / 8));
        picture_draw(&surface, &picture, NULL);
        for (unsigned y = 0; y < 220; y++)
            for (unsigned x = 0; x < 100; x++)
                assert_int_equal(pixel(100 + x, y), surface_pixel(
                    &surface, x % 64 * 4, y % 64 * 4, 0xb8));
        end(NULL);
    }
}

/* Of a line that changed, the one on the screen that it falls on. */
static void test_lines_made_smaller(void **state)
{
    static const uint32_t pixels[16 * 48];
    static uint8_t changed[48];
    const struct picture picture = { pixels, 16, 16, 48 };

    changed[7] = 1;
    assert_true(start(8, 16, 32, 32));
    picture_draw(&surface, &picture, changed);
    assert_untouched(0, 32 * 2);
    for (unsigned i = 0; i < 32; i++)   /* 5 pixels wide, one from the left */
        assert_int_equal(memory[32 * 2 + i], i < 4 || i >= 24 ? UNTOUCHED
                                                                   : 0);
    assert_untouched(32 * 3, 32 * 16);
}

static void test_picture_lines(void **state)
{
    static const uint32_t pixels[4 * 4];
    static const uint8_t changed[4] = { 0, 1, 0, 0 };
    const struct picture picture = { pixels, 4, 4, 4 };

    assert_true(start(8, 16, 32, 32));
    picture_draw(&surface, &picture, changed);
    assert_untouched(0, 32 * 6);        /* twice as large, 4 lines down */
    for (unsigned i = 32 * 6; i < 32 * 8; i++)
        assert_int_equal(memory[i], 0);
    assert_untouched(32 * 8, 32 * 16);
}

/* No memory: what is to be seen is in the canvas itself. */
static void test_cells_alone(void **state)
{
    uint64_t changes;

    surface = (struct surface){ .is_text = true, .width = 4, .height = 2 };
    assert_true(canvas_init(&canvas, &surface));
    canvas_put(&canvas, 1, 2, cell('x', 7, CELL_BOLD));
    changes = canvas.changes;
    assert_int_equal(canvas.drawn[1][2].c, 'x');
    canvas_forget(&canvas);
    assert_int_equal(canvas.drawn[1][2].c, 'x');
    canvas_put(&canvas, 1, 2, cell('x', 7, CELL_BOLD));
    assert_int_equal(canvas.changes, changes);
    canvas_resize(&canvas, 3, 5);
    assert_int_equal(canvas.columns, 3);
    assert_int_equal(canvas.rows, 5);
    assert_true(canvas.changes > changes);
    assert_int_equal(canvas.drawn[1][2].c, ' ');
}

static void test_fit(void **state)
{
    assert_true(start(80, 64, 32, 320));
    assert_false(canvas_fit(&canvas, 40, 48));      /* of one size */
    canvas.width_max = 80, canvas.height_max = 64;
    canvas.width_usual = canvas.height_usual = 32;
    assert_true(canvas_fit(&canvas, 40, 48));
    assert_int_equal(canvas.surface.pitch, 160);
    assert_int_equal(canvas.columns, 5);
    assert_int_equal(canvas.rows, 3);
    canvas_put(&canvas, 2, 4, cell('x', 7, 0));
    surface = canvas.surface;
    assert_glyph(2, 4, 'x', 0xaaaaaa, 0);
    assert_false(canvas_fit(&canvas, 40, 48));
    assert_true(canvas_fit(&canvas, 1000, 1000));
    assert_int_equal(canvas.surface.width, 80);
    assert_int_equal(canvas.surface.height, 64);
    assert_true(canvas_fit(&canvas, 0, 0));
    assert_int_equal(canvas.surface.width, 32);
}

#define T(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_32_bits), T(test_24_bits), T(test_16_bits), T(test_scaled),
        T(test_attributes), T(test_only_what_differs), T(test_clear),
        T(test_text_mode), T(test_no_screen), T(test_place), T(test_picture),
        T(test_picture_lines), T(test_cells_alone), T(test_fit),
        T(test_picture_is_made_smaller), T(test_lines_made_smaller),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
