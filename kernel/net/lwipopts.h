/* lwIP's configuration: NO_SYS, on the I/O core only, heap from malloc. */
#ifndef KERNEL_NET_LWIPOPTS_H
#define KERNEL_NET_LWIPOPTS_H

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0

#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT 16

#define LWIP_IPV4 1
#define LWIP_IPV6 0             /* the bridge passes it; the host speaks v4 */
#define LWIP_ARP 1
#define LWIP_ICMP 1
#define LWIP_UDP 1
#define LWIP_TCP 1
#define LWIP_IGMP 1             /* groups of -net socket,mcast= */
#define LWIP_DHCP 1
#define LWIP_DNS 1              /* DHCP asks for servers: see host_ip.c */
#define DNS_MAX_SERVERS 3
#define ARP_TABLE_SIZE 64       /* what guests of a NAT talk to on the LAN */
#define LWIP_HOOK_FILENAME "lwip_hooks.h"
#define LWIP_HOOK_IP4_INPUT(p, inp) host_ip_input(p, inp)
/* lwIP's own counts on from 6510: anybody could speak for the peer. */
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) \
    net_tcp_isn(ip_addr_get_ip4_u32(local_ip), local_port, \
                ip_addr_get_ip4_u32(remote_ip), remote_port)
#define LWIP_RAW 0

/*
 * TCP (kernel/net/transport.h). Window and send buffer: what 16 bits hold, in
 * whole segments, 44; at 1 ms of round trip that is 500 Mbit/s. A window costs
 * 64 KiB for each stream, so it is not scaled.
 */
#define TCP_MSS 1460            /* 1500 less the headers */
#define TCP_WND (44 * TCP_MSS)
#define TCP_SND_BUF (44 * TCP_MSS)
/* Small writes take a segment each. */
#define TCP_SND_QUEUELEN 256
/* Segments that overtook others, of a hostile peer as well. */
#define TCP_OOSEQ_MAX_PBUFS 16
#define TCP_LISTEN_BACKLOG 1
#define LWIP_TCP_KEEPALIVE 1    /* its times are set by stream_keepalive */
#define SO_REUSE 1              /* tunnels on one group and port */
#define SO_REUSE_RXTOALL 1
#define LWIP_MULTICAST_TX_OPTIONS 1

#define LWIP_ETHERNET 1
#define ETH_PAD_SIZE 0          /* bridgeif reads addresses at offset 0 */
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define LWIP_NUM_NETIF_CLIENT_DATA 2    /* bridgeif's, host_ip.c's */
#define BRIDGEIF_MAX_PORTS 15   /* 31 makes its port mask overflow an int */
#define BRIDGEIF_PORT_NETIFS_OUTPUT_DIRECT 1
#define LWIP_NETIF_STATUS_CALLBACK 1
#define LWIP_STATS 0
#define LWIP_NETIF_HOSTNAME 1

#endif
