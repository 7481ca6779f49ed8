/*
 * One counter of an 8254: what its OUT, its count and its registers are at a
 * given time. All times are in ticks of the PIT's clock since virtual time 0,
 * and `now` never goes back. Modes and registers: Intel's 8254 datasheet.
 */
#ifndef EMU_DEV_PIT_COUNTER_H
#define EMU_DEV_PIT_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#include "emu/state.h"

#define PIT_NEVER INT64_MAX
/* A snapshot's times: far beyond any, so that sums do not overflow. */
#define PIT_STATE_TICKS (1ll << 56)

enum pit_rw { PIT_RW_LATCH, PIT_RW_LSB, PIT_RW_MSB, PIT_RW_BOTH };

struct pit_counter {
    uint8_t mode;               /* 0..5 */
    uint8_t rw;                 /* enum pit_rw */
    bool bcd;
    bool gate;
    bool written;               /* a whole count came since the control word */
    bool counting;              /* `start` and `period` are valid */
    bool pending;               /* `reload` has not reached the counter yet */
    bool write_msb, read_msb;   /* of two bytes the high one is next */
    uint8_t low_byte;
    uint32_t reload;            /* as written, 1..65536 */
    uint32_t period;            /* being counted */
    int64_t start;              /* when `period` was loaded */
    int64_t switch_at;          /* modes 2, 3: when a new count takes over */
    int64_t held;               /* modes 0, 4, gate low: ticks counted so far */
    bool count_latched, status_latched;
    uint16_t latch;
    uint8_t status;
};

/* Its port, and the control word's bits for it. */
uint8_t pit_counter_read(struct pit_counter *c, int64_t now);
void pit_counter_write(struct pit_counter *c, uint8_t v, int64_t now);
void pit_counter_control(struct pit_counter *c, uint8_t v);
/* The next reads give what it is now; one that is latched stays so. */
void pit_counter_latch_count(struct pit_counter *c, int64_t now);
void pit_counter_latch_status(struct pit_counter *c, int64_t now);

void pit_counter_set_gate(struct pit_counter *c, bool gate, int64_t now);
/* Modes 2, 3: let a count written earlier take over at its time. */
void pit_counter_sync(struct pit_counter *c, int64_t now);
bool pit_counter_out(const struct pit_counter *c, int64_t now);
/* Modes 2, 3: OUT is a wave. */
bool pit_counter_is_periodic(const struct pit_counter *c);
/* The first rising edge of OUT after tick `after`, or PIT_NEVER. */
int64_t pit_counter_next_edge(const struct pit_counter *c, int64_t after);

void pit_counter_state(struct pit_counter *c, struct state *s);

#endif
