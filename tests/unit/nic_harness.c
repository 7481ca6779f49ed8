/* See nic_harness.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/net/nic_pool.h"
#include "tests/unit/fake_dma.h"
#include "tests/unit/nic_harness.h"

#define RING_MOST 256u
#define SLOW_POLLS 64

struct nic_bench bench;

void *nic_bench_dma(void *ctx, size_t bytes, uint64_t max, uint64_t *phys)
{
    void *p;

    assert_true(bench.memories < NIC_ALLOCATIONS);
    if (bytes > NIC_POOL_BUF_BYTES * RING_MOST) /* the pool: others send it */
        assert_true(max <= NIC_DMA_BELOW);
    if (bench.is_32_bit) {
        p = fake_dma_alloc(bytes, phys);
        bench.memory[bench.memories] = NULL;
    } else {
        p = aligned_alloc(4096, (bytes + 4095) & ~4095ul);
        memset(p, 0, bytes);
        *phys = (uintptr_t)p;
        bench.memory[bench.memories] = p;
    }
    bench.limit[bench.memories] = max;
    bench.piece[bench.memories].at = p;
    bench.piece[bench.memories++].bytes = bytes;
    return p;
}

void nic_bench_delay(void *ctx, unsigned us) { }
void nic_bench_arm(void *ctx) { bench.irq_armed++; }

bool nic_bench_master(void *ctx, bool on)
{
    if (!on && bench.keeps_master)
        return false;
    bench.is_no_master = !on;
    return true;
}

static void receive(struct nic *nic, struct nic_buf *buf)
{
    assert_true(bench.got_count < sizeof bench.got / sizeof *bench.got);
    bench.got[bench.got_count++] = buf;
}

/* Never while the chip can read it. */
static void count_free(struct nic_buf *buf)
{
    assert_true(!bench.is_deaf || bench.is_no_master);
    bench.freed++;
}

int nic_bench_open(struct nic *nic)
{
    bench.nic = nic;
    nic->receive = receive;
    return nic->ops->open(nic);
}

void nic_bench_sent(const void *frame, size_t len)
{
    assert_true(len <= sizeof bench.last);
    assert_false(bench.is_no_master);
    memcpy(bench.last, frame, len);
    bench.last_len = len;
    bench.sent++;
}

bool nic_bench_hears(const void *frame, bool others, bool groups,
                     bool broadcasts)
{
    static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
    const uint8_t *to = frame;

    assert_false(bench.is_no_master);
    if (!memcmp(to, all, 6))
        return broadcasts;
    return to[0] & 1 ? groups : others || !memcmp(to, bench.nic->mac, 6);
}

struct nic_buf nic_bench_buf(void *frame, uint32_t len)
{
    struct nic_buf buf = { frame, (uintptr_t)frame, len, count_free, NULL };

    if (bench.is_32_bit) {
        buf.data = fake_dma_alloc(NIC_MAX_FRAME, &buf.phys);
        memcpy(buf.data, frame, len);
    }
    return buf;
}

void nic_bench_free_got(void)
{
    while (bench.got_count) {
        struct nic_buf *buf = bench.got[--bench.got_count];

        buf->free(buf);
    }
}

void nic_bench_slow(void)
{
    for (unsigned i = 0; i < SLOW_POLLS; i++)
        bench.nic->ops->poll(bench.nic, 0);
}

int nic_bench_teardown(void **state)
{
    while (bench.memories)
        free(bench.memory[--bench.memories]);
    fake_dma_free();
    return 0;
}

void nic_test_receive_in_order(void **state)
{
    struct nic *nic = bench.nic;
    uint8_t frame[1518] = { 0 };
    unsigned n = 0;

    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 20; i++) {
            memcpy(frame, &n, sizeof n);
            assert_true(bench.wire(frame, i ? 60 : 1518));
            n++;
        }
        while (nic->ops->poll(nic, 7))
            continue;
        assert_int_equal(bench.got_count, 20);
        for (unsigned i = 0; i < 20; i++) {
            unsigned id;

            memcpy(&id, bench.got[i]->data, sizeof id);
            assert_int_equal(id, n - 20 + i);
            assert_int_equal(bench.got[i]->len, i ? 60 : 1518);
            assert_int_equal(bench.got[i]->phys,
                             (uintptr_t)bench.got[i]->data);
        }
        nic_bench_free_got();
    }
    assert_int_equal(nic->counters.rx_frames, n);
}

