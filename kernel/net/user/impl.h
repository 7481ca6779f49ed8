/* struct user_net, for the files of this folder that share its work. */
#ifndef KERNEL_NET_USER_IMPL_H
#define KERNEL_NET_USER_IMPL_H

#include "kernel/net/user/dhcp.h"
#include "kernel/net/user/neighbours.h"
#include "kernel/net/user/outside.h"
#include "kernel/net/user/user_net.h"

#define ETHER_HEADER 14u
#define ETHERTYPE_IP 0x0800u
#define ETHERTYPE_ARP 0x0806u
#define USER_QUEUE 512u         /* frames from the bridge; a power of two */
#define USER_PENDING 8u         /* packets that wait for an ARP reply */

/* A packet whose destination was asked for by ARP. */
struct pending {
    uint8_t *ip;                /* malloc'd; NULL: free */
    size_t len;
    uint32_t addr;
    uint64_t until_ns;
};

struct user_net {
    struct nic nic;
    struct user_config config;
    const char *machine;
    struct user_net *next;      /* of all */
    const struct user_outside_ops *ops;     /* NULL: no way out */
    void *outside;
    struct neighbours neighbours;
    struct pending pending[USER_PENDING];
    struct dhcp dhcp;
    struct nic_buf *queue[USER_QUEUE];
    unsigned queue_head, queue_tail;
    uint16_t next_id;           /* of our own IPv4 packets */
    uint64_t counts[USER_COUNTS];
};

/* ---- input.c ------------------------------------------------------------ */

/* A frame from the bridge; its bytes may be changed. */
void user_input(struct user_net *un, uint8_t *frame, size_t len);
/* host, dns or an address of guestfwd=. */
bool user_is_ours(const struct user_net *un, uint32_t addr);
/* That address's own MAC: 52:55 and the address, as qemu's. */
void user_own_mac(uint32_t addr, uint8_t mac[6]);

/* ---- services.c --------------------------------------------------------- */

/*
 * The packet for .2 or .3, or a broadcast one, that is whole. True: it was dealt with;
 * false: it is for the way out.
 */
bool user_service(struct user_net *un, const uint8_t *mac, uint8_t *ip,
                  size_t len);

/* ---- output.c ----------------------------------------------------------- */

/* The packet `ip`, at most USER_MTU long, to that MAC. */
void user_send_ip(struct user_net *un, const uint8_t mac[6], const uint8_t *ip,
                  size_t len);
/* A frame of `len` bytes after the header, which is written here. */
void user_send_frame(struct user_net *un, const uint8_t to[6],
                     const uint8_t from[6], uint16_t type,
                     const uint8_t *payload, size_t len);
/*
 * UDP from an address of ours to the guest's; `mac` NULL: by the neighbours.
 * `len` at most 65,507.
 */
void user_send_udp(struct user_net *un, const uint8_t *mac, uint32_t source,
                   uint16_t source_port, uint32_t to, uint16_t to_port,
                   const uint8_t *data, size_t len);
/* `addr` is known now: what waited for it goes. */
void user_neighbour_known(struct user_net *un, uint32_t addr);
/* Give up on what waited for too long. */
void user_pending_expire(struct user_net *un, uint64_t now_ns);
void user_pending_drop(struct user_net *un);

#endif
