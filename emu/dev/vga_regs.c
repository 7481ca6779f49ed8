/*
 * The VGA's registers (IBM VGA/XGA Technical Reference, chapter 2).
 */
#include "emu/dev/vga_internal.h"

#include <string.h>

#define DEFAULT_LINES 449u      /* of text mode 3 */
#define VISIBLE_NS 25422u       /* 640 of 800 dots */

enum { STATUS1_BLANK = 0x01, STATUS1_RETRACE = 0x08 };
#define STATUS0_SENSE 0x10u     /* a monitor is attached */

/* Bits that exist in each sequencer, graphics and attribute register. */
static const uint8_t sr_mask[SR_COUNT] = {
    0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0x00, 0x00, 0x00,
};
static const uint8_t gr_mask[GR_COUNT] = {
    0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff,
};
static const uint8_t ar_mask[AR_COUNT] = {
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f,
};
/* CR19h and up do not exist. */
#define CR_LAST 0x18u

void vga_regs_reset(struct vga *v)
{
    v->misc = v->feature = 0;
    v->sr_index = v->gr_index = v->cr_index = v->ar_index = 0;
    memset(v->sr, 0, sizeof v->sr);
    memset(v->gr, 0, sizeof v->gr);
    memset(v->cr, 0, sizeof v->cr);
    memset(v->ar, 0, sizeof v->ar);
    memset(v->palette, 0, sizeof v->palette);
    v->ar_data_next = false;
    v->dac_mask = 0xff;
    v->dac_state = v->dac_read = v->dac_write = v->dac_part = 0;
    v->latch = 0;
}

void vga_regs_limit(struct vga *v)
{
    for (unsigned i = 0; i < SR_COUNT; i++)
        v->sr[i] &= sr_mask[i];
    for (unsigned i = 0; i < GR_COUNT; i++)
        v->gr[i] &= gr_mask[i];
    for (unsigned i = 0; i < AR_COUNT; i++)
        v->ar[i] &= ar_mask[i];
}

/* A 10-bit vertical CRTC value: its register and two bits in CR7. */
static unsigned vertical(const struct vga *v, unsigned reg, unsigned bit8,
                         unsigned bit9)
{
    unsigned over = v->cr[CR_OVERFLOW];

    return v->cr[reg] | (over >> bit8 & 1) << 8 | (over >> bit9 & 1) << 9;
}

unsigned vga_display_lines(const struct vga *v)
{
    return vertical(v, CR_V_DISPLAY_END, 1, 6) + 1;
}

unsigned vga_line_compare(const struct vga *v)
{
    return v->cr[CR_LINE_COMPARE] | (v->cr[CR_OVERFLOW] >> 4 & 1u) << 8 |
           (v->cr[CR_MAX_SCAN_LINE] >> 6 & 1u) << 9;
}

unsigned vga_start_address(const struct vga *v)
{
    return v->cr[CR_START_HIGH] << 8 | v->cr[CR_START_LOW];
}

/* Not programmed yet, or nonsense: a frame begins and ends all the same. */
unsigned vga_total_lines(const struct vga *v)
{
    unsigned total = vertical(v, CR_V_TOTAL, 0, 5) + 2;
    unsigned start = vertical(v, CR_V_RETRACE_START, 2, 7);

    return total >= 100 && start < total ? total : DEFAULT_LINES;
}

/* Where the beam is, from virtual time. */
static uint8_t input_status_1(struct vga *v)
{
    unsigned total = vga_total_lines(v);
    unsigned start = vertical(v, CR_V_RETRACE_START, 2, 7);
    unsigned length = (v->cr[CR_V_RETRACE_END] - start) & 15;
    uint64_t now = machine_now(v->pci.dev.machine);
    unsigned line;
    uint8_t status = 0;

    if (start >= total)
        start = total - 37;
    if (length == 0)
        length = 2;
    line = (unsigned)(now / VGA_LINE_NS % total);
    if (line >= start && line < start + length)
        status |= STATUS1_RETRACE | STATUS1_BLANK;
    if (line >= vga_display_lines(v) || now % VGA_LINE_NS >= VISIBLE_NS)
        status |= STATUS1_BLANK;
    v->ar_data_next = false;
    return status;
}

/* A register that the whole picture depends on. */
static void set_shown(struct vga *v, uint8_t *reg, uint8_t value)
{
    if (*reg == value)
        return;
    *reg = value;
    vga_mark_all(v);
}

static void write_attribute(struct vga *v, uint8_t value)
{
    unsigned index = v->ar_index & 0x1f;

    v->ar_data_next = !v->ar_data_next;
    if (v->ar_data_next) {
        if ((v->ar_index ^ value) & AR_VIDEO_ON)
            vga_mark_all(v);
        v->ar_index = value & 0x3f;
    } else if (index >= AR_COUNT) {
        return;
    } else if (index >= 0x10 || !(v->ar_index & AR_VIDEO_ON)) {
        /* The palette can be written while it is not connected. */
        set_shown(v, &v->ar[index], value & ar_mask[index]);
    }
}

static void write_sequencer(struct vga *v, uint8_t value)
{
    unsigned i = v->sr_index;

    value &= sr_mask[i];
    if (i == SR_CLOCKING || i == SR_FONTS)
        set_shown(v, &v->sr[i], value);
    else
        v->sr[i] = value;
}