/* The upper side holds every buffer: frames are missed, none is corrupted. */
void nic_test_starved_pool(void **state)
{
    struct nic *nic = bench.nic;
    uint8_t frame[60] = { 0 };
    unsigned missed = 0;

    nic_bench_slow();           /* where counting starts from */
    nic_bench_slow();
    for (unsigned i = 0; i < NIC_POOL_SIZE + 476; i++) {
        missed += !bench.wire(frame, 60);
        nic->ops->poll(nic, 1);
    }
    assert_int_equal(bench.got_count, NIC_POOL_SIZE);
    assert_int_equal(missed, 476);
    nic_bench_free_got();
    nic_bench_slow();
    nic_bench_slow();
    assert_int_equal(nic->counters.rx_no_buffer, missed);
    assert_true(bench.wire(frame, 60));
    nic->ops->poll(nic, 1);
    assert_int_equal(bench.got_count, 1);
    nic_bench_free_got();
}

void nic_test_transmit(void **state)
{
    struct nic *nic = bench.nic;
    static uint8_t frame[NIC_MAX_FRAME];
    struct nic_buf buf;

    memset(frame, 0x5a, sizeof frame);
    buf = nic_bench_buf(frame, sizeof frame);
    buf.len = 60;
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    assert_int_equal(bench.last_len, 60);
    assert_memory_equal(bench.last, frame, 60);
    assert_int_equal(bench.freed, 0);           /* freed by poll */
    nic->ops->poll(nic, 1);
    assert_int_equal(bench.freed, 1);
    buf.len = 1518;
    bench.hold_tx = true;
    for (unsigned i = 0; i < bench.tx_room; i++)
        assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    assert_int_equal(nic->ops->transmit(nic, &buf), -ENOBUFS);
    assert_int_equal(nic->counters.tx_ring_full, 1);
    bench.hold_tx = false;
    bench.resume();
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    nic->ops->poll(nic, 1);
    assert_int_equal(bench.freed, bench.tx_room + 2);
    assert_int_equal(bench.sent, bench.tx_room + 2);
    assert_int_equal(bench.last_len, 1518);
    assert_memory_equal(bench.last, frame, 1518);
    buf.len = 13;
    assert_int_equal(nic->ops->transmit(nic, &buf), -EMSGSIZE);
    buf.len = 1519;
    assert_int_equal(nic->ops->transmit(nic, &buf), -EMSGSIZE);
    assert_int_equal(nic->counters.tx_errors, 2);
}

void nic_test_close(void **state)
{
    struct nic *nic = bench.nic;
    static uint8_t frame[60];
    struct nic_buf buf = nic_bench_buf(frame, 60);

    bench.hold_tx = true;
    nic->ops->transmit(nic, &buf);
    nic->ops->close(nic);
    assert_int_equal(bench.freed, 1);
    assert_int_equal(nic->ops->poll(nic, 1), 0);
    assert_int_equal(nic->ops->open(nic), 0);   /* and it starts again */
    assert_true(bench.wire(frame, 60));
    nic->ops->poll(nic, 1);
    assert_int_equal(bench.got_count, 1);
    nic_bench_free_got();
}

