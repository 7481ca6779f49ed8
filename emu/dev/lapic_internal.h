/*
 * The inside of the local APIC.
 *
 *   lapic.c           registers, reset
 *   lapic_deliver.c   interrupts: sources, messages, priorities
 *   lapic_timer.c     the timer
 */
#ifndef EMU_DEV_LAPIC_INTERNAL_H
#define EMU_DEV_LAPIC_INTERNAL_H

#include "emu/dev/catch_up.h"
#include "emu/dev/lapic.h"

enum lapic_lvt {
    LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR,
    LVT_COUNT
};

/* LVT and ICR fields (10.5.1, 10.6.1) */
#define LVT_VECTOR      0x000000ffu
#define LVT_MODE        0x00000700u
#define LVT_POLARITY    0x00002000u     /* active low */
#define LVT_REMOTE_IRR  0x00004000u
#define LVT_LEVEL       0x00008000u
#define LVT_MASKED      0x00010000u
#define LVT_PERIODIC    0x00020000u
#define SVR_ENABLE      0x00000100u

/* Error status (10.5.3) */
#define ESR_SEND_VECTOR    0x20u
#define ESR_RECEIVE_VECTOR 0x40u
#define ESR_REGISTER       0x80u

#define LAPIC_LINTS 2u

/* 256 bits, one for each vector. */
struct vector_set {
    uint32_t word[8];
};

/* What the timer counts down; see lapic_timer.c. */
struct lapic_timer {
    uint32_t initial;
    uint32_t divide;            /* the register */
    bool running;
    uint32_t base_count;        /* the count... */
    uint64_t base_ns;           /* ...at this time */
    bool again;                 /* periods that were missed come later */
    struct catch_up catch_up;
};

struct lapic {
    struct device dev;
    struct lapic_wires wires;
    bool enabled;               /* IA32_APIC_BASE */
    bool pin[LAPIC_LINTS];      /* levels of LINT0, LINT1 */
    bool intr_level;            /* as last told to the core */
    bool extint_message;        /* an ExtINT message waits */

    uint8_t id, tpr, ldr, dfr;  /* their used bits */
    uint32_t svr, icr_low, icr_high;
    uint32_t esr, esr_pending;  /* as read; since the last write */
    uint32_t lvt[LVT_COUNT];
    struct vector_set isr, tmr, irr;
    struct lapic_timer timer;
};

/* lapic_deliver.c */
static inline enum apic_mode lvt_mode(uint32_t lvt)
{
    return (enum apic_mode)((lvt & LVT_MODE) >> 8);
}
uint8_t lapic_ppr(const struct lapic *l);
uint8_t lapic_apr(const struct lapic *l);
/* Drive INTR after anything that it depends on has changed. */
void lapic_update(struct lapic *l);
/* An interrupt that was made here: timer or error. */
void lapic_local_interrupt(struct lapic *l, enum lapic_lvt n);
/* After LINT0's or LINT1's entry was written. */
void lapic_lint_written(struct lapic *l);
void lapic_error(struct lapic *l, uint32_t bit);
void lapic_eoi(struct lapic *l);
/* The low half of the ICR was written: send. */
void lapic_send(struct lapic *l);

/* lapic_timer.c */
void lapic_timer_create(struct lapic *l, bool again);
void lapic_timer_state(struct lapic_timer *t, struct state *s);
/* After loading: watch for what the timer waits for. */
void lapic_timer_loaded(struct lapic *l);
void lapic_timer_reset(struct lapic *l);
uint32_t lapic_timer_current(const struct lapic *l);
void lapic_timer_set_initial(struct lapic *l, uint32_t v);
void lapic_timer_set_divide(struct lapic *l, uint32_t v);
/* Take what has run out until now; call before the LVT entry changes. */
void lapic_timer_sync(struct lapic *l);
/* Arm for what comes next; call after the LVT entry changed. */
void lapic_timer_arm(struct lapic *l);
unsigned lapic_timer_divisor(const struct lapic *l);

#endif
