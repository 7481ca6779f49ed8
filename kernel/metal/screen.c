/* See screen.h. */
#include "kernel/metal/screen.h"

#include <stdint.h>
#include <string.h>

#include "kernel/metal/arch.h"
#include "kernel/metal/log.h"
#include "kernel/metal/paging.h"
#include "kernel/platform.h"

#define GLYPH_WIDTH 8u
#define GLYPH_HEIGHT 16u
#define MAX_COLUMNS 160u
#define MAX_ROWS 64u
#define TEXT_ATTRIBUTE 0x0700u  /* light grey on black */

/* VGA CRTC: index, data; the cursor's start register, bit 5 = off. */
enum { CRTC_INDEX = 0x3d4, CRTC_DATA = 0x3d5, CRTC_CURSOR_START = 0x0a };

extern const uint8_t screen_font[256 * GLYPH_HEIGHT];

static struct multiboot_framebuffer fb;
static volatile uint8_t *memory;        /* NULL: no screen */
static unsigned columns, rows, row, column;
static uint32_t grey;
static uint8_t grid[MAX_ROWS][MAX_COLUMNS];     /* what should be there */
static uint8_t drawn[MAX_ROWS][MAX_COLUMNS];    /* what is there */

static void put_pixel(volatile uint8_t *p, uint32_t colour)
{
    switch (fb.bits) {
    case 32:
        *(volatile uint32_t *)p = colour;
        break;
    case 16:
        *(volatile uint16_t *)p = (uint16_t)colour;
        break;
    default:
        p[0] = (uint8_t)colour;
        p[1] = (uint8_t)(colour >> 8);
        p[2] = (uint8_t)(colour >> 16);
    }
}

static void draw_glyph(unsigned y, unsigned x, uint8_t c)
{
    volatile uint8_t *line = memory + (size_t)y * GLYPH_HEIGHT * fb.pitch +
                             (size_t)x * GLYPH_WIDTH * (fb.bits / 8);

    for (unsigned r = 0; r < GLYPH_HEIGHT; r++, line += fb.pitch) {
        uint8_t bits = screen_font[c * GLYPH_HEIGHT + r];

        for (unsigned b = 0; b < GLYPH_WIDTH; b++)
            put_pixel(line + b * (fb.bits / 8),
                      bits >> (7 - b) & 1 ? grey : 0);
    }
}

static void draw_cell(unsigned y, unsigned x, uint8_t c)
{
    if (fb.kind == MULTIBOOT_SCREEN_RGB)
        draw_glyph(y, x, c);
    else
        *(volatile uint16_t *)(memory + y * fb.pitch + x * 2) =
            TEXT_ATTRIBUTE | c;
}

static void refresh(void)
{
    for (unsigned y = 0; y < rows; y++)
        for (unsigned x = 0; x < columns; x++)
            if (grid[y][x] != drawn[y][x]) {
                draw_cell(y, x, grid[y][x]);
                drawn[y][x] = grid[y][x];
            }
}

static void new_line(void)
{
    column = 0;
    if (row + 1 < rows) {
        row++;
        return;
    }
    memmove(grid[0], grid[1], (rows - 1) * sizeof grid[0]);
    memset(grid[rows - 1], ' ', sizeof grid[0]);
}

static bool show(const char *line, size_t len)
{
    if (!memory)
        return true;
    for (size_t i = 0; i < len; i++) {
        if (column == columns)
            new_line();
        grid[row][column++] = (uint8_t)line[i];
    }
    new_line();
    refresh();
    return true;
}

void screen_panic_line(const char *line, size_t len) { show(line, len); }

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

static uint32_t scaled(uint32_t level, uint8_t bits, uint8_t shift)
{
    return level >> (8 - bits) << shift;
}

void screen_init(const struct multiboot_framebuffer *found)
{
    fb = *found;
    if (fb.kind == MULTIBOOT_SCREEN_TEXT) {
        memory = paging_direct(fb.base);
        if (!paging_is_mapped((uintptr_t)memory))
            memory = NULL;
        columns = least(fb.width, MAX_COLUMNS);
        rows = least(fb.height, MAX_ROWS);
        out8(CRTC_INDEX, CRTC_CURSOR_START);
        out8(CRTC_DATA, 0x20);
    } else if (fb.kind == MULTIBOOT_SCREEN_RGB) {
        memory = paging_map_device(fb.base, (size_t)fb.pitch * fb.height,
                                   PAGING_WRITE | PAGING_WRITE_COMBINE);
        columns = least(fb.width / GLYPH_WIDTH, MAX_COLUMNS);
        rows = least(fb.height / GLYPH_HEIGHT, MAX_ROWS);
        grey = scaled(0xaa, fb.red_bits, fb.red_shift) |
               scaled(0xaa, fb.green_bits, fb.green_shift) |
               scaled(0xaa, fb.blue_bits, fb.blue_shift);
    }
    if (!memory || !columns || !rows) {
        memory = NULL;
        platform_log("screen: none");
        return;
    }
    memset(grid, ' ', sizeof grid);     /* `drawn` is zero: all is drawn */
    log_add_sink(show);
    platform_log("screen: %s, %u columns, %u rows",
                 fb.kind == MULTIBOOT_SCREEN_TEXT ? "VGA text" : "framebuffer",
                 columns, rows);
}
