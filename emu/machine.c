/*
 * One PC: what it is made of, and its creation, reset and end. See machine.h
 * for the contract and machine_internal.h for the parts.
 */
#include "emu/machine_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/dev/debugport.h"
#include "emu/dev/fwcfg.h"
#include "emu/dev/i440fx.h"
#include "emu/dev/i6300esb.h"
#include "emu/dev/i8042.h"
#include "emu/dev/ib700.h"
#include "emu/dev/ide.h"
#include "emu/dev/ne2000.h"
#include "emu/dev/pci.h"
#include "emu/dev/piix3.h"
#include "emu/dev/piix4pm.h"
#include "emu/dev/pit.h"
#include "emu/dev/pvpanic.h"
#include "emu/dev/rtc.h"
#include "emu/dev/uart.h"
#include "emu/dev/vga.h"
#include "emu/machine_firmware.h"

#define MIB (1ull << 20)
#define RAM_MAX (3ull << 30)
#define BIOS_UNIT 65536u

#define DEVFN(slot, function) ((uint8_t)((slot) << 3 | (function)))
#define DEVFN_IDE DEVFN(1, 1)
#define DEVFN_PM DEVFN(1, 3)
#define DEVFN_VGA DEVFN(2, 0)
#define FIRST_NIC_SLOT 3u
#define DEVFN_I6300ESB DEVFN(FIRST_NIC_SLOT + MACHINE_NICS, 0)

_Static_assert(MACHINE_PAM_SEGMENTS == I440FX_PAM_SEGMENTS, "one map");
_Static_assert(MACHINE_PAM_READ == I440FX_PAM_READ, "one encoding");
_Static_assert(MACHINE_PAM_WRITE == I440FX_PAM_WRITE, "one encoding");

static const struct {
    uint16_t base;
    uint8_t irq;
} serial_ports[MACHINE_SERIALS] = {
    { 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 },
};

/* ---- The CPU ------------------------------------------------------------ */

static void cpu_ferr(void *ctx, bool level)
{
    struct machine *m = ctx;

    piix3_ferr(m->d.piix3, level);
}

/* Happens once and is long: not subject to machine_log's limit. */
static void report(void *ctx, const char *line)
{
    struct machine *m = ctx;
    const struct machine_host *host = m->config.host;

    if (host->log)
        host->log(host->ctx, line);
}

static int create_engine(struct machine *m, const char **error)
{
    const struct engine_ops *ops = m->config.engine;

    m->engine = ops->create(&m->cpu);
    if (!m->engine ||
        (m->config.check_every &&
         ops->check(m->engine, m->config.check_every) < 0)) {
        *error = "the CPU engine has no memory";
        return -1;
    }
    if (m->config.window != ENGINE_WINDOW_AUTO &&
        ops->window(m->engine, (enum engine_window)m->config.window) < 0) {
        *error = "-accel's window=on: this host has no room for a window";
        return -1;
    }
    return 0;
}

static int create_cpu(struct machine *m, const char **error)
{
    struct cpu_bus *bus = &m->cpu_bus;

    *bus = (struct cpu_bus){
        .ctx = m,
        .ram_page = machine_ram_page,
        .mmio_read = machine_mmio_read,
        .mmio_write = machine_mmio_write,
        .io_read = machine_io_read,
        .io_write = machine_io_write,
        .io_read_block = machine_io_read_block,
        .io_write_block = machine_io_write_block,
        .intack = machine_intack,
        .cr8_read = machine_cr8_read,
        .cr8_write = machine_cr8_write,
        .apic_base_written = machine_apic_base_written,
        .tsc = machine_tsc,
        .ferr = cpu_ferr,
        .code_memory = m->config.host->code_memory,
        .code_memory_free = m->config.host->code_memory_free,
        .windows = m->config.host->windows,
        .report = report,
        .disassemble = m->config.host->disassemble,
    };
    m->cpu.bus = bus;
    m->cpu.model = m->config.cpu_model ? m->config.cpu_model
                                       : cpu_model_find(CPU_MODEL_DEFAULT);
    m->cpu.exact_count = machine_uses_icount(m);
    cpu_reset(&m->cpu);
    return create_engine(m, error);
}

/* ---- The devices -------------------------------------------------------- */

/* Note a device for reset, in order of creation. False: it was not made. */
static bool plug(struct machine *m, void *device)
{
    if (!device)
        return false;
    if (m->device_count == MACHINE_DEVICES)
        abort();                /* the table below outgrew its array */
    m->devices[m->device_count++] = device;
    return true;
}

