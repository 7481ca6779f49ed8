/* See fake_ehci.h. */
#include "tests/unit/fake_ehci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/usb/ehci_regs.h"
#include "tests/unit/disk_driver_harness.h"
#include "tests/unit/fake_dma.h"
#include "tests/unit/fake_usb.h"

#define OP 0x10u
#define EECP 0x68u
#define STEPS 64u               /* queue heads of a round */
#define TRBS 8u

struct fake_ehci fake_ehci;

static void *at(uint32_t phys)
{
    assert_false(disk_bench.is_no_master);
    assert_true(phys);
    return fake_dma_at(phys);
}

/* ---- Transfers ----------------------------------------------------------- */

static uint8_t *byte_of(const struct ehci_qtd *q, uint32_t i)
{
    uint32_t offset = q->page[0] % 4096 + i;
    uint32_t page = q->page[offset / 4096];

    assert_true(offset / 4096 < 5);
    assert_true(offset < 4096 || page % 4096 == 0);
    return at((page & ~0xfffu) + offset % 4096);
}

static void copy(const struct ehci_qtd *q, uint8_t *buf, uint32_t len, bool in)
{
    for (uint32_t i = 0; i < len; i++)
        if (in)
            *byte_of(q, i) = buf[i];
        else
            buf[i] = *byte_of(q, i);
}

static unsigned which_has(uint8_t address)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct fake_usb_device *d = &fake_usb.device[i];

        if (d->is_there && (address ? d->address == address : d->answers_0))
            return i;
    }
    return 2;
}

static uint32_t failed(enum fake_usb_result r)
{
    return QTD_HALTED | (r == FAKE_BABBLE ? QTD_BABBLE
                         : r == FAKE_ERROR ? QTD_ERROR : 0);
}

/* The controller's own, between the descriptors of one control transfer. */
static struct {
    uint8_t setup[8];
    uint8_t data[0x10000];
    uint32_t actual, given;
    bool is_in;
    unsigned which;             /* an address is taken after the status */
} transfer;

/* The next `bytes` of a control transfer: what it is is known at its setup; the
 * device does it at the first descriptor that needs an answer. */
static enum fake_usb_result control(unsigned which, struct ehci_qtd *q,
                                    uint32_t bytes, uint32_t *moved)
{
    uint32_t length, n;

    *moved = bytes;
    if ((q->token & (3u << 8)) == QTD_SETUP) {
        enum fake_usb_result r;

        assert_int_equal(bytes, 8);
        assert_false(q->token & QTD_TOGGLE);
        copy(q, transfer.setup, 8, false);
        transfer.is_in = transfer.setup[0] & 0x80;
        transfer.given = 0;
        transfer.which = which;
        r = fake_usb_control(which, transfer.setup, transfer.data,
                             &transfer.actual);
        if (r != FAKE_OK)
            *moved = 0;
        return r;
    }
    length = transfer.setup[6] | transfer.setup[7] << 8;
    if (!bytes) {
        assert_true(q->token & QTD_TOGGLE);
        assert_int_equal(q->token & (3u << 8),
                         transfer.is_in && length ? QTD_OUT : QTD_IN);
        return FAKE_OK;
    }
    assert_true(transfer.is_in && bytes <= length);
    n = transfer.actual - transfer.given;
    n = n < bytes ? n : bytes;
    copy(q, transfer.data + transfer.given, n, true);
    transfer.given += n;
    *moved = n;
    return FAKE_OK;
}

/* Bulk data comes in pieces; the device has or gets all of them at once. */
static struct ehci_qtd *rest[TRBS];

static enum fake_usb_result bulk(unsigned which, struct ehci_qh *qh,
                                 struct ehci_qtd *q, uint32_t *moved)
{
    bool in = (q->token & (3u << 8)) == QTD_IN;
    uint8_t endpoint = (qh->endpoint >> 8 & 0xf) | (in ? 0x80 : 0);
    uint32_t total = 0, n = 0, actual, given = 0;
    struct ehci_qtd *next = q;
    enum fake_usb_result r;