static void write_graphics(struct vga *v, uint8_t value)
{
    unsigned i = v->gr_index;

    value &= gr_mask[i];
    if ((i == GR_MODE &&
         (v->gr[i] ^ value) & (GR5_INTERLEAVE | GR5_NIBBLES)) ||
        (i == GR_MISC && (v->gr[i] ^ value) & GR6_GRAPHICS))
        vga_mark_all(v);
    v->gr[i] = value;
}

static void write_crtc(struct vga *v, uint8_t value)
{
    unsigned i = v->cr_index;

    if (i > CR_LAST)
        return;
    if (i <= CR_OVERFLOW && (v->cr[CR_V_RETRACE_END] & CR11_PROTECT)) {
        if (i == CR_OVERFLOW)   /* the line compare bit is not protected */
            set_shown(v, &v->cr[i], (v->cr[i] & ~0x10) | (value & 0x10));
        return;
    }
    if (i == CR_CURSOR_START || i == CR_CURSOR_END || i == CR_CURSOR_HIGH ||
        i == CR_CURSOR_LOW) {
        v->cr[i] = value;
        vga_touch(v);           /* whoever draws compares the cursor */
    } else {
        set_shown(v, &v->cr[i], value);
    }
}

static void write_dac_data(struct vga *v, uint8_t value)
{
    if (!(v->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC))
        value &= 0x3f;
    if (v->dac_part < 2) {
        v->dac_rgb[v->dac_part++] = value;
        return;
    }
    v->palette[v->dac_write][0] = v->dac_rgb[0];
    v->palette[v->dac_write][1] = v->dac_rgb[1];
    v->palette[v->dac_write][2] = value;
    v->dac_part = 0;
    v->dac_write++;
    vga_mark_all(v);
}

static uint8_t read_dac_data(struct vga *v)
{
    uint8_t value = v->palette[v->dac_read][v->dac_part];

    if (++v->dac_part == 3) {
        v->dac_part = 0;
        v->dac_read++;
    }
    return value;
}

static void set_dac_index(struct vga *v, uint8_t value, bool for_read)
{
    if (for_read)
        v->dac_read = value;
    else
        v->dac_write = value;
    v->dac_state = for_read ? 3 : 0;
    v->dac_part = 0;
}

/* CRTC and status ports answer at 3Bxh or at 3Dxh, as misc bit 0 says. */
static bool elsewhere(const struct vga *v, uint16_t port)
{
    if (port >= 0x3c0 && port <= 0x3cf)
        return false;
    return (port >= 0x3d0) != (v->misc & MISC_COLOR);
}

void vga_reg_write(struct vga *v, uint16_t port, uint8_t value)
{
    if (elsewhere(v, port))
        return;
    if (port < 0x3c0)
        port += 0x20;
    switch (port) {
    case 0x3c0:
        write_attribute(v, value);
        break;
    case 0x3c2:
        v->misc = value;
        break;
    case 0x3c4:
        v->sr_index = value & (SR_COUNT - 1);
        break;
    case 0x3c5:
        write_sequencer(v, value);
        break;
    case 0x3c6:
        set_shown(v, &v->dac_mask, value);
        break;
    case 0x3c7:
    case 0x3c8:
        set_dac_index(v, value, port == 0x3c7);
        break;
    case 0x3c9:
        write_dac_data(v, value);
        break;
    case 0x3ce:
        v->gr_index = value & (GR_COUNT - 1);
        break;
    case 0x3cf:
        write_graphics(v, value);
        break;
    case 0x3d4:
        v->cr_index = value & (CR_COUNT - 1);
        break;
    case 0x3d5:
        write_crtc(v, value);
        break;
    case 0x3da:
        v->feature = value & 0x03;
        break;
    }
}

uint8_t vga_reg_read(struct vga *v, uint16_t port)
{
    unsigned index;

    if (elsewhere(v, port))
        return 0xff;
    if (port < 0x3c0)
        port += 0x20;
    switch (port) {
    case 0x3c0:
        return v->ar_data_next ? 0 : v->ar_index;
    case 0x3c1:
        index = v->ar_index & 0x1f;
        return index < AR_COUNT ? v->ar[index] : 0;
    case 0x3c2:
        return STATUS0_SENSE;
    case 0x3c3:
        return 0x01;            /* the VGA is enabled */
    case 0x3c4:
        return v->sr_index;
    case 0x3c5:
        return v->sr[v->sr_index];
    case 0x3c6:
        return v->dac_mask;
    case 0x3c7:
        return v->dac_state;
    case 0x3c8:
        return v->dac_write;
    case 0x3c9:
        return read_dac_data(v);
    case 0x3ca:
        return v->feature;
    case 0x3cc:
        return v->misc;
    case 0x3ce:
        return v->gr_index;
    case 0x3cf:
        return v->gr[v->gr_index];
    case 0x3d4:
        return v->cr_index;
    case 0x3d5:
        return v->cr_index <= CR_LAST ? v->cr[v->cr_index] : 0;
    case 0x3da:
        return input_status_1(v);
    }
    return 0xff;
}
