/* See neighbours.h. A hash of sets of four. */
#include "kernel/net/user/neighbours.h"

#include <string.h>

#define WAYS 4u

/* Hosts of a net differ in their last bits. */
static unsigned set_of(uint32_t addr)
{
    return (addr ^ addr >> 8) % (NEIGHBOURS / WAYS) * WAYS;
}

void neighbours_learn(struct neighbours *n, uint32_t addr,
                      const uint8_t mac[6])
{
    struct neighbour *set = &n->entry[set_of(addr)], *victim = set;

    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].addr == addr) {
            victim = &set[i];
            break;
        }
        if (set[i].seen < victim->seen)
            victim = &set[i];
    }
    victim->addr = addr;
    victim->seen = ++n->clock;
    memcpy(victim->mac, mac, 6);
}

const uint8_t *neighbours_find(const struct neighbours *n, uint32_t addr)
{
    const struct neighbour *set = &n->entry[set_of(addr)];

    for (unsigned i = 0; addr && i < WAYS; i++)
        if (set[i].addr == addr)
            return set[i].mac;
    return NULL;
}
