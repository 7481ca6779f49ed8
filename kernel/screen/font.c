/* See font.h. */
#include "kernel/screen/font.h"

#define NO_GLYPH 0xfeu          /* code page 437's square */

struct font_code {
    uint16_t code, glyph;
};

/* In the order of their codes. */
extern const struct font_code font_codes[];
extern const uint32_t font_code_count;

_Static_assert(sizeof(struct font_code) == 4, "as tools/font.py writes them");

unsigned font_glyph(uint16_t c)
{
    uint32_t low = 0, high = font_code_count;

    if (c >= ' ' && c < 0x7f)
        return c;
    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (font_codes[middle].code == c)
            return font_codes[middle].glyph;
        if (font_codes[middle].code < c)
            low = middle + 1;
        else
            high = middle;
    }
    return NO_GLYPH;
}
