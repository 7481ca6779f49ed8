/* The text screen as text: cells, fonts, lines. */
#include "emu/dev/vga_internal.h"

#include <errno.h>

#include "emu/textbuf.h"

/* The cell that a row shows at column `x`. */
static struct display_cell cell_at(const struct vga *v,
                                   const struct vga_scan *s, unsigned x)
{
    unsigned counter = s->address + x / vga_count_by(v);
    const uint8_t *planes = v->vram + 4 * vga_address(v, counter, 0);

    return (struct display_cell){ planes[0], planes[1] };
}

/* ---- Cells ------------------------------------------------------------------ */

static void find_cursor(const struct vga *v, const struct vga_frame *f,
                        const struct vga_scan *s, struct display_text *text)
{
    unsigned column = (uint16_t)(f->cursor.address - s->address) *
                      vga_count_by(v);

    if (f->cursor.on && column < f->columns) {
        text->has_cursor = true;
        text->cursor_column = column;
        text->cursor_row = text->rows;
    }
}

/* True: the row that begins with `s` changed, and was read. */
static bool take_row(const struct vga *v, const struct vga_frame *f,
                     const struct vga_scan *s, const struct vga_look *l,
                     struct display_cell *cells)
{
    struct vga_scan first = *s;

    first.row = 0;              /* where cell_at looks */
    if (!vga_line_changed(v, f, &first, l))
        return false;
    for (unsigned x = 0; x < f->columns; x++)
        cells[x] = cell_at(v, s, x);
    return true;
}

int vga_cells(struct vga *v, struct display_view *view,
              struct display_text *text, struct display_cell *cells,
              size_t count, unsigned shown)
{
    struct vga_frame f;
    struct vga_scan s;
    struct vga_look l;
    int read = 0;

    /* Characters blink by themselves, where they are shown. */
    vga_frame_shape(v, &f, shown | DISPLAY_BLINKING);
    vga_look_begin(v, &f, view, &l);
    view->mode = f.mode;
    if (f.mode.kind != DISPLAY_TEXT) {
        vga_look_end(v, &f, view);
        return -ENODATA;
    }
    vga_frame_colors(v, &f);
    *text = (struct display_text){
        .columns = f.columns,
        .rows = f.mode.rows,
        .cursor_first = f.cursor.first,
        .cursor_last = f.cursor.last,
        .blinks = v->ar[AR_MODE] & AR10_BLINK,
        .two_fonts = vga_font_address(v, false) != vga_font_address(v, true),
    };
    for (unsigned i = 0; i < 16; i++)
        text->color[i] = f.color[i];
    if ((size_t)text->columns * text->rows > count) {
        view->seen = 0;
        return -ENOSPC;
    }
    text->rows = 0;
    vga_scan_first(v, &s);
    for (; s.line < f.mode.height; vga_scan_next(v, &s)) {
        if (!s.begins)
            continue;
        view->line[text->rows] = take_row(v, &f, &s, &l, cells +
                                          (size_t)text->rows * f.columns);
        read += view->line[text->rows];
        find_cursor(v, &f, &s, text);
        text->rows++;
    }
    vga_look_end(v, &f, view);
    return read;
}

void vga_font(const struct vga *v, bool bit3, uint8_t glyph[256][32])
{
    unsigned at = vga_font_address(v, bit3);

    for (unsigned c = 0; c < 256; c++)
        for (unsigned y = 0; y < 32; y++)
            glyph[c][y] = v->vram[4 * (at + 32 * c + y) + 2];
}

/* ---- Lines ------------------------------------------------------------------ */

/* Code page 437, line drawing reduced to what ASCII has. */
static char to_ascii(uint8_t c)
{
    if (c == 0 || c == 0xff)
        return ' ';
    if (c >= 0x20 && c < 0x7f)
        return (char)c;
    if (c == 0xb3 || c == 0xba)
        return '|';
    if (c == 0xc4 || c == 0xcd)
        return '-';
    if ((c >= 0xb0 && c <= 0xb2) || (c >= 0xdb && c <= 0xdf))
        return '#';
    return c > 0xb3 && c < 0xdb ? '+' : '.';
}

static void add_row(const struct vga *v, const struct vga_scan *s,
                    unsigned columns, struct textbuf *t)
{
    char line[257];
    unsigned end = 0;

    for (unsigned x = 0; x < columns; x++) {
        line[x] = to_ascii(cell_at(v, s, x).character);
        if (line[x] != ' ')
            end = x + 1;
    }
    line[end] = 0;
    text_add(t, "%s\n", line);
}

int vga_text(const struct vga *v, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };
    struct vga_frame f;
    struct vga_scan s;

    vga_frame_shape(v, &f, DISPLAY_BOTH);
    if (!f.is_text)
        return -ENODATA;
    vga_scan_first(v, &s);
    for (; s.line < f.mode.height; vga_scan_next(v, &s))
        if (s.begins)
            add_row(v, &s, f.columns, &t);
    return (int)t.wanted;
}
