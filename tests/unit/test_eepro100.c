/*
 * The PRO/100 driver against a register model that works by the developer
 * manual. Its receive unit reads each descriptor's command and link when it
 * comes to it, long before the frame: what is appended later it may not see.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/net/eepro100.h"
#include "drivers/net/eepro100_regs.h"
#include "drivers/net/nic_pool.h"
#include "tests/unit/fake_dma.h"
#include "tests/unit/nic_harness.h"

#define RING 128u
#define EVENT_FR 0x40u
#define EVENT_CNA 0x20u
#define EVENT_RNR 0x10u
#define CONFIG_MII 8
#define CONFIG_FILTER 15
#define CONFIG_LONG 18
#define CONFIG_GROUPS 21

static const uint8_t mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

static struct model {
    bool is_gone;
    bool is_late;               /* "complete" comes first, the rest when a
                                 * register is read */
    struct {
        struct eepro_rfd *at;
        uint8_t frame[64];
        uint16_t count;
    } late;
    uint8_t ru, events, mask;
    bool cu_active;
    uint32_t pointer;
    uint8_t stuck;              /* a command that is never accepted */
    uint32_t cu_at, ru_at, ru_link, stats_at;
    uint16_t ru_command;        /* as read when it came to that descriptor */
    bool no_answer;             /* commands are taken, blocks not executed */
    bool fails;                 /* executed, and not OK */
    uint8_t config[CONFIGURE_BYTES], ia[6];
    unsigned runs, resets, ru_starts;
    struct eepro_stats stats;
    /* EEPROM: bits so far since CS rose, and what it sends. */
    unsigned address_bits, bits;
    bool started, clock, out;
    uint32_t shift;
    uint16_t word[3], data;
    /* MDI. */
    unsigned phy;
    uint16_t bmsr;
    uint32_t mdi;
} model;

static struct nic *nic;

static void event(uint8_t e) { model.events |= e; }

/* ---- EEPROM -------------------------------------------------------------- */

static void eeprom_bit(bool in)
{
    unsigned bit;

    if (!model.started) {
        model.started = in;
        return;
    }
    bit = model.bits++;
    if (bit < 2 + model.address_bits) {
        model.shift = model.shift << 1 | in;
        if (bit + 1 < 2 + model.address_bits)
            return;
        assert_int_equal(model.shift >> model.address_bits, 2);
        model.data = model.word[model.shift & 3];
        model.out = false;
        return;
    }
    model.out = model.data & 0x8000;
    model.data <<= 1;
}

static void write_eeprom(uint16_t v)
{
    bool clock = v & EEPROM_SK;

    if (!(v & EEPROM_CS)) {
        model.started = model.clock = false;
        model.bits = model.shift = 0;
        model.out = true;
        return;
    }
    if (clock && !model.clock)
        eeprom_bit(v & EEPROM_DI);
    model.clock = clock;
}

/* ---- Command unit -------------------------------------------------------- */

static uint16_t execute(struct eepro_block *b)
{
    struct eepro_send *s = (struct eepro_send *)b;

    switch (b->command & 7) {
    case CB_CONFIGURE:
        memcpy(model.config, b->data, sizeof model.config);
        break;
    case CB_IA:
        memcpy(model.ia, b->data, sizeof model.ia);
        break;
    case CB_TRANSMIT:
        assert_int_equal(b->command & ~CB_EL, CB_TRANSMIT | CB_FLEXIBLE);
        assert_int_equal(s->bytes, 0);
        assert_int_equal(s->buffer_count, 1);
        assert_ptr_equal(fake_dma_at(s->buffers), &s->addr);
        nic_bench_sent(fake_dma_at(s->addr), s->len);
        break;
    default:
        fail();
    }
    return CB_COMPLETE | (model.fails ? 0 : CB_OK);
}

