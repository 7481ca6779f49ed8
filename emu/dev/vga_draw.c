/*
 * The screen as a picture (display.h): its size, and which lines of it have
 * changed since somebody drew them.
 */
#include "emu/dev/vga_internal.h"

#include <errno.h>
#include <string.h>

#define CURSOR_FRAMES 8u
#define CHARACTER_FRAMES 16u

_Static_assert(DISPLAY_WIDTH_MAX == 256 * 9 * 2, "the widest line");

/* ---- The frame ------------------------------------------------------------- */

static void vga_shape(const struct vga *v, struct vga_frame *f)
{
    unsigned clocking = v->sr[SR_CLOCKING];
    unsigned half = v->cr[CR_MODE] & CR17_HALF_LINES ? 2 : 1;

    f->is_text = !(v->gr[GR_MISC] & GR6_GRAPHICS);
    f->columns = v->cr[CR_H_DISPLAY_END] + 1u;
    f->dots = f->is_text && !(clocking & SR1_EIGHT_DOTS) ? 9 : 8;
    f->dot_pixels = clocking & SR1_HALF_CLOCK ? 2 : 1;
    f->mode.width = f->columns * f->dots * f->dot_pixels;
    f->mode.height = vga_display_lines(v) * half;
}

static unsigned text_rows(const struct vga *v, unsigned height)
{
    struct vga_scan s;
    unsigned rows = 0;

    vga_scan_first(v, &s);
    for (; s.line < height; vga_scan_next(v, &s))
        rows += s.begins;
    return rows;
}

void vga_frame_shape(const struct vga *v, struct vga_frame *f, unsigned shown)
{
    memset(f, 0, offsetof(struct vga_frame, color));
    f->shown = shown;
    f->is_dispi = vga_dispi_on(v);
    f->is_blank = !(v->ar_index & AR_VIDEO_ON) ||
                  (v->sr[SR_CLOCKING] & SR1_SCREEN_OFF);
    if (f->is_dispi) {
        f->mode.width = v->dispi[DISPI_XRES];
        f->mode.height = v->dispi[DISPI_YRES];
    } else {
        vga_shape(v, f);
    }
    f->mode.kind = f->is_blank ? DISPLAY_BLANK
                   : f->is_text ? DISPLAY_TEXT : DISPLAY_GRAPHICS;
    if (f->mode.kind != DISPLAY_TEXT)
        return;
    f->cursor = vga_cursor(v);
    f->mode.columns = f->columns;
    f->mode.rows = text_rows(v, f->mode.height);
    f->mode.cell_width = f->dots * f->dot_pixels;
    f->mode.cell_height = (v->cr[CR_MAX_SCAN_LINE] & 31) + 1u;
    if (v->cr[CR_MAX_SCAN_LINE] & CR9_DOUBLE_SCAN)
        f->mode.cell_height *= 2;
}

struct display_mode vga_mode(const struct vga *v)
{
    struct vga_frame f;

    vga_frame_shape(v, &f, DISPLAY_BOTH);
    return f.mode;
}

unsigned vga_blink(const struct vga *v)
{
    uint64_t now = machine_now(v->pci.dev.machine);
    uint64_t frame = now / VGA_LINE_NS / vga_total_lines(v);

    return (frame / CURSOR_FRAMES & 1 ? 0 : DISPLAY_CURSOR) |
           (frame / CHARACTER_FRAMES & 1 ? 0 : DISPLAY_BLINKING);
}

/* ---- What changed ----------------------------------------------------------- */

bool vga_changed(const struct vga *v, const struct display_view *view)
{
    return __atomic_load_n(&v->touched, __ATOMIC_RELAXED) >= view->seen;
}

/* Was any byte from `first` to `last`, both within the memory, written? */
static bool is_written(const struct vga *v, uint32_t first, uint32_t last,
                       uint64_t seen)
{
    for (uint32_t i = first >> VGA_MARK_SHIFT; i <= last >> VGA_MARK_SHIFT; i++)
        if (v->mark[i] >= seen)
            return true;
    return false;
}

static bool dispi_line_changed(const struct vga *v, const struct vga_frame *f,
                               unsigned line, uint64_t seen)
{
    uint32_t bytes = vga_dispi_line_bytes(v);
    uint64_t at = (uint64_t)bytes * (line + v->dispi[DISPI_Y_OFFSET]);

    if (!bytes || at + bytes > VGA_VRAM_BYTES)
        return false;           /* not shown: vga_dispi_is_possible */
    return is_written(v, (uint32_t)at, (uint32_t)(at + bytes - 1), seen);
}