static bool create_bridges(struct machine *m)
{
    const struct i440fx_memory memory = {
        m, machine_memory_pam, machine_memory_smram
    };
    struct machine_devices *d = &m->d;
    bool com1 = m->config.serial[0], com2 = m->config.serial[1];

    return (d->pci = pci_bus_create(m)) &&
           plug(m, d->i440fx = i440fx_create(m, d->pci, &memory)) &&
           machine_apic_create(m) && plug(m, d->lapic) && plug(m, d->ioapic) &&
           plug(m, d->pic) &&
           plug(m, d->piix3 = piix3_create(m, d->pci, machine_isa_irq, m)) &&
           plug(m, d->pm = piix4pm_create(m, d->pci, DEVFN_PM,
                                          piix3_isa_line(d->piix3, 9), com1,
                                          com2));
}

static bool create_isa(struct machine *m)
{
    struct machine_devices *d = &m->d;
    struct piix3 *isa = d->piix3;
    const struct machine_config *c = &m->config;
    struct rtc_setup rtc = {
        .base_seconds = c->rtc_base, .base_ns = c->rtc_base_ns,
        .wall_ns = c->rtc_follows && !machine_uses_icount(m)
                   ? c->host->wall_ns : NULL,
        .ctx = c->host->ctx,
        .slew = c->rtc_slew && !machine_uses_icount(m),
    };

    return plug(m, d->pit = pit_create(m, piix3_isa_line(isa, 0),
                                       machine_ticks_again(m))) &&
           plug(m, d->rtc = rtc_create(m, piix3_isa_line(isa, 8), &rtc)) &&
           plug(m, d->i8042 = i8042_create(m, piix3_isa_line(isa, 1),
                                           piix3_isa_line(isa, 12))) &&
           plug(m, d->fwcfg = fwcfg_create(m));
}

static bool create_serial(struct machine *m)
{
    const struct machine_host *host = m->config.host;

    for (unsigned i = 0; i < MACHINE_SERIALS; i++) {
        if (!m->config.serial[i])
            continue;
        m->d.uart[i] = uart_create(m, serial_ports[i].base,
                                   piix3_isa_line(m->d.piix3,
                                                  serial_ports[i].irq),
                                   m->config.serial[i], TIMER_UART0 + i);
        if (!plug(m, m->d.uart[i]))
            return false;
    }
    if (!host->debug_char)
        return true;
    m->d.debugport = debugport_create(m, host->debug_char, host->ctx);
    return plug(m, m->d.debugport);
}

static bool create_pci(struct machine *m)
{
    struct machine_devices *d = &m->d;

    if (!plug(m, d->ide = ide_create(m, d->pci, DEVFN_IDE,
                                     piix3_isa_line(d->piix3, 14),
                                     piix3_isa_line(d->piix3, 15),
                                     m->config.ide)) ||
        !plug(m, d->vga = vga_create(m, d->pci, DEVFN_VGA)))
        return false;
    for (unsigned i = 0; i < MACHINE_NICS; i++) {
        if (!m->config.nic[i])
            continue;
        d->nic[i] = ne2000_create(m, d->pci, DEVFN(FIRST_NIC_SLOT + i, 0),
                                  m->config.nic[i], TIMER_NE2000_0 + i);
        if (!plug(m, d->nic[i]))
            return false;
    }
    return true;
}

static bool create_watchdogs(struct machine *m)
{
    const struct machine_config *c = &m->config;
    struct machine_devices *d = &m->d;

    return (!c->i6300esb ||
            plug(m, d->i6300esb = i6300esb_create(m, d->pci,
                                                  DEVFN_I6300ESB))) &&
           (!c->ib700 || plug(m, d->ib700 = ib700_create(m))) &&
           (!c->pvpanic || plug(m, d->pvpanic = pvpanic_create(m)));
}

/* ---- Creation and end --------------------------------------------------- */

static const char *config_error(const struct machine_config *c)
{
    if (!c->ram || c->ram_bytes < MIB || c->ram_bytes > RAM_MAX ||
        c->ram_bytes % MIB)
        return "memory must be whole MiB, 1 to 3072 of them";
    if (!c->bios || !c->bios_size || c->bios_size % BIOS_UNIT ||
        c->bios_size > 16 * MIB)
        return "the BIOS image must be a multiple of 64 KiB";
    if (!c->engine)
        return "no CPU engine";
    if (c->cpu_model && cpu_model_is_64bit(c->cpu_model) &&
        !c->engine->long_mode)
        return "this CPU engine runs no 64-bit CPU model";
    if (!c->host || !c->host->clock_ns)
        return "no clock";
    if (c->icount_shift >= 0 && c->cpu_model &&
        cpu_model_is_64bit(c->cpu_model))
        return "instructions of a 64-bit CPU model cannot be counted";
    if (c->icount_shift > 20)
        return "icount shift above 20";
    return NULL;
}