static void cu_run(void)
{
    while (model.cu_active && !model.no_answer) {
        struct eepro_block *b = fake_dma_at(model.cu_at);

        if ((b->command & 7) == CB_TRANSMIT && bench.hold_tx)
            return;
        assert_int_equal(b->status, 0);         /* nothing is sent twice */
        model.runs++;
        b->status = execute(b);
        model.cu_at = b->link;
        if (b->command & CB_EL) {
            model.cu_active = false;
            event(EVENT_CNA);
        }
    }
}

/* ---- Receive unit -------------------------------------------------------- */

static void ru_come_to(uint32_t at)
{
    const struct eepro_rfd *d = fake_dma_at(at);

    model.ru_at = at;
    model.ru_command = d->command;
    model.ru_link = d->link;
}

static bool wire_as(const void *frame, size_t len, uint16_t status,
                    uint16_t count)
{
    struct eepro_rfd *d = fake_dma_at(model.ru_at);

    if (model.ru != STATUS_RU_READY) {
        model.stats.rx_no_resource++;
        event(EVENT_RNR);
        return false;
    }
    if (!nic_bench_hears(frame, model.config[CONFIG_FILTER] & 1,
                         model.config[CONFIG_GROUPS] & 8,
                         !(model.config[CONFIG_FILTER] & 2)))
        return false;
    assert_int_equal(d->status, 0);
    assert_true(len <= d->size);
    if (model.is_late) {
        assert_true(len <= sizeof model.late.frame && !model.late.at);
        model.late.at = d;
        model.late.count = count;
        memcpy(model.late.frame, frame, len);
    } else {
        memcpy(d + 1, frame, len);
        d->count = count;
    }
    d->status = status;
    event(EVENT_FR);
    if (model.ru_command & CB_EL) {
        model.ru = 2 << 2;
        event(EVENT_RNR);
    } else {
        ru_come_to(model.ru_link);
    }
    return true;
}

static bool wire(const void *frame, size_t len)
{
    return wire_as(frame, len, CB_COMPLETE | CB_OK, 0xc000 | len);
}

/* ---- Registers ----------------------------------------------------------- */

static void write_command(uint8_t v)
{
    switch (v) {
    case CU_START:
        assert_false(model.cu_active);
        model.cu_active = true;
        model.cu_at = model.pointer;
        cu_run();
        break;
    case RU_START:
        assert_int_not_equal(model.ru, STATUS_RU_READY);
        model.ru = STATUS_RU_READY;
        model.ru_starts++;
        ru_come_to(model.pointer);
        break;
    case CU_STATS_AT:
        model.stats_at = model.pointer;
        break;
    case CU_DUMP_RESET:
        model.stats.done = STATS_DONE;
        memcpy(fake_dma_at(model.stats_at), &model.stats, sizeof model.stats);
        memset(&model.stats, 0, sizeof model.stats);
        break;
    default:
        assert_true(v == CU_BASE || v == RU_BASE);
        assert_int_equal(model.pointer, 0);
    }
}

static void finish_late_frame(void)
{
    struct eepro_rfd *d = model.late.at;

    if (!d)
        return;
    memcpy(d + 1, model.late.frame, sizeof model.late.frame);
    d->count = model.late.count;
    model.late.at = NULL;
}

static uint8_t m_read8(void *ctx, uint32_t reg)
{
    finish_late_frame();
    if (bench.is_noise)
        return nic_bench_noise();
    if (model.is_gone)
        return 0xff;
    switch (reg) {
    case EEPRO_STATUS:
        return model.ru | (model.cu_active ? STATUS_CU_BUSY : 0);
    case EEPRO_ACK: return model.events;
    case EEPRO_COMMAND: return model.stuck;
    default: fail(); return 0;
    }
}

static void m_write8(void *ctx, uint32_t reg, uint8_t v)
{
    if (model.is_gone || bench.is_noise)
        return;
    if (reg == EEPRO_ACK)
        model.events &= ~v;
    else if (reg == EEPRO_MASK)
        model.mask = v;
    else if (reg == EEPRO_COMMAND)
        write_command(v);
    else
        fail();
}

static uint16_t m_read16(void *ctx, uint32_t reg)
{
    if (bench.is_noise)
        return nic_bench_noise();
    assert_int_equal(reg, EEPRO_EEPROM);
    return model.is_gone ? 0xffff : model.out ? EEPROM_DO : 0;
}

