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

/* What the keyboard is to send: cursor keys, the keypad, and for Return. */
bool vt_application_cursor(const struct vt *vt);
bool vt_application_keypad(const struct vt *vt);
bool vt_new_line_mode(const struct vt *vt);

#endif
