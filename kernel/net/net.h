/*
 * The network of one machine: its NE2000 cables, the bridge and the physical
 * NICs, joined by lwIP. I/O core only, but for the netports, whose callbacks
 * run on the guest's core and touch nothing but their rings.
 */
#ifndef KERNEL_NET_NET_H
#define KERNEL_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/netport.h"
#include "kernel/options.h"

struct net;

/*
 * Build what the -net options ask for. *out is NULL when they ask for
 * nothing. 0, or negative errno with a sentence in `why`.
 */
int net_create(const struct options *o, struct net **out, char *why,
               size_t why_size);
void net_destroy(struct net *net);

/* The cable of the machine's NIC `i`, or NULL. */
struct netport *net_port(struct net *net, unsigned i);
/* The boot ROM file asked for with romfile=, or "". */
const char *net_romfile(const struct net *net, unsigned i);

/* Move frames both ways, run lwIP's timers. True: something was done. */
bool net_poll(struct net *net);
/* Frames wait for the guest. */
bool net_guest_pending(const struct net *net);
/* platform_now_ns time by which net_poll must run again. */
uint64_t net_deadline(const struct net *net);
/* All physical links that the machine uses are up. */
bool net_link_up(const struct net *net);

/* Text of `info network` / `info bridge`, as machine_info does. */
int net_format(const struct net *net, char *buf, size_t size);
int net_format_bridge(const struct net *net, char *buf, size_t size);

#endif
