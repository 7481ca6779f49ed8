/*
 * From attributes and pixels to colours: palette registers, colour select,
 * DAC (IBM VGA Technical Reference, attribute controller and video DAC).
 */
#include "emu/dev/vga_internal.h"

/* 6 bits to 8, so that 0 and 63 are the ends. */
static uint32_t widen(unsigned v)
{
    v &= 0x3f;
    return v << 2 | v >> 4;
}

static uint32_t dac_color(const struct vga *v, unsigned index)
{
    const uint8_t *rgb = v->palette[index & v->dac_mask];

    if (v->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC)
        return (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
    return widen(rgb[0]) << 16 | widen(rgb[1]) << 8 | widen(rgb[2]);
}

/* The DAC's index for a dot of four bits. */
static unsigned palette_index(const struct vga *v, unsigned dot)
{
    unsigned i = v->ar[dot & 15], select = v->ar[AR_COLOR_SELECT];

    if (v->ar[AR_MODE] & AR10_P54S)
        i = (i & 0x0f) | (select & 0x03) << 4;
    return (i & 0x3f) | (select & 0x0c) << 4;
}

void vga_frame_colors(const struct vga *v, struct vga_frame *f)
{
    unsigned toggled = 0;

    /* Dots that blink, in graphics: bit 3 changes (mode 0Fh). */
    if (!f->is_text && (v->ar[AR_MODE] & AR10_BLINK) &&
        !(f->shown & DISPLAY_BLINKING))
        toggled = 8;
    for (unsigned i = 0; i < 256; i++)
        f->dac[i] = dac_color(v, i);
    for (unsigned i = 0; i < 16; i++) {
        unsigned dot = (i & v->ar[AR_PLANE_ENABLE]) ^ toggled;

        f->color[i] = f->dac[palette_index(v, dot)];
    }
    /* Its border covers a screen whose palette is not connected. */
    f->blank = f->is_dispi || (v->sr[SR_CLOCKING] & SR1_SCREEN_OFF)
                   ? 0 : f->dac[v->ar[AR_OVERSCAN]];
}
