/*
 * The VGA under registers and writes of every kind. Whatever they are, a
 * picture has a bounded size and is made of display memory alone; one that was
 * brought up to date is the same as one drawn anew; and a snapshot of it
 * loads.
 */
// covers: emu/dev/vga.c emu/dev/vga_regs.c emu/dev/vga_memory.c
// covers: emu/dev/vga_dispi.c emu/dev/vga_scan.c emu/dev/vga_render.c
// covers: emu/dev/vga_colors.c emu/dev/vga_draw.c emu/dev/vga_text.c
#include <stdlib.h>
#include <string.h>

#include "emu/dev/vga_internal.h"
#include "tests/fuzz/input.h"
#include "tests/unit/fake_machine.h"
#include "tests/unit/fake_snapshot.h"

#define DEVFN 0x10u
#define LFB 0xe0000000u
#define REGS 0xe1000000u
#define LOOKS 4u                /* pictures are slow */
#define PIXELS_MOST (1u << 17)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct input in;
static struct machine *m;
static struct pci_bus *bus;
static struct vga *vga;
static struct device *dev;
static struct display_view view;
static struct display_target target;
static unsigned looks;

static void make(void)
{
    m = fake_machine_new();
    bus = pci_bus_create(m);
    vga = vga_create(m, bus, DEVFN);
    dev = (struct device *)vga;
}

/* As the power comes on; but for what was written, 16 MiB are zeros still. */
static void start(void)
{
    if (!m)
        make();
    for (unsigned i = 0; i < VGA_MARKS; i++)
        if (vga->mark[i])
            memset(vga->vram + (i << VGA_MARK_SHIFT), 0, 1 << VGA_MARK_SHIFT);
    memset(vga->mark, 0, VGA_MARKS * sizeof *vga->mark);
    dev->ops->reset(dev);
    pci_config_write(bus, DEVFN, 0x10, 4, LFB);
    pci_config_write(bus, DEVFN, 0x18, 4, REGS);
    pci_config_write(bus, DEVFN, 0x04, 2, 0x03);
    fake_out(m, 0x3c2, 1, 0x67);
    memset(&view, 0, sizeof view);
    looks = 0;
}

/* The view's picture, in memory of the mode's size exactly. */
static void fit(void)
{
    struct display_mode mode = vga_mode(vga);

    if (target.width == mode.width && target.height == mode.height)
        return;
    free(target.pixels);
    target = (struct display_target){
        malloc(4 * mode.width * mode.height), mode.width, mode.width,
        mode.height,
    };
    memset(&view, 0, sizeof view);
}

static void look(unsigned shown)
{
    static struct display_view fresh;
    struct display_mode mode = vga_mode(vga);
    struct display_target t;

    if (!mode.width || mode.width > DISPLAY_WIDTH_MAX || !mode.height ||
        mode.height > DISPLAY_HEIGHT_MAX)
        abort();
    if (mode.width * mode.height > PIXELS_MOST || looks++ == LOOKS)
        return;
    fit();
    if (vga_draw(vga, &view, &target, shown) < 0)
        abort();
    t = target;
    t.pixels = malloc(4 * t.width * t.height);
    memset(&fresh, 0, sizeof fresh);
    if (vga_draw(vga, &fresh, &t, shown) != (int)mode.height)
        abort();
    if (memcmp(t.pixels, target.pixels, 4 * t.width * t.height))
        abort();
    free(t.pixels);
}

static void texts(void)
{
    static char line[256];
    static uint8_t glyph[256][32];
    struct display_mode mode = vga_mode(vga);
    size_t count = mode.columns * mode.rows;
    struct display_cell *cells = malloc(count * sizeof *cells);
    static struct display_view looks;
    struct display_text text;
    int n;

    memset(&looks, 0, sizeof looks);
    n = vga_cells(vga, &looks, &text, cells, count, DISPLAY_BOTH);
    if (n >= 0 &&
        (text.columns != mode.columns || text.rows != mode.rows ||
         (unsigned)n != text.rows ||
         (text.has_cursor && (text.cursor_column >= text.columns ||
                              text.cursor_row >= text.rows))))
        abort();
    if (n >= 0 &&
        vga_cells(vga, &looks, &text, cells, count, DISPLAY_BOTH))
        abort();                /* nothing was written meanwhile */
    vga_text(vga, line, sizeof line);
    vga_font(vga, true, glyph);
    free(cells);
}

