/*
 * PCI configuration space and BARs, as devices on bus 0 see them
 * (PCI Local Bus Specification 3.0, chapter 6).
 *
 * A PCI device embeds `struct pci_dev` as its first member, fills in ids and
 * BARs with the helpers, then calls pci_add. The core owns the config space:
 * it applies write masks, sizes BARs, and maps or unmaps their ranges to the
 * device (machine_io_map, machine_mmio_map) as the guest moves or disables
 * them.
 */
#ifndef EMU_DEV_PCI_H
#define EMU_DEV_PCI_H

#include "emu/dev/device.h"

#define PCI_CONFIG_SIZE 256u
#define PCI_BARS 6u

struct pci_bus;

struct pci_bar {
    uint32_t size;              /* bytes, a power of two; 0: not there */
    bool is_io;
    bool mapped;
    uint32_t base;              /* where it is mapped, if mapped */
};

struct pci_dev {
    struct device dev;          /* BAR accesses go to dev.ops */
    struct pci_bus *bus;
    uint8_t devfn;              /* slot << 3 | function */
    uint8_t config[PCI_CONFIG_SIZE];
    uint8_t wmask[PCI_CONFIG_SIZE];     /* bits the guest may write */
    uint8_t w1cmask[PCI_CONFIG_SIZE];   /* bits cleared by writing one */
    struct pci_bar bar[PCI_BARS];
    bool intx_level;
    /* After a guest's config write was applied; may be NULL. */
    void (*config_written)(struct pci_dev *pci, unsigned offset,
                           unsigned size);
};

/*
 * Ids, class (24 bits: base, sub, interface), revision and INTA# pin
 * (0: none, 1: INTA#). Sets the default write masks.
 */
void pci_init(struct pci_dev *pci, uint16_t vendor, uint16_t device,
              uint32_t class_code, uint8_t revision, uint8_t pin);
void pci_bar_init(struct pci_dev *pci, unsigned n, uint32_t size, bool is_io);
/* Plug into `bus` at `devfn`. 0 or -EBUSY. */
int pci_add(struct pci_bus *bus, struct pci_dev *pci, uint8_t devfn);
/* Back to the power-on state of command, BARs and interrupt line. */
void pci_reset_config(struct pci_dev *pci);
/* Drive the device's INTx# pin; level, routed by the bus's PIRQ router. */
void pci_set_intx(struct pci_dev *pci, bool level);

/* A device's configuration space in a snapshot, as the first of its fields. */
void pci_state(struct pci_dev *pci, struct state *s);
/* In its `loaded`: its BARs go where the registers say, INTx# is known. */
void pci_loaded(struct pci_dev *pci);
/* The same as a device_ops.loaded. */
void pci_device_loaded(struct device *dev);

/* ---- The bus itself, for the host bridge, the router and the monitor ---- */

#define PCI_PIRQS 4u

/* `m` owns the ranges; INTx# goes nowhere until pci_bus_set_router. */
struct pci_bus *pci_bus_create(struct machine *m);
void pci_bus_destroy(struct pci_bus *bus);
/*
 * Where PIRQA#..PIRQD# (0..3) go: level, true while any device of the group
 * asserts it. Slot s, pin INTp# drives PIRQ (s - 1 + p) & 3, INTA# being 0.
 */
void pci_bus_set_router(struct pci_bus *bus,
                        void (*pirq)(void *ctx, unsigned n, bool level),
                        void *ctx);
/*
 * Configuration access to bus 0 as the guest makes it; `offset` 0..255 and
 * `size` 1, 2 or 4 within one doubleword. No device there: all ones.
 */
uint32_t pci_config_read(struct pci_bus *bus, uint8_t devfn, unsigned offset,
                         unsigned size);
void pci_config_write(struct pci_bus *bus, uint8_t devfn, unsigned offset,
                      unsigned size, uint32_t value);
/* Text in the shape of qemu's `info pci`; returns the length wanted. */
int pci_format(const struct pci_bus *bus, char *buf, size_t size);

/* Little-endian fields of a config space (or its masks). */
static inline uint16_t pci_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t pci_get32(const uint8_t *p)
{
    return pci_get16(p) | (uint32_t)pci_get16(p + 2) << 16;
}

static inline void pci_set16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void pci_set32(uint8_t *p, uint32_t v)
{
    pci_set16(p, (uint16_t)v);
    pci_set16(p + 2, (uint16_t)(v >> 16));
}

static inline bool pci_bus_master(const struct pci_dev *pci)
{
    return pci->config[0x04] & 0x04;
}

#endif
