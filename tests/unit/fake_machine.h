/* A machine's services, faked for tests of one device. */
#ifndef TESTS_UNIT_FAKE_MACHINE_H
#define TESTS_UNIT_FAKE_MACHINE_H

#include "emu/dev/device.h"

#define FAKE_RAM_BYTES (1u << 20)

/* Fresh state: time 0, no timers, zeroed 1 MiB of RAM, no counts. */
struct machine *fake_machine_new(void);
void fake_machine_free(struct machine *m);
uint8_t *fake_ram(struct machine *m);
/* Advance virtual time, firing due timers in order. */
void fake_advance(struct machine *m, uint64_t ns);
/* When timer `id` fires, or UINT64_MAX. */
uint64_t fake_timer(struct machine *m, enum timer_id id);
/* Is timer `id` called after interrupts? */
bool fake_watched(struct machine *m, enum timer_id id);
/* Call those that are: the CPU took an interrupt. */
void fake_intack(struct machine *m);
/* What machine_irq_state says of every interrupt (IRQ_TAKEN at first). */
void fake_irq_state(struct machine *m, enum irq_state state);
/* How often machine_count(name) was called. */
unsigned fake_count(struct machine *m, const char *name);
/* Requests seen so far: bit per enum machine_request. */
unsigned fake_requests(struct machine *m);
bool fake_a20(struct machine *m);
/* Port access as the guest would do it, through machine_io_map's routes. */
uint32_t fake_in(struct machine *m, uint16_t port, unsigned size);
void fake_out(struct machine *m, uint16_t port, unsigned size, uint32_t value);

/* An irq_line that records its level and its rising edges. */
struct fake_irq {
    bool level;
    unsigned rises;
};
struct irq_line fake_irq_line(struct fake_irq *irq);

#endif
