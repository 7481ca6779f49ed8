/*
 * How fast a disk may be: bytes and requests a second, as qemu's bps= and iops=
 * have them. What the host took is spread over time by when the next may begin,
 * with BURST_NS's worth at once.
 */
#ifndef KERNEL_DISK_THROTTLE_H
#define KERNEL_DISK_THROTTLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/blockdev.h"

enum throttle_kind {
    THROTTLE_BPS, THROTTLE_BPS_RD, THROTTLE_BPS_WR,
    THROTTLE_IOPS, THROTTLE_IOPS_RD, THROTTLE_IOPS_WR,
    THROTTLE_KINDS
};

/* A second, of all or of reads or writes; 0: as many as there are. */
struct throttle_limits {
    unsigned of[THROTTLE_KINDS];
};

/* A guest takes a disk for broken that needs longer (Linux: 30 s). */
#define THROTTLE_WAIT_NS 5000000000u

struct throttle {
    atomic_uint limit[THROTTLE_KINDS];
    atomic_bool is_on;
    uint64_t free_at[THROTTLE_KINDS];   /* whose turn it is, has them */
    uint64_t held;                      /* requests that had to wait */
};

/* qemu's name of one: "bps", "iops_wr". */
const char *throttle_name(enum throttle_kind kind);
/* Those of all exclude those of reads or writes; else why not, or NULL. */
const char *throttle_refuses(const struct throttle_limits *l);

/* One core sets them, all zeros at first. */
void throttle_set(struct throttle *t, const struct throttle_limits *l);
/* Any core. */
void throttle_get(const struct throttle *t, struct throttle_limits *out);
bool throttle_is_on(const struct throttle *t);
/*
 * When `req` may begin; not after `now`: now, and it counts. Reads and writes
 * wait, for THROTTLE_WAIT_NS at most after the one before; others do not.
 */
uint64_t throttle_ask(struct throttle *t, const struct block_request *req,
                      uint64_t now);
/* " bps=1 bps_rd=0 ...", qemu's; see snprintf. */
int throttle_format(const struct throttle *t, char *buf, size_t size);

#endif
