/*
 * What the screen of a machine shows: as pixels, and as text where it is text.
 *
 * A picture has one pixel for each dot and one line for each scan line that a
 * monitor would get between its borders: text mode 3 is 720x400, 320x200 with
 * 256 colours is 640x400, as both dots and lines are doubled there. What is
 * outside (border, blanking) is left out.
 *
 * Whoever shows the screen keeps a struct display_view: what he has drawn
 * already. Any number of them may look at one machine. A picture costs only
 * for the lines that changed since the view's last one, and
 * machine_display_changed says without asking the guest's core whether there
 * are any, so a screen may be looked at 30 times a second.
 */
#ifndef EMU_DISPLAY_H
#define EMU_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;

/* A picture at most, whatever the guest does to its registers. */
#define DISPLAY_WIDTH_MAX 4608u
#define DISPLAY_HEIGHT_MAX 2048u

enum display_kind {
    DISPLAY_BLANK,              /* switched off: a picture of one colour */
    DISPLAY_TEXT,
    DISPLAY_GRAPHICS,
};

struct display_mode {
    enum display_kind kind;
    unsigned width, height;     /* of the picture, in pixels: 1 or more */
    unsigned columns, rows;     /* of text; else 0 */
    unsigned cell_width, cell_height;   /* a character's pixels; else 0 */
};

/*
 * What blinks and is to be seen now. By the hardware the cursor changes every
 * 8 frames and characters every 16 (machine_display_blink); a picture for a
 * file has both.
 */
#define DISPLAY_CURSOR 0x01u
#define DISPLAY_BLINKING 0x02u
#define DISPLAY_BOTH (DISPLAY_CURSOR | DISPLAY_BLINKING)

/* One who looks; all zeros: he has seen nothing yet. */
struct display_view {
    struct display_mode mode;   /* of the last picture */
    uint64_t seen;              /* machine_display_draw's own, down to here */
    uint64_t cursor;
    unsigned shown;
    /* 1: the last call drew it; of machine_display_text a row each. */
    uint8_t line[DISPLAY_HEIGHT_MAX];
};

/* Where a picture goes: lines of `width` pixels, `stride` pixels apart. */
struct display_target {
    uint32_t *pixels;           /* 00RRGGBBh each */
    size_t stride;
    unsigned width, height;
};

/* ---- Any thread, while the machine lives ----------------------------------- */

/*
 * Has anything been written since the view's last picture that may change it?
 * Blinking is not counted: see machine_display_blink.
 */
bool machine_display_changed(const struct machine *m,
                             const struct display_view *view);

/* ---- The guest's core, between two runs ------------------------------------ */

/* DISPLAY_CURSOR, DISPLAY_BLINKING, as virtual time has them. */
unsigned machine_display_blink(struct machine *m);

struct display_mode machine_display_mode(struct machine *m);

/*
 * Draw what changed since the view's last picture, which `target` still has in
 * it (or all, if the mode is another one): with `shown`, of DISPLAY_*. Returns
 * how many lines were drawn, view->line says which; or -ENOSPC, with the size
 * in view->mode: `target` is too small, nothing was drawn and all is new.
 */
int machine_display_draw(struct machine *m, struct display_view *view,
                         const struct display_target *target, unsigned shown);

/* ---- The same as text ------------------------------------------------------ */

struct display_cell {
    uint8_t character;          /* in the font, by default code page 437 */
    uint8_t attribute;          /* background << 4 | foreground */
};

struct display_text {
    unsigned columns, rows;
    bool has_cursor;            /* it is on, and within the text */
    unsigned cursor_column, cursor_row;
    unsigned cursor_first, cursor_last; /* its lines within a cell */
    bool blinks;                /* attribute bit 7 is not a colour's */
    bool two_fonts;             /* attribute bit 3 chooses one, too */
    uint32_t color[16];        /* 00RRGGBBh */
};

/*
 * The text screen: rows one after the other in `cells`, of which there are
 * `count` and which the view's last text is still in, and how to show them in
 * `text`. As machine_display_draw: only rows that changed are read, those that
 * the cursor left or came to with them (with DISPLAY_CURSOR in `shown` it is to
 * be seen). Returns how many were read, view->line says which; -ENODATA: it is
 * no text, or switched off; -ENOSPC: there are text->columns * text->rows.
 * view->mode is filled in all the same. A view is for either text or pixels.
 */
int machine_display_text(struct machine *m, struct display_view *view,
                         struct display_text *text, struct display_cell *cells,
                         size_t count, unsigned shown);

/*
 * The font for characters whose attribute's bit 3 is `bit3`: a line of a
 * glyph is a byte, its left dot the highest bit.
 */
void machine_display_font(struct machine *m, bool bit3,
                          uint8_t glyph[256][32]);

#endif
