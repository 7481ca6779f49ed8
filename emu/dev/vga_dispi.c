/*
 * The Bochs display interface (VBE DISPI, ids B0C0h to B0C5h): packed pixel
 * modes in the linear frame buffer or 64 KiB banks of it at A0000h.
 */
#include "emu/dev/vga_internal.h"

#include <string.h>

#define ID_FIRST 0xb0c0u
#define ID_LAST 0xb0c5u
#define MAX_XRES 2560u
#define MAX_YRES 1600u
#define MAX_BPP 32u
#define BANKS (VGA_VRAM_BYTES >> 16)

/* Bytes of a line of `width` pixels; 4 bpp is planar, 8 pixels in a word. */
static uint32_t line_bytes(const struct vga *v, uint32_t width)
{
    unsigned bpp = v->dispi[DISPI_BPP];

    return bpp == 4 ? (width + 7) / 8 * 4 : width * ((bpp + 7) / 8);
}

uint32_t vga_dispi_line_bytes(const struct vga *v)
{
    return line_bytes(v, v->dispi[DISPI_VIRT_WIDTH]);
}

void vga_dispi_reset(struct vga *v)
{
    memset(v->dispi, 0, sizeof v->dispi);
    v->dispi_index = 0;
    v->dispi[DISPI_ID] = ID_LAST;
    v->dispi[DISPI_BPP] = 8;
    v->dispi[DISPI_VRAM_64K] = BANKS;
}

static bool bpp_is_known(unsigned bpp)
{
    return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 ||
           bpp == 32;
}

static bool mode_fits(const struct vga *v)
{
    unsigned x = v->dispi[DISPI_XRES], y = v->dispi[DISPI_YRES];

    return bpp_is_known(v->dispi[DISPI_BPP]) && x && y && x <= MAX_XRES &&
           y <= MAX_YRES && line_bytes(v, x) * y <= VGA_VRAM_BYTES;
}

bool vga_dispi_is_possible(const struct vga *v)
{
    const uint16_t *r = v->dispi;
    uint32_t width = r[DISPI_VIRT_WIDTH], height = r[DISPI_VIRT_HEIGHT];

    if (!r[DISPI_BPP] || r[DISPI_BANK] >= BANKS)
        return false;
    return !vga_dispi_on(v) ||
           (mode_fits(v) && (uint64_t)line_bytes(v, width) * height <=
                                VGA_VRAM_BYTES &&
            (uint32_t)r[DISPI_X_OFFSET] + r[DISPI_XRES] <= width &&
            (uint32_t)r[DISPI_Y_OFFSET] + r[DISPI_YRES] <= height);
}

/* Lines of `width` pixels that the memory holds, as the register shows it. */
static void set_virtual_width(struct vga *v, uint32_t width)
{
    uint32_t lines;

    if (width < v->dispi[DISPI_XRES])
        width = v->dispi[DISPI_XRES];
    lines = VGA_VRAM_BYTES / line_bytes(v, width);
    if (lines < v->dispi[DISPI_YRES]) {
        machine_count(v->pci.dev.machine, "vga: virtual width refused");
        return;
    }
    v->dispi[DISPI_VIRT_WIDTH] = (uint16_t)width;
    v->dispi[DISPI_VIRT_HEIGHT] = (uint16_t)(lines < 0xffff ? lines : 0xffff);
    v->dispi[DISPI_X_OFFSET] = v->dispi[DISPI_Y_OFFSET] = 0;
    vga_mark_all(v);
}

static void write_enable(struct vga *v, uint16_t value)
{
    bool was_on = vga_dispi_on(v);

    if ((value & DISPI_ENABLED) && !was_on) {
        if (!mode_fits(v)) {
            machine_count(v->pci.dev.machine, "vga: display mode refused");
            return;
        }
        set_virtual_width(v, v->dispi[DISPI_XRES]);
        v->dispi[DISPI_BANK] = 0;
        if (!(value & DISPI_NO_CLEAR))
            memset(v->vram, 0, line_bytes(v, v->dispi[DISPI_XRES]) *
                                   v->dispi[DISPI_YRES]);
    }
    v->dispi[DISPI_ENABLE] = value;
    vga_mark_all(v);
}

/* The shown part must stay inside the virtual screen. */
static void write_offset(struct vga *v, unsigned index, uint16_t value)
{
    unsigned shown = index == DISPI_X_OFFSET ? DISPI_XRES : DISPI_YRES;
    unsigned whole = index == DISPI_X_OFFSET ? DISPI_VIRT_WIDTH
                                             : DISPI_VIRT_HEIGHT;

    if (value + v->dispi[shown] > v->dispi[whole])
        machine_count(v->pci.dev.machine, "vga: display offset refused");
    else
        v->dispi[index] = value;
    vga_mark_all(v);
}

void vga_dispi_write(struct vga *v, unsigned index, uint16_t value)
{
    switch (index) {
    case DISPI_ID:
        if (value >= ID_FIRST && value <= ID_LAST)
            v->dispi[index] = value;
        break;
    case DISPI_XRES:
    case DISPI_YRES:
    case DISPI_BPP:
        /* A mode on screen keeps its shape until it is switched off. */
        if (!vga_dispi_on(v))
            v->dispi[index] = index == DISPI_BPP && !value ? 8 : value;
        break;
    case DISPI_ENABLE:
        write_enable(v, value);
        break;
    case DISPI_BANK:
        if (value < BANKS)
            v->dispi[index] = value;
        break;
    case DISPI_VIRT_WIDTH:
        if (vga_dispi_on(v))
            set_virtual_width(v, value);
        break;
    case DISPI_X_OFFSET:
    case DISPI_Y_OFFSET:
        if (vga_dispi_on(v))
            write_offset(v, index, value);
        break;
    }
}

uint16_t vga_dispi_read(struct vga *v, unsigned index)
{
    static const uint16_t most[] = {
        [DISPI_XRES] = MAX_XRES,
        [DISPI_YRES] = MAX_YRES,
        [DISPI_BPP] = MAX_BPP,
    };

    if (index >= DISPI_COUNT)
        return 0xffff;
    if ((v->dispi[DISPI_ENABLE] & DISPI_GETCAPS) && index >= DISPI_XRES &&
        index <= DISPI_BPP)
        return most[index];
    return v->dispi[index];
}
