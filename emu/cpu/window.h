/*
 * Windows: what a platform with address space to spare offers a translator. A
 * window is a range in which pages of guest RAM, as struct cpu_bus knows it,
 * lie a second time, wherever the translator puts them. Accesses to the rest of
 * it fault, and so do writes to pages that were put there to be read.
 */
#ifndef EMU_CPU_WINDOW_H
#define EMU_CPU_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Code, [exec, exec + size), that may access what faults. */
struct window_code {
    const uint8_t *exec;
    size_t size;
    /*
     * The instruction at `pc`, of this code, has faulted on the byte at `at`
     * (NULL: not for want of a page). The address to go on at, with all
     * registers and flags as they were, or NULL: that should not have been.
     * Called where the fault was, and so not amid code but this.
     */
    const void *(*fault)(void *ctx, const void *pc, const uint8_t *at,
                         bool write);
    void *ctx;
};

/* Sizes and addresses are multiples of 4 KiB. */
struct window_ops {
    /* `size` bytes of which the first `head` are zeroed memory. Or NULL. */
    uint8_t *(*reserve)(size_t size, size_t head);
    void (*release)(uint8_t *base, size_t size);
    /*
     * Let the RAM at `host` be at `at`, too, in place of what was there. 0;
     * -EINVAL: that is no such memory; -ENOMEM: too many pieces are mapped.
     */
    int (*map)(uint8_t *at, const uint8_t *host, size_t size, bool write);
    /* 0; -ENOMEM: too many pieces would be left, so that all is as it was. */
    int (*unmap)(uint8_t *at, size_t size);
    /* From now on, until unwatch, faults of this code are reported. 0, -errno */
    int (*watch)(const struct window_code *code);
    void (*unwatch)(const struct window_code *code);
};

#endif