static void m_write16(void *ctx, uint32_t reg, uint16_t v)
{
    assert_int_equal(reg, EEPRO_EEPROM);
    if (!bench.is_noise)
        write_eeprom(v);
}

static uint32_t m_read32(void *ctx, uint32_t reg)
{
    if (bench.is_noise)
        return nic_bench_noise();
    assert_int_equal(reg, EEPRO_MDI);
    return model.is_gone ? ~0u : model.mdi;
}

static void m_write32(void *ctx, uint32_t reg, uint32_t v)
{
    if (model.is_gone || bench.is_noise)
        return;
    if (reg == EEPRO_POINTER) {
        model.pointer = v;
    } else if (reg == EEPRO_PORT && bench.is_deaf) {
        return;
    } else if (reg == EEPRO_PORT) {
        model.resets++;
        model.ru = model.events = model.mask = 0;
        model.cu_active = false;
    } else {
        assert_int_equal(reg, EEPRO_MDI);
        assert_int_equal(v & 0xfc1fffff, MDI_READ | MII_BMSR << MDI_REG_SHIFT);
        model.mdi = v | MDI_READY;
        if ((v >> MDI_PHY_SHIFT & 31) == model.phy)
            model.mdi |= model.bmsr;
    }
}

static const struct bus bus = {
    .read8 = m_read8, .write8 = m_write8, .read16 = m_read16,
    .write16 = m_write16, .read32 = m_read32, .write32 = m_write32,
    .dma_alloc = nic_bench_dma, .delay_us = nic_bench_delay,
    .arm_irq = nic_bench_arm, .set_master = nic_bench_master,
};

static void set_up_model(void)
{
    memset(&model, 0, sizeof model);
    memset(&bench, 0, sizeof bench);
    bench.is_32_bit = true;
    bench.wire = wire;
    bench.resume = cu_run;
    bench.tx_room = RING - 1;
    model.address_bits = 6;
    for (unsigned i = 0; i < 3; i++)
        model.word[i] = mac[2 * i] | mac[2 * i + 1] << 8;
    model.out = true;
    model.phy = 1;
    model.bmsr = 0x7809 | MII_BMSR_LINK;
}

static int make(uint16_t device, uint8_t revision)
{
    static struct bus_info info;
    struct nic *made = NULL;
    int r;

    info = (struct bus_info){ .vendor = 0x8086, .device = device,
                              .revision = revision, .slot = "00:03.0" };
    r = eepro100_driver.create(&bus, &info, &made);
    if (r)
        return r;
    nic = made;
    return nic_bench_open(nic);
}

static int setup(void **state)
{
    set_up_model();
    return make(0x1209, 9);
}

/* ---- The tests ----------------------------------------------------------- */

static void test_identity(void **state)
{
    assert_memory_equal(nic->mac, mac, 6);
    assert_memory_equal(model.ia, mac, 6);
    assert_string_equal(nic->label, "eepro100 8086:1209 at 00:03.0");
    assert_true(nic->link_up);
    assert_int_equal(model.config[0], CONFIGURE_BYTES);
    assert_true(model.config[CONFIG_FILTER] & 1);
    assert_true(model.config[CONFIG_LONG] & 8);
    assert_int_equal(model.config[CONFIG_MII], 1);
    assert_int_equal(model.mask, MASK_ALL);
    assert_int_equal(model.ru_starts, 1);
}

static void test_82557_with_large_eeprom(void **state)
{
    nic_bench_teardown(NULL);
    set_up_model();
    model.address_bits = 8;
    model.phy = 32;                             /* an 82503: no PHY to ask */
    assert_int_equal(make(0x1229, 1), 0);
    assert_memory_equal(nic->mac, mac, 6);
    assert_false(model.config[CONFIG_LONG] & 8);
    assert_int_equal(model.config[CONFIG_MII], 0);
    assert_true(nic->link_up);
}

