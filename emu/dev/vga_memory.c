/*
 * The legacy window at A0000h-BFFFFh: memory map, planes, read and write
 * modes (IBM VGA Technical Reference, graphics controller). All four planes
 * are handled at once as one 32-bit word.
 */
#include "emu/dev/vga_internal.h"

#include <string.h>

#define WINDOW_MISS UINT32_MAX
#define FONT_PLANE 0x04u

/* Byte p all ones where bit p of the index is set. */
static const uint32_t plane_bits[16] = {
    0x00000000, 0x000000ff, 0x0000ff00, 0x0000ffff,
    0x00ff0000, 0x00ff00ff, 0x00ffff00, 0x00ffffff,
    0xff000000, 0xff0000ff, 0xff00ff00, 0xff00ffff,
    0xffff0000, 0xffff00ff, 0xffffff00, 0xffffffff,
};

static uint32_t load_planes(const struct vga *v, uint32_t addr)
{
    uint32_t word;

    memcpy(&word, v->vram + 4 * addr, sizeof word);
    return word;
}

static void store_planes(struct vga *v, uint32_t addr, uint32_t word)
{
    memcpy(v->vram + 4 * addr, &word, sizeof word);
}

/* Offset into display memory of an offset from A0000h, or WINDOW_MISS. */
static uint32_t map_window(const struct vga *v, uint32_t offset)
{
    static const struct {
        uint32_t base, size;
    } map[4] = {
        { 0x00000, 0x20000 }, { 0x00000, 0x10000 },
        { 0x10000, 0x08000 }, { 0x18000, 0x08000 },
    };
    unsigned n = v->gr[GR_MISC] >> 2 & 3;

    if (!(v->misc & MISC_RAM_ENABLE) || offset - map[n].base >= map[n].size)
        return WINDOW_MISS;
    return (offset - map[n].base) & (VGA_PLANE_BYTES - 1);
}

/* A packed mode of the display interface: a bank of the frame buffer. */
static bool is_banked(const struct vga *v)
{
    return vga_dispi_on(v) && v->dispi[DISPI_BPP] >= 8;
}

/* Where the window begins in the planes: 0 but for 4 bpp display modes. */
static uint32_t planar_bank(const struct vga *v)
{
    if (!vga_dispi_on(v))
        return 0;
    return ((uint32_t)v->dispi[DISPI_BANK] << 16) & (VGA_VRAM_BYTES / 4 - 1);
}

/* Its byte in the memory: dispi checks the bank against the memory's size. */
static uint32_t banked(const struct vga *v, uint32_t offset)
{
    if (offset >= VGA_PLANE_BYTES)
        return WINDOW_MISS;
    return ((uint32_t)v->dispi[DISPI_BANK] << 16) + offset;
}

uint8_t vga_window_read(struct vga *v, uint32_t offset)
{
    uint32_t addr, differ;
    unsigned plane = v->gr[GR_READ_PLANE];

    if (is_banked(v)) {
        addr = banked(v, offset);
        return addr == WINDOW_MISS ? 0xff : v->vram[addr];
    }
    addr = map_window(v, offset);
    if (addr == WINDOW_MISS)
        return 0xff;
    if (v->sr[SR_MEMORY_MODE] & SR4_CHAIN4) {
        plane = addr & 3;
        addr &= ~3u;
    } else if (v->gr[GR_MODE] & GR5_ODD_EVEN) {
        plane = (plane & 2) | (addr & 1);
        addr &= ~1u;
    }
    v->latch = load_planes(v, addr + planar_bank(v));
    if (!(v->gr[GR_MODE] & GR5_READ_COMPARE))
        return (uint8_t)(v->latch >> (8 * plane));
    /* Read mode 1: a one where all planes cared for equal the colour. */
    differ = (v->latch ^ plane_bits[v->gr[GR_COLOR_COMPARE]]) &
             plane_bits[v->gr[GR_COLOR_IGNORE]];
    differ |= differ >> 16;
    return (uint8_t)~(differ | differ >> 8);
}

static uint8_t rotated(const struct vga *v, uint8_t value)
{
    unsigned n = v->gr[GR_ROTATE] & 7;

    return (uint8_t)(value >> n | value << (8 - n));
}

/* The CPU's byte goes to the planes as it is: text, and most of a picture. */
static bool is_plain(const struct vga *v)
{
    return !(v->gr[GR_MODE] & 3) && !v->gr[GR_ENABLE_SET_RESET] &&
           !v->gr[GR_ROTATE] && v->gr[GR_BIT_MASK] == 0xff;
}

/* The graphics controller between the CPU's byte and the planes. */
static uint32_t write_word(const struct vga *v, uint8_t value)
{
    uint32_t set_reset = plane_bits[v->gr[GR_SET_RESET]];
    uint32_t enable = plane_bits[v->gr[GR_ENABLE_SET_RESET]];
    uint32_t mask = v->gr[GR_BIT_MASK] * 0x01010101u;
    uint32_t word;

    switch (v->gr[GR_MODE] & 3) {
    case 0:
        word = rotated(v, value) * 0x01010101u;
        word = (word & ~enable) | (set_reset & enable);
        break;
    case 1:
        return v->latch;
    case 2:
        word = plane_bits[value & 15];
        break;
    default:
        mask &= rotated(v, value) * 0x01010101u;
        word = set_reset;
        break;
    }
    switch (v->gr[GR_ROTATE] >> 3 & 3) {
    case 1:
        word &= v->latch;
        break;
    case 2:
        word |= v->latch;
        break;
    case 3:
        word ^= v->latch;
        break;
    }
    return (word & mask) | (v->latch & ~mask);
}

void vga_window_write(struct vga *v, uint32_t offset, uint8_t value)
{
    unsigned planes = v->sr[SR_PLANE_MASK];
    uint32_t addr, keep, word;

    if (is_banked(v)) {
        addr = banked(v, offset);
        if (addr != WINDOW_MISS) {
            v->vram[addr] = value;
            vga_mark(v, addr);
        }
        return;
    }
    addr = map_window(v, offset);
    if (addr == WINDOW_MISS)
        return;
    if (v->sr[SR_MEMORY_MODE] & SR4_CHAIN4) {
        planes &= 1u << (addr & 3);
        addr &= ~3u;
    } else if (!(v->sr[SR_MEMORY_MODE] & SR4_SEQUENTIAL)) {
        planes &= addr & 1 ? 0x0a : 0x05;
        addr &= ~1u;
    }
    addr += planar_bank(v);
    keep = ~plane_bits[planes];
    word = is_plain(v) ? value * 0x01010101u : write_word(v, value);
    store_planes(v, addr, (load_planes(v, addr) & keep) | (word & ~keep));
    vga_mark(v, 4 * addr);
    if (planes & FONT_PLANE)
        v->font_mark = v->epoch;
}