static void dispi(uint16_t index, uint16_t value)
{
    fake_out(m, 0x1ce, 2, index);
    fake_out(m, 0x1cf, 2, value);
}

static void dispi_mode(void)
{
    static const uint8_t bpp[8] = { 4, 8, 15, 16, 24, 32, 8, 32 };

    dispi(4, 0);
    dispi(1, input_u8(&in) * 8 + (input_u8(&in) & 7));
    dispi(2, input_u8(&in) * 2 + 1);
    dispi(3, bpp[input_u8(&in) & 7]);
    dispi(4, input_u8(&in) | 0x81);
    dispi(6, input_u16(&in));
    dispi(8, input_u16(&in));
    dispi(9, input_u16(&in));
}

static void attribute(void)
{
    fake_in(m, 0x3da, 1);
    fake_out(m, 0x3c0, 1, input_u8(&in));
    fake_out(m, 0x3c0, 1, input_u8(&in));
    fake_in(m, 0x3da, 1);
    fake_out(m, 0x3c0, 1, 0x20);
}

/* A run of bytes, as pictures are made of. */
static void run(uint32_t addr, uint32_t size)
{
    unsigned width = 1u << (input_u8(&in) & 3), count = input_u8(&in);

    addr += input_u32(&in) % size;
    for (unsigned i = 0; i <= count; i++, addr += width)
        dev->ops->mmio_write(dev, addr, width, (uint64_t)addr * 0x9e3779b1u);
}

static void reads(void)
{
    static const uint32_t base[4] = { 0xa0000, 0xb0000, LFB, REGS };

    fake_in(m, 0x3b0 + input_u8(&in) % 0x30, input_size(&in));
    fake_in(m, 0x1ce + (input_u8(&in) & 1), input_size(&in));
    fake_out(m, 0x1ce, 4, input_u32(&in));
    dev->ops->mmio_read(dev, base[input_u8(&in) & 3] + input_u16(&in) % 0xff9,
                        1u << (input_u8(&in) & 3));
}

static void snapshot(void)
{
    struct fake_snapshot f;
    char why[200];

    fake_snapshot_save(&f, vga);
    if (fake_snapshot_read(&f, STATE_CHECK, vga, why) ||
        fake_snapshot_read(&f, STATE_LOAD, vga, why))
        abort();
    fake_snapshot_free(&f);
}

static void step(void)
{
    static const uint16_t indexed[4] = { 0x3c4, 0x3ce, 0x3d4, 0x3d4 };
    uint8_t op = input_u8(&in);

    switch (op & 15) {
    case 0:
        dispi(input_u8(&in), input_u16(&in));
        break;
    case 1:
        dispi_mode();
        break;
    case 2:
    case 3:
        attribute();
        break;
    case 4:
        run(0xa0000, 0x20000);
        break;
    case 5:
        run(0xb8000, 0x1000);
        break;
    case 6:
        run(LFB, VGA_VRAM_BYTES);
        break;
    case 7:
        run(REGS + 0x400, 0x200);
        break;
    case 8:
        reads();
        break;
    case 9:
        fake_out(m, 0x3b0 + input_u8(&in) % 0x30, input_size(&in),
                 input_u32(&in));
        break;
    case 10:
        look(op >> 4 & 3);
        break;
    case 11:
        texts();
        break;
    case 12:
        snapshot();
        break;
    default:
        fake_out(m, indexed[op >> 6], 2, input_u16(&in));
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    in = (struct input){ data, size };
    start();
    while (input_more(&in))
        step();
    look(DISPLAY_BOTH);
    texts();
    return 0;
}
