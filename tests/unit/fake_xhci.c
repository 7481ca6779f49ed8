/* See fake_xhci.h. */
#include "tests/unit/fake_xhci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/disk_driver_harness.h"
#include "tests/unit/fake_hid.h"
#include "tests/unit/fake_usb.h"

#define OP 0x20u
#define RUN 0x1000u
#define DOORBELL 0x2000u
#define LEGACY 0x800u
#define SCRATCH 2u
#define TRBS_MAX 8u

struct fake_xhci fake_xhci;

static void *at(uint64_t phys)
{
    assert_false(disk_bench.is_no_master);
    assert_true(phys && phys < UINT64_C(1) << 32);
    return (void *)(uintptr_t)phys;
}

/* ---- Events -------------------------------------------------------------- */

void fake_xhci_event(uint64_t parameter, uint32_t status, uint32_t control)
{
    const struct xhci_trb *segment = at(fake_xhci.erstba);
    struct xhci_trb *e;

    if (!fake_xhci.event_at)
        fake_xhci.event_at = segment->parameter;
    e = at(fake_xhci.event_at);
    *e = (struct xhci_trb){ parameter, status,
                            control | fake_xhci.event_cycle };
    fake_xhci.event_at += sizeof *e;
    if (fake_xhci.event_at ==
        segment->parameter + segment->status * sizeof *e) {
        fake_xhci.event_at = segment->parameter;
        fake_xhci.event_cycle = !fake_xhci.event_cycle;
    }
    fake_xhci.interrupts += fake_xhci.iman >> 1 & 1;
}

static void transfer_event(unsigned slot, unsigned dci, uint64_t trb,
                           unsigned code, uint32_t left)
{
    fake_xhci_event(fake_xhci.bad_pointers ? trb + 8 : trb,
                    code << 24 | left,
                    TRB_TYPE(TRB_TRANSFER_EVENT) | TRB_SLOT(slot) |
                    TRB_ENDPOINT(dci));
}

/* ---- Transfers ----------------------------------------------------------- */

/* The next TRB that is the controller's, links followed. NULL: none. */
static struct xhci_trb *next_trb(uint64_t *from, bool *cycle)
{
    for (;;) {
        struct xhci_trb *t = at(*from);

        if ((t->control & TRB_CYCLE) != *cycle)
            return NULL;
        if (TRB_TYPE_OF(t->control) != TRB_LINK)
            return t;
        *cycle ^= (t->control & TRB_TOGGLE) != 0;
        *from = t->parameter;
    }
}

/* What a transfer's TRBs have of data. */
struct pieces {
    uint64_t trb[TRBS_MAX];
    uint64_t data[TRBS_MAX];
    uint32_t bytes[TRBS_MAX];
    unsigned count;
    uint32_t total;
};

static void add_piece(struct pieces *p, const struct xhci_trb *t, uint64_t from)
{
    uint32_t bytes = t->status & 0x1ffff;

    assert_true(p->count < TRBS_MAX && bytes && bytes <= 0x10000);
    assert_true(t->parameter / 0x10000 ==
                (t->parameter + bytes - 1) / 0x10000);
    assert_true(t->control & TRB_SHORT);
    p->trb[p->count] = from;
    p->data[p->count] = t->parameter;
    p->bytes[p->count++] = bytes;
    p->total += bytes;
}

static void copy(const struct pieces *p, uint8_t *buf, uint32_t bytes, bool in)
{
    for (unsigned i = 0; i < p->count && bytes; i++) {
        uint32_t n = p->bytes[i] < bytes ? p->bytes[i] : bytes;

        if (in)
            memcpy(at(p->data[i]), buf, n);
        else
            memcpy(buf, at(p->data[i]), n);
        buf += n;
        bytes -= n;
    }
}

static unsigned code_of(enum fake_usb_result r)
{
    return r == FAKE_STALL ? CODE_STALL : r == FAKE_BABBLE ? CODE_BABBLE
                                                           : CODE_TRANSACTION;
}

/* The piece where `actual` bytes end, and what is left of it. */
static unsigned end_of(const struct pieces *p, uint32_t actual, uint32_t *left)
{
    unsigned i = 0;

    for (; i + 1 < p->count && actual >= p->bytes[i]; i++)
        actual -= p->bytes[i];
    *left = p->count ? p->bytes[i] - actual : 0;
    return i;
}

