/*
 * What -net user was told: qemu's settings of it (qemu 7.2, "-netdev user")
 * and Trestle's own of the way out. Addresses are in host byte order.
 */
#ifndef KERNEL_NET_USER_CONFIG_H
#define KERNEL_NET_USER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/net/user/search.h"

#define USER_FORWARDS 32u       /* hostfwd= */
#define USER_GUEST_FORWARDS 8u  /* guestfwd= */
#define USER_NAMESERVERS 3u     /* as resolv.conf(5) has */
#define USER_LEASES 16u

/* hostfwd=: a port of the host's that leads to one of the guest's. */
struct user_forward {
    bool udp;
    uint32_t host_addr;         /* 0: any */
    uint16_t host_port;
    uint32_t guest_addr;
    uint16_t guest_port;
};

/*
 * guestfwd=: an address of the inside net that leads to a host's port, or to a
 * command that is started for each connection.
 */
struct user_guest_forward {
    uint32_t addr;
    uint16_t port;
    char command[256];          /* -cmd:; "": to_host and to_port */
    char to_host[64];           /* a name or a number */
    uint16_t to_port;
};

struct user_config {
    uint32_t net, mask;
    uint32_t host, dns;         /* .2 and .3 */
    uint32_t dhcp_start;        /* .15 */
    bool restricted;
    char hostname[64];          /* "" here and below: not told */
    char domain[64];
    struct search_list search;  /* dnssearch=, all of them */
    char tftp[128];             /* folder, or what stands for it; "": none */
    char tftp_name[64];         /* option 66 */
    char bootfile[128];
    struct user_forward forward[USER_FORWARDS];
    unsigned forward_count;
    struct user_guest_forward guest_forward[USER_GUEST_FORWARDS];
    unsigned guest_forward_count;
    /* The way out of backend `nat`. */
    bool has_via;
    unsigned via;               /* a VLAN of the same machine */
    int nic_index;              /* -1: not told, as with the next two */
    bool has_mac;
    uint8_t mac[6];
    char pci[8];
    char ip[48];                /* "dhcp", "A.B.C.D/N" or "" */
    uint32_t gateway;           /* 0: not told */
    uint32_t nameserver[USER_NAMESERVERS];
    unsigned nameserver_count;
};

/*
 * "net=10.0.2.0/24,hostfwd=tcp::5555-:80,...", as net_option.params has it.
 * False: `why` says which setting is wrong and what would be right.
 */
bool user_config_parse(const char *params, struct user_config *c, char *why,
                       size_t size);
/* The same, for the options' check. */
bool user_net_check(const char *params, char *why, size_t size);

/*
 * "tcp:HOSTADDR:PORT-GUESTADDR:PORT" (with `to_guest`) or "tcp:HOSTADDR:PORT"
 * (without: hostfwd_remove). Both addresses may be empty: any of the host's,
 * and the guest's first lease.
 */
bool user_forward_parse(const char *text, bool to_guest,
                        const struct user_config *c, struct user_forward *f,
                        char *why, size_t size);

/* "10.0.2.15", nothing else. */
bool user_parse_address(const char *text, uint32_t *addr);

static inline bool user_in_net(const struct user_config *c, uint32_t addr)
{
    return (addr & c->mask) == c->net;
}

#endif
