/* A VGA in a machine of its own. Behind cmocka.h. */
#ifndef TESTS_UNIT_VGA_FIXTURE_H
#define TESTS_UNIT_VGA_FIXTURE_H

#include "emu/dev/vga.h"
#include "tests/unit/fake_machine.h"
#include "tests/unit/vga_modes.h"

#define DEVFN 0x10
#define LFB 0xe0000000u
#define REGS 0xe1000000u

struct fixture {
    struct machine *m;
    struct pci_bus *bus;
    struct vga *vga;
    struct device *dev;
};

static inline int setup(void **state)
{
    static struct fixture f;

    f.m = fake_machine_new();
    f.bus = pci_bus_create(f.m);
    f.vga = vga_create(f.m, f.bus, DEVFN);
    f.dev = (struct device *)f.vga;
    pci_config_write(f.bus, DEVFN, 0x10, 4, LFB);
    pci_config_write(f.bus, DEVFN, 0x18, 4, REGS);
    pci_config_write(f.bus, DEVFN, 0x04, 2, 0x03);
    *state = &f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;

    vga_destroy(f->vga);
    pci_bus_destroy(f->bus);
    fake_machine_free(f->m);
    return 0;
}

static inline void out(struct fixture *f, uint16_t port, uint8_t v)
{
    fake_out(f->m, port, 1, v);
}

static inline uint8_t in(struct fixture *f, uint16_t port)
{
    return fake_in(f->m, port, 1);
}

static inline uint8_t get(struct fixture *f, uint16_t port, uint8_t i)
{
    out(f, port, i);
    return in(f, port + 1);
}

static inline void poke(struct fixture *f, uint32_t addr, uint8_t v)
{
    f->dev->ops->mmio_write(f->dev, addr, 1, v);
}

static inline uint8_t peek(struct fixture *f, uint32_t addr)
{
    return (uint8_t)f->dev->ops->mmio_read(f->dev, addr, 1);
}

static inline void dispi(struct fixture *f, uint16_t i, uint16_t v)
{
    fake_out(f->m, 0x1ce, 2, i);
    fake_out(f->m, 0x1cf, 2, v);
}

static inline struct vga_ports ports_of(struct fixture *f)
{
    return (struct vga_ports){ f->m, fake_in, fake_out };
}

static inline void indexed(struct fixture *f, uint16_t port, uint8_t i, uint8_t v)
{
    const struct vga_ports p = ports_of(f);

    vga_indexed(&p, port, i, v);
}

static inline void attribute(struct fixture *f, uint8_t i, uint8_t v)
{
    const struct vga_ports p = ports_of(f);

    vga_attribute(&p, i, v);
}

static inline void video_mode(struct fixture *f, const struct video_mode *m)
{
    const struct vga_ports p = ports_of(f);

    vga_set_mode(&p, m);
}

#endif
