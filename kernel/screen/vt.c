/* The terminal's pages; see vt.h. */
#include "kernel/screen/vt_internal.h"

#include <stdlib.h>
#include <string.h>

#define TAB_STOP 8u

/* VT102 User Guide, special graphics: 5Fh to 7Eh. */
static const uint16_t drawing[] = {
    0x0020, 0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0,
    0x00b1, 0x2424, 0x240b, 0x2518, 0x2510, 0x250c, 0x2514, 0x253c,
    0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c, 0x2524, 0x2534,
    0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7,
};

/* ---- Made and reset ------------------------------------------------------ */

static unsigned all_lines(const struct vt_config *c)
{
    return VT_PAGES * c->rows + c->history;
}

static bool is_sensible(const struct vt_config *c)
{
    return c->columns >= 2 && c->columns <= VT_COLUMNS_MAX && c->rows >= 2 &&
           c->rows <= VT_ROWS_MAX && c->history <= VT_HISTORY_MAX;
}

struct vt *vt_create(const struct vt_config *config)
{
    size_t lines, cells;
    struct screen_cell **line, *cell;
    struct vt *vt;

    if (!is_sensible(config))
        return NULL;
    lines = all_lines(config);
    cells = lines * config->columns;
    vt = calloc(1, sizeof *vt + lines * sizeof *line + cells * sizeof *cell +
                   config->rows + config->columns);
    if (!vt)
        return NULL;
    vt->config = *config;
    line = (struct screen_cell **)(vt + 1);
    cell = (struct screen_cell *)(line + lines);
    vt->dirty = (uint8_t *)(cell + cells);
    vt->tabs = vt->dirty + config->rows;
    for (size_t i = 0; i < lines; i++)
        line[i] = cell + i * config->columns;
    vt->page[VT_MAIN] = line;
    vt->page[VT_ALTERNATE] = line + config->rows;
    vt->kept = line + VT_PAGES * config->rows;
    vt_reset(vt);
    return vt;
}

void vt_destroy(struct vt *vt) { free(vt); }

static void home_state(struct vt_cursor *c)
{
    *c = (struct vt_cursor){ .colour = CELL_COLOUR_DEFAULT };
}

/* DECSTR, VT220's: modes and the pen, but neither the text nor the cursor. */
void vt_soft_reset(struct vt *vt)
{
    unsigned row = vt->cursor.row, column = vt->cursor.column;

    home_state(&vt->cursor);
    vt->cursor.row = row;
    vt->cursor.column = column;
    home_state(&vt->saved[VT_MAIN]);
    home_state(&vt->saved[VT_ALTERNATE]);
    vt->top = 0;
    vt->bottom = vt->config.rows - 1;
    vt->autowrap = vt->cursor_shown = true;
    vt->insert = vt->application_cursor = vt->application_keypad = false;
    if (vt->reverse_screen)
        vt_mark_all(vt);
    vt->reverse_screen = false;
}

void vt_reset(struct vt *vt)
{
    vt_soft_reset(vt);
    vt->new_line = false;
    vt->utf8 = !vt->config.latin1;
    vt->cursor.row = vt->cursor.column = 0;
    vt->last = 0;
    vt->state = VT_GROUND;
    vt->code_left = 0;
    for (unsigned i = 0; i < vt->config.columns; i++)
        vt->tabs[i] = i % TAB_STOP == 0;
    for (unsigned page = VT_PAGES; page--;) {   /* the main one last */
        vt_show_page(vt, page);
        vt_clear_rows(vt, 0, vt->config.rows);
    }
}

/* ---- Changes of cells ---------------------------------------------------- */

static void mark(struct vt *vt, unsigned row) { vt->dirty[row] = 1; }

void vt_mark_all(struct vt *vt) { memset(vt->dirty, 1, vt->config.rows); }

void vt_clear(struct vt *vt, unsigned row, unsigned from, unsigned to)
{
    /* The background stays (bce): programs for xterm and Linux rely on it. */
    const struct screen_cell blank = {
        ' ', CELL_COLOUR(7, vt->cursor.colour >> 4), 0
    };

    for (unsigned i = from; i < to; i++)
        vt->line[row][i] = blank;
    mark(vt, row);
}

