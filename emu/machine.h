/*
 * One emulated PC: an explicit table of its devices, its memory map, its
 * virtual time. 440FX with PIIX3 ISA/IDE and PIIX4 power management, as
 * SeaBIOS and Linux know it.
 *
 * A machine belongs to one thread (the guest's core). What comes from
 * elsewhere goes through the rings behind its chardevs, netports and
 * blockdevs, and machine_kick.
 */
#ifndef EMU_MACHINE_H
#define EMU_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/blockdev.h"
#include "emu/chardev.h"
#include "emu/netport.h"

struct cpu;
struct cpu_model;
struct state_sink;
struct state_source;
struct engine_ops;
struct machine;
struct window_ops;

#define MACHINE_IDE_UNITS 4u
#define MACHINE_NICS 4u
#define MACHINE_SERIALS 4u

enum machine_event {
    MACHINE_EVENT_WATCHDOG,     /* its watchdog expired */
    MACHINE_EVENT_PANIC,        /* it says that it panicked (pvpanic) */
    MACHINE_EVENT_CRASH_LOADED, /* it did, and boots to look why (pvpanic) */
    MACHINE_EVENT_TRIPLE_FAULT, /* of its CPU: a reset follows */
    MACHINE_EVENT_ERROR,        /* MACHINE_ERROR follows */
};

/* What the machine asks of whoever runs it. */
struct machine_host {
    void *ctx;
    /* Monotonic host time in ns; guest's core. Not used under icount. */
    uint64_t (*clock_ns)(void *ctx);
    /*
     * The host's TSC, if that runs at one rate and RDTSC on the guest's core
     * reads it at once; else NULL.
     */
    uint64_t (*tsc)(void *ctx);
    /* The wall clock, ns since 1970; only for rtc_follows. */
    int64_t (*wall_ns)(void *ctx);
    /* One line about this guest, without newline. Already rate-limited. */
    void (*log)(void *ctx, const char *line);
    /* The same of what machine_log_items asked for; may be NULL: to log. */
    void (*log_item)(void *ctx, const char *line);
    /*
     * Something happened to the guest, of which its registers tell; `text`
     * says what. Between two instructions, before anything is done about it.
     * May be NULL.
     */
    void (*event)(void *ctx, enum machine_event event, const char *text);
    /* A byte that firmware wrote to port 402h; may be NULL. */
    void (*debug_char)(void *ctx, uint8_t c);
    /* For engines that translate, as in struct cpu_bus; both may be NULL. */
    int (*code_memory)(size_t size, uint8_t **write, uint8_t **exec);
    void (*code_memory_free)(uint8_t *write, size_t size);
    const struct window_ops *windows;   /* for machine_config.ram; or NULL */
    /* As in struct cpu_bus; may be NULL. */
    void (*disassemble)(const uint8_t *code, unsigned len, uint32_t rip,
                        char *text, size_t size);
};

/* How the firmware gives a disk's geometry to int 13h. */
enum machine_translation {
    MACHINE_TRANSLATION_AUTO,   /* by size, if nobody chose the geometry */
    MACHINE_TRANSLATION_NONE, MACHINE_TRANSLATION_LBA,
    MACHINE_TRANSLATION_LARGE, MACHINE_TRANSLATION_RECHS,
};

struct machine_ide {
    struct blockdev *disk;      /* NULL: no unit (a CD drive may be empty) */
    bool is_cdrom;
    /* 0: derive from the partition table and the size. */
    uint16_t cylinders, heads, sectors;
    enum machine_translation translation;
};

/* A ROM that fw_cfg offers as a file, such as "pci10ec,8029.rom". */
struct machine_rom {
    const char *fw_cfg_name;
    const uint8_t *data;
    size_t size;
};

/*
 * Everything a machine is made of. All pointers stay the caller's and must
 * outlive the machine; the config struct itself is copied.
 */
struct machine_config {
    const char *name;
    uint8_t *ram;               /* zeroed, page-aligned */
    uint64_t ram_bytes;         /* multiple of 1 MiB, 1 MiB .. 3 GiB */
    const struct engine_ops *engine;
    unsigned check_every;       /* for engine_ops.check; 0: off */
    int window;                 /* enum engine_window */
    const struct cpu_model *cpu_model;  /* NULL: CPU_MODEL_DEFAULT */
    const uint8_t *bios;        /* ends at 4 GiB and, its last 128K, at 1 MiB */
    size_t bios_size;           /* multiple of 64 KiB */
    const struct machine_rom *roms;
    unsigned rom_count;
    struct machine_ide ide[MACHINE_IDE_UNITS];  /* hda hdb hdc hdd */
    struct netport *nic[MACHINE_NICS];          /* NULL: no such NIC */
    struct chardev *serial[MACHINE_SERIALS];    /* NULL: no such UART */
    const char *boot_order;     /* "c", "d", "n", or several; NULL "cd" */
    bool boot_menu;             /* the BIOS's: it waits for Esc */
    bool i6300esb, ib700;       /* watchdogs (machine_watchdog.h) */
    bool pvpanic;               /* the guest may tell that it panicked */
    int64_t rtc_base;           /* the RTC at power-on, s since 1970 */
    uint32_t rtc_base_ns;       /* and ns more */
    bool rtc_follows;           /* the wall clock; else virtual time */
    /*
     * Ticks of the PIT and of the local APIC's timer that the guest missed are
     * lost, as in hardware; else they are given again. The RTC's are, with
     * rtc_slew. Under icount none are.
     */
    bool lose_ticks, rtc_slew;
    int icount_shift;           /* ns per instruction = 1 << shift; -1: off */
    bool icount_jumps;          /* in HLT to the next timer, past the budget */
    const struct machine_host *host;
};

