/*
 * The terminal's parts: vt.c is the pages and what prints on them, vt_parse.c
 * tells controls from text, vt_control.c does escape and control sequences,
 * vt_mode.c modes, vt_sgr.c colours.
 */
#ifndef KERNEL_SCREEN_VT_INTERNAL_H
#define KERNEL_SCREEN_VT_INTERNAL_H

#include "kernel/screen/vt.h"

#define VT_PARAMETERS 16u
#define VT_PARAMETER_MAX 9999u
/* Who opened a string and never ends it has the rest of its output back. */
#define VT_STRING_MAX 4096u

enum vt_state {
    VT_GROUND,
    VT_ESCAPE,                  /* after ESC; intermediates are collected */
    VT_CSI,
    VT_CSI_IGNORE,              /* to its final byte */
    VT_STRING,                  /* OSC, DCS, SOS, PM, APC: skipped */
};

enum { VT_MAIN, VT_ALTERNATE, VT_PAGES };

enum vt_charset { VT_ASCII, VT_UK, VT_DRAWING };

struct vt_cursor {
    unsigned row, column;
    bool wrap_next;             /* in the last column, which is printed */
    uint8_t colour, attributes; /* of what is printed */
    bool origin;                /* DECOM */
    uint8_t charset[2];         /* G0, G1 */
    uint8_t shift;              /* which of them */
};

struct vt {
    struct vt_config config;
    struct screen_cell **page[VT_PAGES];        /* lines of each */
    struct screen_cell **line;  /* those of the page that is shown */
    uint8_t *dirty;             /* of each row */
    uint8_t *tabs;              /* of each column */
    struct vt_cursor cursor, saved[VT_PAGES];
    unsigned top, bottom;       /* rows that scroll, both included */

    struct screen_cell **kept;  /* a ring of config.history lines */
    unsigned kept_count, kept_next;
    uint64_t scrolled;

    bool autowrap, insert, new_line, reverse_screen, cursor_shown;
    bool application_cursor, application_keypad;
    bool utf8;

    enum vt_state state;
    uint8_t prefix;             /* of CSI: '?', '>', '=', '<' or 0 */
    uint8_t intermediate[2];
    unsigned intermediates;     /* seen, more than fit, too */
    uint16_t parameter[VT_PARAMETERS];
    bool is_sub[VT_PARAMETERS]; /* a ':' was before it */
    unsigned parameters;        /* begun, at least 1 within CSI */
    unsigned string_len;
    bool string_is_osc;         /* so that BEL ends it */
    uint32_t code;              /* UTF-8 so far, */
    uint32_t code_least;        /* what may be encoded so, */
    unsigned code_left;         /* and how many bytes are to come */
    uint16_t last;              /* printed, for REP; 0: nothing */
};

static inline unsigned vt_page_index(const struct vt *vt)
{
    return vt->line == vt->page[VT_ALTERNATE];
}

/* ---- vt.c ---------------------------------------------------------------- */

/* One character at the cursor, which goes on. `c` is no control. */
void vt_print(struct vt *vt, uint32_t c);
/* Clear cells `from` up to, without, `to`, with the background's colour. */
void vt_clear(struct vt *vt, unsigned row, unsigned from, unsigned to);
void vt_clear_rows(struct vt *vt, unsigned from, unsigned to);
/* Move rows `top` to `bottom`, both included, by `n`: up, lines come below. */
void vt_scroll_up(struct vt *vt, unsigned top, unsigned bottom, unsigned n);
void vt_scroll_down(struct vt *vt, unsigned top, unsigned bottom, unsigned n);
/* Line feed and its like: down, or scroll up; up, or scroll down. */
void vt_index(struct vt *vt);
void vt_reverse_index(struct vt *vt);
/* Cells of the cursor's row from the cursor on: move right, or left. */
void vt_insert_cells(struct vt *vt, unsigned n);
void vt_delete_cells(struct vt *vt, unsigned n);
/* Cursor to that place, as far as the screen goes. */
void vt_move(struct vt *vt, unsigned row, unsigned column);
/* To the next tab stop, or the one before. */
void vt_tab(struct vt *vt, unsigned n);
void vt_tab_back(struct vt *vt, unsigned n);
void vt_mark_all(struct vt *vt);
void vt_show_page(struct vt *vt, unsigned page);
void vt_save_cursor(struct vt *vt);
void vt_restore_cursor(struct vt *vt);
void vt_soft_reset(struct vt *vt);
void vt_forget_history(struct vt *vt);

/* ---- vt_control.c -------------------------------------------------------- */

/* A C0 control; a C1 control by the final byte of its ESC form. */
void vt_c0(struct vt *vt, uint8_t c);
void vt_escape(struct vt *vt, uint8_t final);
void vt_csi(struct vt *vt, uint8_t final);
/* A parameter, or `def` where it is absent or 0. */
unsigned vt_parameter(const struct vt *vt, unsigned i, unsigned def);
void vt_reply(struct vt *vt, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* To a row that counts from 0, of the scrolling region with DECOM. */
void vt_move_to(struct vt *vt, unsigned row, unsigned column);

/* ---- vt_mode.c, vt_sgr.c ------------------------------------------------- */

/* SM and RM of all parameters, and SGR. */
void vt_set_modes(struct vt *vt, bool on);
void vt_sgr(struct vt *vt);

#endif
