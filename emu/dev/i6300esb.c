/*
 * See i6300esb.h. Chapters are the datasheet's. Stage 1 begins with preload
 * value 1, its end is only a status bit here: the interrupt goes to an input of
 * an I/O APIC (or to SMI#) that this PC has not. Stage 2 begins then, with
 * preload value 2; its end drives WDT_TOUT#.
 */
#include "emu/dev/i6300esb.h"

#include <stdlib.h>

#include "emu/state.h"

#define BAR_BYTES 16u
#define CONFIG 0x60u                    /* 16.4: WDT Configuration */
#define LOCK 0x68u                      /* 16.4: WDT Lock */
#define PRELOAD_MASK 0xfffffu
#define CLOCK_NS 30u                    /* PCI's 33 MHz */

enum {
    CONFIG_FAST = 0x04,                 /* prescaler: 2^5, and not 2^15 */
    CONFIG_NO_OUTPUT = 0x20,            /* WDT_TOUT# stays as it is */
    CONFIG_BITS = 0x27,
};
enum {
    LOCK_LOCKED = 0x01,                 /* this register, till a reset */
    LOCK_ENABLE = 0x02,
    LOCK_FREE_RUNNING = 0x04,           /* stage 2 alone, again and again */
    LOCK_BITS = 0x07,
};
enum { REG_PRELOAD1 = 0, REG_PRELOAD2 = 4, REG_INTERRUPT = 8, REG_RELOAD = 12 };
enum { RELOAD_NOW = 1u << 8, RELOAD_TIMEOUT = 1u << 9 };
/* 16.5.4: 80h, then 86h to the reload register lets one write through. */
enum unlock { UNLOCK_NONE, UNLOCK_FIRST, UNLOCK_OPEN };

struct i6300esb {
    struct pci_dev pci;
    uint32_t preload[2];
    uint8_t unlock;             /* enum unlock */
    bool second;                /* it counts the second stage */
    bool running;
    bool interrupt;             /* the first stage has ended */
    bool timed_out;             /* the second has: outlives a reset */
    bool tout;                  /* WDT_TOUT# is low, free-running */
    uint64_t ends;              /* the stage that is counted */
    uint64_t expired;           /* how often the second stage ended */
};

/* ---- The timer ----------------------------------------------------------- */

static uint8_t lock_of(const struct i6300esb *w)
{
    return w->pci.config[LOCK];
}

static void start_stage(struct i6300esb *w, bool second)
{
    struct machine *m = w->pci.dev.machine;
    unsigned shift = w->pci.config[CONFIG] & CONFIG_FAST ? 5 : 15;
    uint64_t ticks = w->preload[second];

    w->second = second;
    w->running = true;
    w->ends = machine_now(m) + ((ticks ? ticks : 1) << shift) * CLOCK_NS;
    machine_timer_arm(m, TIMER_I6300ESB, w->ends);
}

static void stop(struct i6300esb *w)
{
    w->running = false;
    machine_timer_cancel(w->pci.dev.machine, TIMER_I6300ESB);
}

/* It was enabled, or reloaded. */
static void start(struct i6300esb *w)
{
    start_stage(w, lock_of(w) & LOCK_FREE_RUNNING);
}

static void act(struct i6300esb *w)
{
    struct machine *m = w->pci.dev.machine;

    if (w->pci.config[CONFIG] & CONFIG_NO_OUTPUT)
        machine_count(m, "i6300esb: expired with its output disabled");
    else
        machine_request(m, MACHINE_REQ_WATCHDOG);
}

static void stage_ended(void *ctx)
{
    struct i6300esb *w = ctx;

    if (!w->second) {
        w->interrupt = true;
        start_stage(w, true);
        return;
    }
    w->expired++;
    w->timed_out = true;
    w->running = false;
    if (!(lock_of(w) & LOCK_FREE_RUNNING)) {
        act(w);
        return;
    }
    /* The pin changes each time. */
    w->tout = !w->tout;
    if (w->tout)
        act(w);
    start_stage(w, true);
}

/* ---- Registers ----------------------------------------------------------- */

static uint32_t read_register(const struct i6300esb *w, unsigned reg)
{
    switch (reg) {
    case REG_PRELOAD1:
    case REG_PRELOAD2:
        return w->preload[reg / 4];
    case REG_INTERRUPT:
        return w->interrupt;
    default:
        return w->timed_out ? RELOAD_TIMEOUT : 0;
    }
}

static bool is_inside(struct i6300esb *w, unsigned at, unsigned size)
{
    if (at < BAR_BYTES && at % 4 + size <= 4)
        return true;
    machine_count(w->pci.dev.machine, "i6300esb: access across registers");
    return false;
}

static uint64_t i6300esb_read(struct device *dev, uint64_t addr, unsigned size)
{
    struct i6300esb *w = (struct i6300esb *)dev;
    unsigned at = (unsigned)(addr - w->pci.bar[0].base);

    return is_inside(w, at, size)
               ? read_register(w, at & ~3u) >> 8 * (at % 4) : UINT64_MAX;
}