/* True: go on with the next. */
static bool bulk(unsigned slot, unsigned dci, struct fake_xhci_endpoint *e)
{
    static uint8_t buf[0x10000];
    struct pieces p = { .count = 0 };
    uint64_t from = e->at;
    bool cycle = e->cycle, in = dci & 1, more = true;
    enum fake_usb_result r;
    uint32_t actual, left;
    struct xhci_trb *t;
    unsigned end;

    for (; more; from += sizeof *t) {
        t = next_trb(&from, &cycle);
        if (!t)
            return false;
        assert_int_equal(TRB_TYPE_OF(t->control), TRB_NORMAL);
        add_piece(&p, t, from);
        more = t->control & TRB_CHAIN;
    }
    assert_true(t->control & TRB_IOC);
    assert_true(p.total <= sizeof buf);
    copy(&p, buf, p.total, false);
    r = fake_usb_bulk(fake_xhci.slot[slot].which,
                      (uint8_t)(dci / 2 | (in ? 0x80 : 0)), buf, p.total,
                      &actual);
    if (r == FAKE_NAK)
        return false;
    if (in)
        copy(&p, buf, actual, true);
    end = end_of(&p, actual, &left);
    if (r != FAKE_OK) {
        e->state = FAKE_EP_HALTED;
        transfer_event(slot, dci, p.trb[end], code_of(r), left);
        return false;
    }
    e->at = from;
    e->cycle = cycle;
    transfer_event(slot, dci, p.trb[end], left ? CODE_SHORT : CODE_SUCCESS,
                   left);
    return true;
}

static bool control(unsigned slot, struct fake_xhci_endpoint *e)
{
    static uint8_t buf[0x10000];
    struct pieces p = { .count = 0 };
    uint64_t from = e->at;
    bool cycle = e->cycle;
    enum fake_usb_result r;
    uint32_t actual, left;
    struct xhci_trb *t = next_trb(&from, &cycle);
    uint8_t setup[8];
    unsigned end;

    if (!t)
        return false;
    assert_int_equal(TRB_TYPE_OF(t->control), TRB_SETUP);
    assert_true(t->control & TRB_INLINE);
    memcpy(setup, &t->parameter, 8);
    for (;;) {
        from += sizeof *t;
        t = next_trb(&from, &cycle);
        assert_non_null(t);
        if (TRB_TYPE_OF(t->control) == TRB_STATUS)
            break;
        add_piece(&p, t, from);
    }
    assert_int_equal(p.total, setup[6] | setup[7] << 8);
    if (!(setup[0] & 0x80))
        copy(&p, buf, p.total, false);
    r = fake_usb_control(fake_xhci.slot[slot].which, setup, buf, &actual);
    if (r == FAKE_NAK)
        return false;
    if (r != FAKE_OK) {
        e->state = FAKE_EP_HALTED;
        transfer_event(slot, 1, p.count ? p.trb[0] : from, code_of(r),
                       p.count ? p.bytes[0] : 0);
        return false;
    }
    if (setup[0] & 0x80)
        copy(&p, buf, actual, true);
    end = end_of(&p, setup[0] & 0x80 ? actual : p.total, &left);
    if (left)
        transfer_event(slot, 1, p.trb[end], CODE_SHORT, left);
    e->at = from + sizeof *t;
    e->cycle = cycle;
    transfer_event(slot, 1, from, CODE_SUCCESS, 0);
    return true;
}

static void run_endpoint(unsigned slot, unsigned dci)
{
    struct fake_xhci_endpoint *e = &fake_xhci.slot[slot].endpoint[dci];

    assert_true(slot && slot <= FAKE_XHCI_SLOTS && dci < 32);
    assert_true(fake_xhci.slot[slot].enabled);
    assert_int_not_equal(e->state, FAKE_EP_OFF);
    assert_int_not_equal(e->state, FAKE_EP_HALTED);
    e->state = FAKE_EP_RUNNING;
    while (dci == 1 ? control(slot, e) : bulk(slot, dci, e))
        ;
}

void fake_xhci_ready(void)
{
    for (unsigned i = 1; i <= FAKE_XHCI_SLOTS; i++)
        for (unsigned dci = 3; dci < 32; dci += 2)
            if (fake_xhci.slot[i].endpoint[dci].state == FAKE_EP_RUNNING)
                run_endpoint(i, dci);
}

/* ---- Commands ------------------------------------------------------------ */

static const uint32_t *input(uint64_t phys, unsigned i)
{
    return at(phys + i * fake_xhci.context_bytes);
}

