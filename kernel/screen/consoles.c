/* See consoles.h. */
#include "kernel/screen/consoles.h"

#include <stdio.h>
#include <string.h>

#define NAME_COLOUR CELL_COLOUR(0, 7)
#define NO_CURSOR VT_ROWS_MAX   /* a row where none is */

static struct console *shown(struct consoles *c)
{
    return &c->console[c->shown];
}

void consoles_init(struct consoles *c, struct canvas *canvas)
{
    memset(c, 0, sizeof *c);
    c->canvas = canvas;
    c->all = true;
}

unsigned consoles_add(struct consoles *c, const struct console_source *source)
{
    if (c->count == CONSOLES_MAX)
        return 0;
    c->console[c->count].source = *source;
    return ++c->count;
}

bool consoles_show(struct consoles *c, unsigned number, uint64_t now)
{
    if (number < 1 || number > c->count)
        return false;
    c->shown = number - 1;
    c->top = c->left = 0;
    c->all = true;
    c->tell_end_ns = now + CONSOLES_TELL_NS;
    c->drawn_ns = 0;
    return true;
}

/* ---- Keys ---------------------------------------------------------------- */

static void look_back(struct consoles *c, unsigned lines)
{
    struct console *con = shown(c);
    unsigned most = vt_history(con->source.vt);

    if (lines > most)
        lines = most;
    c->all |= lines != con->back;
    con->back = lines;
}

/* Ctrl and one of these. False: it is another key. */
static bool scroll_key(struct consoles *c, enum vt_key key)
{
    unsigned page = c->canvas->rows > 1 ? c->canvas->rows - 1 : 1;
    unsigned back = shown(c)->back, step;

    if (key == VT_KEY_PAGE_UP || key == VT_KEY_PAGE_DOWN)
        step = page;
    else if (key == VT_KEY_UP || key == VT_KEY_DOWN)
        step = 1;
    else
        return false;
    if (key == VT_KEY_PAGE_UP || key == VT_KEY_UP)
        look_back(c, back + step);
    else
        look_back(c, back > step ? back - step : 0);
    return true;
}

/* Bytes for the terminal's program; the view goes to where it answers. */
static void send(struct consoles *c, const uint8_t *data, size_t len)
{
    const struct console_source *source = &shown(c)->source;

    if (!len)
        return;
    look_back(c, 0);
    source->input(source->ctx, data, len);
}

bool consoles_key(struct consoles *c, enum vt_key key, unsigned modifiers,
                  uint64_t now)
{
    uint8_t bytes[VT_KEY_BYTES];

    if (!c->count || !shown(c)->source.vt)
        return false;
    if (modifiers != VT_CTRL || !scroll_key(c, key))
        send(c, bytes, vt_key(shown(c)->source.vt, key, modifiers, bytes));
    return true;
}

bool consoles_keypad(struct consoles *c, char key, uint64_t now)
{
    uint8_t bytes[VT_KEY_BYTES];

    if (!c->count || !shown(c)->source.vt)
        return false;
    send(c, bytes, vt_keypad(shown(c)->source.vt, key, bytes));
    return true;
}

bool consoles_type(struct consoles *c, uint32_t character, unsigned modifiers,
                   uint64_t now)
{
    uint8_t bytes[VT_KEY_BYTES];

    if (modifiers == (VT_CTRL | VT_ALT) && character >= '1' &&
        character <= '9' && consoles_show(c, character - '0', now))
        return true;
    if (!c->count || !shown(c)->source.vt)
        return false;
    send(c, bytes, vt_type(shown(c)->source.vt, character, modifiers, bytes));
    return true;
}

/* ---- Drawing ------------------------------------------------------------- */

/* Which console it is, over the right end of the first row. */
static void draw_name(struct consoles *c)
{
    const struct console *con = shown(c);
    char text[CONSOLES_NAME + 48];
    unsigned columns = c->canvas->columns;
    int len = snprintf(text, sizeof text, " %u %s ", c->shown + 1,
                       con->source.name);

    if (con->back)
        len = snprintf(text, sizeof text, " %u %s, %u lines back ",
                       c->shown + 1, con->source.name, con->back);
    if ((unsigned)len > columns)
        len = (int)columns;
    for (int i = 0; i < len; i++) {
        struct screen_cell cell = { (uint8_t)text[i], NAME_COLOUR, 0 };

        canvas_put(c->canvas, 0, columns - (unsigned)(len - i), cell);
    }
}

static bool name_is_shown(struct consoles *c)
{
    return c->tell_end_ns || shown(c)->back;
}

