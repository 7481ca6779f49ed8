/* PIIX4 power management; see piix4pm.h. */
#include "emu/dev/piix4pm.h"

#include <stdlib.h>
#include <string.h>

#include "emu/state.h"

#define PM_HZ 3579545ull
#define NS_PER_S 1000000000ull
#define PM_MSB 0x00800000u      /* TMROF_STS when this bit changes */
#define PM_MASK 0x00ffffffu     /* a 24-bit counter */

/* Configuration (7.1) */
#define REG_PMBA 0x40           /* base of the PM ports */
#define REG_DEVACTB 0x58
#define DEVACTB_APMC_EN 0x02u   /* bit 25, in byte 5Bh */
#define REG_DEVRESG 0x64
#define REG_PMREGMISC 0x80
#define PMREGMISC_ENABLE 0x01u
#define REG_SMBBA 0x90          /* base of the SMBus ports */
#define REG_SMBHSTCFG 0xd2
#define SMBHSTCFG_ENABLE 0x01u

/* PM ports (7.2) */
#define PM_PORTS 64u
enum { PMSTS = 0x00, PMEN = 0x02, PMCNTRL = 0x04, PMTMR = 0x08 };
#define STS_TMROF 0x0001u
#define STS_PWRBTN 0x0100u
#define STS_ALL 0x8d31u         /* RSM PBOR RTC PWRBTN GBL BM TMROF */
#define STS_SCI 0x0521u         /* RTC PWRBTN GBL TMROF */
#define EN_ALL 0x0521u
#define CNT_SCI_EN 0x0001u
#define CNT_SUS_EN 0x2000u
#define CNT_WRITABLE 0x1c03u    /* SUS_TYP, BRLD_EN_BM, SCI_EN */
#define CNT_SUS_TYP(v) ((v) >> 10 & 7u)
#define SUS_SOFT_OFF 0u         /* S5 */

/* SMBus ports (7.3) */
#define SMB_PORTS 16u
enum { SMBHSTSTS = 0, SMBHSTCNT = 2, SMBHSTCMD, SMBHSTADD, SMBHSTDAT0,
       SMBHSTDAT1, SMBBLKDAT };
#define SMB_DEV_ERR 0x04u       /* nobody acknowledged the address */
#define SMB_START 0x40u
#define SMB_STS_W1C 0x1eu

/* APM (7.4); the values are those of SeaBIOS's FADT. */
#define PORT_APMC 0xb2
#define PORT_APMS 0xb3
#define APM_ACPI_ENABLE 0xf1u
#define APM_ACPI_DISABLE 0xf0u

/* ACPI ports in SeaBIOS's FADT and DSDT; no events come from them here. */
#define PORT_GPE 0xafe0         /* 2 status bytes, 2 enable bytes */
#define PORT_PCI_HOTPLUG 0xae00
#define PCI_HOTPLUG_PORTS 16u
#define PORT_CPU_HOTPLUG 0xaf00
#define CPU_HOTPLUG_PORTS 32u

/* Ports that are not the function's PM range: their own struct device. */
struct side_ports {
    struct device dev;
    struct piix4pm *pm;
};

struct piix4pm {
    struct pci_dev pci;
    struct irq_line sci;
    uint16_t status, enable, control;
    uint32_t timer_seen;        /* counter when TMROF was last looked at */
    uint16_t pm_base, smb_base; /* where mapped; 0: not */
    struct side_ports smbus, apm, acpi;
    uint8_t smb[SMB_PORTS];
    uint8_t apmc, apms;
    uint8_t gpe_enable[2];
    bool com1, com2;
};

/* ---- PM timer ----------------------------------------------------------- */

static uint64_t pm_ticks(struct piix4pm *pm)
{
    uint64_t ns = machine_now(pm->pci.dev.machine);

    return ns / NS_PER_S * PM_HZ + ns % NS_PER_S * PM_HZ / NS_PER_S;
}

static uint64_t ticks_to_ns(uint64_t ticks)
{
    return ticks / PM_HZ * NS_PER_S +
           (ticks % PM_HZ * NS_PER_S + PM_HZ - 1) / PM_HZ;
}

/*
 * Set TMROF_STS if the top bit has changed, drive SCI, and arm the timer for
 * the next change where the guest wants to hear of it.
 */
