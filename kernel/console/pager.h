/*
 * A long text of a command: as much of it at a time as the line has room for,
 * or, if paging is on, as the terminal has rows.
 */
#ifndef KERNEL_CONSOLE_PAGER_H
#define KERNEL_CONSOLE_PAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct monitor;

#define PAGER_ROWS 24u          /* of the terminal, unless somebody said */

struct monitor_paging {
    bool is_on;
    bool waits;                 /* --More-- stands there */
    unsigned rows;              /* of the terminal */
    unsigned shown;             /* of the text since the last key */
    unsigned column;            /* where the text is in its row */
};

/*
 * A text of any length, malloc's, which the monitor frees: as long output, and
 * behind a text that is not out yet.
 */
void monitor_print_text(struct monitor *mon, char *text);
/* A key while --More-- stands there. False: it ends the text. */
bool pager_key(struct monitor *mon, uint8_t c);

#endif
