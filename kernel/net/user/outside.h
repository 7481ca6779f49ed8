/*
 * The way out of a user-mode network: a backend takes the guest's IPv4 packets
 * and brings back the outside's. "sockets" (sockets.h) speaks as the host
 * itself, "nat" translates addresses on a network interface of Trestle's own.
 * I/O core only; nothing blocks.
 */
#ifndef KERNEL_NET_USER_OUTSIDE_H
#define KERNEL_NET_USER_OUTSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/net/user/config.h"

struct user_net;
struct user_site;

struct user_outside_ops {
    const char *name;
    /*
     * The config outlives the backend. The forwards in it are added one by one
     * afterwards. 0, or negative errno with a sentence in `why`.
     */
    int (*create)(struct user_net *un, const struct user_config *config,
                  const struct user_site *site, void **out, char *why,
                  size_t size);
    /* No call after it; what is under way is dropped. */
    void (*destroy)(void *outside);
    /*
     * A packet of the guest's to somewhere that is not answered inside. Its
     * header is checked (version, length, checksum, unicast source), options
     * and fragments are allowed, its TTL is counted down already; writable,
     * valid during the call. The host as the guest sees it (config->host,
     * and config->dns for TCP) is such a destination, too. With
     * config->restricted only answers to forwards and guestfwd= may pass: the
     * backend looks to that.
     */
    void (*from_guest)(void *outside, uint8_t *ip, size_t len);
    /* 0, or negative errno with a sentence in `why` (-EADDRINUSE ...). */
    int (*forward_add)(void *outside, const struct user_forward *f, char *why,
                       size_t size);
    /* By udp, host_addr and host_port. -ENOENT: there is none. */
    int (*forward_remove)(void *outside, const struct user_forward *f);
    /* True: something was done. */
    bool (*poll)(void *outside);
    /* platform_now_ns time of the next poll at the latest. */
    uint64_t (*deadline)(void *outside);
    /*
     * Flows, a line each in the shape of `info usernet`, then counters as
     * "    name=N" lines. As snprintf.
     */
    int (*format)(void *outside, char *buf, size_t size);
    /*
     * The outside's name servers, at most `max`; for the DNS forwarder, which
     * asks again for each query. NULL: those of the config, else the host's.
     */
    unsigned (*nameservers)(void *outside, uint32_t *out, unsigned max);
};

/*
 * The host's own name servers, at most `max`: /etc/resolv.conf's on Linux; the
 * bare machine has none but what a backend knows.
 */
unsigned user_host_nameservers(uint32_t *out, unsigned max);

/* What a platform does without via=; NULL: there is no way out. */
extern const struct user_outside_ops *const user_outside_default;

#endif