static void pm_update(struct piix4pm *pm)
{
    struct machine *m = pm->pci.dev.machine;
    uint64_t ticks = pm_ticks(pm);
    bool pending;

    if ((ticks ^ pm->timer_seen) & PM_MSB)
        pm->status |= STS_TMROF;
    pm->timer_seen = (uint32_t)ticks;
    pending = pm->status & pm->enable & STS_SCI;
    irq_set(&pm->sci, pending && pm->control & CNT_SCI_EN);
    if (pm->enable & STS_TMROF && !(pm->status & STS_TMROF))
        machine_timer_arm(m, TIMER_PM, ticks_to_ns((ticks | (PM_MSB - 1)) + 1));
    else
        machine_timer_cancel(m, TIMER_PM);
}

static void timer_fired(void *ctx)
{
    pm_update(ctx);
}

void piix4pm_power_button(struct piix4pm *pm)
{
    pm->status |= STS_PWRBTN;
    pm_update(pm);
}

/* ---- PM ports ----------------------------------------------------------- */

static void write_control(struct piix4pm *pm, uint16_t v)
{
    struct machine *m = pm->pci.dev.machine;

    pm->control = v & CNT_WRITABLE;
    if (!(v & CNT_SUS_EN))
        return;
    if (CNT_SUS_TYP(v) == SUS_SOFT_OFF)
        machine_request(m, MACHINE_REQ_POWEROFF);
    else
        machine_count(m, "pm: sleep state that is not there");
}

static uint32_t pm_io_read(struct device *dev, uint16_t port, unsigned size)
{
    struct piix4pm *pm = (struct piix4pm *)dev;
    unsigned at = (unsigned)(port - pm->pm_base) & (PM_PORTS - 1);
    uint32_t v = 0;

    switch (at & ~3u) {
    case PMSTS:
        pm_update(pm);
        v = pm->status | (uint32_t)pm->enable << 16;
        break;
    case PMCNTRL:
        v = pm->control;
        break;
    case PMTMR:
        v = (uint32_t)pm_ticks(pm) & PM_MASK;
        break;
    }
    return v >> 8 * (at & 3);
}

static uint16_t merge(uint16_t old, unsigned byte, uint8_t v)
{
    return (uint16_t)((old & ~(0xff << 8 * byte)) | v << 8 * byte);
}

/* One byte; PMCNTRL acts when its upper byte, with SUS_EN, is written. */
static void write_pm_byte(struct piix4pm *pm, unsigned at, uint8_t v)
{
    unsigned byte = at & 1;

    switch (at & ~1u) {
    case PMSTS:
        pm->status &= (uint16_t)~(v << 8 * byte & STS_ALL);
        break;
    case PMEN:
        pm->enable = merge(pm->enable, byte, v) & EN_ALL;
        break;
    case PMCNTRL:
        write_control(pm, merge(pm->control, byte, v));
        break;
    }
}

static void pm_io_write(struct device *dev, uint16_t port, unsigned size,
                        uint32_t value)
{
    struct piix4pm *pm = (struct piix4pm *)dev;
    unsigned at = (unsigned)(port - pm->pm_base);

    pm_update(pm);              /* an overflow until now is cleared too */
    for (unsigned i = 0; i < size; i++)
        write_pm_byte(pm, (at + i) & (PM_PORTS - 1), (uint8_t)(value >> 8 * i));
    pm_update(pm);
}

/* ---- SMBus: a host controller on an empty bus --------------------------- */

static uint32_t smb_io_read(struct device *dev, uint16_t port, unsigned size)
{
    struct piix4pm *pm = ((struct side_ports *)dev)->pm;

    return pm->smb[(port - pm->smb_base) & (SMB_PORTS - 1)];
}

static void smb_io_write(struct device *dev, uint16_t port, unsigned size,
                         uint32_t value)
{
    struct piix4pm *pm = ((struct side_ports *)dev)->pm;
    unsigned at = (port - pm->smb_base) & (SMB_PORTS - 1);

    switch (at) {
    case SMBHSTSTS:
        pm->smb[at] &= (uint8_t)~(value & SMB_STS_W1C);
        break;
    case SMBHSTCNT:
        pm->smb[at] = value & 0x1f;
        if (value & SMB_START)
            pm->smb[SMBHSTSTS] |= SMB_DEV_ERR;
        break;
    case SMBHSTCMD: case SMBHSTADD: case SMBHSTDAT0: case SMBHSTDAT1:
    case SMBBLKDAT:
        pm->smb[at] = (uint8_t)value;
        break;
    }
}

