/* See fake_usb.h. */
#include "tests/unit/fake_usb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fake_hid.h"

struct fake_usb fake_usb;

static const uint8_t descriptor[18] = {
    18, 1, 0, 2, 0, 0, 0, 64, 0x81, 0x07, 0x67, 0x55, 0, 1, 1, 2, 3, 1
};
static const uint8_t config[32] = {
    9, 2, 32, 0, 1, 1, 0, 0x80, 50,
    9, 4, 0, 0, 2, 8, 6, 0x50, 0,
    7, 5, 0x81, 2, 0, 2, 0,
    7, 5, 0x02, 2, 0, 2, 0,
};
static const uint8_t hub_descriptor[18] = {
    18, 1, 0, 2, 9, 0, 1, 64, 0x87, 0x80, 0x24, 0, 0, 0, 0, 0, 0, 1
};
static const uint8_t hub_config[25] = {
    9, 2, 25, 0, 1, 1, 0, 0xe0, 0,
    9, 4, 0, 0, 1, 9, 0, 0, 0,
    7, 5, 0x81, 3, 1, 0, 12,
};
static const uint8_t hub_ports[9] = { 9, 0x29, 4, 0, 0, 10, 0, 0, 0xff };

void fake_usb_make(void)
{
    static const char serial[] = "SERIAL 42";

    memset(&fake_usb, 0, sizeof fake_usb);
    fake_hid.parts = 0;
    memcpy(fake_usb.descriptor, descriptor, sizeof descriptor);
    memcpy(fake_usb.config, config, sizeof config);
    fake_usb.serial[0] = 2 + 2 * 9;
    fake_usb.serial[1] = 3;
    for (unsigned i = 0; i < 9; i++)
        fake_usb.serial[2 + 2 * i] = (uint8_t)serial[i];
    fake_usb.speed = 3;
    fake_usb.block_bytes = 512;
    fake_usb.blocks = FAKE_USB_BYTES / 512;
    fake_usb.device[0].is_there = true;
}

void fake_usb_add_hub(void)
{
    fake_usb.has_hub = true;
    fake_usb.device[1].is_there = true;
}

void fake_usb_plug(bool in)
{
    struct fake_usb_device *d = &fake_usb.device[fake_usb.has_hub];

    *d = (struct fake_usb_device){ .is_there = in };
    fake_usb.changed = true;
    fake_usb.phase = FAKE_COMMAND;
    fake_usb.halted[0] = fake_usb.halted[1] = false;
}

static void reset(unsigned which)
{
    struct fake_usb_device *d = &fake_usb.device[which];

    *d = (struct fake_usb_device){ .is_there = d->is_there, .answers_0 = true };
    if (which == fake_usb.has_hub) {
        fake_usb.phase = FAKE_COMMAND;
        fake_usb.halted[0] = fake_usb.halted[1] = false;
        fake_usb.resets++;
        if (fake_hid.parts)
            fake_hid_reset();
    }
}

void fake_usb_reset(void) { reset(0); }

/* ---- Control ------------------------------------------------------------- */

static enum fake_usb_result give(uint8_t *data, uint32_t *actual, uint32_t most,
                                 const uint8_t *from, uint32_t len)
{
    *actual = len < most ? len : most;
    memcpy(data, from, *actual);
    return FAKE_OK;
}

static enum fake_usb_result get_descriptor(bool is_hub, unsigned value,
                                           uint8_t *data, uint32_t most,
                                           uint32_t *actual)
{
    static const uint8_t languages[4] = { 4, 3, 9, 4 };

    switch (value) {
    case 0x100:
        return give(data, actual, most,
                    is_hub ? hub_descriptor : fake_usb.descriptor, 18);
    case 0x200:
        return is_hub ? give(data, actual, most, hub_config, 25)
                      : give(data, actual, most, fake_usb.config,
                             fake_usb.config[2]);
    case 0x300:
        return give(data, actual, most, languages, 4);
    case 0x303:
        return give(data, actual, most, fake_usb.serial, fake_usb.serial[0]);
    }
    return FAKE_STALL;
}

