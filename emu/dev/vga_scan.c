/*
 * How the CRT controller goes over a frame: which memory address and which
 * line of a character each scan line shows (IBM VGA Technical Reference, CRT
 * controller registers; FreeVGA, "CRTC registers").
 *
 * Left out, as no mode of a VGA BIOS has it and it is not said what follows
 * what: shift registers that are chained, and loaded with every second or
 * fourth character clock (SR1 bits 2 and 4).
 */
#include "emu/dev/vga_internal.h"

#define COUNTER_MASK 0xffffu
#define ROW_MASK 31u

/* Dots that AR13 moves the picture to the left. */
static unsigned panning(const struct vga *v)
{
    unsigned n = v->ar[AR_PANNING] & 15;

    if ((v->gr[GR_MISC] & GR6_GRAPHICS) ||
        (v->sr[SR_CLOCKING] & SR1_EIGHT_DOTS))
        return n & 7;
    return n < 8 ? n + 1 : 0;   /* nine dots: 8 is none, 0 is one */
}

static unsigned byte_panning(const struct vga *v)
{
    return v->cr[CR_PRESET_ROW] >> 5 & 3;
}

void vga_scan_first(const struct vga *v, struct vga_scan *s)
{
    *s = (struct vga_scan){
        .address = (vga_start_address(v) + byte_panning(v)) & COUNTER_MASK,
        .row = v->cr[CR_PRESET_ROW] & ROW_MASK,
        .pan = panning(v),
        .begins = true,
    };
}

/* The last scan line above a split screen, which shows address 0. */
static bool is_split(const struct vga *v, unsigned line)
{
    unsigned compare = vga_line_compare(v);

    if (v->cr[CR_MODE] & CR17_HALF_LINES)
        compare = 2 * compare + 1;
    return line == compare;
}

static void split(const struct vga *v, struct vga_scan *s)
{
    bool resets = v->ar[AR_MODE] & AR10_SPLIT_RESETS_PAN;

    s->address = resets ? 0 : byte_panning(v);
    if (resets)
        s->pan = 0;
    s->row = 0;
    s->again = false;
    s->begins = true;
}

void vga_scan_next(const struct vga *v, struct vga_scan *s)
{
    unsigned height = v->cr[CR_MAX_SCAN_LINE];

    s->begins = false;
    if (is_split(v, s->line)) {
        split(v, s);
    } else if ((height & CR9_DOUBLE_SCAN) && !s->again) {
        s->again = true;
    } else {
        s->again = false;
        s->begins = s->row == (height & ROW_MASK);
        s->row = s->begins ? 0 : (s->row + 1) & ROW_MASK;
        if (s->begins)
            s->address = (s->address + 2 * v->cr[CR_OFFSET]) & COUNTER_MASK;
    }
    s->line++;
}

unsigned vga_address(const struct vga *v, unsigned counter, unsigned row)
{
    unsigned mode = v->cr[CR_MODE], a = counter & COUNTER_MASK;

    if (v->cr[CR_UNDERLINE] & CR14_DWORD_MODE)
        a = a << 2 | a >> 14;
    else if (!(mode & CR17_BYTE_MODE))
        a = a << 1 | (a >> (mode & CR17_WRAP_15 ? 15 : 13) & 1);
    if (!(mode & CR17_NO_INTERLEAVE_13))
        a = (a & ~0x2000u) | (row & 1) << 13;
    if (!(mode & CR17_NO_INTERLEAVE_14))
        a = (a & ~0x4000u) | (row & 2) << 13;
    return a & (VGA_PLANE_BYTES - 1);
}

unsigned vga_count_by(const struct vga *v)
{
    return v->cr[CR_UNDERLINE] & CR14_COUNT_BY_4 ? 4
           : v->cr[CR_MODE] & CR17_COUNT_BY_2 ? 2 : 1;
}

struct vga_cursor vga_cursor(const struct vga *v)
{
    unsigned at = v->cr[CR_CURSOR_HIGH] << 8 | v->cr[CR_CURSOR_LOW];
    unsigned start = v->cr[CR_CURSOR_START], end = v->cr[CR_CURSOR_END];

    return (struct vga_cursor){
        .on = !(start & CRA_CURSOR_OFF) && (start & 31) <= (end & 31),
        .address = (uint16_t)(at + (end >> 5 & 3)),     /* with its skew */
        .first = start & 31,
        .last = end & 31,
    };
}