/* ---- APM: what a BIOS's SMI handler would do ---------------------------- */

static uint32_t apm_io_read(struct device *dev, uint16_t port, unsigned size)
{
    struct piix4pm *pm = ((struct side_ports *)dev)->pm;

    return port == PORT_APMC ? pm->apmc | (uint32_t)pm->apms << 8 : pm->apms;
}

static void apm_io_write(struct device *dev, uint16_t port, unsigned size,
                         uint32_t value)
{
    struct piix4pm *pm = ((struct side_ports *)dev)->pm;

    if (port == PORT_APMS) {
        pm->apms = (uint8_t)value;
        return;
    }
    pm->apmc = (uint8_t)value;
    if (size > 1)
        pm->apms = (uint8_t)(value >> 8);
    if (pm->apmc == APM_ACPI_ENABLE)
        pm->control |= CNT_SCI_EN;
    else if (pm->apmc == APM_ACPI_DISABLE)
        pm->control &= (uint16_t)~CNT_SCI_EN;
    pm_update(pm);
}

/* ---- GPE and hotplug ports: no events, nothing plugged ------------------ */

static uint32_t acpi_io_read(struct device *dev, uint16_t port, unsigned size)
{
    const struct piix4pm *pm = ((struct side_ports *)dev)->pm;
    uint32_t gpe = (uint32_t)pci_get16(pm->gpe_enable) << 16;

    return port >= PORT_GPE ? gpe >> 8 * (port - PORT_GPE) : 0;
}

static void acpi_io_write(struct device *dev, uint16_t port, unsigned size,
                          uint32_t value)
{
    struct piix4pm *pm = ((struct side_ports *)dev)->pm;

    for (unsigned i = 0; i < size; i++, value >>= 8)
        if (port + i == PORT_GPE + 2u || port + i == PORT_GPE + 3u)
            pm->gpe_enable[port + i - PORT_GPE - 2] = (uint8_t)value;
}

/* ---- Configuration, reset, creation ------------------------------------- */

/* Move `count` ports of `dev` to `base` (0: nowhere). */
static void remap(struct piix4pm *pm, uint16_t *at, uint16_t base,
                  unsigned count, struct device *dev)
{
    struct machine *m = pm->pci.dev.machine;

    if (*at == base)
        return;
    if (*at)
        machine_io_unmap(m, *at, count, dev);
    *at = base;
    if (base)
        machine_io_map(m, base, count, dev);
}

static void config_written(struct pci_dev *pci, unsigned offset, unsigned size)
{
    struct piix4pm *pm = (struct piix4pm *)pci;
    const uint8_t *c = pci->config;
    bool pm_on = c[REG_PMREGMISC] & PMREGMISC_ENABLE;
    bool smb_on = c[REG_SMBHSTCFG] & SMBHSTCFG_ENABLE;

    remap(pm, &pm->pm_base, pm_on ? pci_get16(c + REG_PMBA) & 0xffc0u : 0,
          PM_PORTS, &pci->dev);
    remap(pm, &pm->smb_base, smb_on ? pci_get16(c + REG_SMBBA) & 0xfff0u : 0,
          SMB_PORTS, &pm->smbus.dev);
}

static void piix4pm_reset(struct device *dev)
{
    struct piix4pm *pm = (struct piix4pm *)dev;
    uint8_t *c = pm->pci.config;

    pci_reset_config(&pm->pci);
    memset(c + 0x40, 0, PCI_CONFIG_SIZE - 0x40);
    c[REG_PMBA] = 1;
    c[REG_SMBBA] = 1;
    /* SeaBIOS takes this for "SMM is set up" and leaves it alone. */
    c[REG_DEVACTB + 3] = DEVACTB_APMC_EN;
    /* DEVRESG: COM1 in bit 27, COM2 in bit 31, where the DSDT looks. */
    c[REG_DEVRESG + 3] = (pm->com1 ? 0x08 : 0) | (pm->com2 ? 0x90 : 0);
    config_written(&pm->pci, 0, 4);
    pm->status = pm->enable = pm->control = 0;
    pm->timer_seen = (uint32_t)pm_ticks(pm);
    memset(pm->smb, 0, sizeof pm->smb);
    memset(pm->gpe_enable, 0, sizeof pm->gpe_enable);
    pm->apmc = pm->apms = 0;
    pm_update(pm);
}