static enum fake_usb_result hub_request(const uint8_t *s, unsigned value,
                                        uint8_t *data, uint32_t *actual)
{
    const struct fake_usb_device *d = &fake_usb.device[1];
    bool is_2 = s[4] == 2;
    uint8_t status[4] = { 0 };

    switch (s[0] << 8 | s[1]) {
    case 0xa006:
        return give(data, actual, s[6], hub_ports, sizeof hub_ports);
    case 0x2303:
        assert_true(s[4] >= 1 && s[4] <= 4);
        if (value == 4) {
            assert_true(is_2);
            reset(1);
        } else {
            assert_int_equal(value, 8);
            fake_usb.hub_powered = true;
        }
        return FAKE_OK;
    case 0x2301:
        assert_int_equal(value, 16);
        fake_usb.changed = false;
        return FAKE_OK;
    case 0xa300:
        status[1] = 1;
        if (is_2 && d->is_there && fake_usb.hub_powered) {
            status[0] = 1 | (d->answers_0 || d->address ? 2 : 0);
            status[1] |= fake_usb.is_low_speed ? 2 : 4;
        }
        status[2] = is_2 && fake_usb.changed;
        return give(data, actual, 4, status, 4);
    }
    return FAKE_STALL;
}

static enum fake_usb_result storage_request(const uint8_t *s, unsigned value,
                                            uint8_t *data, uint32_t *actual)
{
    switch (s[0] << 8 | s[1]) {
    case 0xa1fe:
        return give(data, actual, 1, &fake_usb.max_lun, 1);
    case 0x21ff:
        fake_usb.phase = FAKE_COMMAND;
        return FAKE_OK;
    case 0x0201:
        assert_int_equal(value, 0);
        fake_usb.halted[!(s[4] & 0x80)] = false;
        return FAKE_OK;
    }
    return FAKE_STALL;
}

/* True: this transfer of the stick's is another thing. */
static bool has_fault(unsigned which, enum fake_usb_result *result)
{
    if (which != fake_usb.has_hub)
        return false;
    fake_usb.transfers++;
    if (!fake_usb.fault_at || fake_usb.transfers < fake_usb.fault_at ||
        fake_usb.transfers > fake_usb.fault_at + fake_usb.fault_count)
        return false;
    if (fake_usb.unplugs)
        fake_usb_plug(false);
    *result = fake_usb.unplugs ? FAKE_ERROR : fake_usb.fault;
    return true;
}

enum fake_usb_result fake_usb_control(unsigned which, const uint8_t *s,
                                      uint8_t *data, uint32_t *actual)
{
    struct fake_usb_device *d = &fake_usb.device[which];
    bool is_hub = fake_usb.has_hub && !which;
    unsigned value = s[2] | s[3] << 8;
    enum fake_usb_result result;

    *actual = 0;
    if (!d->is_there)
        return FAKE_ERROR;
    if (has_fault(which, &result))
        return result;
    switch (s[0] << 8 | s[1]) {
    case 0x0005:
        assert_true(d->answers_0 && value && value < 128);
        d->address = (uint8_t)value;
        d->answers_0 = false;
        return FAKE_OK;
    case 0x0009:
        d->configured = (uint8_t)value;
        return FAKE_OK;
    case 0x8006:
        return get_descriptor(is_hub, value, data, s[6] | s[7] << 8, actual);
    }
    assert_true(d->configured);
    if (!is_hub && fake_hid.parts)
        return fake_hid_request(s, data);
    return is_hub ? hub_request(s, value, data, actual)
                  : storage_request(s, value, data, actual);
}

/* ---- SCSI ---------------------------------------------------------------- */

static uint32_t get_be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static void put_be(uint8_t *p, uint64_t v, unsigned bytes)
{
    for (; bytes--; v >>= 8)
        p[bytes] = (uint8_t)v;
}

static void fail_with(uint8_t key, uint8_t asc, uint8_t ascq)
{
    fake_usb.status = 1;
    fake_usb.last_sense[0] = key;
    fake_usb.last_sense[1] = asc;
    fake_usb.last_sense[2] = ascq;
    fake_usb.answer_bytes = 0;
}

