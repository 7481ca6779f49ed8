/*
 * Pings of a guard: of an address on a LAN of the machine's where Trestle has
 * one, too (net/guest_ping.h), else as this host pings any address
 * (net/transport.h). I/O core only.
 */
#ifndef KERNEL_WATCH_PINGER_H
#define KERNEL_WATCH_PINGER_H

#include <stdbool.h>
#include <stdint.h>

struct guest;
struct pinger;

#define PINGER_TEXT 24u

/* Of `addr` (host byte order), or 0: the guest's own. NULL: no memory. */
struct pinger *pinger_create(uint32_t addr);
void pinger_destroy(struct pinger *p);      /* `p` may be NULL */

/* The next one; answers to those before do not count any more. */
void pinger_send(struct pinger *p, struct guest *g);
/* The last one was answered; told once. */
bool pinger_answered(struct pinger *p);
/* Why nothing can be sent, in words, or "". */
const char *pinger_problem(const struct pinger *p);
/* "192.168.1.1", or "of the guest". */
void pinger_target(const struct pinger *p, char out[PINGER_TEXT]);

#endif
