/* struct user_net, for the files of this folder that share its work. */
#ifndef KERNEL_NET_USER_IMPL_H
#define KERNEL_NET_USER_IMPL_H

#include "kernel/net/transport.h"
#include "kernel/net/user/dhcp.h"
#include "kernel/net/user/dns.h"
#include "kernel/net/user/neighbours.h"
#include "kernel/net/user/outside.h"
#include "kernel/net/user/reassembly.h"
#include "kernel/net/user/tftp.h"
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

/* Where the answer to a DNS query is awaited. */
struct user_dns_port {
    struct user_net *un;
    struct dgram *dgram;        /* NULL: no query */
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
    struct dns dns;
    struct user_dns_port dns_port[DNS_QUERIES];
    struct tftp tftp;
    struct reassembly reassembly;       /* of what is for .2 and .3 */
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
 * The packet for an address of ours, or a broadcast one, from `mac`. True: it
 * was dealt with; false: it is for the way out, put together if it was the
 * last of several fragments.
 */
bool user_service(struct user_net *un, const uint8_t *mac, uint8_t **packet,
                  size_t *packet_len);
/* The UDP payload's length, or -1: lengths or checksum are wrong. */
long user_check_udp(const uint8_t *ip, size_t len);

/* ---- dns_io.c ----------------------------------------------------------- */

void user_dns_init(struct user_net *un);
void user_dns_input(struct user_net *un, uint32_t client, uint16_t port,
                    const uint8_t *data, size_t len);
void user_dns_poll(struct user_net *un);
/* On platform_now_ns's clock. */
uint64_t user_dns_deadline(const struct user_net *un);
void user_dns_fini(struct user_net *un);
/* Those of the config, else the backend's, else the host's. */
unsigned user_nameservers(struct user_net *un, uint32_t *out, unsigned max);

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
