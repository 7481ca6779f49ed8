/*
 * Cells on a surface: as many as fit, of 8x16 pixels or a multiple. What is
 * shown is remembered, so that only what differs is written and nothing is ever
 * read back. It allocates nothing and may be used from a panic.
 */
#ifndef KERNEL_SCREEN_CANVAS_H
#define KERNEL_SCREEN_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/screen/cell.h"
#include "kernel/screen/surface.h"

#define CANVAS_COLUMNS_MAX 256u
#define CANVAS_ROWS_MAX 128u

struct canvas {
    struct surface surface;
    unsigned columns, rows;     /* of cells; 0: there is no screen */
    unsigned scale;             /* screen pixels for one of the font's */
    uint32_t colour[16];        /* pixels of the palette */
    uint64_t changes;           /* goes up with whatever is drawn */
    bool is_unseen;             /* nobody looks: nothing need be drawn */
    /* Where a guest's graphics can be seen, if they cannot here. */
    const char *advice;
    /* A surface that takes the size of what it shows: see canvas_fit; or 0. */
    unsigned width_max, height_max, width_usual, height_usual;
    /* What is there; c is 0 where that is not known. */
    struct screen_cell drawn[CANVAS_ROWS_MAX][CANVAS_COLUMNS_MAX];
};

/*
 * False, and no rows: nothing can be shown on such a surface. A text surface
 * without memory is for somebody who looks at `drawn`.
 */
bool canvas_init(struct canvas *canvas, const struct surface *surface);

/* The surface has another size now, its lines without a gap; it is black. */
void canvas_resize(struct canvas *canvas, unsigned width, unsigned height);
/*
 * Something of that size is going to be drawn, or with 0 a terminal: a surface
 * that can takes its size. True: it has another one now, and is black.
 */
bool canvas_fit(struct canvas *canvas, unsigned width, unsigned height);

/* Of more cells than there is room for, how many to leave out in front so that
 * the cursor is seen. */
static inline unsigned canvas_hidden(unsigned cursor, unsigned all,
                                     unsigned room)
{
    return all > room && cursor >= room && cursor < all ? cursor - room + 1 : 0;
}

/* Show a cell; outside of the canvas nothing happens. */
void canvas_put(struct canvas *canvas, unsigned row, unsigned column,
                struct screen_cell cell);

/* Something else drew on the surface: all of it is to be drawn anew. */
void canvas_forget(struct canvas *canvas);
/* The whole surface black, its edges, too. */
void canvas_clear(struct canvas *canvas);

#endif