/* The row that the cursor is in, as seen; NO_CURSOR: none. */
static unsigned cursor_of(const struct console *con, unsigned *column)
{
    unsigned row;

    return vt_cursor(con->source.vt, &row, column) && !con->back ? row
                                                                 : NO_CURSOR;
}

/* Row `y` of the screen. */
static void draw_row(struct consoles *c, unsigned y)
{
    static struct screen_cell cells[VT_COLUMNS_MAX];
    const struct screen_cell blank = { ' ', CELL_COLOUR_DEFAULT, 0 };
    const struct console *con = shown(c);
    unsigned columns = vt_columns(con->source.vt), used = 0;
    unsigned row = y + c->top;

    if (row < vt_rows(con->source.vt)) {
        vt_row(con->source.vt, con->back, row, cells);
        used = columns;
    }
    if (row == c->cursor_row && c->cursor_column < used)
        cells[c->cursor_column].attributes ^= CELL_REVERSE;
    for (unsigned x = 0; x < c->canvas->columns; x++)
        canvas_put(c->canvas, y, x, x + c->left < used ? cells[x + c->left]
                                                       : blank);
}

/* A screen that is smaller than the terminal goes with the cursor. */
static void place(struct consoles *c)
{
    const struct vt *vt = shown(c)->source.vt;
    unsigned top, left;

    if (c->cursor_row == NO_CURSOR)
        return;
    top = canvas_hidden(c->cursor_row, vt_rows(vt), c->canvas->rows);
    left = canvas_hidden(c->cursor_column, vt_columns(vt), c->canvas->columns);
    c->all |= top != c->top || left != c->left;
    c->top = top;
    c->left = left;
}

/* A view of old lines stays with them while others scroll away. */
static void follow(struct consoles *c, struct console *con)
{
    uint64_t scrolled = vt_scrolled(con->source.vt);

    if (con->back) {
        look_back(c, con->back + (unsigned)(scrolled - con->scrolled));
        c->all = true;
    }
    con->scrolled = scrolled;
}

static bool terminal_changed(struct consoles *c)
{
    struct console *con = shown(c);
    unsigned column, row = cursor_of(con, &column);

    for (unsigned y = 0; y < vt_rows(con->source.vt); y++)
        if (vt_is_dirty(con->source.vt, y))
            return true;
    return row != c->cursor_row || (row != NO_CURSOR &&
                                    column != c->cursor_column);
}

static void draw_terminal(struct consoles *c)
{
    struct console *con = shown(c);
    unsigned was = c->cursor_row;

    if (canvas_fit(c->canvas, 0, 0))
        c->all = true;
    else if (c->is_drawn_over)
        canvas_clear(c->canvas);
    c->is_drawn_over = false;
    follow(c, con);
    c->cursor_row = cursor_of(con, &c->cursor_column);
    place(c);
    for (unsigned y = 0; y < c->canvas->rows; y++) {
        unsigned row = y + c->top;

        if (c->all || row == was || row == c->cursor_row || y == 0 ||
            (row < vt_rows(con->source.vt) && vt_is_dirty(con->source.vt, row)))
            draw_row(c, y);
    }
    vt_clean(con->source.vt);
}

static void draw(struct consoles *c)
{
    const struct console_source *source = &shown(c)->source;

    if (source->vt) {
        draw_terminal(c);
    } else {
        source->draw(source->ctx, c->canvas, c->all);
        c->is_drawn_over = true;
        if (name_is_shown(c))
            canvas_forget(c->canvas);   /* the name may be gone */
    }
    if (name_is_shown(c))
        draw_name(c);
    c->rows = c->canvas->rows;
    c->columns = c->canvas->columns;
    c->all = false;
}

uint64_t consoles_poll(struct consoles *c, uint64_t now)
{
    bool is_terminal = c->count && shown(c)->source.vt;

    if (!c->count || c->canvas->is_unseen)
        return UINT64_MAX;
    if (c->rows != c->canvas->rows || c->columns != c->canvas->columns)
        c->all = true;          /* another size by another's hand */
    if (c->tell_end_ns && now >= c->tell_end_ns) {
        c->tell_end_ns = 0;
        c->all = true;
    }
    if (is_terminal && !c->all && !terminal_changed(c))
        return c->tell_end_ns ? c->tell_end_ns : UINT64_MAX;
    if (c->drawn_ns && now - c->drawn_ns < CONSOLES_DRAW_NS)
        return c->drawn_ns + CONSOLES_DRAW_NS;
    c->drawn_ns = now;
    draw(c);
    if (!is_terminal)
        return now + CONSOLES_DRAW_NS;
    return c->tell_end_ns ? c->tell_end_ns : UINT64_MAX;
}