/* A bridge's NIC hears what is for any station, and for any group. */
void nic_test_every_address(void **state)
{
    static const uint8_t to[][6] = {
        { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
        { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 },         /* another station */
        { 0x33, 0x33, 0x00, 0x00, 0x00, 0x01 },         /* IPv6: all nodes */
        { 0x33, 0x33, 0xff, 0x12, 0x34, 0x56 },         /* solicited node */
        { 0x33, 0x33, 0x00, 0x00, 0x00, 0xfb },         /* mDNS */
        { 0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb },
        { 0x01, 0x00, 0x5e, 0x7f, 0xff, 0xfa },         /* SSDP */
        { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e },         /* LLDP */
    };
    uint8_t frame[60] = { 0 };

    for (unsigned i = 0; i < sizeof to / sizeof *to; i++) {
        memcpy(frame, to[i], 6);
        assert_true(bench.wire(frame, sizeof frame));
        bench.nic->ops->poll(bench.nic, 1);
        assert_int_equal(bench.got_count, 1);
        assert_memory_equal(bench.got[0]->data, frame, sizeof frame);
        nic_bench_free_got();
    }
}

/*
 * A chip that does not stop when it is told to may go on reading its frames:
 * they come back once it may not master the bus any more, and if that does not
 * help, once it answers again; each once.
 */
void nic_test_no_answer(void **state)
{
    static uint8_t frame[60];
    struct nic *nic = bench.nic;
    struct nic_buf buf = nic_bench_buf(frame, sizeof frame);

    bench.hold_tx = true;
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    bench.is_deaf = true;
    nic->ops->close(nic);
    assert_int_equal(bench.freed, 1);
    assert_int_equal(nic->counters.resets_unanswered, 1);
    assert_int_equal(nic->counters.dma_unstopped, 0);
    assert_true(nic->ops->open(nic) < 0);
    assert_false(nic->is_open);
    assert_int_equal(nic->ops->transmit(nic, &buf), -ENETDOWN);
    bench.is_deaf = false;
    assert_int_equal(nic->ops->open(nic), 0);
    assert_false(bench.is_no_master);

    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    bench.is_deaf = bench.keeps_master = true;
    nic->ops->close(nic);
    assert_int_equal(bench.freed, 1);
    assert_int_equal(nic->counters.dma_unstopped, 1);
    assert_int_equal(nic->ops->poll(nic, 8), 0);
    assert_true(nic->ops->open(nic) < 0);
    assert_int_equal(bench.freed, 1);
    bench.is_deaf = bench.keeps_master = false;
    assert_int_equal(nic->ops->open(nic), 0);
    assert_int_equal(bench.freed, 2);
    bench.hold_tx = false;
    nic_test_every_address(state);
    assert_int_equal(nic->ops->transmit(nic, &buf), 0);
    nic->ops->poll(nic, 1);
    assert_int_equal(bench.freed, 3);
}

/* Every register reads ones: no link, no statistics, and what it had is lost. */
void nic_test_pulled_out(void **state)
{
    static uint8_t frame[60];
    struct nic *nic = bench.nic;
    struct nic_buf buf = nic_bench_buf(frame, sizeof frame);

    bench.hold_tx = true;
    nic->ops->transmit(nic, &buf);
    bench.is_gone = true;
    nic_bench_slow();
    assert_false(nic->link_up);
    assert_false(nic->is_open);
    assert_int_equal(bench.freed, 1);
    assert_int_equal(nic->counters.tx_errors, 1);
    assert_int_equal(nic->counters.rx_errors, 1);
    assert_int_equal(nic->counters.rx_no_buffer, 0);
    assert_int_equal(nic->counters.rx_oversize, 0);
    assert_int_equal(nic->ops->open(nic), -EIO);
    bench.is_gone = bench.hold_tx = false;
    assert_int_equal(nic->ops->open(nic), 0);
    assert_true(nic->link_up);
}

uint32_t nic_bench_noise(void)
{
    static uint32_t state = 1;

    state = state * 1664525u + 1013904223u;
    return state >> 8 | state << 24;
}

/* A word somewhere in what the chip can write. */
static void scribble(void)
{
    unsigned i = nic_bench_noise() % bench.memories;
    size_t at = nic_bench_noise() % (bench.piece[i].bytes / 4);
    uint32_t v = nic_bench_noise();

    if (v & 1)                  /* and often one where most bits are clear */
        v &= nic_bench_noise() & nic_bench_noise();
    memcpy(bench.piece[i].at + 4 * at, &v, sizeof v);
}

static unsigned noisy_moment(struct nic_buf *buf)
{
    struct nic *nic = bench.nic;
    unsigned taken;

    for (unsigned i = 0; i < 50; i++)
        scribble();
    buf->len = nic_bench_noise() % (NIC_MAX_FRAME + 1);
    taken = nic->is_open && !nic->ops->transmit(nic, buf);
    nic->ops->arm(nic);
    assert_in_range(nic->ops->poll(nic, 8), 0, 8);
    for (unsigned i = 0; i < bench.got_count; i++)
        assert_in_range(bench.got[i]->len, 14, NIC_MAX_FRAME);
    nic_bench_free_got();
    return taken;
}

/*
 * Registers and memory that say anything: only frames come up, every buffer
 * comes back, and a chip that answers again works again.
 */
void nic_test_noise(void **state)
{
    static uint8_t frame[NIC_MAX_FRAME];
    struct nic_buf buf = nic_bench_buf(frame, sizeof frame);
    struct nic *nic = bench.nic;
    unsigned taken = 0;

    for (unsigned round = 0; round < 200; round++) {
        bench.is_noise = true;
        for (unsigned i = 0; i < 100; i++)
            taken += noisy_moment(&buf);
        bench.is_noise = false;
        nic->ops->close(nic);
        assert_int_equal(bench.freed, taken);
        assert_int_equal(nic->ops->open(nic), 0);
        assert_true(bench.wire(frame, 60));
        assert_int_equal(nic->ops->poll(nic, 1), 1);
        assert_int_equal(bench.got_count, 1);
        nic_bench_free_got();
    }
    assert_true(taken);
}

/* Drivers live as long as the host does, so leaks here are none. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }
