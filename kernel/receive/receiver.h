/*
 * Something that arrives front to end: a file over the serial line, from a
 * server, or on the boot medium.
 */
#ifndef KERNEL_RECEIVE_RECEIVER_H
#define KERNEL_RECEIVE_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RECEIVER_UNKNOWN UINT64_MAX

struct receiver {
    /*
     * Wait for the next bytes, up to `size` of them, and put them into `buf`. In
     * a task. 0: that was all; negative errno: `why` has a sentence.
     */
    ssize_t (*read)(struct receiver *r, void *buf, size_t size);
    /* Where it is set, a read that waits looks whether it should stop
     * (-ECANCELED). */
    bool (*is_cancelled)(void *ctx);
    void *ctx;
    /* Frees it. I/O core, and no read is under way. Where it has not come to
     * its end, the sender is told so. */
    void (*close)(struct receiver *r);
    /* Bytes in all, or RECEIVER_UNKNOWN: once the first read has returned. */
    uint64_t size;
    char why[160];
};

#endif
