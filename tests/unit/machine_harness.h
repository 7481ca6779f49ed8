/*
 * A whole machine whose CPU runs C: each "instruction" is a call of
 * guest->insn. Interrupts are taken as soon as the PIC asks.
 */
#ifndef TESTS_UNIT_MACHINE_HARNESS_H
#define TESTS_UNIT_MACHINE_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/chardev.h"
#include "emu/cpu/cpu.h"
#include "emu/cpu/engine.h"
#include "emu/machine.h"

#define MIB (1u << 20)
#define MS 1000000ull
#define RAM_BYTES (8 * MIB)
#define BIOS_BYTES (256u << 10)
#define GUEST_IRQS 512u

struct guest {
    struct machine *m;
    uint8_t *ram;
    struct machine_host host;
    uint64_t clock;             /* the host's, ns */
    unsigned log_lines;
    char item[256];             /* the last line of an item */
    unsigned item_lines;
    char debug[64];             /* what was written to port 402h */
    unsigned debug_len;
    struct chardev com1;
    char said[64];              /* what came out of COM1 */
    unsigned said_len;
    /* One "instruction"; true: it was HLT. NULL: it does nothing. */
    bool (*insn)(struct guest *g, struct cpu *c);
    unsigned insn_ns;           /* host time for each */
    unsigned slices;            /* runs of the engine */
    bool ends_apic;             /* interrupts are the local APIC's to end */
    unsigned shutdowns;         /* triple faults still to come */
    uint64_t irq_at[GUEST_IRQS];        /* icount of each interrupt taken */
    unsigned irqs;
    uint64_t changed_addr, changed_len; /* last memory_changed */
    unsigned map_changes;       /* the engine was told of */
};

/* Recognisable bytes. */
extern uint8_t guest_bios[BIOS_BYTES];

/* A config for `g`, which must have its ram; icount_shift -1: real time. */
struct machine_config guest_config(struct guest *g, int icount_shift);
struct guest *guest_new(int icount_shift);
/* The same with a config that `change` made another. */
struct guest *guest_new_as(int icount_shift,
                           void (*change)(struct machine_config *c));
void guest_free(struct guest *g);

const struct cpu_bus *guest_bus(struct guest *g);
void guest_out(struct guest *g, uint16_t port, unsigned size, uint32_t v);
uint32_t guest_in(struct guest *g, uint16_t port, unsigned size);
/* PIC as a PC has it, IRQ0 only; PIT channel 0 at `divisor`. */
void guest_start_tick(struct guest *g, unsigned divisor);
/* Value of a line of `info counters`; 0: not there. */
uint64_t guest_counter(struct guest *g, const char *name);

bool insn_hlt(struct guest *g, struct cpu *c);

#endif
