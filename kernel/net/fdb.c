/* See fdb.h. */
#include "kernel/net/fdb.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/net/arch/cc.h"
#include "netif/bridgeif.h"

#define WAYS 4u
#define SETS_MAX 4096u

struct fdb {
    size_t sets;                /* a power of two */
    struct fdb_entry entry[];
};

static struct fdb *last_made;

struct fdb *fdb_last_made(void) { return last_made; }

/* FNV-1a over the address: cheap, and no pattern of vendor ids clusters. */
static struct fdb_entry *set_of(struct fdb *fdb, const uint8_t *mac)
{
    uint32_t h = 2166136261u;

    for (int i = 0; i < 6; i++)
        h = (h ^ mac[i]) * 16777619u;
    h ^= h >> 15;
    return &fdb->entry[(h & (fdb->sets - 1)) * WAYS];
}

static bool is_live(const struct fdb_entry *e)
{
    return e->used && net_now_ms() - e->seen_ms < FDB_AGE_MS;
}

void *bridgeif_fdb_init(u16_t max_entries)
{
    size_t sets = 1;
    struct fdb *fdb;

    while (sets * WAYS < max_entries && sets < SETS_MAX)
        sets *= 2;
    fdb = calloc(1, sizeof *fdb + sets * WAYS * sizeof fdb->entry[0]);
    if (fdb)
        fdb->sets = sets;
    return last_made = fdb;
}

void bridgeif_fdb_update_src(void *ptr, struct eth_addr *src, u8_t port)
{
    struct fdb_entry *set = set_of(ptr, src->addr), *victim = set;

    for (unsigned i = 0; i < WAYS; i++) {
        struct fdb_entry *e = &set[i];

        if (e->used && !memcmp(e->mac, src->addr, 6)) {
            victim = e;
            break;
        }
        /* A free way, else the one that was quiet for longest. */
        if (victim->used &&
            (!e->used || e->seen_ms < victim->seen_ms))
            victim = e;
    }
    memcpy(victim->mac, src->addr, 6);
    victim->port = port;
    victim->used = true;
    victim->seen_ms = net_now_ms();
}

bridgeif_portmask_t bridgeif_fdb_get_dst_ports(void *ptr, struct eth_addr *dst)
{
    const struct fdb_entry *set = set_of(ptr, dst->addr);

    for (unsigned i = 0; i < WAYS; i++)
        if (is_live(&set[i]) && !memcmp(set[i].mac, dst->addr, 6))
            return (bridgeif_portmask_t)1 << set[i].port;
    return BR_FLOOD;
}

void fdb_forget_port(struct fdb *fdb, unsigned port)
{
    for (size_t i = 0; i < fdb->sets * WAYS; i++)
        if (fdb->entry[i].port == port)
            fdb->entry[i].used = false;
}

const struct fdb_entry *fdb_next(const struct fdb *fdb, size_t *cursor)
{
    while (*cursor < fdb->sets * WAYS) {
        const struct fdb_entry *e = &fdb->entry[(*cursor)++];

        if (is_live(e))
            return e;
    }
    return NULL;
}