    for (bool more = true; more; next = at(next->next)) {
        assert_true(n < TRBS);
        rest[n++] = next;
        copy(next, transfer.data + total, QTD_BYTES_OF(next->token), false);
        total += QTD_BYTES_OF(next->token);
        more = !(next->token & QTD_IOC);
    }
    r = fake_usb_bulk(which, endpoint, transfer.data, total, &actual);
    *moved = 0;
    if (r != FAKE_OK)
        return r;
    for (unsigned i = 0; i < n; i++) {
        uint32_t bytes = QTD_BYTES_OF(rest[i]->token);
        uint32_t here = actual - given < bytes ? actual - given : bytes;

        if (in)
            copy(rest[i], transfer.data + given, here, true);
        given += here;
        if (i + 1 < n && here == bytes) {       /* it is done, too */
            rest[i]->token &= ~(QTD_ACTIVE | QTD_BYTES(0x7fff));
            qh->next = rest[i]->next;
            continue;
        }
        rest[i]->token = (rest[i]->token & ~(QTD_ACTIVE | QTD_BYTES(0x7fff))) |
                         QTD_BYTES(bytes - here + fake_ehci.lies * 0x4000);
        qh->next = here < bytes ? rest[i]->alternate : rest[i]->next;
        break;
    }
    *moved = given;
    return r;
}

static void end_control(struct ehci_qh *qh, struct ehci_qtd *q, uint32_t moved)
{
    uint32_t bytes = QTD_BYTES_OF(q->token);

    q->token = (q->token & ~(QTD_ACTIVE | QTD_BYTES(0x7fff))) |
               QTD_BYTES(bytes - moved);
    qh->next = moved < bytes ? q->alternate : q->next;
}

/* True: go on with its next descriptor. */
static bool run_queue(struct ehci_qh *qh)
{
    unsigned which = which_has(qh->endpoint & 0x7f);
    bool is_control = !(qh->endpoint >> 8 & 0xf);
    enum fake_usb_result r = FAKE_ERROR;
    struct ehci_qtd *q;
    uint32_t moved = 0;

    if ((qh->token & QTD_HALTED) || (qh->next & LINK_END))
        return false;
    assert_int_equal(qh->endpoint >> 12 & 3, 2);
    assert_int_equal(!!(qh->endpoint & QH_OWN_TOGGLE), is_control);
    q = at(qh->next);
    if (!(q->token & QTD_ACTIVE))
        return false;
    if (is_control && (q->token & (3u << 8)) != QTD_SETUP)
        which = transfer.which;
    if (which < 2)
        r = is_control ? control(which, q, QTD_BYTES_OF(q->token), &moved)
                       : bulk(which, qh, q, &moved);
    if (r == FAKE_NAK)
        return false;
    if (r != FAKE_OK) {
        qh->token |= failed(r);
        q->token = (q->token & ~QTD_ACTIVE) | failed(r);
        fake_ehci.sts |= STS_ERROR;
        return false;
    }
    if (is_control)
        end_control(qh, q, moved);
    fake_ehci.sts |= STS_TRANSFER;
    return true;
}

static void run_list(void)
{
    uint32_t phys = fake_ehci.list;

    if (disk_bench.is_no_master ||
        (fake_ehci.cmd & (CMD_RUN | CMD_ASYNC)) != (CMD_RUN | CMD_ASYNC))
        return;
    for (unsigned i = 0; i < STEPS; i++) {
        struct ehci_qh *qh = at(phys);

        assert_int_equal(phys % 32, 0);
        while (run_queue(qh))
            ;
        assert_int_equal(qh->link & 7, LINK_QH);
        phys = qh->link & ~0x1fu;
        if (phys == fake_ehci.list)
            return;
    }
    fail_msg("the list has no end");
}

/* ---- Registers ----------------------------------------------------------- */

void fake_ehci_plugged(void)
{
    fake_ehci.port &= ~(PORT_CONNECTED | PORT_ENABLED | PORT_OTHER);
    fake_ehci.port |= PORT_CSC |
                      (fake_usb.device[0].is_there ? PORT_CONNECTED : 0);
    fake_ehci.sts |= STS_PORT;
}