static void piix4pm_state(struct device *dev, struct state *s)
{
    struct piix4pm *pm = (struct piix4pm *)dev;

    pci_state(&pm->pci, s);
    state_u16(s, &pm->status);
    state_u16(s, &pm->enable);
    state_u16(s, &pm->control);
    state_u32(s, &pm->timer_seen);
    state_bytes(s, pm->smb, sizeof pm->smb);
    state_u8(s, &pm->apmc);
    state_u8(s, &pm->apms);
    state_bytes(s, pm->gpe_enable, sizeof pm->gpe_enable);
}

static void piix4pm_loaded(struct device *dev)
{
    struct piix4pm *pm = (struct piix4pm *)dev;

    pci_loaded(&pm->pci);
    config_written(&pm->pci, 0, 4);
}

static const struct device_ops piix4pm_ops = {
    .name = "piix4pm",
    .reset = piix4pm_reset,
    .io_read = pm_io_read,
    .io_write = pm_io_write,
    .state = piix4pm_state,
    .state_version = 1,
    .state_size = sizeof(struct piix4pm),
    .loaded = piix4pm_loaded,
};

static const struct device_ops smbus_ops = {
    .name = "smbus",
    .io_read = smb_io_read,
    .io_write = smb_io_write,
};

static const struct device_ops apm_ops = {
    .name = "apm",
    .io_read = apm_io_read,
    .io_write = apm_io_write,
};

static const struct device_ops acpi_ops = {
    .name = "acpi-gpe",
    .io_read = acpi_io_read,
    .io_write = acpi_io_write,
};

static void init_config(struct piix4pm *pm)
{
    uint8_t *w = pm->pci.wmask;

    pci_init(&pm->pci, 0x8086, 0x7113, 0x068000, 0x03, 1);
    pci_set16(pm->pci.config + 0x06, 0x0280);
    pci_set16(w + REG_PMBA, 0xffc0);
    memset(w + 0x44, 0xff, REG_PMREGMISC - 0x44);
    w[REG_PMREGMISC] = PMREGMISC_ENABLE;
    pci_set16(w + REG_SMBBA, 0xfff0);
    w[REG_SMBHSTCFG] = 0x0f;
    pm->pci.config_written = config_written;
}

struct piix4pm *piix4pm_create(struct machine *m, struct pci_bus *bus,
                               uint8_t devfn, struct irq_line sci, bool com1,
                               bool com2)
{
    struct piix4pm *pm = calloc(1, sizeof *pm);

    if (!pm)
        return NULL;
    pm->pci.dev.ops = &piix4pm_ops;
    pm->smbus = (struct side_ports){ { &smbus_ops, m }, pm };
    pm->apm = (struct side_ports){ { &apm_ops, m }, pm };
    pm->acpi = (struct side_ports){ { &acpi_ops, m }, pm };
    pm->sci = sci;
    pm->com1 = com1;
    pm->com2 = com2;
    init_config(pm);
    if (pci_add(bus, &pm->pci, devfn)) {
        free(pm);
        return NULL;
    }
    machine_timer_register(m, TIMER_PM, timer_fired, pm);
    machine_io_map(m, PORT_APMC, 2, &pm->apm.dev);
    machine_io_map(m, PORT_GPE, 4, &pm->acpi.dev);
    machine_io_map(m, PORT_PCI_HOTPLUG, PCI_HOTPLUG_PORTS, &pm->acpi.dev);
    machine_io_map(m, PORT_CPU_HOTPLUG, CPU_HOTPLUG_PORTS, &pm->acpi.dev);
    piix4pm_reset(&pm->pci.dev);
    return pm;
}

void piix4pm_destroy(struct piix4pm *pm)
{
    free(pm);
}
