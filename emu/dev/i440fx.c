/* The 440FX host bridge; see i440fx.h. */
#include "emu/dev/i440fx.h"

#include <stdlib.h>

#include "emu/state.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define CONFIG_ENABLE 0x80000000u
#define CONFIG_PORTS 8u

#define REG_DRB 0x60            /* DRAM row boundaries, in 8 MiB */
#define REG_PAM 0x59            /* PAM0..PAM6 (3.2.18) */
#define REG_PAM_END 0x60
#define REG_SMRAM 0x72          /* 3.2.20 */
#define SMRAM_OPEN 0x40u
#define SMRAM_CLOSED 0x20u
#define SMRAM_LOCK 0x10u
#define SMRAM_ENABLE 0x08u
#define SMRAM_BASE 0x02u        /* read-only: A0000h */
#define SMRAM_WRITABLE (SMRAM_OPEN | SMRAM_CLOSED | SMRAM_LOCK | SMRAM_ENABLE)
#define ADDRESS_BITS 0x80fffffcu

struct i440fx {
    struct pci_dev pci;
    struct i440fx_memory memory;
    uint32_t address;
};

/* PAM nibble for a segment: PAM0's upper half is F0000h..FFFFFh as one. */
static unsigned pam_rights(const uint8_t *config, unsigned segment)
{
    unsigned byte = segment >= 12 ? 0 : 1 + segment / 2;
    unsigned shift = segment >= 12 || segment & 1 ? 4 : 0;

    return config[REG_PAM + byte] >> shift &
           (I440FX_PAM_READ | I440FX_PAM_WRITE);
}

static void apply_pam(struct i440fx *h)
{
    for (unsigned i = 0; i < I440FX_PAM_SEGMENTS; i++)
        h->memory.pam(h->memory.ctx, i, pam_rights(h->pci.config, i));
}

/* D_LCK clears D_OPEN and makes the register read-only until reset. */
static void apply_smram(struct i440fx *h)
{
    uint8_t *v = &h->pci.config[REG_SMRAM];

    if (*v & SMRAM_LOCK) {
        *v &= (uint8_t)~SMRAM_OPEN;
        h->pci.wmask[REG_SMRAM] = 0;
    }
    h->memory.smram(h->memory.ctx, (*v & SMRAM_OPEN) && (*v & SMRAM_ENABLE) &&
                                       !(*v & SMRAM_CLOSED));
}

static bool touches(unsigned offset, unsigned size, unsigned from, unsigned to)
{
    return offset < to && offset + size > from;
}

static void config_written(struct pci_dev *pci, unsigned offset, unsigned size)
{
    struct i440fx *h = (struct i440fx *)pci;

    if (touches(offset, size, REG_PAM, REG_PAM_END))
        apply_pam(h);
    if (touches(offset, size, REG_SMRAM, REG_SMRAM + 1))
        apply_smram(h);
}

/* ---- CF8h/CFCh (PCI 3.0, 3.2.2.3.2) -------------------------------------- */

/* Bytes of a data access that lie in the doubleword at CFCh. */
static unsigned data_size(uint16_t port, unsigned size)
{
    unsigned left = CONFIG_DATA + 4 - port;

    return size < left ? size : left;
}

static bool selects_bus0(const struct i440fx *h)
{
    return h->address & CONFIG_ENABLE && !(h->address & 0x00ff0000u);
}

static uint32_t i440fx_io_read(struct device *dev, uint16_t port,
                               unsigned size)
{
    struct i440fx *h = (struct i440fx *)dev;

    if (port >= CONFIG_DATA && selects_bus0(h))
        return pci_config_read(h->pci.bus, (uint8_t)(h->address >> 8),
                               (h->address & 0xfc) | (port & 3),
                               data_size(port, size));
    return port == CONFIG_ADDRESS && size == 4 ? h->address : ~0u;
}

static void i440fx_io_write(struct device *dev, uint16_t port, unsigned size,
                            uint32_t value)
{
    struct i440fx *h = (struct i440fx *)dev;

    /* Only a doubleword reaches CONFIG_ADDRESS. */
    if (port == CONFIG_ADDRESS && size == 4)
        h->address = value & ADDRESS_BITS;
    else if (port >= CONFIG_DATA && selects_bus0(h))
        pci_config_write(h->pci.bus, (uint8_t)(h->address >> 8),
                         (h->address & 0xfc) | (port & 3),
                         data_size(port, size), value);
}

static void i440fx_reset(struct device *dev)
{
    struct i440fx *h = (struct i440fx *)dev;

    h->address = 0;
    pci_reset_config(&h->pci);
    for (unsigned i = REG_PAM; i < REG_PAM_END; i++)
        h->pci.config[i] = 0;
    h->pci.config[REG_SMRAM] = SMRAM_BASE;
    h->pci.wmask[REG_SMRAM] = SMRAM_WRITABLE;
    apply_pam(h);
    apply_smram(h);
}

static void i440fx_state(struct device *dev, struct state *s)
{
    struct i440fx *h = (struct i440fx *)dev;

    pci_state(&h->pci, s);
    state_u32(s, &h->address);
    h->address &= ADDRESS_BITS;
}

static void i440fx_loaded(struct device *dev)
{
    struct i440fx *h = (struct i440fx *)dev;

    pci_loaded(&h->pci);
    h->pci.wmask[REG_SMRAM] = SMRAM_WRITABLE;
    apply_pam(h);
    apply_smram(h);
}

static const struct device_ops i440fx_ops = {
    .name = "i440fx",
    .reset = i440fx_reset,
    .io_read = i440fx_io_read,
    .io_write = i440fx_io_write,
    .state = i440fx_state,
    .state_version = 1,
    .state_size = sizeof(struct i440fx),
    .loaded = i440fx_loaded,
};

struct i440fx *i440fx_create(struct machine *m, struct pci_bus *bus,
                             const struct i440fx_memory *memory)
{
    struct i440fx *h = calloc(1, sizeof *h);

    if (!h)
        return NULL;
    h->pci.dev.ops = &i440fx_ops;
    h->memory = *memory;
    pci_init(&h->pci, 0x8086, 0x1237, 0x060000, 0x02, 0);
    pci_set16(h->pci.config + 0x06, 0x0280);    /* medium DEVSEL#, fast B2B */
    h->pci.wmask[REG_PAM] = 0x30;
    for (unsigned i = REG_PAM + 1; i < REG_PAM_END; i++)
        h->pci.wmask[i] = 0x33;
    for (unsigned i = REG_DRB; i < REG_DRB + 8; i++)
        h->pci.wmask[i] = 0xff;
    h->pci.config_written = config_written;
    if (pci_add(bus, &h->pci, 0)) {
        free(h);
        return NULL;
    }
    machine_io_map(m, CONFIG_ADDRESS, CONFIG_PORTS, &h->pci.dev);
    i440fx_reset(&h->pci.dev);
    return h;
}

void i440fx_destroy(struct i440fx *host)
{
    free(host);
}