struct machine *machine_create(const struct machine_config *config,
                               const char **error)
{
    struct machine *m;

    *error = config_error(config);
    if (*error)
        return NULL;
    *error = "out of memory";
    m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->config = *config;
    snprintf(m->name, sizeof m->name, "%s", config->name ? config->name : "");
    machine_on_panic(m, MACHINE_REACT_NONE);
    machine_log_init(m);
    machine_time_init(m);
    machine_memory_reset(m);
    if (create_cpu(m, error) || !create_bridges(m) || !create_isa(m) ||
        !create_serial(m) || !create_pci(m) || !create_watchdogs(m) ||
        machine_firmware_init(m)) {
        machine_destroy(m);
        return NULL;
    }
    machine_reset_now(m);
    *error = NULL;
    return m;
}

static void destroy_devices(struct machine_devices *d)
{
    for (unsigned i = 0; i < MACHINE_NICS; i++)
        if (d->nic[i])
            ne2000_destroy(d->nic[i]);
    for (unsigned i = 0; i < MACHINE_SERIALS; i++)
        if (d->uart[i])
            uart_destroy(d->uart[i]);
    pvpanic_destroy(d->pvpanic);
    ib700_destroy(d->ib700);
    i6300esb_destroy(d->i6300esb);
    if (d->vga)
        vga_destroy(d->vga);
    if (d->ide)
        ide_destroy(d->ide);
    if (d->debugport)
        debugport_destroy(d->debugport);
    if (d->fwcfg)
        fwcfg_destroy(d->fwcfg);
    if (d->i8042)
        i8042_destroy(d->i8042);
    if (d->rtc)
        rtc_destroy(d->rtc);
    if (d->pit)
        pit_destroy(d->pit);
    if (d->pm)
        piix4pm_destroy(d->pm);
    if (d->piix3)
        piix3_destroy(d->piix3);
    if (d->i440fx)
        i440fx_destroy(d->i440fx);
    pci_bus_destroy(d->pci);
}

void machine_destroy(struct machine *m)
{
    if (!m)
        return;
    destroy_devices(&m->d);
    machine_apic_destroy(m);
    if (m->engine)
        m->config.engine->destroy(m->engine);
    free(m);
}

void machine_reset_now(struct machine *m)
{
    uint64_t icount = m->cpu.icount;

    machine_memory_reset(m);
    for (unsigned i = 0; i < m->device_count; i++)
        m->devices[i]->ops->reset(m->devices[i]);
    machine_set_a20(m, true);
    cpu_reset(&m->cpu);
    machine_apic_base_written(m, m->cpu.apic_base);
    m->cpu.icount = icount;     /* virtual time goes on */
    m->config.engine->map_changed(m->engine);
    m->requests = 0;
}

void machine_reset(struct machine *m)
{
    machine_log_reset(m);
    machine_reset_now(m);
}

void machine_power_button(struct machine *m)
{
    piix4pm_power_button(m->d.pm);
}

void machine_key(struct machine *m, uint8_t set1_scancode_byte)
{
    i8042_key(m->d.i8042, set1_scancode_byte);
}

bool machine_key_has_room(const struct machine *m)
{
    return i8042_has_room(m->d.i8042);
}

unsigned machine_key_leds(const struct machine *m)
{
    return i8042_leds(m->d.i8042);
}

void machine_mouse(struct machine *m, int dx, int dy, int dz, unsigned buttons)
{
    i8042_mouse(m->d.i8042, dx, dy, dz, buttons);
}

/* ---- Small questions ---------------------------------------------------- */

const char *machine_name(const struct machine *m)
{
    return m->name;
}

const char *machine_error(const struct machine *m)
{
    return m->error;
}

struct cpu *machine_cpu(struct machine *m)
{
    return &m->cpu;
}

uint64_t machine_icount(const struct machine *m)
{
    return m->cpu.icount;
}

bool machine_serial_armed(const struct machine *m, unsigned n)
{
    return n < MACHINE_SERIALS && m->d.uart[n] && uart_armed(m->d.uart[n]);
}

void machine_serial_break(struct machine *m, unsigned n)
{
    if (n < MACHINE_SERIALS && m->d.uart[n])
        uart_break(m->d.uart[n]);
}
