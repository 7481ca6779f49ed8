/* The text screen as text. */
#include "emu/dev/vga_internal.h"

#include <errno.h>

#include "emu/textbuf.h"

/* Code page 437, line drawing reduced to what ASCII has. */
static char to_ascii(uint8_t c)
{
    if (c == 0 || c == 0xff)
        return ' ';
    if (c >= 0x20 && c < 0x7f)
        return (char)c;
    if (c == 0xb3 || c == 0xba)
        return '|';
    if (c == 0xc4 || c == 0xcd)
        return '-';
    if ((c >= 0xb0 && c <= 0xb2) || (c >= 0xdb && c <= 0xdf))
        return '#';
    return c > 0xb3 && c < 0xdb ? '+' : '.';
}

/* The character shown at CRTC address `address`. */
static char character_at(const struct vga *v, unsigned address)
{
    unsigned shift = 1;

    if (v->cr[CR_UNDERLINE] & CR14_DWORD_MODE)
        shift = 2;
    else if (v->cr[CR_MODE] & CR17_BYTE_MODE)
        shift = 0;
    return to_ascii(v->vram[4 * ((address << shift) & (VGA_PLANE_BYTES - 1))]);
}

int vga_text(const struct vga *v, char *buf, size_t size)
{
    struct textbuf t = { buf, size, 0 };
    unsigned columns = v->cr[CR_H_DISPLAY_END] + 1u;
    unsigned height = (v->cr[CR_MAX_SCAN_LINE] & 31) + 1u;
    unsigned rows = vga_display_lines(v) / height;
    char line[257];

    if ((v->gr[GR_MISC] & GR6_GRAPHICS) || vga_dispi_on(v))
        return -ENODATA;
    for (unsigned y = 0; y < rows; y++) {
        unsigned at = vga_start_address(v) + y * v->cr[CR_OFFSET] * 2;
        unsigned end = 0;

        for (unsigned x = 0; x < columns; x++) {
            line[x] = character_at(v, at + x);
            if (line[x] != ' ')
                end = x + 1;
        }
        line[end] = 0;
        text_add(&t, "%s\n", line);
    }
    return (int)t.wanted;
}
