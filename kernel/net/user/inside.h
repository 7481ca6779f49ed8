/*
 * Where the guest's TCP ends: one lwIP interface for all user nets. Each
 * connection has an endpoint of its own there, whatever its addresses are for
 * the guest: those are put in on the way to the guest and taken out on the way
 * from it. So neither equal addresses of two user nets nor those of the host's
 * own interfaces ever meet in lwIP. Nor is lwIP's end there for whoever sends
 * to it from another interface.
 */
#ifndef KERNEL_NET_USER_INSIDE_H
#define KERNEL_NET_USER_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lwip/tcp.h"

#define INSIDE_SLOTS 16384u     /* connections of all user nets */

/* What the guest sees of a connection. */
struct inside_flow {
    struct user_net *un;
    uint32_t guest, peer;       /* host byte order */
    uint16_t guest_port, peer_port;
    uint16_t local_port;        /* lwIP's end; set by whoever knows it */
    unsigned slot;              /* by inside_claim */
};

/*
 * Start it once; `accepted` is told of each connection that a guest began, by
 * its flow, and returns whether it takes it. 0 or -ENOMEM. lwIP must be
 * initialised.
 */
int inside_start(bool (*accepted)(struct inside_flow *f, struct tcp_pcb *pcb));

/*
 * Give `f` an endpoint, of a user net that has `own` already. -ENOSPC: no more
 * are free than that. So one has half of them at most, another half of the
 * rest: a guest that scans the world leaves other machines their share.
 */
int inside_claim(struct inside_flow *f, unsigned own);
/*
 * The endpoint is free again; what lwIP still has of the connection is
 * dropped without a word.
 */
void inside_release(struct inside_flow *f);

/* lwIP still has bytes, or an end, that the guest has not acknowledged, or waits
 * for the guest's; at some time it gives up. */
bool inside_is_under_way(const struct inside_flow *f);

/* A TCP packet of the guest's, whole and checked, to lwIP. */
void inside_input(struct inside_flow *f, const uint8_t *ip, size_t len);

/*
 * A guest may have room again: segments that lwIP had to keep go out. What finds
 * none again waits for the next call.
 */
void inside_go_on(void);

/* Begin a connection to the guest's end of `f`; its pcb or NULL. */
struct tcp_pcb *inside_connect(struct inside_flow *f, void *arg,
                               tcp_connected_fn connected, tcp_err_fn failed);

#endif
