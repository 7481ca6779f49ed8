/*
 * Tests that every driver of a NIC with rings passes, over its test's own
 * register model of the chip; and the rest of the bus that such a model needs.
 */
#ifndef TESTS_UNIT_NIC_HARNESS_H
#define TESTS_UNIT_NIC_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/bus.h"
#include "drivers/net/nic.h"

#define NIC_ALLOCATIONS 16
#define NIC_POOL_SIZE 1024u     /* buffers of each driver's pool */

struct nic_bench {
    struct nic *nic;
    struct nic_buf *got[2000];  /* what nic->receive was given */
    unsigned got_count;
    unsigned freed;             /* of buffers that were sent */
    unsigned irq_armed;
    void *memory[NIC_ALLOCATIONS];
    uint64_t limit[NIC_ALLOCATIONS];    /* max_address asked for */
    struct {
        uint8_t *at;
        size_t bytes;
    } piece[NIC_ALLOCATIONS];   /* the same, wherever it lies */
    unsigned memories;
    bool is_noise;              /* registers answer nic_bench_noise() and take
                                 * nothing: the model sees to that */
    bool is_gone;               /* or they read ones: the model, too */
    bool is_deaf;               /* resets do nothing, and are never over: the
                                 * model, too */
    bool keeps_master;          /* nor can its DMA be turned off */
    bool is_no_master;          /* it was */
    /* The chip's addresses have 32 bits and the driver copies nothing: all lies
     * where it reaches it. Set before anything is allocated. */
    bool is_32_bit;
    /* The model's: what it has sent; and whether it holds frames back. */
    bool hold_tx;
    unsigned sent;
    uint8_t last[2048];
    size_t last_len;
    unsigned tx_room;           /* frames that the ring takes */
    void (*resume)(void);       /* send what was held back */
    /* A good frame from the wire; false: no descriptor, counted as missed. */
    bool (*wire)(const void *frame, size_t len);
};
extern struct nic_bench bench;

/* struct bus: dma_alloc, delay_us, arm_irq and set_master. */
void *nic_bench_dma(void *ctx, size_t bytes, uint64_t max, uint64_t *phys);
void nic_bench_delay(void *ctx, unsigned us);
void nic_bench_arm(void *ctx);
bool nic_bench_master(void *ctx, bool on);

/* Give `nic` a receiver and open it: what open() says. */
int nic_bench_open(struct nic *nic);
/* The model sends this frame. */
void nic_bench_sent(const void *frame, size_t len);
/*
 * Whether a station hears `frame`, by what its filter lets through beside its
 * own address: all of other stations, of groups, broadcasts. It writes memory.
 */
bool nic_bench_hears(const void *frame, bool others, bool groups,
                     bool broadcasts);
/* For transmit: `frame`, or a copy where is_32_bit asks for one; freeing it
 * counts. */
struct nic_buf nic_bench_buf(void *frame, uint32_t len);
void nic_bench_free_got(void);
/* So many polls that a driver looks at link and statistics. */
void nic_bench_slow(void);
/* cmocka's teardown: what the model's chip could reach. */
int nic_bench_teardown(void **state);

/* Any 32 bits. */
uint32_t nic_bench_noise(void);

void nic_test_receive_in_order(void **state);
void nic_test_starved_pool(void **state);
void nic_test_transmit(void **state);
void nic_test_close(void **state);
void nic_test_every_address(void **state);
/* For models that know is_deaf. */
void nic_test_no_answer(void **state);
/* For models that know is_noise. */
void nic_test_noise(void **state);
/* For models that know is_gone. */
void nic_test_pulled_out(void **state);

#define NIC_TEST(f, setup) \
    cmocka_unit_test_setup_teardown(f, setup, nic_bench_teardown)
#define NIC_TESTS(setup) \
    NIC_TEST(nic_test_receive_in_order, setup), \
    NIC_TEST(nic_test_starved_pool, setup), \
    NIC_TEST(nic_test_transmit, setup), \
    NIC_TEST(nic_test_close, setup), \
    NIC_TEST(nic_test_every_address, setup), \
    NIC_TEST(nic_test_no_answer, setup)

#endif
