/*
 * The processor's local APIC (xAPIC; Intel SDM vol. 3, chapter 10), one CPU.
 *
 * Its page is not mapped by the device: the address belongs to the CPU, which
 * moves it by IA32_APIC_BASE (emu/machine_apic.c).
 */
#ifndef EMU_DEV_LAPIC_H
#define EMU_DEV_LAPIC_H

#include "emu/dev/device.h"

struct lapic;

/* Delivery modes, as LVT, ICR and the I/O APIC's entries encode them. */
enum apic_mode {
    APIC_FIXED, APIC_LOWEST, APIC_SMI, APIC_REMOTE_READ, APIC_NMI, APIC_INIT,
    APIC_STARTUP, APIC_EXTINT
};

/* One interrupt on its way to local APICs. */
struct apic_message {
    uint8_t dest;               /* id, or a set in logical mode */
    bool logical;
    bool level;                 /* its EOI is told to the I/O APIC */
    enum apic_mode mode;
    uint8_t vector;
};

/* What the local APIC drives. */
struct lapic_wires {
    void *ctx;
    void (*intr)(void *ctx, bool level);        /* the core's INTR */
    void (*nmi)(void *ctx);
    void (*init)(void *ctx);                    /* INIT to the core */
    /* End of a level-triggered interrupt, broadcast to I/O APICs. */
    void (*eoi)(void *ctx, uint8_t vector);
    /* Messages that were refused before may be accepted now. */
    void (*ready)(void *ctx);
};

/*
 * Starts with a `struct device`. `wires` is copied. `again`: periods of its
 * timer that the guest missed come later. NULL: out of memory.
 */
struct lapic *lapic_create(struct machine *m, const struct lapic_wires *wires,
                           bool again);
void lapic_destroy(struct lapic *l);

/*
 * The global enable of IA32_APIC_BASE. Off, the pins lead to the core as if
 * there were no APIC, and its state is as after power-on when it comes back.
 */
void lapic_set_enabled(struct lapic *l, bool enabled);
/* INIT: as reset, but the id stays (10.4.7.3). */
void lapic_init(struct lapic *l);

/* LINT0: the 8259 pair's INTR. LINT1: the board's NMI. */
void lapic_set_lint0(void *lapic, bool level);
void lapic_set_lint1(void *lapic, bool level);

/* Offer a message. False: not for this APIC, or not accepted now. */
bool lapic_message(struct lapic *l, const struct apic_message *msg);

/*
 * The core's acknowledge of INTR: the vector, or -1 when it is the external
 * controller's (ExtINT).
 */
int lapic_intack(struct lapic *l);

/* This vector is requested, and the core has not taken it yet. */
bool lapic_requested(const struct lapic *l, uint8_t vector);
/* What the 8259 pair asks for can reach the core. */
bool lapic_lint0_open(const struct lapic *l);

/* CR8: bits 7:4 of the task priority (10.8.6.1). `v` is 0..15. */
uint8_t lapic_cr8(const struct lapic *l);
void lapic_set_cr8(struct lapic *l, uint8_t v);

/* Text for the monitor; returns the length it would have liked. */
int lapic_format(const struct lapic *l, char *buf, size_t size);

#endif