static bool memory_changed(const struct vga *v, const struct vga_frame *f,
                           const struct vga_scan *s, uint64_t seen)
{
    uint32_t first = vga_address(v, s->address, s->row);
    uint32_t last = vga_address(v, s->address + f->columns, s->row);

    if (last < first)           /* it wraps: look at all that it may show */
        first = 0, last = VGA_PLANE_BYTES - 1;
    return is_written(v, 4 * first, 4 * last + 3, seen);
}

/* The cursor as one number: 0 while it is not to be seen. */
static uint64_t cursor_key(const struct vga_frame *f)
{
    const struct vga_cursor *c = &f->cursor;

    if (!c->on || !(f->shown & DISPLAY_CURSOR))
        return 0;
    return 1ull << 32 | (uint64_t)c->first << 24 | (uint64_t)c->last << 16 |
           c->address;
}

/* Is the cursor of `key` in the row of characters of this line? */
static bool has_cursor(const struct vga_frame *f, const struct vga_scan *s,
                       uint64_t key)
{
    return key && (uint16_t)(key - s->address) <= f->columns;
}

static bool has_blinking(const struct vga *v, const struct vga_frame *f,
                         const struct vga_scan *s)
{
    for (unsigned x = 0; x <= f->columns; x++)
        if (v->vram[4 * vga_address(v, s->address + x / vga_count_by(v),
                                    s->row) + 1] & 0x80)
            return true;
    return false;
}

static bool is_same_mode(const struct display_mode *a,
                         const struct display_mode *b)
{
    return a->kind == b->kind && a->width == b->width &&
           a->height == b->height && a->columns == b->columns &&
           a->rows == b->rows && a->cell_width == b->cell_width &&
           a->cell_height == b->cell_height;
}

void vga_look_begin(const struct vga *v, const struct vga_frame *f,
                    const struct display_view *view, struct vga_look *l)
{
    bool toggled = ((view->shown ^ f->shown) & DISPLAY_BLINKING) &&
                   (v->ar[AR_MODE] & AR10_BLINK);

    *l = (struct vga_look){ .seen = view->seen };
    l->all = !view->seen || v->all_mark >= view->seen ||
             !is_same_mode(&f->mode, &view->mode) ||
             (f->is_text && v->font_mark >= view->seen) ||
             (toggled && !f->is_text);
    l->blinked = toggled && f->is_text;
    if (cursor_key(f) != view->cursor) {
        l->cursor_then = view->cursor;
        l->cursor_now = cursor_key(f);
    }
}

bool vga_line_changed(const struct vga *v, const struct vga_frame *f,
                      const struct vga_scan *s, const struct vga_look *l)
{
    if (l->all)
        return true;
    if (f->is_blank)
        return false;
    if (f->is_dispi)
        return dispi_line_changed(v, f, s->line, l->seen);
    return memory_changed(v, f, s, l->seen) ||
           has_cursor(f, s, l->cursor_then) ||
           has_cursor(f, s, l->cursor_now) ||
           (l->blinked && has_blinking(v, f, s));
}

void vga_look_end(struct vga *v, const struct vga_frame *f,
                  struct display_view *view)
{
    view->seen = ++v->epoch;
    view->cursor = cursor_key(f);
    view->shown = f->shown;
}

int vga_draw(struct vga *v, struct display_view *view,
             const struct display_target *t, unsigned shown)
{
    struct vga_frame f;
    struct vga_scan s;
    struct vga_look l;
    int drawn = 0;

    vga_frame_shape(v, &f, shown);
    vga_look_begin(v, &f, view, &l);
    view->mode = f.mode;
    if (f.mode.width > t->width || f.mode.height > t->height) {
        view->seen = 0;
        return -ENOSPC;
    }
    vga_frame_colors(v, &f);
    vga_scan_first(v, &s);
    for (; s.line < f.mode.height; vga_scan_next(v, &s)) {
        bool changed = vga_line_changed(v, &f, &s, &l);

        view->line[s.line] = changed;
        drawn += changed;
        if (changed)
            vga_render_line(v, &f, &s, t->pixels + s.line * t->stride);
    }
    vga_look_end(v, &f, view);
    return drawn;
}
