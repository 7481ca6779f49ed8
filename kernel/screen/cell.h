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

/* The same with what is bold, reversed or hidden in character and colour. */
static inline struct screen_cell cell_plain(struct screen_cell cell)
{
    uint8_t foreground = cell.colour & 15, background = cell.colour >> 4;

    if (cell.attributes & CELL_BOLD)
        foreground |= 8;
    cell.colour = cell.attributes & CELL_REVERSE
                      ? CELL_COLOUR(background, foreground)
                      : CELL_COLOUR(foreground, background);
    if (cell.attributes & CELL_HIDDEN) {
        cell.c = ' ';
        cell.attributes &= (uint8_t)~CELL_UNDERLINE;
    }
    cell.attributes &= CELL_UNDERLINE | CELL_BLINK;
    return cell;
}

#endif