void vt_clear_rows(struct vt *vt, unsigned from, unsigned to)
{
    for (unsigned row = from; row < to; row++)
        vt_clear(vt, row, 0, vt->config.columns);
}

/* The line goes to the ring, and the oldest there comes back in its place. */
static void keep(struct vt *vt, struct screen_cell **line)
{
    struct screen_cell *oldest = vt->kept[vt->kept_next];

    vt->kept[vt->kept_next] = *line;
    *line = oldest;
    vt->kept_next = (vt->kept_next + 1) % vt->config.history;
    if (vt->kept_count < vt->config.history)
        vt->kept_count++;
    vt->scrolled++;
}

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

void vt_scroll_up(struct vt *vt, unsigned top, unsigned bottom, unsigned n)
{
    bool kept = top == 0 && vt->config.history && !vt_page_index(vt);

    n = least(n, bottom - top + 1);
    for (unsigned i = 0; i < n; i++) {
        struct screen_cell *first;

        if (kept)
            keep(vt, &vt->line[top]);
        first = vt->line[top];
        memmove(vt->line + top, vt->line + top + 1,
                (bottom - top) * sizeof *vt->line);
        vt->line[bottom] = first;
        vt_clear(vt, bottom, 0, vt->config.columns);
    }
    memset(vt->dirty + top, 1, bottom - top + 1);
}

void vt_scroll_down(struct vt *vt, unsigned top, unsigned bottom, unsigned n)
{
    n = least(n, bottom - top + 1);
    for (unsigned i = 0; i < n; i++) {
        struct screen_cell *last = vt->line[bottom];

        memmove(vt->line + top + 1, vt->line + top,
                (bottom - top) * sizeof *vt->line);
        vt->line[top] = last;
        vt_clear(vt, top, 0, vt->config.columns);
    }
    memset(vt->dirty + top, 1, bottom - top + 1);
}

void vt_insert_cells(struct vt *vt, unsigned n)
{
    struct screen_cell *line = vt->line[vt->cursor.row];
    unsigned at = vt->cursor.column, right = vt->config.columns - at;

    n = least(n, right);
    memmove(line + at + n, line + at, (right - n) * sizeof *line);
    vt_clear(vt, vt->cursor.row, at, at + n);
}

void vt_delete_cells(struct vt *vt, unsigned n)
{
    struct screen_cell *line = vt->line[vt->cursor.row];
    unsigned at = vt->cursor.column, right = vt->config.columns - at;

    n = least(n, right);
    memmove(line + at, line + at + n, (right - n) * sizeof *line);
    vt_clear(vt, vt->cursor.row, vt->config.columns - n, vt->config.columns);
}

/* ---- The cursor ---------------------------------------------------------- */

void vt_move(struct vt *vt, unsigned row, unsigned column)
{
    vt->cursor.row = least(row, vt->config.rows - 1);
    vt->cursor.column = least(column, vt->config.columns - 1);
    vt->cursor.wrap_next = false;
}

void vt_index(struct vt *vt)
{
    vt->cursor.wrap_next = false;
    if (vt->cursor.row == vt->bottom)
        vt_scroll_up(vt, vt->top, vt->bottom, 1);
    else if (vt->cursor.row + 1 < vt->config.rows)
        vt->cursor.row++;
}

void vt_reverse_index(struct vt *vt)
{
    vt->cursor.wrap_next = false;
    if (vt->cursor.row == vt->top)
        vt_scroll_down(vt, vt->top, vt->bottom, 1);
    else if (vt->cursor.row)
        vt->cursor.row--;
}

void vt_tab(struct vt *vt, unsigned n)
{
    unsigned column = vt->cursor.column;

    while (n-- && column + 1 < vt->config.columns)
        do
            column++;
        while (column + 1 < vt->config.columns && !vt->tabs[column]);
    vt->cursor.column = column;
}

void vt_tab_back(struct vt *vt, unsigned n)
{
    unsigned column = vt->cursor.column;

    while (n-- && column)
        do
            column--;
        while (column && !vt->tabs[column]);
    vt_move(vt, vt->cursor.row, column);
}

void vt_show_page(struct vt *vt, unsigned page)
{
    vt->line = vt->page[page];
    vt_mark_all(vt);
}

void vt_save_cursor(struct vt *vt)
{
    vt->saved[vt_page_index(vt)] = vt->cursor;
}