static void test_bad_frames_are_counted(void **state)
{
    static uint8_t frame[2000];

    wire_as(frame, 60, CB_COMPLETE, 60);        /* not OK */
    wire_as(frame, 60, CB_COMPLETE | CB_OK, 0xffff);
    wire_as(frame, 60, CB_COMPLETE | CB_OK, 1519);
    wire_as(frame, 60, CB_COMPLETE | CB_OK, 13);
    wire_as(frame, 60, CB_COMPLETE | CB_OK, 0);
    wire(frame, 60);
    assert_int_equal(nic->ops->poll(nic, 100), 6);
    assert_int_equal(bench.got_count, 1);
    assert_int_equal(nic->counters.rx_errors, 3);
    assert_int_equal(nic->counters.rx_oversize, 2);
    nic_bench_free_got();
}

/*
 * The list ends, grows, and ends again, with the receive unit seeing each end
 * too early or in time: no frame is lost as long as there is room, and none
 * comes twice.
 */
static void test_ends_of_the_list(void **state)
{
    uint8_t frame[64] = { 0 };
    unsigned sent = 0, missed = 0, at = 0, starts;

    for (unsigned round = 0; round < 3000; round++) {
        for (unsigned i = 0; i < round % 160; i++) {
            memcpy(frame, &sent, sizeof sent);
            if (wire(frame, 64))
                sent++;
            else
                missed++;
        }
        while (nic->ops->poll(nic, 1 + round % 50))
            continue;
        for (unsigned i = 0; i < bench.got_count; i++, at++)
            assert_memory_equal(bench.got[i]->data, &at, sizeof at);
        nic_bench_free_got();
        assert_int_equal(at, sent);
    }
    starts = model.ru_starts;
    assert_true(starts > 10);
    assert_true(missed < sent / 5);             /* bursts above RING */
    nic_bench_slow();
    nic_bench_slow();
    assert_int_equal(nic->counters.rx_no_buffer, missed);
}

static void test_complete_before_it_is(void **state)
{
    uint8_t frame[64];

    model.is_late = true;
    for (unsigned i = 0; i < 300; i++) {
        memset(frame, (int)i, sizeof frame);
        assert_true(wire(frame, sizeof frame));
        assert_int_equal(nic->ops->poll(nic, 8), 1);
        assert_int_equal(bench.got_count, 1);
        assert_int_equal(bench.got[0]->len, sizeof frame);
        assert_memory_equal(bench.got[0]->data, frame, sizeof frame);
        nic_bench_free_got();
    }
    assert_int_equal(nic->counters.rx_errors, 0);
}

/* The receive unit stopped without a word. */
static void test_receiver_is_started_again(void **state)
{
    uint8_t frame[60] = { 0 };

    model.ru = 0;
    nic_bench_slow();
    assert_int_equal(model.ru, STATUS_RU_READY);
    assert_true(wire(frame, 60));
    assert_int_equal(nic->ops->poll(nic, 1), 1);
    nic_bench_free_got();
}

/* Never a list that grows while it is executed, never above 16 at once. */
static void test_batches(void **state)
{
    static uint8_t frame[60];
    struct nic_buf buf = nic_bench_buf(frame, 60);
    unsigned runs = model.runs;

    bench.hold_tx = true;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    bench.hold_tx = false;
    cu_run();
    assert_int_equal(model.runs - runs, 1);
    bench.hold_tx = true;
    nic->ops->poll(nic, 1);
    bench.hold_tx = false;
    cu_run();
    assert_int_equal(model.runs - runs, 17);
    nic->ops->poll(nic, 1);
    assert_int_equal(model.runs - runs, 100);
    assert_int_equal(bench.freed, 100);
    model.fails = true;
    nic->ops->transmit(nic, &buf);
    nic->ops->poll(nic, 1);
    assert_int_equal(nic->counters.tx_errors, 1);
}