enum machine_status {
    MACHINE_BUDGET,             /* ran for its budget, or was kicked */
    MACHINE_HALTED,             /* CPU waits; see machine_deadline */
    MACHINE_RESET,              /* guest asked for reset; already done */
    MACHINE_POWEROFF,           /* guest switched itself off */
    MACHINE_ERROR,              /* cannot go on; machine_error says why */
    MACHINE_DEBUG,              /* stopped for its debugger (machine_debug.h) */
};

/* Make a machine in its power-on state. NULL on bad config, *error set. */
struct machine *machine_create(const struct machine_config *config,
                               const char **error);
void machine_destroy(struct machine *m);

/*
 * Run for up to `budget_ns` of virtual time. Starts by taking what waits at
 * the serial ports, netports and completed block requests.
 */
enum machine_status machine_run(struct machine *m, uint64_t budget_ns);

/* Make a running machine_run return soon. Any thread. */
void machine_kick(struct machine *m);

/*
 * While MACHINE_HALTED: host-clock ns (host->clock_ns) of the next timer, or
 * UINT64_MAX. Under icount, time warps by itself and this is now.
 */
uint64_t machine_deadline(struct machine *m);

/* Stop and continue virtual time ("stop" and "cont"). */
void machine_stop(struct machine *m);
void machine_cont(struct machine *m);
bool machine_is_stopped(const struct machine *m);

/* The reset button. */
void machine_reset(struct machine *m);
/* The board's NMI, once: LINT1 of the local APIC. */
void machine_nmi(struct machine *m);
/* The power button, pressed: the guest hears of it by ACPI, if it listens. */
void machine_power_button(struct machine *m);

/* What is typed at the PC: see i8042_key and i8042_mouse. */
void machine_key(struct machine *m, uint8_t set1_scancode_byte);
/* There is room for another key; else it is lost. */
bool machine_key_has_room(const struct machine *m);
/* Its keyboard's LEDs: 1 Scroll Lock, 2 Num Lock, 4 Caps Lock. */
unsigned machine_key_leds(const struct machine *m);
void machine_mouse(struct machine *m, int dx, int dy, int dz,
                   unsigned buttons);

const char *machine_name(const struct machine *m);
const char *machine_error(const struct machine *m);
struct cpu *machine_cpu(struct machine *m);
/* Guest instructions executed since power-on. */
uint64_t machine_icount(const struct machine *m);

/*
 * Snapshots (emu/state.h), between two runs. All of the machine that the guest
 * can see is saved, but not what is on its disks. A snapshot is loaded into a
 * machine with the same memory, CPU model, devices and sizes of disks, by
 * whatever engine; virtual time goes on from where it was.
 *
 * 0, or -errno with a sentence in `why` (at most `size`): -EBUSY while a disk
 * works (ask again later: it needs no run of the machine to come to its end),
 * -EINVAL for a snapshot that is damaged, newer or another machine's. A machine
 * that refused to load is as it was; only if the source gives other bytes when
 * it is read for the second time (-EIO) has the machine been reset.
 * machine_check is loading without doing it.
 */
int machine_save(struct machine *m, const struct state_sink *sink, char *why,
                 size_t size);
int machine_check(struct machine *m, const struct state_source *source,
                  char *why, size_t size);
int machine_load(struct machine *m, const struct state_source *source,
                 char *why, size_t size);

/*
 * Text for the monitor: `what` is "registers", "pic", "lapic", "ioapic", "pci",
 * "mtree", "counters", "block", "network", "screen", "engine", "tlb", "mem",
 * "irq", "watchdog" or "qtree". Writes a
 * NUL-terminated text of at most `size` bytes and returns the length it would
 * have liked, or -ENOENT.
 */
int machine_info(struct machine *m, const char *what, char *buf, size_t size);

/* The far end of serial port `n` sends a break to the guest. */
void machine_serial_break(struct machine *m, unsigned n);

/* A serial port n's guest end has raised DTR or RTS since reset. */
bool machine_serial_armed(const struct machine *m, unsigned n);

#endif
