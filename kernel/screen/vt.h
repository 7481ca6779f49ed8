/*
 * A terminal: what a VT102 does, and what programs for xterm expect beyond
 * that. Bytes go in; cells, a cursor and the lines that scrolled away can be
 * looked at. It allocates when it is made and never again, and takes any bytes:
 * what it does not know is skipped.
 *
 * Sources: VT102 Video Terminal User Guide (EK-VT102-UG-003) chapters 4 and 5,
 * ECMA-48, xterm's ctlseqs.
 */
#ifndef KERNEL_SCREEN_VT_H
#define KERNEL_SCREEN_VT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/screen/cell.h"

#define VT_COLUMNS_MAX 512u
#define VT_ROWS_MAX 256u
#define VT_HISTORY_MAX 100000u

struct vt;

struct vt_config {
    unsigned columns, rows;     /* 2 and more, up to the limits above */
    unsigned history;           /* lines that are kept when they scroll away */
    bool latin1;                /* bytes are ISO 8859-1, not UTF-8 */
    /* Answers to what the program asks of its terminal. May be NULL. */
    void (*reply)(void *ctx, const uint8_t *data, size_t len);
    void *ctx;
};

/* NULL: no memory, or a size that is out of bounds. */
struct vt *vt_create(const struct vt_config *config);
void vt_destroy(struct vt *vt);

/* Output of the program. */
void vt_write(struct vt *vt, const uint8_t *data, size_t len);
/* As switched on; what scrolled away is kept. */
void vt_reset(struct vt *vt);

unsigned vt_columns(const struct vt *vt);
unsigned vt_rows(const struct vt *vt);
/* How many lines are kept above the screen. */
unsigned vt_history(const struct vt *vt);
/* Lines that ever went there: who looks at old ones moves along with this. */
uint64_t vt_scrolled(const struct vt *vt);
/*
 * The cells of row `row`, 0 on top, into `out` (as many as there are columns),
 * with the view moved up by `back` lines (0 to vt_history).
 */
void vt_row(const struct vt *vt, unsigned back, unsigned row,
            struct screen_cell *out);
/* Where the cursor is. False: it is not shown. */
bool vt_cursor(const struct vt *vt, unsigned *row, unsigned *column);

/* Row `row` may have changed since vt_clean. */
bool vt_is_dirty(const struct vt *vt, unsigned row);
void vt_clean(struct vt *vt);

/* ---- The keyboard -------------------------------------------------------- */

#define VT_KEY_BYTES 16u

enum { VT_SHIFT = 1, VT_ALT = 2, VT_CTRL = 4 };

/* Keys that have no character, and those whose bytes a mode changes. */
enum vt_key {
    VT_KEY_UP, VT_KEY_DOWN, VT_KEY_RIGHT, VT_KEY_LEFT, VT_KEY_HOME, VT_KEY_END,
    VT_KEY_INSERT, VT_KEY_DELETE, VT_KEY_PAGE_UP, VT_KEY_PAGE_DOWN,
    VT_KEY_F1, VT_KEY_F2, VT_KEY_F3, VT_KEY_F4, VT_KEY_F5, VT_KEY_F6,
    VT_KEY_F7, VT_KEY_F8, VT_KEY_F9, VT_KEY_F10, VT_KEY_F11, VT_KEY_F12,
    VT_KEY_BACKSPACE, VT_KEY_TAB, VT_KEY_RETURN,
};

/* What the key sends, with VT_SHIFT and so on. The number of bytes. */
size_t vt_key(const struct vt *vt, enum vt_key key, unsigned modifiers,
              uint8_t out[VT_KEY_BYTES]);
/* The same for the numeric keypad: '0' to '9', + - * / . , or \r. */
size_t vt_keypad(const struct vt *vt, char c, uint8_t out[VT_KEY_BYTES]);
/*
 * The same for a character; 0 bytes: it cannot be sent, like one that the
 * encoding lacks. Escape is 1Bh.
 */
size_t vt_type(const struct vt *vt, uint32_t c, unsigned modifiers,
               uint8_t out[VT_KEY_BYTES]);

#endif