/* A command that is not accepted yet is given again. */
static void test_busy_command(void **state)
{
    static uint8_t frame[60];
    struct nic_buf buf = nic_bench_buf(frame, 60);

    model.stuck = CU_DUMP_RESET;
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    nic_bench_slow();
    assert_int_equal(bench.sent, 0);
    model.stuck = 0;
    nic->ops->poll(nic, 1);
    assert_int_equal(bench.sent, 1);
    assert_int_equal(bench.freed, 1);
}

static void test_link(void **state)
{
    model.bmsr = 0x7809;
    nic_bench_slow();                           /* asks */
    nic_bench_slow();                           /* is answered */
    assert_false(nic->link_up);
    model.bmsr |= MII_BMSR_LINK;
    nic_bench_slow();
    nic_bench_slow();
    assert_true(nic->link_up);
}

static void test_statistics(void **state)
{
    nic_bench_slow();
    model.stats.rx_crc = 1;
    model.stats.rx_alignment = 2;
    model.stats.rx_short = 4;
    model.stats.rx_overrun = 8;
    nic_bench_slow();
    nic_bench_slow();
    assert_int_equal(nic->counters.rx_errors, 7);
    assert_int_equal(nic->counters.rx_no_buffer, 8);
}

static void test_wakeup(void **state)
{
    uint8_t frame[60] = { 0 };

    nic->ops->arm(nic);
    nic->ops->arm(nic);
    assert_int_equal(bench.irq_armed, 1);
    assert_int_equal(model.mask, 0);
    wire(frame, 60);
    assert_int_equal(nic->ops->poll(nic, 1), 1);
    assert_int_equal(model.mask, MASK_ALL);
    assert_int_equal(model.events, 0);
    nic_bench_free_got();
}

static void test_no_start(void **state)
{
    nic->ops->close(nic);
    model.no_answer = true;
    assert_int_equal(nic->ops->open(nic), -EIO);
    assert_false(nic->is_open);
    model.no_answer = false;
    model.fails = true;
    assert_int_equal(nic->ops->open(nic), -EIO);
    model.fails = false;
    model.stuck = 1;
    assert_int_equal(nic->ops->open(nic), -EIO);
    model.stuck = 0;
    assert_int_equal(nic->ops->open(nic), 0);
}

static void test_pulled_out(void **state)
{
    static uint8_t frame[60];
    struct nic_buf buf = nic_bench_buf(frame, 60);

    bench.hold_tx = true;
    nic->ops->transmit(nic, &buf);
    model.is_gone = true;
    nic->ops->arm(nic);
    assert_int_equal(nic->ops->poll(nic, 10), 0);
    assert_false(nic->is_open);
    assert_false(nic->link_up);
    assert_int_equal(bench.freed, 1);
    assert_int_equal(nic->counters.tx_errors, 1);
    assert_int_equal(nic->ops->open(nic), -EIO);
    assert_int_equal(make(0x1209, 9), -EIO);
    model.is_gone = false;
    assert_int_equal(nic->ops->open(nic), 0);
}

static void test_no_eeprom(void **state)
{
    model.word[0] = model.word[1] = model.word[2] = 0;
    assert_int_equal(make(0x1209, 9), -EIO);
    model.word[0] = 0x0001;                     /* a multicast address */
    assert_int_equal(make(0x1209, 9), -EIO);
    model.address_bits = 20;                    /* never answers */
    assert_int_equal(make(0x1209, 9), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        NIC_TESTS(setup),
        NIC_TEST(nic_test_noise, setup),
        NIC_TEST(test_identity, setup),
        NIC_TEST(test_82557_with_large_eeprom, setup),
        NIC_TEST(test_bad_frames_are_counted, setup),
        NIC_TEST(test_ends_of_the_list, setup),
        NIC_TEST(test_complete_before_it_is, setup),
        NIC_TEST(test_receiver_is_started_again, setup),
        NIC_TEST(test_batches, setup),
        NIC_TEST(test_busy_command, setup),
        NIC_TEST(test_link, setup),
        NIC_TEST(test_statistics, setup),
        NIC_TEST(test_wakeup, setup),
        NIC_TEST(test_no_start, setup),
        NIC_TEST(test_pulled_out, setup),
        NIC_TEST(test_no_eeprom, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
