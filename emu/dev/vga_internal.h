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
enum {
    SR_CLOCKING = 1,
    SR_PLANE_MASK = 2,
    SR_FONTS = 3,
    SR_MEMORY_MODE = 4,
    SR_COUNT = 8,
};
enum { SR1_EIGHT_DOTS = 0x01, SR1_HALF_CLOCK = 0x08, SR1_SCREEN_OFF = 0x20 };
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
enum {
    GR5_READ_COMPARE = 0x08,
    GR5_ODD_EVEN = 0x10,
    GR5_INTERLEAVE = 0x20,      /* two bits a dot, as the CGA's */
    GR5_NIBBLES = 0x40,         /* four, for 256 colours */
};
enum { GR6_GRAPHICS = 0x01 };
/* CRT controller */
enum {
    CR_H_DISPLAY_END = 0x01,
    CR_V_TOTAL = 0x06,
    CR_OVERFLOW = 0x07,
    CR_PRESET_ROW = 0x08,
    CR_MAX_SCAN_LINE = 0x09,
    CR_CURSOR_START = 0x0a,
    CR_CURSOR_END = 0x0b,
    CR_START_HIGH = 0x0c,
    CR_START_LOW = 0x0d,
    CR_CURSOR_HIGH = 0x0e,
    CR_CURSOR_LOW = 0x0f,
    CR_V_RETRACE_START = 0x10,
    CR_V_RETRACE_END = 0x11,
    CR_V_DISPLAY_END = 0x12,
    CR_OFFSET = 0x13,
    CR_UNDERLINE = 0x14,
    CR_MODE = 0x17,
    CR_LINE_COMPARE = 0x18,
    CR_COUNT = 32,
};
enum { CR9_DOUBLE_SCAN = 0x80, CRA_CURSOR_OFF = 0x20, CR11_PROTECT = 0x80 };
enum { CR14_COUNT_BY_4 = 0x20, CR14_DWORD_MODE = 0x40 };
enum {
    CR17_NO_INTERLEAVE_13 = 0x01,
    CR17_NO_INTERLEAVE_14 = 0x02,
    CR17_HALF_LINES = 0x04,
    CR17_COUNT_BY_2 = 0x08,
    CR17_WRAP_15 = 0x20,
    CR17_BYTE_MODE = 0x40,
};
/* Attribute controller: 16 palette registers, then these. */
enum {
    AR_MODE = 0x10,
    AR_OVERSCAN,
    AR_PLANE_ENABLE,
    AR_PANNING,
    AR_COLOR_SELECT,
    AR_COUNT,
};
enum {
    AR10_LINE_GRAPHICS = 0x04,
    AR10_BLINK = 0x08,
    AR10_SPLIT_RESETS_PAN = 0x20,
    AR10_EIGHT_BIT = 0x40,
    AR10_P54S = 0x80,
};
#define AR_VIDEO_ON 0x20u       /* in the index register */
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
    /*
     * What changed when, for those who draw the screen. `epoch` counts their
     * looks; what is written is marked with the present one: 1 KiB of memory,
     * the fonts, all of the picture. `touched` is the newest mark, for any
     * thread.
     */
    uint64_t epoch, touched, font_mark, all_mark;
    uint64_t *mark;             /* VGA_MARKS of them */
};

#define VGA_MARK_SHIFT 10
#define VGA_MARKS (VGA_VRAM_BYTES >> VGA_MARK_SHIFT)

static inline void vga_touch(struct vga *v)
{
    __atomic_store_n(&v->touched, v->epoch, __ATOMIC_RELAXED);
}

/* The byte of memory at `offset` was written. */
static inline void vga_mark(struct vga *v, uint32_t offset)
{
    v->mark[offset >> VGA_MARK_SHIFT] = v->epoch;
    vga_touch(v);
}

static inline void vga_mark_all(struct vga *v)
{
    v->all_mark = v->epoch;
    vga_touch(v);
}

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

/* Bytes of a line of the virtual screen. */
uint32_t vga_dispi_line_bytes(const struct vga *v);

/* CRTC fields that are spread over several registers. */
unsigned vga_display_lines(const struct vga *v);
unsigned vga_line_compare(const struct vga *v);
unsigned vga_start_address(const struct vga *v);
/* A frame's scan lines, or what they should be. */
unsigned vga_total_lines(const struct vga *v);
/* A scan line takes 31.778 us (800 dots at 25.175 MHz). */
#define VGA_LINE_NS 31778u

/* ---- The CRT controller going over a frame (vga_scan.c) -------------------- */

/* A scan line: of the row of characters that begins at `address`, line `row`. */
struct vga_scan {
    unsigned line;              /* of the picture, from 0 */
    unsigned address;           /* the counter's, before vga_address */
    unsigned row;               /* 0..31 */
    unsigned pan;               /* dots that are off the left edge */
    bool again;                 /* double scan: the second of two */
    bool begins;                /* a row begins with it */
};

void vga_scan_first(const struct vga *v, struct vga_scan *s);
void vga_scan_next(const struct vga *v, struct vga_scan *s);
/*
 * Where the four planes are read for the counter's value `counter` in line
 * `row`: below VGA_PLANE_BYTES.
 */
unsigned vga_address(const struct vga *v, unsigned counter, unsigned row);
/* Characters that each of the counter's addresses is shown for: 1, 2 or 4. */
unsigned vga_count_by(const struct vga *v);

struct vga_cursor {
    bool on;
    uint16_t address;           /* the counter's */
    uint8_t first, last;        /* lines of the row */
};
struct vga_cursor vga_cursor(const struct vga *v);

/* ---- Pixels (vga_render.c, vga_colors.c) ----------------------------------- */

/* What is the same for all lines of a frame. */
struct vga_frame {
    struct display_mode mode;
    bool is_dispi, is_text, is_blank;
    unsigned columns;           /* clocks of a character, each `dots` dots */
    unsigned dots, dot_pixels;
    unsigned shown;             /* DISPLAY_CURSOR, DISPLAY_BLINKING */
    struct vga_cursor cursor;
    uint32_t blank;             /* the colour while it is switched off */
    uint32_t color[16];         /* by way of the palette registers */
    uint32_t dac[256];
};

/* Fill in all but the colours; and these. */
void vga_frame_shape(const struct vga *v, struct vga_frame *f, unsigned shown);
void vga_frame_colors(const struct vga *v, struct vga_frame *f);
/* What one picture is to be, against the one before (vga_draw.c). */
struct vga_look {
    uint64_t seen;
    bool all;
    bool blinked;               /* characters that blink came or went */
    uint64_t cursor_then, cursor_now;   /* 0: no line needs to change for it */
};
void vga_look_begin(const struct vga *v, const struct vga_frame *f,
                    const struct display_view *view, struct vga_look *l);
bool vga_line_changed(const struct vga *v, const struct vga_frame *f,
                      const struct vga_scan *s, const struct vga_look *l);
/* `view` has seen all of it. */
void vga_look_end(struct vga *v, const struct vga_frame *f,
                  struct display_view *view);
/* Draw the scan line `s` into f->mode.width pixels. */
void vga_render_line(const struct vga *v, const struct vga_frame *f,
                     const struct vga_scan *s, uint32_t *out);
/* Where the font for attribute bit 3 begins in plane 2. */
unsigned vga_font_address(const struct vga *v, bool bit3);

#endif
