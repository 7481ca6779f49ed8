/*
 * See vga.h: the PCI function, its BARs and ports. BAR0 is the linear frame
 * buffer; BAR2 mirrors the VGA's ports at 400h and the display interface's
 * registers at 500h.
 */
#include "emu/dev/vga.h"

#include <stdlib.h>
#include <string.h>

#include "emu/dev/vga_internal.h"
#include "emu/state.h"

#define VENDOR 0x1234u
#define DEVICE 0x1111u
#define CLASS_VGA 0x030000u
#define REVISION 2u

#define BAR_LFB 0u
#define BAR_REGS 2u
#define REGS_SIZE 0x1000u
#define REGS_PORTS 0x400u       /* 3C0h-3DFh */
#define REGS_DISPI 0x500u

#define PORT_FIRST 0x3b0u
#define PORT_COUNT 0x30u
#define PORT_DISPI_INDEX 0x1ceu
#define PORT_DISPI_DATA 0x1cfu  /* and 1D0h, for those who need it aligned */

/* ---- Ports --------------------------------------------------------------- */

/* The display interface's ports are 16 bits wide, each by itself. */
static uint32_t dispi_port_read(struct vga *v, uint16_t port, unsigned size)
{
    uint32_t value = port == PORT_DISPI_INDEX
                         ? v->dispi_index
                         : vga_dispi_read(v, v->dispi_index);

    if (size == 4 && port == PORT_DISPI_INDEX)
        value |= (uint32_t)vga_dispi_read(v, v->dispi_index) << 16;
    return value;
}

static void dispi_port_write(struct vga *v, uint16_t port, unsigned size,
                             uint32_t value)
{
    uint16_t low = size == 1 ? value & 0xff : value & 0xffff;

    if (port != PORT_DISPI_INDEX) {
        vga_dispi_write(v, v->dispi_index, low);
        return;
    }
    v->dispi_index = low;
    if (size == 4)
        vga_dispi_write(v, v->dispi_index, (uint16_t)(value >> 16));
}

static uint32_t vga_io_read(struct device *dev, uint16_t port, unsigned size)
{
    struct vga *v = (struct vga *)dev;
    uint32_t value = 0;

    if (port < PORT_FIRST)
        return dispi_port_read(v, port, size);
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)vga_reg_read(v, (uint16_t)(port + i)) << (8 * i);
    return value;
}

static void vga_io_write(struct device *dev, uint16_t port, unsigned size,
                         uint32_t value)
{
    struct vga *v = (struct vga *)dev;

    if (port < PORT_FIRST) {
        dispi_port_write(v, port, size, value);
        return;
    }
    for (unsigned i = 0; i < size; i++)
        vga_reg_write(v, (uint16_t)(port + i), (uint8_t)(value >> (8 * i)));
}

/* ---- Memory -------------------------------------------------------------- */

static bool is_dispi_reg(uint32_t offset)
{
    return offset >= REGS_DISPI && offset < REGS_DISPI + 2 * DISPI_COUNT;
}

static uint8_t regs_read(struct vga *v, uint32_t offset)
{
    if (offset >= REGS_PORTS && offset < REGS_PORTS + 0x20)
        return vga_reg_read(v, (uint16_t)(0x3c0 + offset - REGS_PORTS));
    if (is_dispi_reg(offset))
        return (uint8_t)(vga_dispi_read(v, (offset - REGS_DISPI) / 2) >>
                         (offset & 1 ? 8 : 0));
    return 0xff;
}

/* Display interface registers are written whole, the others byte by byte. */
static void regs_write(struct vga *v, uint32_t offset, unsigned size,
                       uint64_t value)
{
    for (unsigned i = 0; i < size; i++, offset++, value >>= 8) {
        if (offset >= REGS_PORTS && offset < REGS_PORTS + 0x20)
            vga_reg_write(v, (uint16_t)(0x3c0 + offset - REGS_PORTS),
                          (uint8_t)value);
        else if (is_dispi_reg(offset) && !(offset & 1) && i + 1 < size)
            vga_dispi_write(v, (offset - REGS_DISPI) / 2, (uint16_t)value);
    }
}

/* Does [addr, addr+size) lie in BAR n; *offset within it. */
static bool in_bar(const struct vga *v, unsigned n, uint64_t addr,
                   unsigned size, uint32_t *offset)
{
    const struct pci_bar *bar = &v->pci.bar[n];

    if (!bar->mapped || addr < bar->base || addr - bar->base >= bar->size)
        return false;
    *offset = (uint32_t)(addr - bar->base);
    return size <= bar->size - *offset;
}

static uint64_t vga_mmio_read(struct device *dev, uint64_t addr, unsigned size)
{
    struct vga *v = (struct vga *)dev;
    uint64_t value = 0;
    uint32_t offset;

    if (addr - VGA_WINDOW_BASE < VGA_WINDOW_SIZE) {
        offset = (uint32_t)(addr - VGA_WINDOW_BASE);
        for (unsigned i = 0; i < size; i++)
            value |= (uint64_t)vga_window_read(v, offset + i) << (8 * i);
    } else if (in_bar(v, BAR_LFB, addr, size, &offset)) {
        memcpy(&value, v->vram + offset, size);
    } else if (in_bar(v, BAR_REGS, addr, size, &offset)) {
        for (unsigned i = 0; i < size; i++)
            value |= (uint64_t)regs_read(v, offset + i) << (8 * i);
    } else {
        value = ~0ull;
    }
    return value;
}

