/*
 * Pings from Trestle's own address on a LAN to a guest there, to see whether it
 * is up (RFC 792): on a bridge where Trestle has an address (-net bridge,ip=),
 * or from the gateway of a user-mode network. I/O core only.
 */
#ifndef KERNEL_NET_GUEST_PING_H
#define KERNEL_NET_GUEST_PING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net;
struct pbuf;

#define GUEST_PING_BYTES 16u    /* an echo: header, what nobody else knows */

/* Who pings; the last echo that was sent. */
struct guest_ping {
    struct guest_ping *next;    /* of all that are open */
    bool waits, answered;
    uint32_t addr;              /* host byte order */
    uint8_t echo[GUEST_PING_BYTES];
};

void guest_ping_open(struct guest_ping *p);
void guest_ping_close(struct guest_ping *p);

/* Has Trestle an address (ip=) on a bridge of the machine's? */
bool guest_ping_can(const struct net *net);
/*
 * Send an echo to `addr` on a LAN of the machine's; 0: to the one that a user
 * net's DHCP gave, or else that the guest last told by ARP. Only its answer
 * counts from then on. 0, or -EADDRNOTAVAIL: the guest has told none;
 * -ENETUNREACH: Trestle has no address on the LAN where that is; or it could
 * not be sent.
 */
int guest_ping_send(struct guest_ping *p, const struct net *net,
                    uint32_t addr);
/* It was answered: from there (host byte order). */
bool guest_ping_answered(const struct guest_ping *p, uint32_t *from);
/* What is sent no longer counts. */
void guest_ping_forget(struct guest_ping *p);

/* An IPv4 packet for the host, which stays the caller's: is it an answer? */
void guest_ping_look(struct pbuf *p);
/* The same, by its bytes, of which there are `n`. True: it is. */
bool guest_ping_take(const uint8_t *ip, size_t n);

#endif
