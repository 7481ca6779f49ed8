/* Colours and attributes: SGR (ECMA-48 8.3.117, ISO 8613-6, xterm ctlseqs). */
#include "kernel/screen/palette.h"
#include "kernel/screen/vt_internal.h"

/* ANSI counts red 1, blue 4; VGA the other way round. */
static uint8_t from_ansi(unsigned n)
{
    return (uint8_t)((n & 0xa) | (n & 1) << 2 | (n >> 2 & 1));
}

/* xterm's 256: 16 colours, a cube of 6 x 6 x 6, 24 greys. */
static uint8_t from_256(unsigned n)
{
    static const uint8_t level[6] = { 0, 95, 135, 175, 215, 255 };
    unsigned grey;

    if (n < 16)
        return from_ansi(n);
    if (n < 232) {
        n -= 16;
        return palette_nearest(level[n / 36], level[n / 6 % 6], level[n % 6]);
    }
    grey = 8 + 10 * (n - 232);
    return palette_nearest(grey, grey, grey);
}

/* How many parameters from `i` on follow a ':'. */
static unsigned subs_at(const struct vt *vt, unsigned i)
{
    unsigned n = 0;

    while (i + n < vt->parameters && vt->is_sub[i + n])
        n++;
    return n;
}

/*
 * What follows 38 or 48 at `i`: 5;n or 2;r;g;b, with colons 2:space:r:g:b, too.
 * The colour, or -1; *used is how many parameters that takes.
 */
static int extended(const struct vt *vt, unsigned i, unsigned *used)
{
    unsigned subs = subs_at(vt, i), left = vt->parameters - i;
    const uint16_t *p = vt->parameter + i;

    *used = subs ? subs : left;
    if (subs)
        left = subs;
    if (left >= 2 && p[0] == 5) {
        if (!subs)
            *used = 2;
        return p[1] < 256 ? from_256(p[1]) : -1;
    }
    if (left < 4 || p[0] != 2)
        return -1;
    if (!subs)
        *used = 4;
    if (subs > 4)
        p++;
    return p[1] < 256 && p[2] < 256 && p[3] < 256
               ? palette_nearest(p[1], p[2], p[3]) : -1;
}

static void set_foreground(struct vt_cursor *c, unsigned colour)
{
    c->colour = (uint8_t)((c->colour & 0xf0) | colour);
}

static void set_background(struct vt_cursor *c, unsigned colour)
{
    c->colour = (uint8_t)((c->colour & 0x0f) | colour << 4);
}

static void set_attribute(struct vt *vt, unsigned n)
{
    static const struct { uint8_t set, clear; } table[] = {
        [1] = { CELL_BOLD, 0 },
        [4] = { CELL_UNDERLINE, 0 },
        [5] = { CELL_BLINK, 0 },
        [6] = { CELL_BLINK, 0 },
        [7] = { CELL_REVERSE, 0 },
        [8] = { CELL_HIDDEN, 0 },
        [21] = { CELL_UNDERLINE, 0 },   /* two lines */
        [22] = { 0, CELL_BOLD },
        [24] = { 0, CELL_UNDERLINE },
        [25] = { 0, CELL_BLINK },
        [27] = { 0, CELL_REVERSE },
        [28] = { 0, CELL_HIDDEN },
    };
    struct vt_cursor *c = &vt->cursor;

    if (n >= sizeof table / sizeof *table)
        return;
    c->attributes = (uint8_t)((c->attributes | table[n].set) &
                              ~table[n].clear);
}

static void set_one(struct vt *vt, unsigned n)
{
    struct vt_cursor *c = &vt->cursor;

    if (n == 0) {
        c->colour = CELL_COLOUR_DEFAULT;
        c->attributes = 0;
    } else if (n >= 30 && n <= 37) {
        set_foreground(c, from_ansi(n - 30));
    } else if (n == 39) {
        set_foreground(c, 7);
    } else if (n >= 40 && n <= 47) {
        set_background(c, from_ansi(n - 40));
    } else if (n == 49) {
        set_background(c, 0);
    } else if (n >= 90 && n <= 97) {
        set_foreground(c, from_ansi(n - 90 + 8));
    } else if (n >= 100 && n <= 107) {
        set_background(c, from_ansi(n - 100 + 8));
    } else {
        set_attribute(vt, n);
    }
}

void vt_sgr(struct vt *vt)
{
    for (unsigned i = 0; i < vt->parameters;) {
        unsigned n = vt->parameter[i++], used = subs_at(vt, i);
        int colour;

        if (n == 38 || n == 48) {
            colour = extended(vt, i, &used);
            if (colour >= 0 && n == 38)
                set_foreground(&vt->cursor, (unsigned)colour);
            else if (colour >= 0)
                set_background(&vt->cursor, (unsigned)colour);
        } else if (n == 4 && used && !vt->parameter[i]) {
            set_one(vt, 24);            /* 4:0, no underline */
        } else {
            set_one(vt, n);
        }
        i += used;
    }
}
