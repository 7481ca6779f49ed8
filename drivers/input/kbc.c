/* See kbc.h: the controller itself. */
#include "drivers/input/kbc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "drivers/input/kbc_internal.h"

/* Status (port 64h). */
enum {
    OUTPUT_FULL = 0x01, INPUT_FULL = 0x02, FROM_AUX = 0x20, TIMEOUT = 0x40,
    PARITY = 0x80,
};
/* Commands. */
enum {
    READ_BYTE = 0x20, WRITE_BYTE = 0x60, AUX_OFF = 0xa7, AUX_ON = 0xa8,
    SELF_TEST = 0xaa, KEYBOARD_OFF = 0xad, WRITE_AUX = 0xd4,
};
/* The command byte, which READ_BYTE and WRITE_BYTE are for. */
enum {
    KEYBOARD_IRQ = 0x01, AUX_IRQ = 0x02, SYSTEM = 0x04, KEYBOARD_STOPPED = 0x10,
    AUX_STOPPED = 0x20, TRANSLATE = 0x40,
};
#define NOTHING_THERE 0xffu
#define TEST_PASSED 0x55u

#define STEP_US 50u
#define ANSWER_US 20000u
#define TEST_US 300000u
#define WRITE_US 1000u          /* once it runs */
#define TEST_TRIES 2u
#define FLUSH_BYTES 64u
#define BYTES_AT_ONCE 64u
#define FULL_ROUNDS 16u         /* in a row: what it says has no end */
/* An interrupt that was lost, or none to be had. */
#define LOOK_NS (1000 * KBC_MS)
#define LOOK_WITHOUT_IRQ_NS (8 * KBC_MS)

static uint8_t status(const struct kbc *k)
{
    return bus_read8(k->bus, KBC_STATUS);
}

/* ---- Set up -------------------------------------------------------------- */

/* Until the bits of `mask` are `value`. */
static bool wait_for(const struct kbc *k, uint8_t mask, uint8_t value,
                     unsigned us)
{
    for (unsigned at = 0; (status(k) & mask) != value; at += STEP_US) {
        if (at >= us)
            return false;
        bus_delay(k->bus, STEP_US);
    }
    return true;
}

static bool write(const struct kbc *k, uint32_t reg, uint8_t byte)
{
    if (!wait_for(k, INPUT_FULL, 0, ANSWER_US))
        return false;
    bus_write8(k->bus, reg, byte);
    return true;
}

/* Its next byte, or -1. */
static int read(const struct kbc *k, unsigned us)
{
    if (!wait_for(k, OUTPUT_FULL, OUTPUT_FULL, us))
        return -1;
    return bus_read8(k->bus, KBC_DATA);
}

static bool flush(const struct kbc *k)
{
    for (unsigned i = 0; i < FLUSH_BYTES; i++) {
        if (!(status(k) & OUTPUT_FULL))
            return true;
        bus_read8(k->bus, KBC_DATA);
        bus_delay(k->bus, STEP_US);
    }
    return false;
}

static int read_byte(const struct kbc *k)
{
    return write(k, KBC_COMMAND, READ_BYTE) ? read(k, ANSWER_US) : -1;
}

static bool write_byte(const struct kbc *k, unsigned byte)
{
    return write(k, KBC_COMMAND, WRITE_BYTE) &&
           write(k, KBC_DATA, (uint8_t)byte);
}

/* Some fail it for no reason, and work. */
static bool test(const struct kbc *k)
{
    for (unsigned i = 0; i < TEST_TRIES; i++)
        if (write(k, KBC_COMMAND, SELF_TEST) &&
            read(k, TEST_US) == TEST_PASSED)
            return true;
    return false;
}

/* A controller for a mouse has a second clock, which it can stop. */
static bool has_aux(const struct kbc *k)
{
    int on, off;

    if (!write(k, KBC_COMMAND, AUX_ON))
        return false;
    on = read_byte(k);
    if (!write(k, KBC_COMMAND, AUX_OFF))
        return false;
    off = read_byte(k);
    return on >= 0 && off >= 0 && !(on & AUX_STOPPED) && (off & AUX_STOPPED);
}

static void init_port(struct kbc *k, bool is_aux,
                      const struct kbc_device *device)
{
    struct kbc_port *p = &k->port[is_aux];

    p->kbc = k;
    p->is_aux = is_aux;
    p->device = device;
    kbc_port_start(p);
}

