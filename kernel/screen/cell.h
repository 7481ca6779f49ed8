/* One character cell of a screen, as terminals and text modes have them. */
#ifndef KERNEL_SCREEN_CELL_H
#define KERNEL_SCREEN_CELL_H

#include <stdint.h>

enum {
    CELL_BOLD = 1,
    CELL_UNDERLINE = 2,
    CELL_BLINK = 4,
    CELL_REVERSE = 8,
    CELL_HIDDEN = 16,
};

/* VGA's colours: bit 0 blue, 1 green, 2 red, 3 bright. */
#define CELL_COLOUR(foreground, background) ((foreground) | (background) << 4)
#define CELL_COLOUR_DEFAULT CELL_COLOUR(7, 0)
/* For what has no glyph, and what was no character. */
#define CELL_REPLACEMENT 0xfffdu

struct screen_cell {
    uint16_t c;                 /* Unicode, of the first 65536 */
    uint8_t colour;             /* CELL_COLOUR */
    uint8_t attributes;         /* CELL_BOLD and so on */
};

#endif
