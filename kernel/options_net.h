/* The grammar of -net and its kin; part of options.c's work. */
#ifndef KERNEL_OPTIONS_NET_H
#define KERNEL_OPTIONS_NET_H

#include "kernel/options_parser.h"

#define OPTIONS_NET_HELP \
    "-net nic[,vlan=N][,macaddr=MAC][,model=ne2k_pci][,romfile=IMAGE]\n" \
    "                an NE2000 in the guest\n" \
    "-net bridge[,vlan=N][,nic=K|mac=MAC|pci=BB:DD.F][,ip=dhcp|A.B.C.D/N]\n" \
    "                its cable: the LAN at a physical NIC (the first)\n" \
    "-net tap[,vlan=N][,ifname=NAME][,script=FILE|no][,downscript=FILE|no]\n" \
    "                its cable: a TAP device (Linux only)\n" \
    "-net socket[,vlan=N],connect=HOST:PORT|listen=HOST:PORT\n" \
    "-net socket[,vlan=N],mcast=GROUP:PORT[,localaddr=ADDRESS]\n" \
    "-net socket[,vlan=N],udp=HOST:PORT,localaddr=HOST:PORT\n" \
    "                its cable: a tunnel over TCP or UDP, as qemu's\n" \
    "-net user[,vlan=N][,net=A.B.C.D/N][,host=A][,dns=A][,dhcpstart=A]\n" \
    "         [,restrict=on][,hostname=NAME][,tftp=FOLDER][,bootfile=FILE]\n" \
    "         [,hostfwd=tcp|udp:[A]:PORT-[A]:PORT]\n" \
    "         [,guestfwd=tcp:A:PORT-tcp:HOST:PORT]\n" \
    "                its cable: a net of its own behind this host, with DHCP,\n" \
    "                DNS and TFTP; hostfwd= leads in\n" \
    "-net none       no network at all"
#define OPTIONS_REDIR_HELP \
    "-redir tcp|udp:HOSTPORT:[GUEST]:GUESTPORT\n" \
    "                a port of the host's to the guest, of its user network"
#define OPTIONS_OBJECT_HELP \
    "-object filter-dump,id=ID,netdev=NAME[,file=FILE][,maxlen=N]\n" \
    "                capture what passes a NIC or netdev\n" \
    "-net dump[,vlan=N][,file=FILE][,len=N]\n" \
    "                capture all of a VLAN"
#define OPTIONS_NETDEV_HELP \
    "-netdev bridge|tap|socket|user,id=ID[,...]\n" \
    "                the same cables, each for the NICs that name it"
#define OPTIONS_DEVICE_HELP \
    "-device ne2k_pci[,netdev=ID][,mac=MAC][,id=ID][,romfile=IMAGE]\n" \
    "                an NE2000 at that cable"
#define OPTIONS_NIC_HELP \
    "-nic bridge|tap|socket|user[,model=ne2k_pci][,mac=MAC][,...]|none\n" \
    "                an NE2000 and its cable in one"

/* Add one value to `o`. */
options_parser options_parse_net, options_parse_netdev, options_parse_device;
options_parser options_parse_nic;
/* -object filter-dump, into o->dump. */
options_parser options_parse_object;
/* -redir, into o->redir. */
options_parser options_parse_redir;

/*
 * After options_finish: what a machine has that no option gave a network, nor
 * took it away. With `by_default` that is a NIC and a user network, as qemu's.
 */
bool options_default_net(struct options *o, bool by_default, char *why,
                         size_t why_size);

/*
 * netdev_add of the monitor: as -netdev, into o->net[0]; but it may name the
 * VLAN that it joins.
 */
bool options_parse_netdev_add(struct options *o, const char *value,
                              bool *has_vlan, char *why, size_t why_size);

/*
 * All of them together: names, duplicates and limits. NICs that name a netdev
 * get its VLAN.
 */
bool options_check_net(struct options *o, char *why, size_t why_size);

/* "52:54:00:12:34:56" (one or two digits each) to six bytes. */
bool options_parse_mac(const char *text, uint8_t mac[6]);
/* "dhcp", or "a.b.c.d/n": a host's address with n in 1..30. */
bool options_is_ip(const char *text);

#endif
