/*
 * -net user: a network inside Trestle with a gateway (.2), DHCP, DNS (.3) and
 * TFTP, and a way out (outside.h). It is a host on the bridge like any NIC;
 * each has its own state, so that several with the same addresses never mix.
 * I/O core only.
 */
#ifndef KERNEL_NET_USER_USER_NET_H
#define KERNEL_NET_USER_USER_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/net/nic.h"
#include "kernel/net/user/config.h"

#define USER_MTU 1500u

struct net;
struct user_net;
struct user_outside_ops;

/* Where a user net is made. */
struct user_site {
    const char *machine;        /* its name, for messages; outlives the net */
    const struct user_outside_ops *outside;     /* NULL: by via= and platform */
    const struct net *net;      /* the machine's, for via= */
    unsigned tcp_limit;         /* connections at once by sockets.h, each of
                                   which takes memory; 0: as inside.h has */
};

/* Why frames and packets went nowhere; names in user_net_format. */
enum user_count {
    USER_NOT_OURS,              /* another's address or protocol */
    USER_RUNT,                  /* headers that are cut */
    USER_BAD_HEADER,            /* version, lengths, options */
    USER_BAD_SUM,
    USER_BAD_ADDRESS,           /* one that no host has */
    USER_BAD_ARP,
    USER_FRAGMENT,              /* of a packet for .2 or .3: held */
    USER_BAD_UDP,
    USER_BAD_ICMP,
    USER_NO_SERVICE,            /* nothing answers there */
    USER_RESTRICTED,
    USER_NO_OUTSIDE,
    USER_TTL,                   /* ran out here */
    USER_NO_NEIGHBOUR,          /* nobody known has that address */
    USER_NO_BUFFER,
    USER_TOO_BIG,               /* for the guest, with DF */
    USER_COUNTS,
};

/*
 * Make one from the settings of -net user; *out is a closed NIC, whose ops
 * `destroy` frees it. 0, or negative errno with a sentence in `why`.
 */
int user_net_create(const char *params, const struct user_site *site,
                    struct nic **out, char *why, size_t size);

/* The user net that `nic` is, or NULL. */
struct user_net *user_net_of(const struct nic *nic);

/*
 * From a backend: an IPv4 packet for the guest that has its destination. It is
 * copied, and cut into fragments where it is longer than the MTU and may be.
 */
void user_net_to_guest(struct user_net *un, const uint8_t *ip, size_t len);
/* Whether the guest has room for a packet. Who can, waits for that. */
bool user_net_has_room(struct user_net *un);
/*
 * An ICMP error (RFC 792) from the gateway about the guest's packet `ip`;
 * `rest` is the second word (the MTU of "fragmentation needed"). None about
 * what must not have one (RFC 1122 3.2.2).
 */
void user_net_icmp_error(struct user_net *un, uint8_t type, uint8_t code,
                         uint32_t rest, const uint8_t *ip, size_t len);

/* The address of the first lease, or 0: nobody has one. */
uint32_t user_net_first_lease(const struct user_net *un);
/* Is `addr` one of its inside, but none of its own? */
bool user_net_has(const struct user_net *un, uint32_t addr);
/*
 * ICMP of `len` bytes from the gateway to a guest at `addr`; an echo's answer
 * comes to guest_ping_take. 0, or -EMSGSIZE.
 */
int user_net_ping(struct user_net *un, uint32_t addr, const uint8_t *icmp,
                  size_t len);

/*
 * hostfwd_add and hostfwd_remove, in qemu's words: "tcp::5555-:80" and
 * "tcp::5555". 0, or negative errno with a sentence in `why`.
 */
int user_net_forward_add(struct user_net *un, const char *rule, char *why,
                         size_t size);
int user_net_forward_remove(struct user_net *un, const char *rule, char *why,
                            size_t size);

/* `info usernet`: flows, leases, counters. As snprintf. */
int user_net_format(const struct user_net *un, char *buf, size_t size);

/* platform_now_ns time by which one of all user nets wants to be polled. */
uint64_t user_net_deadline(void);

#endif
