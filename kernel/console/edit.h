/*
 * A line that is being typed: cursor, history, and what a VT100 has to be sent
 * for it. It knows nothing of who takes the line.
 *
 * Text is bytes; one of UTF-8 that continues a character takes no column. A
 * line longer than the terminal's goes on in the next row, where the terminal
 * itself breaks it, so that it can be copied from there whole.
 */
#ifndef KERNEL_CONSOLE_EDIT_H
#define KERNEL_CONSOLE_EDIT_H

#include <stdbool.h>
#include <stdint.h>

#define EDIT_LINE 256u          /* bytes of a line, with its NUL */
#define EDIT_HISTORY 64u        /* lines that are remembered */
#define EDIT_COLUMNS 80u        /* of the terminal, unless somebody said */

/* What a byte led to. */
enum edit_event {
    EDIT_NOTHING,               /* that its owner cares for */
    EDIT_ENTER,                 /* the line is complete: `line`, ended */
    EDIT_CANCEL,                /* Ctrl-C */
    EDIT_TAB,
};

struct edit {
    void (*print)(void *ctx, const char *text); /* \n is a new line */
    void *ctx;
    const char *prompt;         /* what stands before it; its owner's */
    unsigned columns;
    bool keeps;                 /* its lines are remembered, and recalled */
    bool is_hidden;             /* what is typed is not shown: it has no width */
    char line[EDIT_LINE];
    unsigned len, at;           /* bytes, and before which the cursor is */
    /*
     * The last column is written, and the cursor still there: where it goes, a
     * VT100 decides with the next character.
     */
    bool at_margin;
    enum { EDIT_PLAIN, EDIT_ESC, EDIT_CSI, EDIT_SS3, EDIT_ONE_MORE } escape;
    unsigned parameter[2], parameters;  /* of the sequence that comes in */
    char history[EDIT_HISTORY][EDIT_LINE];      /* a ring */
    unsigned remembered;        /* lines ever */
    unsigned back;              /* how far back the line is from; 0: new */
    char put_aside[EDIT_LINE];  /* the new one meanwhile */
};

void edit_init(struct edit *e, void (*print)(void *ctx, const char *text),
               void *ctx);
/* `prompt` (which stays) and what is typed so far, in a new place. */
void edit_show(struct edit *e, const char *prompt);
/*
 * Others print below the line: the cursor goes to its end; where it was. Back
 * again: in a new place, or, if they printed nothing after all, in the old one.
 */
unsigned edit_leave(struct edit *e);
void edit_return(struct edit *e, unsigned at, bool is_new);
/* Empty, and nothing printed. */
void edit_clear(struct edit *e);
/* One byte of the keyboard's. */
enum edit_event edit_input(struct edit *e, uint8_t c);
/* A byte at the cursor; none if the line is full. */
void edit_insert(struct edit *e, uint8_t c);
/* Line `n` of those remembered, 0 the oldest; NULL: no more. */
const char *edit_remembered(const struct edit *e, unsigned n);

#endif