static void move_blocks(const uint8_t *c, bool is_write, bool is_16)
{
    uint64_t block = is_16 ? (uint64_t)get_be(c + 2) << 32 | get_be(c + 6)
                           : get_be(c + 2);
    uint32_t count = is_16 ? get_be(c + 10) : (uint32_t)(c[7] << 8 | c[8]);

    if (block >= fake_usb.blocks || count > fake_usb.blocks - block) {
        fail_with(5, 0x21, 0);
        return;
    }
    if (is_write && fake_usb.read_only) {
        fail_with(7, 0x27, 0);
        return;
    }
    assert_int_equal(fake_usb.left, count * fake_usb.block_bytes);
    fake_usb.at = block * fake_usb.block_bytes % FAKE_USB_BYTES;
    *(is_write ? &fake_usb.writes : &fake_usb.reads) += 1;
}

static void answer(uint32_t bytes)
{
    fake_usb.answer_bytes = bytes;
    fake_usb.phase = FAKE_IN;
}

static void inquiry(void)
{
    uint8_t *a = fake_usb.answer;

    a[0] = fake_usb.inquiry_type;
    a[4] = 31;
    memcpy(a + 8, "Maker   Stick of tests  1.0 ", 28);
    answer(36);
}

static void capacity(bool is_16)
{
    uint8_t *a = fake_usb.answer;
    bool is_large = fake_usb.blocks > 0xffffffff;

    put_be(a, is_16 ? fake_usb.blocks - 1
                    : is_large ? 0xffffffff : fake_usb.blocks - 1,
           is_16 ? 8 : 4);
    put_be(a + (is_16 ? 8 : 4), fake_usb.block_bytes, 4);
    answer(is_16 ? 32 : 8);
}

static void request_sense(void)
{
    uint8_t *a = fake_usb.answer;

    a[0] = 0x70;
    a[2] = fake_usb.last_sense[0];
    a[7] = 10;
    a[12] = fake_usb.last_sense[1];
    a[13] = fake_usb.last_sense[2];
    answer(18);
}

static void execute(void)
{
    const uint8_t *c = fake_usb.cdb;

    fake_usb.status = 0;
    fake_usb.answer_bytes = 0;
    memset(fake_usb.answer, 0, sizeof fake_usb.answer);
    fake_usb.phase = !fake_usb.left ? FAKE_STATUS
                     : fake_usb.is_from_device ? FAKE_IN : FAKE_OUT;
    if (c[0] == 0x03) {
        request_sense();
        return;
    }
    if (fake_usb.senses_told < fake_usb.senses && c[0] != 0x12) {
        const uint8_t *s = fake_usb.sense[fake_usb.senses_told++];

        fail_with(s[0], s[1], s[2]);
        return;
    }
    switch (c[0]) {
    case 0x00: return;
    case 0x12: inquiry(); return;
    case 0x1a:
        fake_usb.answer[0] = 3;
        fake_usb.answer[2] = fake_usb.read_only ? 0x80 : 0;
        answer(4);
        return;
    case 0x25: capacity(false); return;
    case 0x9e: capacity(true); return;
    case 0x28: move_blocks(c, false, false); return;
    case 0x2a: move_blocks(c, true, false); return;
    case 0x88: move_blocks(c, false, true); return;
    case 0x8a: move_blocks(c, true, true); return;
    case 0x35:
        if (fake_usb.no_flush)
            fail_with(5, 0x20, 0);
        else
            fake_usb.flushes++;
        return;
    }
    fail_msg("SCSI command %#x", c[0]);
}

/* ---- Bulk-only transport ------------------------------------------------- */

static enum fake_usb_result command(const uint8_t *cbw, uint32_t len)
{
    assert_int_equal(fake_usb.phase, FAKE_COMMAND);
    assert_int_equal(len, 31);
    assert_memory_equal(cbw, "USBC", 4);
    assert_int_equal(cbw[13], 0);
    memcpy(&fake_usb.tag, cbw + 4, 4);
    memcpy(&fake_usb.left, cbw + 8, 4);
    fake_usb.is_from_device = cbw[12] == 0x80;
    memset(fake_usb.cdb, 0, 16);
    memcpy(fake_usb.cdb, cbw + 15, cbw[14]);
    execute();
    return FAKE_OK;
}