int kbc_start(struct kbc *k, const struct bus *bus, struct input *in)
{
    unsigned byte = KEYBOARD_IRQ | SYSTEM | TRANSLATE;
    bool aux;
    int now;

    memset(k, 0, sizeof *k);
    k->bus = bus;
    k->input = in;
    if (status(k) == NOTHING_THERE)
        return -ENODEV;
    /* Both devices are silent meanwhile: what comes is the controller's. */
    if (!write(k, KBC_COMMAND, KEYBOARD_OFF) ||
        !write(k, KBC_COMMAND, AUX_OFF) || !flush(k) || read_byte(k) < 0 ||
        !write_byte(k, SYSTEM | KEYBOARD_STOPPED | AUX_STOPPED))
        return -EIO;
    k->passed = test(k);
    if (!flush(k) || !write_byte(k, SYSTEM | KEYBOARD_STOPPED | AUX_STOPPED))
        return -EIO;
    aux = has_aux(k);
    byte |= aux ? AUX_IRQ : AUX_STOPPED;
    if (!flush(k) || !write_byte(k, byte) || (now = read_byte(k)) < 0)
        return -EIO;
    k->translates = now & TRANSLATE;
    k->interrupted = true;
    init_port(k, false, k->translates ? &kbc_keyboard : &kbc_keyboard_set_1);
    if (aux)
        init_port(k, true, &kbc_mouse);
    return 0;
}

/* ---- At work ------------------------------------------------------------- */

bool kbc_write_device(struct kbc *k, bool is_aux, uint8_t byte)
{
    if (status(k) & INPUT_FULL)
        return false;
    if (is_aux) {
        bus_write8(k->bus, KBC_COMMAND, WRITE_AUX);
        if (!wait_for(k, INPUT_FULL, 0, WRITE_US))
            return false;
    }
    bus_write8(k->bus, KBC_DATA, byte);
    return true;
}

static void take_one(struct kbc *k, uint8_t st, uint64_t now)
{
    uint8_t byte = bus_read8(k->bus, KBC_DATA);
    struct kbc_port *p = &k->port[st & FROM_AUX ? 1 : 0];

    if (!p->kbc) {
        k->counters.unexpected++;
    } else if (st & (TIMEOUT | PARITY)) {
        k->counters.bad_bytes++;
        kbc_port_take_bad(p, now);
    } else {
        kbc_port_take(p, byte, now);
    }
}

static void take(struct kbc *k, uint64_t now)
{
    k->interrupted = false;
    k->looked_ns = now;
    for (unsigned i = 0; i < BYTES_AT_ONCE; i++) {
        uint8_t st = status(k);

        if (!(st & OUTPUT_FULL) || st == NOTHING_THERE) {
            k->full_rounds = 0;
            return;
        }
        take_one(k, st, now);
    }
    /* There may be more: no edge comes for it. */
    if (k->full_rounds < FULL_ROUNDS && ++k->full_rounds == FULL_ROUNDS)
        k->counters.floods++;
    k->interrupted = k->full_rounds < FULL_ROUNDS;
}

void kbc_interrupt(struct kbc *k) { k->interrupted = true; }

static bool is_polled(const struct kbc *k)
{
    return !k->has_interrupts || k->full_rounds == FULL_ROUNDS;
}

uint64_t kbc_poll(struct kbc *k, uint64_t now)
{
    uint64_t look = is_polled(k) ? LOOK_WITHOUT_IRQ_NS : LOOK_NS, next;

    if (k->interrupted || now - k->looked_ns >= look)
        take(k, now);
    next = is_polled(k) ? now + LOOK_WITHOUT_IRQ_NS : UINT64_MAX;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t at = k->port[i].kbc ? kbc_port_poll(&k->port[i], now)
                                     : UINT64_MAX;

        if (at < next)
            next = at;
    }
    return k->interrupted ? now : next;
}

static const char *device_text(const struct kbc *k, unsigned i)
{
    if (!k->port[i].kbc)
        return "no place for one";
    if (k->port[i].state != KBC_UP)
        return "none";
    if (i == 0)
        return "there";
    return k->mouse_id == 3 ? "with a wheel" : "there";
}

void kbc_info(const struct kbc *k, char *text, size_t size)
{
    const struct kbc_counters *c = &k->counters;

    snprintf(text, size, "keyboard %s, mouse %s; %llu bytes damaged, "
             "%llu unexpected;\n    %llu overruns, %llu commands repeated, "
             "%llu given up, %llu new starts,\n    %llu floods",
             device_text(k, 0), device_text(k, 1),
             (unsigned long long)c->bad_bytes,
             (unsigned long long)c->unexpected,
             (unsigned long long)c->overruns, (unsigned long long)c->resends,
             (unsigned long long)c->unanswered,
             (unsigned long long)c->restarts, (unsigned long long)c->floods);
}
