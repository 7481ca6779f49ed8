/*
 * The I/O APIC (Intel 82093AA datasheet, 290566), 24 inputs, at FEC00000h.
 */
#ifndef EMU_DEV_IOAPIC_H
#define EMU_DEV_IOAPIC_H

#include "emu/dev/lapic.h"

#define IOAPIC_PINS 24u

struct ioapic;

/*
 * Maps its page. `send`(ctx, message) offers an interrupt to the local APICs;
 * false: refused for now. Starts with a `struct device`. NULL: out of memory.
 */
struct ioapic *ioapic_create(struct machine *m,
                             bool (*send)(void *ctx,
                                          const struct apic_message *msg),
                             void *ctx);
void ioapic_destroy(struct ioapic *io);

/* Drive input n (0..23, others are ignored); an electrical level. */
void ioapic_set_pin(void *ioapic, unsigned n, bool level);
/* A local APIC has ended the level-triggered interrupt `vector`. */
void ioapic_eoi(void *ioapic, uint8_t vector);
/* Offer again what was refused. */
void ioapic_retry(void *ioapic);

/* The vector that input n raises, or -1: it is masked. */
int ioapic_vector(const struct ioapic *io, unsigned n);
/* Input n's interrupt has not been offered, taken or (a level) ended yet. */
bool ioapic_waits(const struct ioapic *io, unsigned n);

/* Text for the monitor; returns the length it would have liked. */
int ioapic_format(const struct ioapic *io, char *buf, size_t size);

#endif
