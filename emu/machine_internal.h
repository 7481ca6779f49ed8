/*
 * The inside of a machine, shared by emu/machine*.c only.
 *
 *   machine.c         create, destroy, reset: the table of devices
 *   machine_memory.c  guest-physical memory: RAM, ROM, PAM, A20, MMIO, DMA
 *   machine_io.c      the 64 Ki ports
 *   machine_time.c    virtual time, timers
 *   machine_tsc.c     TSC
 *   machine_run.c     slices of the CPU between timers; stop, kick, requests
 *   machine_log.c     rate-limited log, counters
 *   machine_apic.c    the wires between CPU, local APIC, I/O APIC and 8259s
 *   machine_firmware.c   what SeaBIOS is told
 *   machine_info.c    texts for the monitor
 *   machine_debug.c   for a debugger
 *   machine_watchdog.c   what a guest's watchdog or panic leads to
 *   machine_state.c   snapshots: a machine saved and loaded
 */
#ifndef EMU_MACHINE_INTERNAL_H
#define EMU_MACHINE_INTERNAL_H

#include "emu/cpu/cpu.h"
#include "emu/cpu/engine.h"
#include "emu/cpu/stops.h"
#include "emu/dev/device.h"
#include "emu/machine.h"
#include "emu/machine_watchdog.h"

#define MACHINE_IO_RANGES 96u   /* all devices' fixed ports and BARs */
#define MACHINE_MMIO_RANGES 24u
#define MACHINE_DEVICES 32u
#define MACHINE_COUNTERS 96u
#define MACHINE_PAM_SEGMENTS 16u    /* 16 KiB each, C0000h..FFFFFh */
#define MACHINE_NO_PAGE UINT64_MAX
#define MACHINE_PAM_READ 1u
#define MACHINE_PAM_WRITE 2u

struct io_range {
    uint32_t base, end;         /* ports [base, end) */
    struct device *dev;
};

struct mmio_range {
    uint64_t base, end;         /* guest-physical [base, end) */
    struct device *dev;
};

struct machine_timer {
    uint64_t when;              /* virtual ns; UINT64_MAX: not armed */
    void (*fire)(void *ctx);
    void *ctx;
};

/* How many more lines may be said now. */
struct machine_log_limit {
    uint64_t refill_at;         /* host (icount: virtual) ns */
    unsigned tokens, dropped;
};

struct machine_counter {
    const char *name;
    uint64_t n;
};

/* One entry of fw_cfg's etc/e820. */
struct machine_e820 {
    uint64_t base, bytes;
    uint32_t type;              /* 1: RAM */
} __attribute__((packed));

/* The devices, each NULL when the machine has none. */
struct machine_devices {
    struct pci_bus *pci;
    struct i440fx *i440fx;
    struct piix3 *piix3;
    struct piix4pm *pm;
    struct lapic *lapic;
    struct ioapic *ioapic;
    struct pic *pic;
    struct pit *pit;
    struct rtc *rtc;
    struct i8042 *i8042;
    struct vga *vga;
    struct ide *ide;
    struct fwcfg *fwcfg;
    struct debugport *debugport;
    struct uart *uart[MACHINE_SERIALS];
    struct ne2000 *nic[MACHINE_NICS];
    struct i6300esb *i6300esb;
    struct ib700 *ib700;
    struct pvpanic *pvpanic;
};

struct machine {
    struct machine_config config;
    char name[64];
    const char *error;          /* MACHINE_ERROR's reason */
    struct cpu cpu;
    struct cpu_bus cpu_bus;
    struct cpu_stops stops;     /* cpu.stops, while there are any */
    struct engine *engine;      /* config.engine->create's */
    struct machine_devices d;
    struct device *devices[MACHINE_DEVICES];    /* in order of reset */
    unsigned device_count;
    struct machine_e820 e820;   /* read by fw_cfg */

    /* Memory. pam[i]: MACHINE_PAM_*, RAM instead of ROM. */
    uint8_t pam[MACHINE_PAM_SEGMENTS];
    bool smram_open;            /* A0000h..BFFFFh is RAM to the CPU */
    uint64_t a20_mask;
    uint64_t apic_page;         /* the local APIC's, or MACHINE_NO_PAGE */
    struct mmio_range mmio[MACHINE_MMIO_RANGES];
    unsigned mmio_count;

    /* Ports: io_slot[port] indexes io_dev; slot 0 is "nothing". */
    struct io_range io[MACHINE_IO_RANGES];
    unsigned io_count;
    struct device *io_dev[MACHINE_IO_RANGES + 1];
    uint8_t io_slot[65536];

    /* Time. Real time: now = host clock - clock_offset. */
    struct machine_timer timer[TIMER_COUNT];
    uint64_t next_timer;        /* least timer[].when */
    uint32_t watched;           /* bit per timer_id: machine_timer_watch */
    uint64_t slice_end;         /* a timer armed before this ends the slice */
    uint64_t clock_offset;
    uint64_t last_now;          /* keeps virtual time from running back */
    uint64_t stopped_at;        /* virtual ns, while stopped */
    uint64_t warp_ns;           /* icount: time skipped in HLT */
    bool stopped;
    struct {                    /* by the host's TSC (machine_tsc.c) */
        uint64_t ns, ticks;     /* where the rate is measured from */
        uint64_t rate;          /* as in struct cpu_tsc; 0: not known yet */
        bool begun;
    } tsc;

