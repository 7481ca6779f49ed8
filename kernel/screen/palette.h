/* The sixteen colours of VGA's text modes. */
#ifndef KERNEL_SCREEN_PALETTE_H
#define KERNEL_SCREEN_PALETTE_H

#include <stdint.h>

/* Red, green and blue, 0 to 255, in VGA's order (cell.h). */
extern const uint8_t palette[16][3];

/* That which comes nearest to a colour of 0 to 255 each. */
uint8_t palette_nearest(unsigned red, unsigned green, unsigned blue);

#endif