static void open_endpoint(unsigned slot, unsigned dci, uint64_t phys)
{
    const uint32_t *c = input(phys, dci + 1);
    struct fake_xhci_endpoint *e = &fake_xhci.slot[slot].endpoint[dci];

    assert_int_equal(c[1] >> 1 & 3, 3);
    assert_int_equal(c[1] >> 3 & 7, dci == 1 ? 4 : fake_hid.parts ? 7
                                    : dci & 1 ? 6 : 2);
    /* Of 7: 125 us << (7 - 1), or 7 ms, of which 4 are a power of two. */
    assert_int_equal(c[0] >> 16, dci == 1 || !fake_hid.parts ? 0
                                 : fake_usb.is_low_speed ? 5 : 6);
    memcpy(e->context, c, sizeof e->context);
    e->at = (uint64_t)c[3] << 32 | (c[2] & ~0xfu);
    e->cycle = c[2] & 1;
    e->state = FAKE_EP_RUNNING;
}

static unsigned address(unsigned slot, uint64_t phys)
{
    const uint32_t *c = input(phys, 1);
    struct fake_xhci_slot *s = &fake_xhci.slot[slot];
    static const uint8_t zero[8];
    uint8_t setup[8] = { 0, 5, (uint8_t)slot };
    uint32_t actual;

    assert_int_equal(input(phys, 0)[1], 3);
    assert_int_equal(c[1] >> 16 & 0xff, 2);     /* the root port */
    assert_true(((uint64_t *)at(fake_xhci.dcbaap))[slot]);
    memcpy(s->context, c, sizeof s->context);
    s->which = (c[0] & 0xfffff) != 0;
    assert_true(!s->which || (c[0] & 0xfffff) == 2);
    if (!fake_usb.device[s->which].answers_0 ||
        fake_usb_control(s->which, setup, (uint8_t *)(uintptr_t)zero, &actual))
        return CODE_TRANSACTION;
    open_endpoint(slot, 1, phys);
    return CODE_SUCCESS;
}

static unsigned configure(unsigned slot, uint64_t phys)
{
    uint32_t drop = input(phys, 0)[0], add = input(phys, 0)[1];

    assert_int_equal(add & 3, 1);
    for (unsigned i = 2; i < 32; i++) {
        assert_false((drop & 1u << i) &&
                     fake_xhci.slot[slot].endpoint[i].state == FAKE_EP_OFF);
        if (add & 1u << i)
            open_endpoint(slot, i, phys);
    }
    return CODE_SUCCESS;
}

static unsigned enable(unsigned *slot)
{
    for (*slot = 1; *slot <= FAKE_XHCI_SLOTS; ++*slot)
        if (!fake_xhci.slot[*slot].enabled) {
            memset(&fake_xhci.slot[*slot], 0, sizeof *fake_xhci.slot);
            fake_xhci.slot[*slot].enabled = true;
            return CODE_SUCCESS;
        }
    *slot = 0;
    return CODE_NO_SLOT;
}

static unsigned endpoint_command(unsigned type, const struct xhci_trb *t)
{
    struct fake_xhci_endpoint *e =
        &fake_xhci.slot[TRB_SLOT_OF(t->control)]
             .endpoint[TRB_ENDPOINT_OF(t->control)];

    if (type == TRB_STOP_ENDPOINT) {
        if (e->state != FAKE_EP_RUNNING)
            return CODE_CONTEXT_STATE;
        e->state = FAKE_EP_STOPPED;
    } else if (type == TRB_RESET_ENDPOINT) {
        if (e->state != FAKE_EP_HALTED)
            return CODE_CONTEXT_STATE;
        e->state = FAKE_EP_STOPPED;
    } else {
        if (e->state != FAKE_EP_STOPPED)
            return CODE_CONTEXT_STATE;
        e->at = t->parameter & ~UINT64_C(0xf);
        e->cycle = t->parameter & 1;
    }
    return CODE_SUCCESS;
}

