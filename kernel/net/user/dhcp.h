/*
 * The inside's DHCP and BOOTP server (RFC 2131, 2132, 951): a request's bytes
 * in, a reply's bytes out.
 */
#ifndef KERNEL_NET_USER_DHCP_H
#define KERNEL_NET_USER_DHCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/net/user/config.h"

#define DHCP_SERVER_PORT 67u
#define DHCP_CLIENT_PORT 68u
#define DHCP_REPLY_MAX 548u     /* what every client takes: RFC 2131 2 */
#define DHCP_LEASE_S 86400u

struct dhcp_lease {
    bool used;
    uint8_t mac[6];
    uint64_t until_ms;
};

struct dhcp {
    struct dhcp_lease lease[USER_LEASES];
    uint64_t offers, acks, naks, bootp;
    uint64_t malformed, other_server, relayed, no_lease, ignored;
};

struct dhcp_reply {
    uint8_t data[DHCP_REPLY_MAX];
    size_t len;
    uint32_t to;                /* IPv4 destination; 0xffffffff: everybody */
    uint8_t mac[6];             /* of the client */
    uint32_t lease;             /* the address it now has, or 0 */
    bool cut;                   /* an option found no room */
};

/*
 * Answer the `len` bytes of UDP payload at `request`. False: there is no
 * answer, and a counter says why. `now_ms` is any clock that runs on.
 */
bool dhcp_request(struct dhcp *d, const struct user_config *c,
                  const uint8_t *request, size_t len, uint64_t now_ms,
                  struct dhcp_reply *reply);

/* All that DHCP is to tell has room in a reply. */
bool dhcp_settings_fit(const struct user_config *c);

#endif