static void set_command(uint32_t v)
{
    if (disk_bench.is_deaf) {
        fake_ehci.cmd |= v & CMD_RESET;
        return;
    }
    if (v & CMD_RESET) {
        assert_true(fake_ehci.sts & STS_HALTED);
        fake_ehci.port = fake_ehci.configflag = 0;
        fake_ehci.sts = STS_HALTED;
        v = 0;
    }
    fake_ehci.starts += (v & CMD_RUN) && !(fake_ehci.cmd & CMD_RUN);
    fake_ehci.cmd = v;
    fake_ehci.sts = (fake_ehci.sts & ~STS_HALTED) |
                    (v & CMD_RUN ? 0 : STS_HALTED);
}

static void set_port(uint32_t v)
{
    bool was = fake_ehci.port & PORT_RESET;

    fake_ehci.port &= ~(v & PORT_CHANGES);
    if ((v & PORT_POWER) && !(fake_ehci.port & PORT_POWER)) {
        assert_int_equal(fake_ehci.configflag, 1);
        fake_ehci.port |= PORT_POWER;
        fake_ehci_plugged();
    }
    fake_ehci.port &= ~PORT_RESET;
    fake_ehci.port |= v & PORT_RESET;
    if (was && !(v & PORT_RESET) && (fake_ehci.port & PORT_CONNECTED) &&
        !fake_ehci.full_speed) {
        fake_usb_reset();
        fake_ehci.port |= PORT_ENABLED;
    }
    if (v & PORT_OTHER) {
        assert_true(fake_ehci.full_speed);
        fake_ehci.port |= PORT_OTHER;
        fake_ehci.port &= ~PORT_CONNECTED;
    }
}

static uint32_t status(void)
{
    run_list();
    if ((fake_ehci.cmd & CMD_DOORBELL) && !fake_ehci.deaf_doorbell) {
        fake_ehci.cmd &= ~CMD_DOORBELL;
        fake_ehci.sts |= STS_ADVANCE;
    }
    return fake_ehci.sts;
}

static uint32_t read32(void *ctx, uint32_t reg)
{
    if (disk_bench.is_gone)
        return ~0u;
    if (disk_bench.is_noise)
        return disk_bench_noise();
    switch (reg) {
    case EHCI_CAPLENGTH: return 0x01000000 | OP;
    case EHCI_HCSPARAMS: return 1u << 12 | HCS_PPC | 2;
    case EHCI_HCCPARAMS: return EECP << 8 | HCC_64;
    case OP + EHCI_USBCMD: return fake_ehci.cmd;
    case OP + EHCI_USBSTS: return status();
    case OP + EHCI_PORTSC: return PORT_POWER;
    case OP + EHCI_PORTSC + 4: return fake_ehci.port;
    }
    fail_msg("read of %#x", reg);
    return 0;
}

static void write32(void *ctx, uint32_t reg, uint32_t v)
{
    if (disk_bench.is_gone || disk_bench.is_noise)
        return;
    switch (reg) {
    case OP + EHCI_USBCMD: set_command(v); return;
    case OP + EHCI_USBSTS: fake_ehci.sts &= ~(v & STS_EVENTS); return;
    case OP + EHCI_USBINTR: fake_ehci.intr = v; return;
    case OP + EHCI_SEGMENT: assert_int_equal(v, 0); return;
    case OP + EHCI_ASYNC: fake_ehci.list = v; return;
    case OP + EHCI_CONFIGFLAG: fake_ehci.configflag = v; return;
    case OP + EHCI_PORTSC: return;
    case OP + EHCI_PORTSC + 4: set_port(v); return;
    }
    fail_msg("write of %#x", reg);
}

static uint32_t config_read32(void *ctx, unsigned reg)
{
    return reg == EECP ? fake_ehci.legacy : 0;
}

static void config_write32(void *ctx, unsigned reg, uint32_t v)
{
    if (reg != EECP)
        return;
    fake_ehci.legacy = v;
    if ((v & LEGACY_OS) && !fake_ehci.firmware_stays)
        fake_ehci.legacy &= ~LEGACY_FIRMWARE;
}

const struct bus fake_ehci_bus = {
    .read32 = read32, .write32 = write32, .config_read32 = config_read32,
    .config_write32 = config_write32, DISK_BENCH_BUS,
};

void fake_ehci_make(void)
{
    memset(&fake_ehci, 0, sizeof fake_ehci);
    fake_ehci.legacy = LEGACY_ID;
    fake_ehci.sts = STS_HALTED;
}
