/* See palette.h. */
#include "kernel/screen/palette.h"

const uint8_t palette[16][3] = {
    { 0x00, 0x00, 0x00 }, { 0x00, 0x00, 0xaa }, { 0x00, 0xaa, 0x00 },
    { 0x00, 0xaa, 0xaa }, { 0xaa, 0x00, 0x00 }, { 0xaa, 0x00, 0xaa },
    { 0xaa, 0x55, 0x00 }, { 0xaa, 0xaa, 0xaa }, { 0x55, 0x55, 0x55 },
    { 0x55, 0x55, 0xff }, { 0x55, 0xff, 0x55 }, { 0x55, 0xff, 0xff },
    { 0xff, 0x55, 0x55 }, { 0xff, 0x55, 0xff }, { 0xff, 0xff, 0x55 },
    { 0xff, 0xff, 0xff },
};

uint8_t palette_nearest(unsigned red, unsigned green, unsigned blue)
{
    const int wanted[3] = { (int)red, (int)green, (int)blue };
    int least = 3 * 256 * 256;
    uint8_t best = 0;

    for (uint8_t i = 0; i < 16; i++) {
        int distance = 0;

        for (unsigned k = 0; k < 3; k++) {
            int d = wanted[k] - palette[i][k];

            distance += d * d;
        }
        if (distance < least) {
            least = distance;
            best = i;
        }
    }
    return best;
}
