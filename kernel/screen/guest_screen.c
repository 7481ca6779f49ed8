/* See guest_screen.h. */
#include "kernel/screen/guest_screen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/display.h"
#include "emu/machine.h"
#include "kernel/guest.h"
#include "kernel/platform.h"
#include "kernel/screen/font.h"
#include "kernel/screen/picture.h"

/* Half of the time that a cursor is on (display.h): what blinks is seen to. */
#define BLINK_LOOK_NS 66000000u
#define BRIGHT_BACKGROUND 0x80u

struct guest_screen {
    struct guest *guest;
    struct display_view view;
    struct display_target target;       /* malloc'd pixels */
    uint64_t looked_ns;
    bool told;                          /* that it is not shown */
    bool wants_all;                     /* asked for, and not done yet */
    unsigned top, left;                 /* rows and columns left out */
    /* The answer of the guest's core. */
    bool as_text;
    int result;
    struct display_text text;
    unsigned blink, leds;
    struct display_cell cells[CANVAS_ROWS_MAX * CANVAS_COLUMNS_MAX];
};

struct guest_screen *guest_screen_create(struct guest *guest)
{
    struct guest_screen *s = calloc(1, sizeof *s);

    if (s)
        s->guest = guest;
    return s;
}

void guest_screen_destroy(struct guest_screen *s)
{
    if (s)
        free(s->target.pixels);
    free(s);
}

/* On the guest's core. */
static void look(struct guest *g, void *arg)
{
    struct guest_screen *s = arg;

    s->blink = machine_display_blink(g->machine);
    s->leds = machine_key_leds(g->machine);
    if (s->as_text) {
        s->result = machine_display_text(g->machine, &s->view, &s->text,
                                         s->cells,
                                         sizeof s->cells / sizeof *s->cells,
                                         s->blink);
    } else {
        s->result = machine_display_draw(g->machine, &s->view, &s->target,
                                         s->blink);
    }
}

static void tell(struct guest_screen *s, struct canvas *canvas,
                 const char *text, bool all)
{
    struct screen_cell cell = { .colour = CELL_COLOUR_DEFAULT };
    unsigned len = (unsigned)strlen(text), row = canvas->rows / 2;
    unsigned left = len < canvas->columns ? (canvas->columns - len) / 2 : 0;

    if (all || !s->told)
        canvas_clear(canvas);
    s->told = true;
    for (unsigned x = 0; x < canvas->columns; x++) {
        unsigned at = x - left;         /* huge, in front of it */

        cell.c = at < len ? (uint8_t)text[at] : ' ';
        canvas_put(canvas, row, x, cell);
    }
}

/* ---- Text ----------------------------------------------------------------- */

static struct screen_cell cell_at(const struct guest_screen *s, unsigned row,
                                  unsigned column)
{
    const struct display_text *t = &s->text;
    struct screen_cell cell = { ' ', CELL_COLOUR_DEFAULT, 0 };
    struct display_cell d;

    if (row >= t->rows || column >= t->columns)
        return cell;
    d = s->cells[(size_t)row * t->columns + column];
    cell.c = font_text_codes[d.character];
    cell.colour = d.attribute;
    if (t->blinks && d.attribute & BRIGHT_BACKGROUND) {
        cell.colour &= (uint8_t)~BRIGHT_BACKGROUND;
        cell.attributes = CELL_BLINK;
    }
    if (t->has_cursor && s->blink & DISPLAY_CURSOR && row == t->cursor_row &&
        column == t->cursor_column)
        cell.attributes |= CELL_REVERSE;
    return cell;
}

static void tell_why_no_text(struct guest_screen *s, struct canvas *canvas,
                             bool all)
{
    char text[80] = "";                 /* off, or larger than any screen */

    if (s->view.mode.kind == DISPLAY_GRAPHICS)
        snprintf(text, sizeof text, "%ux%u graphics mode: %s",
                 s->view.mode.width, s->view.mode.height, canvas->advice);
    tell(s, canvas, text, all);
}

/* The part of it around the cursor that there is room for. True: another. */
static bool place(struct guest_screen *s, const struct canvas *canvas)
{
    unsigned was_top = s->top, was_left = s->left;

    s->top = canvas_hidden(s->text.cursor_row, s->text.rows, canvas->rows);
    s->left = canvas_hidden(s->text.cursor_column, s->text.columns,
                            canvas->columns);
    return s->top != was_top || s->left != was_left;
}

static void draw_text(struct guest_screen *s, struct canvas *canvas,
                      struct display_mode was, bool all)
{
    if (s->result < 0) {
        tell_why_no_text(s, canvas, all);
        return;
    }
    all |= place(s, canvas) || s->told || s->view.mode.rows != was.rows ||
           s->view.mode.columns != was.columns;
    s->told = false;
    for (unsigned y = 0; y < canvas->rows; y++) {
        unsigned row = s->top + y;

        if (!all && (row >= s->text.rows || !s->view.line[row]))
            continue;
        for (unsigned x = 0; x < canvas->columns; x++)
            canvas_put(canvas, y, x, cell_at(s, row, s->left + x));
    }
}

/* ---- Pixels --------------------------------------------------------------- */

/* Room for a picture of its mode. False: there is none. */
static bool make_room(struct guest_screen *s)
{
    struct display_target *t = &s->target;

    free(t->pixels);
    t->width = s->view.mode.width;
    t->height = s->view.mode.height;
    t->stride = t->width;
    t->pixels = calloc((size_t)t->width * t->height, sizeof *t->pixels);
    if (!t->pixels)
        t->width = t->height = 0;
    return t->pixels;
}

static void draw_pixels(struct guest_screen *s, struct canvas *canvas,
                        struct display_mode was, bool all)
{
    const struct display_mode *mode = &s->view.mode;
    const struct picture picture = { s->target.pixels, s->target.stride,
                                     mode->width, mode->height };

    if (s->result < 0) {
        tell(s, canvas, "no memory for the guest's picture", all);
        return;
    }
    all |= s->told || mode->width != was.width || mode->height != was.height;
    if (canvas_fit(canvas, mode->width, mode->height))
        all = true;
    else if (all)
        canvas_clear(canvas);
    s->told = false;
    if (!all && !s->result)             /* of no line is there anything new */
        return;
    canvas->changes++;
    picture_draw(&canvas->surface, &picture, all ? NULL : s->view.line);
}

void guest_screen_draw(void *ctx, struct canvas *canvas, bool all)
{
    struct guest_screen *s = ctx;
    struct display_mode was = s->view.mode;
    uint64_t now = platform_now_ns();

    s->as_text = canvas->surface.is_text;
    s->wants_all |= all;
    if (!s->wants_all && now - s->looked_ns < BLINK_LOOK_NS &&
        !guest_display_changed(s->guest, &s->view))
        return;
    s->looked_ns = now;
    if (!guest_ask(s->guest, look, s))
        return;                         /* what is there stays */
    if (!s->as_text && s->result == -ENOSPC && make_room(s)) {
        s->wants_all = true;
        if (!guest_ask(s->guest, look, s))
            return;
    }
    all = s->wants_all;
    s->wants_all = false;
    if (s->as_text)
        draw_text(s, canvas, was, all);
    else
        draw_pixels(s, canvas, was, all);
}

unsigned guest_screen_leds(void *ctx)
{
    const struct guest_screen *s = ctx;

    return s->leds;
}
