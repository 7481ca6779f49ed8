/*
 * Who on the inside has which IPv4 address, learned from what they send. Of
 * fixed size: the address that was silent for longest makes room.
 */
#ifndef KERNEL_NET_USER_NEIGHBOURS_H
#define KERNEL_NET_USER_NEIGHBOURS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEIGHBOURS 128u         /* a power of two */

struct neighbour {
    uint32_t addr;              /* 0: free */
    uint8_t mac[6];
    uint64_t seen;              /* a count that grows with each learning */
};

struct neighbours {
    struct neighbour entry[NEIGHBOURS];
    uint64_t clock;
};

void neighbours_learn(struct neighbours *n, uint32_t addr,
                      const uint8_t mac[6]);
/* Its MAC, valid until the next learning, or NULL. */
const uint8_t *neighbours_find(const struct neighbours *n, uint32_t addr);

#endif