    /* Run loop */
    bool kicked;                /* atomic: machine_kick, any thread */
    uint32_t requests;          /* bit per enum machine_request */
    enum machine_reaction on_watchdog, on_panic;
    uint64_t insns_per_ms;      /* measured speed, for the length of slices */
    uint64_t sample_insns, sample_ns;   /* being measured */

    /* Statistics of ISA interrupts: rising edges, and the lines now. */
    uint64_t irq_count[16];
    uint16_t irq_level;

    /* Log and counters */
    struct machine_counter counter[MACHINE_COUNTERS];
    unsigned counter_count;
    struct machine_log_limit log_limit, item_limit, reset_limit;
    unsigned log_items;         /* enum machine_log_item */
};

static inline bool machine_uses_icount(const struct machine *m)
{
    return m->config.icount_shift >= 0;
}

/* The timers' ticks that the guest missed come later. */
static inline bool machine_ticks_again(const struct machine *m)
{
    return !m->config.lose_ticks && !machine_uses_icount(m);
}

/* machine_memory.c */
void machine_memory_reset(struct machine *m);
/* i440fx's hooks: `rights` are MACHINE_PAM_*, `segment` 0..15. */
void machine_memory_pam(void *machine, unsigned segment, unsigned rights);
void machine_memory_smram(void *machine, bool open);
/* The page that belongs to the local APIC (to CPU accesses only). */
void machine_memory_apic(struct machine *m, uint64_t page);
/* For cpu_bus; `ctx` is the machine. */
uint8_t *machine_ram_page(void *ctx, uint64_t addr, bool write);
uint64_t machine_mmio_read(void *ctx, uint64_t addr, unsigned size);
void machine_mmio_write(void *ctx, uint64_t addr, unsigned size,
                        uint64_t value);

/* machine_io.c; `ctx` is the machine. */
uint32_t machine_io_read(void *ctx, uint16_t port, unsigned size);
void machine_io_write(void *ctx, uint16_t port, unsigned size,
                      uint32_t value);
unsigned machine_io_read_block(void *ctx, uint16_t port, unsigned size,
                               void *buf, unsigned count);
unsigned machine_io_write_block(void *ctx, uint16_t port, unsigned size,
                                const void *buf, unsigned count);

/* machine_apic.c (and machine_irq_state of device.h) */
/* Make the interrupt controllers and their wires to the CPU. False: memory. */
bool machine_apic_create(struct machine *m);
void machine_apic_destroy(struct machine *m);
/* ISA interrupt n (0..15): to the 8259 pair and to the I/O APIC. */
void machine_isa_irq(void *machine, unsigned n, bool level);
/* For cpu_bus; `ctx` is the machine. */
unsigned machine_intack(void *ctx);
uint8_t machine_cr8_read(void *ctx);
void machine_cr8_write(void *ctx, uint8_t v);
void machine_apic_base_written(void *ctx, uint64_t v);
/* MACHINE_REQ_INIT: INIT to the CPU. */
void machine_init_cpu(struct machine *m);

/* machine_log.c */
/* The log's clock may have been set back: its limit begins anew. */
void machine_log_init(struct machine *m);

/* machine_time.c */
void machine_time_init(struct machine *m);
/* Fire all timers due by now, oldest first; how many fired. */
unsigned machine_timers_fire(struct machine *m);
/* The CPU took an interrupt: call those who watch for it. */
void machine_timers_taken(struct machine *m);

/* Virtual time that a snapshot may say, 73 years: sums do not overflow. */
#define MACHINE_TIME_MAX (1ull << 61)
/* Loading: virtual time and timers are `now` and `when`, from here on. */
void machine_time_load(struct machine *m, uint64_t now,
                       const uint64_t when[TIMER_COUNT]);

/* machine_tsc.c */
uint64_t machine_tsc(void *ctx);
/* A slice begins: let cpu.tsc be right for it, if it can. */
void machine_tsc_begin(struct machine *m);
/* Virtual time goes otherwise than the host's clock: forget it. */
void machine_tsc_stop(struct machine *m);

/* machine_watchdog.c */
/* Requests that are events: they are told, and others come of them. */
#define MACHINE_REQ_EVENTS (1u << MACHINE_REQ_WATCHDOG | \
                            1u << MACHINE_REQ_PANIC | \
                            1u << MACHINE_REQ_CRASH_LOADED)
void machine_serve_events(struct machine *m);
void machine_tell(struct machine *m, enum machine_event event,
                  const char *text);
int machine_info_watchdog(struct machine *m, char *buf, size_t size);

/* machine.c: reset every device and the CPU. */
void machine_reset_now(struct machine *m);
/* It is going to be reset: the CPU's registers, if that is to be logged. */
void machine_log_reset(struct machine *m);
/* machine_count, of a CPU's access to `size` bytes at a port or an address. */
void machine_count_access(struct machine *m, const char *name, uint64_t addr,
                          unsigned size);

#endif