static enum fake_usb_result status(uint8_t *data, uint32_t len,
                                   uint32_t *actual)
{
    uint8_t csw[13] = "USBS";
    uint32_t tag = fake_usb.tag ^ (fake_usb.bad_tag ? 1 : 0);
    uint32_t residue = fake_usb.bad_residue ? fake_usb.left + 1 + 0x10000
                                            : fake_usb.left;

    assert_int_equal(len, 13);
    if (fake_usb.empty_status) {
        fake_usb.empty_status = false;
        *actual = 0;
        return FAKE_OK;
    }
    memcpy(csw + 4, &tag, 4);
    memcpy(csw + 8, &residue, 4);
    csw[12] = fake_usb.phase_error ? 2 : fake_usb.status;
    csw[0] = fake_usb.bad_signature ? 'X' : 'U';
    *actual = fake_usb.short_status ? 12 : 13;
    memcpy(data, csw, *actual);
    fake_usb.bad_tag = fake_usb.bad_residue = fake_usb.phase_error = false;
    fake_usb.bad_signature = fake_usb.short_status = false;
    fake_usb.phase = FAKE_COMMAND;
    return FAKE_OK;
}

/* Data for the host: a disk's, or an answer; a stall where there is none. */
static enum fake_usb_result data_in(uint8_t *data, uint32_t len,
                                    uint32_t *actual)
{
    bool is_disk = fake_usb.cdb[0] == 0x28 || fake_usb.cdb[0] == 0x88;

    fake_usb.phase = FAKE_STATUS;
    if (fake_usb.status || (!is_disk && !fake_usb.answer_bytes)) {
        fake_usb.halted[0] = true;
        return FAKE_STALL;
    }
    if (!is_disk) {
        give(data, actual, len, fake_usb.answer, fake_usb.answer_bytes);
    } else {
        *actual = len - (fake_usb.short_read ? fake_usb.block_bytes : 0);
        assert_true(fake_usb.at + *actual <= FAKE_USB_BYTES);
        memcpy(data, fake_usb.data + fake_usb.at, *actual);
    }
    fake_usb.left -= *actual;
    return FAKE_OK;
}

static enum fake_usb_result data_out(const uint8_t *data, uint32_t len,
                                     uint32_t *actual)
{
    fake_usb.phase = FAKE_STATUS;
    if (fake_usb.status) {
        fake_usb.halted[1] = true;
        return FAKE_STALL;
    }
    assert_int_equal(len, fake_usb.left);
    assert_true(fake_usb.at + len <= FAKE_USB_BYTES);
    memcpy(fake_usb.data + fake_usb.at, data, len);
    fake_usb.left = 0;
    *actual = len;
    return FAKE_OK;
}

enum fake_usb_result fake_usb_bulk(unsigned which, uint8_t endpoint,
                                   uint8_t *data, uint32_t len,
                                   uint32_t *actual)
{
    bool is_in = endpoint & 0x80;
    enum fake_usb_result result;

    *actual = 0;
    if (!fake_usb.device[which].is_there)
        return FAKE_ERROR;
    assert_int_equal(which, fake_usb.has_hub);
    assert_true(fake_usb.device[which].configured);
    if (fake_hid.parts) {
        if (!has_fault(which, &result))
            return fake_hid_interrupt(endpoint, data, len, actual);
        fake_hid.part[(endpoint & 0xf) - 1].halted |= result == FAKE_STALL;
        return result;
    }
    if (fake_usb.halted[!is_in])
        return FAKE_STALL;
    if (has_fault(which, &result)) {
        fake_usb.halted[!is_in] |= result == FAKE_STALL;
        if (result == FAKE_STALL && fake_usb.phase != FAKE_COMMAND)
            fake_usb.phase = FAKE_STATUS;       /* the data ends */
        return result;
    }
    if (!is_in)
        return fake_usb.phase == FAKE_OUT ? data_out(data, len, actual)
                                          : (*actual = len, command(data, len));
    if (fake_usb.phase == FAKE_IN)
        return data_in(data, len, actual);
    return fake_usb.phase == FAKE_STATUS ? status(data, len, actual) : FAKE_NAK;
}