static unsigned execute(const struct xhci_trb *t, unsigned *slot)
{
    unsigned type = TRB_TYPE_OF(t->control);

    *slot = TRB_SLOT_OF(t->control);
    if (type == fake_xhci.fail_type && fake_xhci.fail_count) {
        fake_xhci.fail_count--;
        return fake_xhci.fail_code;
    }
    if (type == TRB_ENABLE_SLOT)
        return enable(slot);
    assert_true(*slot && *slot <= FAKE_XHCI_SLOTS);
    assert_true(fake_xhci.slot[*slot].enabled);
    switch (type) {
    case TRB_DISABLE_SLOT:
        fake_xhci.slot[*slot].enabled = false;
        return CODE_SUCCESS;
    case TRB_ADDRESS_DEVICE:
        return address(*slot, t->parameter);
    case TRB_CONFIGURE_ENDPOINT:
        return configure(*slot, t->parameter);
    case TRB_EVALUATE_CONTEXT:
        assert_int_equal(input(t->parameter, 0)[1], 2);
        return CODE_SUCCESS;
    default:
        return endpoint_command(type, t);
    }
}

static void run_commands(void)
{
    struct xhci_trb *t;

    while ((t = next_trb(&fake_xhci.command_at, &fake_xhci.command_cycle))) {
        uint64_t where = fake_xhci.command_at;
        unsigned slot, code = execute(t, &slot);

        fake_xhci.commands++;
        if (!code)
            return;                     /* it hangs */
        fake_xhci.command_at += sizeof *t;
        fake_xhci_event(where, code << 24,
                        TRB_TYPE(TRB_COMMAND_EVENT) | TRB_SLOT(slot));
    }
}

/* 4.6.1.2: what hangs is skipped. */
static void abort_command(void)
{
    if (!fake_xhci.fail_type)
        return;
    fake_xhci_event(fake_xhci.command_at, CODE_ABORTED << 24,
                    TRB_TYPE(TRB_COMMAND_EVENT));
    fake_xhci.command_at += sizeof(struct xhci_trb);
    fake_xhci_event(fake_xhci.command_at, CODE_RING_STOPPED << 24,
                    TRB_TYPE(TRB_COMMAND_EVENT));
}

/* ---- Registers ----------------------------------------------------------- */

void fake_xhci_plugged(void)
{
    bool is_there = fake_usb.device[0].is_there;

    fake_xhci.port &= ~(PORT_CONNECTED | PORT_ENABLED | 0xfu << 10);
    fake_xhci.port |= PORT_CSC | (is_there ? PORT_CONNECTED | 3u << 10 : 0);
    if (fake_xhci.cmd & CMD_RUN)
        fake_xhci_event(2u << 24, CODE_SUCCESS << 24,
                        TRB_TYPE(TRB_PORT_EVENT));
}

static void set_command(uint32_t v)
{
    if (disk_bench.is_deaf) {
        fake_xhci.cmd |= v & CMD_RESET;
        return;
    }
    if (v & CMD_RESET) {
        assert_true(fake_xhci.sts & STS_HALTED);
        memset(fake_xhci.slot, 0, sizeof fake_xhci.slot);
        fake_xhci.command_at = fake_xhci.event_at = 0;
        fake_xhci.event_cycle = true;
        fake_xhci.port = 0;
        fake_xhci.sts = STS_HALTED;
        v = 0;
    }
    if ((v & CMD_RUN) && !(fake_xhci.cmd & CMD_RUN)) {
        assert_int_equal(fake_xhci.config, FAKE_XHCI_SLOTS);
        assert_int_equal(fake_xhci.legacy & LEGACY_FIRMWARE,
                         fake_xhci.firmware_stays ? LEGACY_FIRMWARE : 0);
        assert_true(((uint64_t *)at(fake_xhci.dcbaap))[0]);
        fake_xhci.starts++;
    }
    fake_xhci.cmd = v;
    fake_xhci.sts = (fake_xhci.sts & ~STS_HALTED) |
                    (v & CMD_RUN ? 0 : STS_HALTED);
}

static void set_port(uint32_t v)
{
    fake_xhci.port &= ~(v & PORT_CHANGES);
    if ((v & PORT_POWER) && !(fake_xhci.port & PORT_POWER)) {
        fake_xhci.port |= PORT_POWER;
        fake_xhci_plugged();
    }
    if ((v & PORT_RESET) && (fake_xhci.port & PORT_CONNECTED)) {
        fake_usb_reset();
        fake_xhci.port |= PORT_ENABLED;
    }
}

