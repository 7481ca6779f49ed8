/*
 * The VGA's state, shared by its files and by what draws its screen: enough
 * to show any mode.
 */
#ifndef EMU_DEV_VGA_INTERNAL_H
#define EMU_DEV_VGA_INTERNAL_H

#include "emu/dev/vga.h"

#define VGA_PLANE_BYTES 0x10000u

#define VGA_WINDOW_BASE 0xa0000u
#define VGA_WINDOW_SIZE 0x20000u

/* Sequencer */
enum { SR_CLOCKING = 1, SR_PLANE_MASK = 2, SR_MEMORY_MODE = 4, SR_COUNT = 8 };
enum { SR4_SEQUENTIAL = 0x04, SR4_CHAIN4 = 0x08 };
/* Graphics controller */
enum {
    GR_SET_RESET,
    GR_ENABLE_SET_RESET,
    GR_COLOR_COMPARE,
    GR_ROTATE,
    GR_READ_PLANE,
    GR_MODE,
    GR_MISC,
    GR_COLOR_IGNORE,
    GR_BIT_MASK,
    GR_COUNT = 16,
};
enum { GR5_READ_COMPARE = 0x08, GR5_ODD_EVEN = 0x10 };
enum { GR6_GRAPHICS = 0x01 };
/* CRT controller */
enum {
    CR_H_DISPLAY_END = 0x01,
    CR_V_TOTAL = 0x06,
    CR_OVERFLOW = 0x07,
    CR_MAX_SCAN_LINE = 0x09,
    CR_START_HIGH = 0x0c,
    CR_START_LOW = 0x0d,
    CR_V_RETRACE_START = 0x10,
    CR_V_RETRACE_END = 0x11,
    CR_V_DISPLAY_END = 0x12,
    CR_OFFSET = 0x13,
    CR_UNDERLINE = 0x14,
    CR_MODE = 0x17,
    CR_COUNT = 32,
};
enum { CR17_BYTE_MODE = 0x40, CR14_DWORD_MODE = 0x40, CR11_PROTECT = 0x80 };
#define AR_COUNT 0x15u
/* Miscellaneous output */
enum { MISC_COLOR = 0x01, MISC_RAM_ENABLE = 0x02 };

/* Bochs display interface */
enum {
    DISPI_ID,
    DISPI_XRES,
    DISPI_YRES,
    DISPI_BPP,
    DISPI_ENABLE,
    DISPI_BANK,
    DISPI_VIRT_WIDTH,
    DISPI_VIRT_HEIGHT,
    DISPI_X_OFFSET,
    DISPI_Y_OFFSET,
    DISPI_VRAM_64K,
    DISPI_COUNT,
};
enum {
    DISPI_ENABLED = 0x01,
    DISPI_GETCAPS = 0x02,
    DISPI_8BIT_DAC = 0x20,
    DISPI_LFB = 0x40,
    DISPI_NO_CLEAR = 0x80,
};

struct vga {
    struct pci_dev pci;
    uint8_t misc, feature;
    uint8_t sr_index, sr[SR_COUNT];
    uint8_t gr_index, gr[GR_COUNT];
    uint8_t cr_index, cr[CR_COUNT];
    uint8_t ar_index, ar[AR_COUNT];
    bool ar_data_next;          /* the flip-flop of port 3C0h */
    uint8_t dac_mask, dac_state, dac_read, dac_write, dac_part;
    uint8_t dac_rgb[2];         /* the first two parts of a triple */
    uint8_t palette[256][3];    /* 6 bits each, or 8 with DISPI_8BIT_DAC */
    uint32_t latch;             /* a byte of each plane, plane 0 lowest */
    uint16_t dispi_index, dispi[DISPI_COUNT];
    /*
     * Planar view: plane p's byte a is vram[4 * a + p], so that the four are
     * one 32-bit word. The linear frame buffer is the array as it stands.
     */
    uint8_t *vram;
};

static inline bool vga_dispi_on(const struct vga *v)
{
    return v->dispi[DISPI_ENABLE] & DISPI_ENABLED;
}

/* Ports 3B0h-3DFh. */
uint8_t vga_reg_read(struct vga *v, uint16_t port);
void vga_reg_write(struct vga *v, uint16_t port, uint8_t value);
void vga_regs_reset(struct vga *v);
/* Loaded from a snapshot: clear what bits do not exist. */
void vga_regs_limit(struct vga *v);

/* Bytes of the legacy window, `offset` from A0000h. */
uint8_t vga_window_read(struct vga *v, uint32_t offset);
void vga_window_write(struct vga *v, uint32_t offset, uint8_t value);

/* Bochs display interface registers. */
uint16_t vga_dispi_read(struct vga *v, unsigned index);
void vga_dispi_write(struct vga *v, unsigned index, uint16_t value);
void vga_dispi_reset(struct vga *v);
/* Could the registers be as they are by writes? */
bool vga_dispi_is_possible(const struct vga *v);

/* CRTC fields that are spread over several registers. */
unsigned vga_display_lines(const struct vga *v);
unsigned vga_start_address(const struct vga *v);

#endif
