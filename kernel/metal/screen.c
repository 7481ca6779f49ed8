/* See screen.h. */
#include "kernel/metal/screen.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "kernel/metal/arch.h"
#include "kernel/metal/log.h"
#include "kernel/metal/paging.h"
#include "kernel/options.h"
#include "kernel/platform.h"
#include "kernel/screen/canvas.h"

/* VGA CRTC: index, data; the cursor's start register, bit 5 = off. */
enum { CRTC_INDEX = 0x3d4, CRTC_DATA = 0x3d5, CRTC_CURSOR_START = 0x0a };

static struct canvas canvas;    /* no rows: no screen */
static unsigned row, column;
static unsigned panic_rows;     /* that the panic's lines took */
/* What is to be there. */
static uint8_t grid[CANVAS_ROWS_MAX][CANVAS_COLUMNS_MAX];
static bool is_wanted;          /* by the options */
/* Who has the screen; NULL: the log does. */
static void (*owner_log)(const char *line, size_t len);

static void refresh(void)
{
    struct screen_cell cell = { .colour = CELL_COLOUR_DEFAULT };

    for (unsigned y = 0; y < canvas.rows; y++)
        for (unsigned x = 0; x < canvas.columns; x++) {
            cell.c = grid[y][x];
            canvas_put(&canvas, y, x, cell);
        }
}

static void new_line(void)
{
    column = 0;
    if (row + 1 < canvas.rows) {
        row++;
        return;
    }
    memmove(grid[0], grid[1], (canvas.rows - 1) * sizeof grid[0]);
    memset(grid[canvas.rows - 1], ' ', sizeof grid[0]);
}

static bool show(const char *line, size_t len)
{
    if (!canvas.rows)
        return true;
    for (size_t i = 0; i < len; i++) {
        if (column == canvas.columns)
            new_line();
        grid[row][column++] = (uint8_t)line[i];
    }
    new_line();
    refresh();
    return true;
}

static bool sink(const char *line, size_t len)
{
    if (!owner_log)
        return show(line, len);
    owner_log(line, len);
    return true;
}

int platform_display(const struct options *o, bool line, char *why,
                     size_t why_size)
{
    if (o->screen == SCREEN_CURSES || o->vnc.port) {
        snprintf(why, why_size, "%s: only the program on Linux has this; the "
                 "appliance has its PC's screen",
                 o->vnc.port ? "-vnc" : "-display curses");
        return -ENOTSUP;
    }
    is_wanted = !o->nographic && o->screen != SCREEN_NONE;
    if (is_wanted && !canvas.rows)
        platform_log("there is no local screen here: -nographic is assumed");
    return 0;
}

uint64_t platform_screen_poll(struct local *l, uint64_t now)
{
    return UINT64_MAX;          /* its keyboards are platform_input_take's */
}

int platform_vnc_info(char *text, size_t size) { return -ENOTSUP; }

int platform_vnc_password(const char *password) { return -ENOTSUP; }

void platform_screen_show(void) {}      /* its memory is what is seen */

struct canvas *platform_screen(void (*log)(const char *line, size_t len))
{
    if (!canvas.rows || !is_wanted)
        return NULL;
    canvas.advice = "see it with GRUB's gfxpayload=auto";
    owner_log = log;
    return &canvas;
}

/* Whatever is on the screen: it is the panic's. */
void screen_panic_line(const char *line, size_t len)
{
    if (owner_log) {
        owner_log = NULL;
        row = column = 0;
        memset(grid, ' ', sizeof grid);
        canvas_clear(&canvas);
    }
    panic_rows += screen_panic_rows(len);
    show(line, len);
}

unsigned screen_panic_rows(size_t len)
{
    return !canvas.columns || !len
               ? 1 : (unsigned)((len - 1) / canvas.columns) + 1;
}

unsigned screen_panic_room(void)
{
    unsigned kept = panic_rows + 2;     /* the last sentence, and its end */

    return kept < canvas.rows ? canvas.rows - kept : 0;
}

static struct surface surface_of(const struct multiboot_framebuffer *fb)
{
    struct surface s = {
        .is_text = fb->kind == MULTIBOOT_SCREEN_TEXT, .pitch = fb->pitch,
        .width = fb->width, .height = fb->height, .bits = fb->bits,
        .red_shift = fb->red_shift, .red_bits = fb->red_bits,
        .green_shift = fb->green_shift, .green_bits = fb->green_bits,
        .blue_shift = fb->blue_shift, .blue_bits = fb->blue_bits,
    };

    if (s.is_text) {
        s.memory = paging_direct(fb->base);
        if (!paging_is_mapped((uintptr_t)s.memory))
            s.memory = NULL;
    } else if (fb->kind == MULTIBOOT_SCREEN_RGB) {
        s.memory = paging_map_device(fb->base, (size_t)fb->pitch * fb->height,
                                     PAGING_WRITE | PAGING_WRITE_COMBINE);
    }
    return s;
}

void screen_init(const struct multiboot_framebuffer *found)
{
    const struct surface surface = surface_of(found);

    if (found->kind != MULTIBOOT_SCREEN_NONE && !surface.memory) {
        platform_log("screen: none; the memory at %#llx, which GRUB says it "
                     "has, cannot be mapped", (unsigned long long)found->base);
        return;
    }
    if (!canvas_init(&canvas, &surface)) {
        platform_log("screen: none");
        return;
    }
    if (surface.is_text) {
        out8(CRTC_INDEX, CRTC_CURSOR_START);
        out8(CRTC_DATA, 0x20);
    }
    memset(grid, ' ', sizeof grid);
    canvas_clear(&canvas);
    log_add_sink(sink);
    platform_log("screen: %s, %u columns, %u rows",
                 surface.is_text ? "VGA text" : "framebuffer", canvas.columns,
                 canvas.rows);
}
