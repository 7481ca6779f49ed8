/*
 * Locks between cores. Interrupts are off while one is held, so that a handler
 * on the same core cannot wait for what it interrupted.
 */
#ifndef KERNEL_METAL_SPINLOCK_H
#define KERNEL_METAL_SPINLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/metal/arch.h"

struct spinlock {
    volatile bool held;
};

/* Returns what spin_unlock must be given. */
static inline uint64_t spin_lock(struct spinlock *l)
{
    uint64_t flags = interrupts_save_off();

    while (__atomic_test_and_set(&l->held, __ATOMIC_ACQUIRE))
        cpu_relax();
    return flags;
}

static inline void spin_unlock(struct spinlock *l, uint64_t flags)
{
    __atomic_clear(&l->held, __ATOMIC_RELEASE);
    interrupts_restore(flags);
}

#endif