static void lfb_write(struct vga *v, uint32_t offset, unsigned size,
                      uint64_t value)
{
    uint32_t low = (uint32_t)value;

    if (size == sizeof low)     /* most are: no call for them */
        memcpy(v->vram + offset, &low, sizeof low);
    else
        memcpy(v->vram + offset, &value, size);
    vga_mark(v, offset);
    v->mark[(offset + size - 1) >> VGA_MARK_SHIFT] = v->epoch;
    if (offset < 4 * VGA_PLANE_BYTES)
        v->font_mark = v->epoch;
}

static void vga_mmio_write(struct device *dev, uint64_t addr, unsigned size,
                           uint64_t value)
{
    struct vga *v = (struct vga *)dev;
    uint32_t offset;

    if (addr - VGA_WINDOW_BASE < VGA_WINDOW_SIZE) {
        offset = (uint32_t)(addr - VGA_WINDOW_BASE);
        for (unsigned i = 0; i < size; i++)
            vga_window_write(v, offset + i, (uint8_t)(value >> (8 * i)));
    } else if (in_bar(v, BAR_LFB, addr, size, &offset)) {
        lfb_write(v, offset, size, value);
    } else if (in_bar(v, BAR_REGS, addr, size, &offset)) {
        regs_write(v, offset, size, value);
    }
}

/* ---- Life ---------------------------------------------------------------- */

static void vga_reset(struct device *dev)
{
    struct vga *v = (struct vga *)dev;

    pci_reset_config(&v->pci);
    vga_regs_reset(v);
    vga_dispi_reset(v);
    vga_mark_all(v);
}

static void dac_state(struct vga *v, struct state *s)
{
    state_u8(s, &v->dac_mask);
    state_u8(s, &v->dac_state);
    state_u8(s, &v->dac_read);
    state_u8(s, &v->dac_write);
    v->dac_part = (uint8_t)state_choice(s, v->dac_part, 2, "the DAC's part");
    state_bytes(s, v->dac_rgb, sizeof v->dac_rgb);
    state_bytes(s, v->palette, sizeof v->palette);
}

/* All but the memory: that has sections of its own. */
static void vga_state(struct device *dev, struct state *s)
{
    struct vga *v = (struct vga *)dev;

    pci_state(&v->pci, s);
    state_u8(s, &v->misc);
    state_u8(s, &v->feature);
    v->sr_index = (uint8_t)state_choice(s, v->sr_index, SR_COUNT - 1,
                                        "the sequencer's index");
    state_bytes(s, v->sr, sizeof v->sr);
    v->gr_index = (uint8_t)state_choice(s, v->gr_index, GR_COUNT - 1,
                                        "the graphics controller's index");
    state_bytes(s, v->gr, sizeof v->gr);
    v->cr_index = (uint8_t)state_choice(s, v->cr_index, CR_COUNT - 1,
                                        "the CRT controller's index");
    state_bytes(s, v->cr, sizeof v->cr);
    v->ar_index = (uint8_t)state_choice(s, v->ar_index, 0x3f,
                                        "the attribute controller's index");
    state_bytes(s, v->ar, sizeof v->ar);
    if (!state_saving(s))
        vga_regs_limit(v);
    state_bool(s, &v->ar_data_next);
    dac_state(v, s);
    state_u32(s, &v->latch);
    state_u16(s, &v->dispi_index);
    for (unsigned i = 0; i < DISPI_COUNT; i++)
        state_u16(s, &v->dispi[i]);
    state_check(s, vga_dispi_is_possible(v), "a display mode that is none");
}

uint8_t *vga_memory(struct vga *v, size_t *bytes)
{
    *bytes = VGA_VRAM_BYTES;
    return v->vram;
}

static void vga_loaded(struct device *dev)
{
    pci_device_loaded(dev);
    vga_mark_all((struct vga *)dev);
}

static const struct device_ops vga_ops = {
    .name = "vga",
    .reset = vga_reset,
    .io_read = vga_io_read,
    .io_write = vga_io_write,
    .mmio_read = vga_mmio_read,
    .mmio_write = vga_mmio_write,
    .state = vga_state,
    .state_version = 1,
    .state_size = sizeof(struct vga),
    .loaded = vga_loaded,
};

struct vga *vga_create(struct machine *m, struct pci_bus *bus, uint8_t devfn)
{
    struct vga *v = calloc(1, sizeof *v);

    if (!v)
        return NULL;
    v->vram = calloc(1, VGA_VRAM_BYTES);
    v->mark = calloc(VGA_MARKS, sizeof *v->mark);
    v->epoch = 1;               /* 0: a view that has seen nothing */
    v->pci.dev.ops = &vga_ops;
    pci_init(&v->pci, VENDOR, DEVICE, CLASS_VGA, REVISION, 0);
    pci_bar_init(&v->pci, BAR_LFB, VGA_VRAM_BYTES, false);
    pci_bar_init(&v->pci, BAR_REGS, REGS_SIZE, false);
    if (!v->vram || !v->mark || pci_add(bus, &v->pci, devfn)) {
        vga_destroy(v);
        return NULL;
    }
    vga_reset(&v->pci.dev);
    machine_io_map(m, PORT_FIRST, PORT_COUNT, &v->pci.dev);
    machine_io_map(m, PORT_DISPI_INDEX, 3, &v->pci.dev);
    machine_mmio_map(m, VGA_WINDOW_BASE, VGA_WINDOW_SIZE, &v->pci.dev);
    return v;
}

void vga_destroy(struct vga *v)
{
    free(v->mark);
    free(v->vram);
    free(v);
}