/* `v` in place of the bytes of `mask`. */
static void write_unlocked(struct i6300esb *w, unsigned reg, uint32_t v,
                           uint32_t mask)
{
    if (reg == REG_RELOAD) {
        if (v & RELOAD_TIMEOUT)
            w->timed_out = false;
        if (v & RELOAD_NOW && lock_of(w) & LOCK_ENABLE)
            start(w);
        return;
    }
    w->preload[reg / 4] = ((w->preload[reg / 4] & ~mask) | v) & PRELOAD_MASK;
}

static void i6300esb_write(struct device *dev, uint64_t addr, unsigned size,
                           uint64_t value)
{
    struct i6300esb *w = (struct i6300esb *)dev;
    unsigned at = (unsigned)(addr - w->pci.bar[0].base), reg = at & ~3u;
    uint32_t mask, v;

    if (!is_inside(w, at, size))
        return;
    mask = (uint32_t)((1ull << 8 * size) - 1) << 8 * (at % 4);
    v = (uint32_t)(value << 8 * (at % 4)) & mask;
    if (reg == REG_INTERRUPT) {
        if (v & 1)
            w->interrupt = false;
        return;
    }
    if (reg == REG_RELOAD && v == 0x80) {
        w->unlock = UNLOCK_FIRST;
    } else if (reg == REG_RELOAD && v == 0x86 && w->unlock == UNLOCK_FIRST) {
        w->unlock = UNLOCK_OPEN;
    } else {
        if (w->unlock == UNLOCK_OPEN)
            write_unlocked(w, reg, v, mask);
        else
            machine_count(w->pci.dev.machine,
                          "i6300esb: write without the unlock sequence");
        w->unlock = UNLOCK_NONE;
    }
}

/* A register that is locked is read only. */
static void set_lock_mask(struct i6300esb *w)
{
    w->pci.wmask[LOCK] = lock_of(w) & LOCK_LOCKED ? 0 : LOCK_BITS;
}

static void config_written(struct pci_dev *pci, unsigned offset, unsigned size)
{
    struct i6300esb *w = (struct i6300esb *)pci;

    if (offset > LOCK || offset + size <= LOCK || !pci->wmask[LOCK])
        return;
    set_lock_mask(w);
    if (!(lock_of(w) & LOCK_ENABLE))
        stop(w);
    else if (!w->running)
        start(w);
}

/* ---- Life ---------------------------------------------------------------- */

static void i6300esb_reset(struct device *dev)
{
    struct i6300esb *w = (struct i6300esb *)dev;

    pci_reset_config(&w->pci);
    w->pci.config[CONFIG] = w->pci.config[LOCK] = 0;
    set_lock_mask(w);
    w->preload[0] = w->preload[1] = PRELOAD_MASK;
    w->unlock = UNLOCK_NONE;
    w->interrupt = w->second = w->tout = false;
    stop(w);
}

static void i6300esb_state(struct device *dev, struct state *s)
{
    struct i6300esb *w = (struct i6300esb *)dev;

    pci_state(&w->pci, s);
    for (unsigned i = 0; i < 2; i++) {
        state_u32(s, &w->preload[i]);
        state_check(s, w->preload[i] <= PRELOAD_MASK, "a preload value");
    }
    w->unlock = (uint8_t)state_choice(s, w->unlock, UNLOCK_OPEN,
                                      "the unlock sequence");
    state_bool(s, &w->second);
    state_bool(s, &w->running);
    state_bool(s, &w->interrupt);
    state_bool(s, &w->timed_out);
    state_bool(s, &w->tout);
    state_u64(s, &w->ends);
    state_u64(s, &w->expired);
}

static void i6300esb_loaded(struct device *dev)
{
    struct i6300esb *w = (struct i6300esb *)dev;

    pci_loaded(&w->pci);
    set_lock_mask(w);
}

static const struct device_ops i6300esb_ops = {
    .name = "i6300esb",
    .reset = i6300esb_reset,
    .mmio_read = i6300esb_read,
    .mmio_write = i6300esb_write,
    .state = i6300esb_state,
    .state_version = 1,
    .state_size = sizeof(struct i6300esb),
    .loaded = i6300esb_loaded,
};

struct i6300esb *i6300esb_create(struct machine *m, struct pci_bus *bus,
                                 uint8_t devfn)
{
    struct i6300esb *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->pci.dev.ops = &i6300esb_ops;
    pci_init(&w->pci, 0x8086, 0x25ab, 0x088000, 0, 0);
    pci_bar_init(&w->pci, 0, BAR_BYTES, false);
    w->pci.wmask[CONFIG] = CONFIG_BITS;
    w->pci.wmask[LOCK] = LOCK_BITS;
    w->pci.config_written = config_written;
    if (pci_add(bus, &w->pci, devfn)) {
        free(w);
        return NULL;
    }
    machine_timer_register(m, TIMER_I6300ESB, stage_ended, w);
    i6300esb_reset(&w->pci.dev);
    return w;
}

void i6300esb_destroy(struct i6300esb *w) { free(w); }

void i6300esb_status(const struct i6300esb *w, struct watchdog_status *out)
{
    *out = (struct watchdog_status){
        .running = w->running, .stage = w->second + 1u, .ends = w->ends,
        .locked = lock_of(w) & LOCK_LOCKED,
        .no_output = w->pci.config[CONFIG] & CONFIG_NO_OUTPUT,
        .expired = w->expired,
    };
}