static uint32_t read32(void *ctx, uint32_t reg)
{
    fake_xhci.accesses++;
    if (disk_bench.is_gone)
        return ~0u;
    if (disk_bench.is_noise)
        return disk_bench_noise();
    switch (reg) {
    case XHCI_CAPLENGTH: return 0x01000000 | fake_xhci.op;
    case XHCI_HCSPARAMS1: return 2u << 24 | FAKE_XHCI_SLOTS;
    case XHCI_HCSPARAMS2: return SCRATCH << 27;
    case XHCI_HCCPARAMS1:
        return fake_xhci.xecp / 4 << 16 | HCC_AC64 |
               (fake_xhci.context_bytes == 64 ? HCC_CSZ : 0);
    case XHCI_DBOFF: return fake_xhci.doorbell;
    case XHCI_RTSOFF: return fake_xhci.run;
    case LEGACY: return fake_xhci.legacy;
    case LEGACY + 4: return 0;
    case LEGACY + 0x10: return 0x03000000 | XCAP_PROTOCOL;
    case LEGACY + 0x18: return 1 << 8 | 1;
    case FAKE_XHCI_BYTES - 8: return fake_xhci.legacy;
    case FAKE_XHCI_BYTES - 4: return XCAP_LEGACY;
    case OP + XHCI_USBCMD: return fake_xhci.cmd;
    case OP + XHCI_USBSTS: return fake_xhci.sts;
    case OP + XHCI_PAGESIZE: return 1;
    case OP + XHCI_PORTSC: return PORT_POWER;
    case OP + XHCI_PORTSC + 0x10: return fake_xhci.port;
    case OP + XHCI_CRCR: return 0;
    }
    fail_msg("read of %#x", reg);
    return 0;
}

static void set_half(uint64_t *to, bool high, uint32_t v)
{
    memcpy((char *)to + 4 * high, &v, 4);
}

static void set_crcr(uint32_t v)
{
    if (v & CRCR_ABORT) {
        abort_command();
        return;
    }
    set_half(&fake_xhci.crcr, false, v);
    fake_xhci.command_cycle = v & 1;
}

static void write32(void *ctx, uint32_t reg, uint32_t v)
{
    fake_xhci.accesses++;
    if (disk_bench.is_gone || disk_bench.is_noise)
        return;
    switch (reg) {
    case OP + XHCI_USBCMD: set_command(v); return;
    case OP + XHCI_CONFIG: fake_xhci.config = v; return;
    case OP + XHCI_CRCR: set_crcr(v); return;
    case OP + XHCI_CRCR + 4: set_half(&fake_xhci.crcr, true, v); return;
    case OP + XHCI_DCBAAP: case OP + XHCI_DCBAAP + 4:
        set_half(&fake_xhci.dcbaap, reg & 4, v);
        return;
    case OP + XHCI_PORTSC: return;
    case OP + XHCI_PORTSC + 0x10: set_port(v); return;
    case RUN + XHCI_IMAN: fake_xhci.iman = v & 2; return;
    case RUN + XHCI_IMOD: return;
    case RUN + XHCI_ERSTSZ: assert_int_equal(v, 1); return;
    case RUN + XHCI_ERSTBA: case RUN + XHCI_ERSTBA + 4:
        set_half(&fake_xhci.erstba, reg & 4, v);
        return;
    case RUN + XHCI_ERDP: case RUN + XHCI_ERDP + 4:
        set_half(&fake_xhci.erdp, reg & 4, v);
        return;
    case LEGACY:
        fake_xhci.legacy = v;
        if ((v & LEGACY_OS) && !fake_xhci.firmware_stays)
            fake_xhci.legacy &= ~LEGACY_FIRMWARE;
        return;
    case LEGACY + 4: return;
    }
    assert_true(fake_xhci.cmd & CMD_RUN);
    if (!fake_xhci.command_at)
        fake_xhci.command_at = fake_xhci.crcr & ~UINT64_C(0x3f);
    if (reg == DOORBELL)
        run_commands();
    else
        run_endpoint((reg - DOORBELL) / 4, v);
}

const struct bus fake_xhci_bus = {
    .read32 = read32, .write32 = write32, DISK_BENCH_BUS,
    .size = FAKE_XHCI_BYTES,
};

void fake_xhci_make(void)
{
    memset(&fake_xhci, 0, sizeof fake_xhci);
    fake_xhci.context_bytes = 32;
    fake_xhci.op = OP;
    fake_xhci.run = RUN;
    fake_xhci.doorbell = DOORBELL;
    fake_xhci.xecp = LEGACY;
    fake_xhci.sts = STS_HALTED;
    fake_xhci.legacy = XCAP_LEGACY | 4 << 8;
}
