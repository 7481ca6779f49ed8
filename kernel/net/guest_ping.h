/*
 * Pings from Trestle's own address on a LAN to a guest there, to see whether it
 * is up (RFC 792). I/O core only.
 */
#ifndef KERNEL_NET_GUEST_PING_H
#define KERNEL_NET_GUEST_PING_H

#include <stdbool.h>
#include <stdint.h>

struct net;
struct pbuf;

/*
 * Send an echo to the guest, at the address that it last told by ARP on a LAN
 * where Trestle has one of that network, too (-net bridge,ip=). Only its answer
 * counts from then on. False: none such is known, or it could not be sent.
 */
bool guest_ping_send(const struct net *net);
/* It was answered: from there (host byte order). */
bool guest_ping_answered(uint32_t *from);
/* What is sent no longer counts. */
void guest_ping_forget(void);

/* An IPv4 packet for the host, which stays the caller's: is it the answer? */
void guest_ping_look(struct pbuf *p);

#endif
