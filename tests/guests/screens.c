/*
 * A picture in each video mode. For every letter that comes over the serial
 * line: set that mode by INT 10h, draw, say "mode LETTER" or "no mode".
 */
#include "tests/guests/guest.h"

struct video_regs {
    uint16_t ax, bx, cx, dx, di;
};

void bios_video(struct video_regs *r);

static uint16_t video(uint16_t ax, uint16_t bx, uint16_t cx)
{
    struct video_regs r = { ax, bx, cx, 0, 0 };

    bios_video(&r);
    return r.ax;
}

static void poke(uint32_t addr, uint8_t v) { *(volatile uint8_t *)addr = v; }

static void sequencer(uint8_t i, uint8_t v) { outw(0x3c4, v << 8 | i); }
static void crtc(uint8_t i, uint8_t v) { outw(0x3d4, v << 8 | i); }

/* ---- What is drawn ------------------------------------------------------------ */

/*
 * Of the colour at x, y: a frame, two diagonals, a gradient in blocks of 16
 * pixels between them.
 */
static uint32_t picture(unsigned x, unsigned y, unsigned width,
                        unsigned height, uint32_t colors)
{
    if (!x || !y || x == width - 1 || y == height - 1)
        return colors - 1;
    if (x == y || x == width - 1 - y)
        return (colors / 2 + 1) % colors;
    return (x / 16 + y / 16 * 3) % colors;
}

static void set_dac(void)
{
    outb(0x3c8, 0);
    for (unsigned i = 0; i < 256; i++) {
        outb(0x3c9, i & 63);
        outb(0x3c9, i * 3 & 63);
        outb(0x3c9, (255 - i) >> 2);
    }
}

/* Every character in every colour, no cursor, bright backgrounds. */
static void draw_text(unsigned cells)
{
    video(0x0100, 0, 0x2000);
    video(0x1003, 0, 0);
    for (unsigned i = 0; i < cells; i++) {
        poke(0xb8000 + 2 * i, i);
        poke(0xb8001 + 2 * i, i * 7 + i / 80);
    }
}

static void draw_planar(unsigned width, unsigned height)
{
    for (unsigned p = 0; p < 4; p++) {
        sequencer(2, 1 << p);
        for (unsigned y = 0; y < height; y++)
            for (unsigned x = 0; x < width; x += 8) {
                uint8_t byte = 0;

                for (unsigned i = 0; i < 8; i++)
                    byte = byte << 1 |
                           (picture(x + i, y, width, height, 16) >> p & 1);
                poke(0xa0000 + (y * width + x) / 8, byte);
            }
    }
}

static void draw_cga(unsigned width, unsigned bits)
{
    for (unsigned y = 0; y < 200; y++)
        for (unsigned x = 0; x < width; x += 8 / bits) {
            uint8_t byte = 0;

            for (unsigned i = 0; i < 8 / bits; i++)
                byte = byte << bits |
                       picture(x + i, y, width, 200, 1 << bits);
            poke(0xb8000 + (y & 1) * 0x2000 + y / 2 * 80 + x * bits / 8,
                 byte);
        }
}

static void draw_chained(void)
{
    set_dac();
    for (unsigned i = 0; i < 320 * 200; i++)
        poke(0xa0000 + i, picture(i % 320, i / 320, 320, 200, 256));
}

/* 320x240 without chain 4, from mode 13h (Dr. Dobb's 7/1991). */
static void draw_mode_x(void)
{
    static const uint8_t cr[][2] = {
        { 0x06, 0x0d }, { 0x07, 0x3e }, { 0x09, 0x41 }, { 0x10, 0xea },
        { 0x11, 0xac }, { 0x12, 0xdf }, { 0x14, 0x00 }, { 0x15, 0xe7 },
        { 0x16, 0x06 }, { 0x17, 0xe3 },
    };

    set_dac();
    sequencer(4, 0x06);
    outb(0x3c2, 0xe3);
    crtc(0x11, 0x2c);
    for (unsigned i = 0; i < sizeof cr / sizeof *cr; i++)
        crtc(cr[i][0], cr[i][1]);
    for (unsigned p = 0; p < 4; p++) {
        sequencer(2, 1 << p);
        for (unsigned i = 0; i < 80 * 240; i++)
            poke(0xa0000 + i, picture(4 * (i % 80) + p, i / 80, 320, 240, 256));
    }
}

/* Packed pixels in the linear frame buffer. */
static void draw_linear(unsigned width, unsigned height, unsigned bits)
{
    uint32_t lfb = pci_read(pci_find(0x1234, 0x1111), 0x10) & ~15u;
    unsigned bytes = (bits + 7) / 8;

    if (bits == 8)
        set_dac();
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < width; x++, lfb += bytes) {
            uint32_t v = picture(x, y, width, height, 256);

            if (bits > 16)
                v = v << 16 | (x & 255) << 8 | (y & 255);
            else if (bits > 8)
                v = v << 8 | (x + y) % 256;
            if (bytes == 4)
                *(volatile uint32_t *)lfb = v;
            else
                for (unsigned i = 0; i < bytes; i++)
                    poke(lfb + i, v >> (8 * i));
        }
}

/* ---- Modes -------------------------------------------------------------------- */

static const struct screen {
    char letter;
    uint16_t mode;              /* 100h and up: VBE */
    uint16_t width, height, bits;
} screens[] = {
    { '0', 0x01, 40, 25, 0 },       { '3', 0x03, 80, 25, 0 },
    { '4', 0x04, 320, 200, 2 },     { '6', 0x06, 640, 200, 1 },
    { 'd', 0x0d, 320, 200, 4 },     { 'e', 0x10, 640, 350, 4 },
    { '2', 0x12, 640, 480, 4 },     { '1', 0x13, 320, 200, 8 },
    { 'x', 0x13, 320, 240, 8 },     { 'p', 0x102, 800, 600, 4 },
    { 'g', 0x101, 640, 480, 8 },    { 'h', 0x110, 640, 480, 15 },
    { 'i', 0x114, 800, 600, 16 },   { 'j', 0x112, 640, 480, 24 },
    { 'v', 0x144, 1024, 768, 32 },
};

static void draw(const struct screen *s)
{
    if (!s->bits)
        draw_text(s->width * s->height);
    else if (s->bits == 4)
        draw_planar(s->width, s->height);
    else if (s->mode >= 0x100)
        draw_linear(s->width, s->height, s->bits);
    else if (s->bits < 4)
        draw_cga(s->width, s->bits);
    else if (s->letter == 'x')
        draw_mode_x();
    else
        draw_chained();
}

static bool show(char letter)
{
    for (unsigned i = 0; i < sizeof screens / sizeof *screens; i++) {
        const struct screen *s = &screens[i];

        if (s->letter != letter)
            continue;
        if (s->mode < 0x100)
            video(s->mode, 0, 0);
        else if (video(0x4f02, 0x4000 | s->mode, 0) != 0x004f)
            return false;
        draw(s);
        return true;
    }
    return false;
}

void guest_main(void)
{
    serial_init();
    print("ready\n");
    for (;;) {
        char letter = serial_getc();

        print(show(letter) ? "mode " : "no mode ");
        serial_putc(letter);
        print("\n");
    }
}