void vt_restore_cursor(struct vt *vt)
{
    struct vt_cursor *c = &vt->cursor;

    *c = vt->saved[vt_page_index(vt)];
    if (c->origin && c->row < vt->top)
        c->row = vt->top;
    if (c->origin && c->row > vt->bottom)
        c->row = vt->bottom;
}

/* ---- Printing ------------------------------------------------------------ */

struct range { uint32_t first, last; };

static bool is_in(const struct range *range, size_t count, uint32_t c)
{
    for (size_t i = 0; i < count; i++)
        if (c >= range[i].first && c <= range[i].last)
            return true;
    return false;
}

/* Unicode's combining and invisible characters: those with blocks of theirs. */
static bool has_no_width(uint32_t c)
{
    static const struct range none[] = {
        { 0x0300, 0x036f }, { 0x200b, 0x200f }, { 0x2028, 0x202e },
        { 0x2060, 0x206f }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f },
        { 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff }, { 0xe0000, 0xe0fff },
    };

    return c >= 0x300 && is_in(none, sizeof none / sizeof *none, c);
}

/* Two cells wide (Unicode Standard Annex 11, W and F), as programs count. */
static bool is_wide(uint32_t c)
{
    static const struct range wide[] = {
        { 0x1100, 0x115f }, { 0x2e80, 0x303e }, { 0x3041, 0xa4cf },
        { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },
        { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f },
        { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
    };

    return c >= 0x1100 && is_in(wide, sizeof wide / sizeof *wide, c);
}

static void put_cell(struct vt *vt, uint16_t c)
{
    struct vt_cursor *at = &vt->cursor;

    if (at->wrap_next && vt->autowrap) {
        at->column = 0;
        vt_index(vt);
    }
    if (vt->insert)
        vt_insert_cells(vt, 1);
    vt->line[at->row][at->column] = (struct screen_cell){
        c, at->colour, at->attributes
    };
    mark(vt, at->row);
    vt->last = c;
    if (at->column + 1 < vt->config.columns)
        at->column++;
    else
        at->wrap_next = vt->autowrap;
}

void vt_print(struct vt *vt, uint32_t c)
{
    uint8_t charset = vt->cursor.charset[vt->cursor.shift];

    if (charset == VT_DRAWING && c >= 0x5f && c <= 0x7e)
        c = drawing[c - 0x5f];
    else if (charset == VT_UK && c == '#')
        c = 0xa3;
    if (has_no_width(c))
        return;
    if (!is_wide(c)) {
        put_cell(vt, c > 0xffff ? CELL_REPLACEMENT : (uint16_t)c);
        return;
    }
    if (vt->cursor.column + 1 == vt->config.columns && !vt->cursor.wrap_next)
        put_cell(vt, ' ');
    put_cell(vt, CELL_REPLACEMENT);
    put_cell(vt, CELL_REPLACEMENT);
}

/* ---- Looked at ----------------------------------------------------------- */

unsigned vt_columns(const struct vt *vt) { return vt->config.columns; }

unsigned vt_rows(const struct vt *vt) { return vt->config.rows; }

unsigned vt_history(const struct vt *vt) { return vt->kept_count; }

uint64_t vt_scrolled(const struct vt *vt) { return vt->scrolled; }

void vt_forget_history(struct vt *vt) { vt->kept_count = 0; }

void vt_row(const struct vt *vt, unsigned back, unsigned row,
            struct screen_cell *out)
{
    unsigned columns = vt->config.columns;
    const struct screen_cell *line;

    back = least(back, vt->kept_count);
    if (row >= back)
        line = vt->line[row - back];
    else
        line = vt->kept[(vt->kept_next + vt->config.history - back + row) %
                        vt->config.history];
    memcpy(out, line, columns * sizeof *out);
    for (unsigned i = 0; i < columns && vt->reverse_screen; i++)
        out[i].attributes ^= CELL_REVERSE;
}

bool vt_cursor(const struct vt *vt, unsigned *row, unsigned *column)
{
    *row = vt->cursor.row;
    *column = vt->cursor.column;
    return vt->cursor_shown;
}

bool vt_is_dirty(const struct vt *vt, unsigned row) { return vt->dirty[row]; }

void vt_clean(struct vt *vt) { memset(vt->dirty, 0, vt->config.rows); }
