/*
 * The network of the machines: their NE2000 cables, the bridges and the
 * physical NICs, joined by lwIP. I/O core only, but for the netports, whose
 * callbacks run on the guest's core and touch nothing but their rings.
 *
 * A struct net is one machine's part. Machines that name the same physical NIC
 * are on one bridge.
 */
#ifndef KERNEL_NET_NET_H
#define KERNEL_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/netport.h"
#include "kernel/options.h"

struct net;
struct user_net;

/*
 * Build what the -net options of machine `index` (from 0) ask for. *out is
 * NULL when they ask for nothing. 0, or negative errno with a sentence in
 * `why`. `o` must outlive it.
 */
int net_create(const struct options *o, unsigned index, struct net **out,
               char *why, size_t why_size);
/* No net_poll may come between this and the end of the last struct net. */
void net_destroy(struct net *net);

/* The cable of the machine's NIC `i`, or NULL. */
struct netport *net_port(struct net *net, unsigned i);
/* The boot ROM file asked for with romfile=, or "". */
const char *net_romfile(const struct net *net, unsigned i);

/* Frames that wait for the guest. */
unsigned net_guest_pending(const struct net *net);
/* Frames that were ever given to it; it wraps. */
uint32_t net_guest_total(const struct net *net);
/* All physical links that the machine uses are up. */
bool net_link_up(const struct net *net);
/* Pull the cables out of a machine that is off, and plug them in again. */
void net_plug(struct net *net, bool in);

/*
 * qemu's set_link: `name` is an id of a NIC or a cable, or "eth0" for the first
 * NIC. Off, no frame passes there. False: there is no such name.
 */
bool net_set_link(struct net *net, const char *name, bool on);
/*
 * netdev_add: `value` as of -netdev, with vlan= if need be. It takes the place
 * of the one of that id that netdev_del removed, or joins a VLAN. 0, or
 * negative errno with a sentence in `why`.
 */
int net_netdev_add(struct net *net, const char *value, char *why,
                   size_t why_size);
int net_netdev_del(struct net *net, const char *id, char *why,
                   size_t why_size);
/*
 * The machine's user-mode network: the netdev `id`, or if that is NULL the
 * first there is. NULL: there is none. (kernel/net/user/user_net.h)
 */
struct user_net *net_user(const struct net *net, const char *id);
/* Text of `info usernet`, as machine_info does. */
int net_format_users(const struct net *net, char *buf, size_t size);
/* Tell bridges where the machine's NICs are, as qemu does: a RARP, five times. */
void net_announce(struct net *net);
/* The i-th name for net_set_link, NICs first; NULL past the last. */
const char *net_name(const struct net *net, unsigned i);
/* Does `name` name what netdev_del may take away? */
bool net_is_netdev(const struct net *net, const char *name);

/* All machines: move frames both ways, run timers. True: something moved. */
bool net_poll(void);
/* platform_now_ns time by which net_poll must run again. */
uint64_t net_deadline(void);

/* Text of `info network` / `info bridge`, as machine_info does. */
int net_format(const struct net *net, char *buf, size_t size);
int net_format_bridge(const struct net *net, char *buf, size_t size);

#endif
