/* See throttle.h. */
#include "kernel/disk/throttle.h"

#include <stdio.h>

#define BURST_NS 100000000u
#define SECOND_NS 1000000000u

const char *throttle_name(enum throttle_kind kind)
{
    static const char *const names[THROTTLE_KINDS] = {
        "bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr",
    };

    return names[kind];
}

const char *throttle_refuses(const struct throttle_limits *l)
{
    const unsigned *n = l->of;

    if ((n[THROTTLE_BPS] && (n[THROTTLE_BPS_RD] || n[THROTTLE_BPS_WR])) ||
        (n[THROTTLE_IOPS] && (n[THROTTLE_IOPS_RD] || n[THROTTLE_IOPS_WR])))
        return "a limit of all (bps, iops) and one of reads or writes exclude "
               "each other";
    return NULL;
}

void throttle_set(struct throttle *t, const struct throttle_limits *l)
{
    bool is_on = false;

    for (unsigned k = 0; k < THROTTLE_KINDS; k++) {
        atomic_store(&t->limit[k], l->of[k]);
        is_on |= l->of[k] > 0;
    }
    atomic_store(&t->is_on, is_on);
}

void throttle_get(const struct throttle *t, struct throttle_limits *out)
{
    for (unsigned k = 0; k < THROTTLE_KINDS; k++)
        out->of[k] = atomic_load(&t->limit[k]);
}

bool throttle_is_on(const struct throttle *t)
{
    return atomic_load(&t->is_on);
}

static bool concerns(enum throttle_kind kind, enum block_op op)
{
    enum block_op other = kind == THROTTLE_BPS_RD || kind == THROTTLE_IOPS_RD
                              ? BLOCK_WRITE
                        : kind == THROTTLE_BPS_WR || kind == THROTTLE_IOPS_WR
                              ? BLOCK_READ : BLOCK_FLUSH;

    return op != other;
}

/* How long it takes at that rate. */
static uint64_t cost_ns(enum throttle_kind kind, unsigned limit,
                        const struct block_request *req)
{
    uint64_t n = kind < THROTTLE_IOPS
                     ? (uint64_t)req->count * BLOCK_SECTOR_SIZE : 1;
    uint64_t seconds = n / limit;

    if (seconds >= THROTTLE_WAIT_NS / SECOND_NS)
        return THROTTLE_WAIT_NS;
    return seconds * SECOND_NS + n % limit * SECOND_NS / limit;
}

uint64_t throttle_ask(struct throttle *t, const struct block_request *req,
                      uint64_t now)
{
    uint64_t start = 0;

    if (req->op != BLOCK_READ && req->op != BLOCK_WRITE)
        return now;
    for (unsigned k = 0; k < THROTTLE_KINDS; k++)
        if (atomic_load(&t->limit[k]) && concerns(k, req->op) &&
            t->free_at[k] > start + BURST_NS)
            start = t->free_at[k] - BURST_NS;
    if (start > now)
        return start;
    for (unsigned k = 0; k < THROTTLE_KINDS; k++) {
        unsigned limit = atomic_load(&t->limit[k]);

        if (!limit || !concerns(k, req->op))
            continue;
        if (t->free_at[k] < now)
            t->free_at[k] = now;
        t->free_at[k] += cost_ns(k, limit, req);
    }
    return now;
}

int throttle_format(const struct throttle *t, char *buf, size_t size)
{
    int n = 0;

    for (unsigned k = 0; k < THROTTLE_KINDS; k++)
        n += snprintf((size_t)n < size ? buf + n : NULL,
                      (size_t)n < size ? size - n : 0, " %s=%u",
                      throttle_name(k), atomic_load(&t->limit[k]));
    return n;
}
