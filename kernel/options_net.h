/* The -net option's own grammar; part of options.c's work. */
#ifndef KERNEL_OPTIONS_NET_H
#define KERNEL_OPTIONS_NET_H

#include "kernel/options.h"

#define OPTIONS_NET_HELP \
    "-net nic[,vlan=N][,macaddr=MAC][,model=ne2k_pci][,romfile=IMAGE]\n" \
    "                an NE2000 in the guest\n" \
    "-net bridge[,vlan=N][,nic=K|mac=MAC|pci=BB:DD.F][,ip=dhcp|A.B.C.D/N]\n" \
    "                its cable: the LAN at a physical NIC (the first)\n" \
    "-net tap[,vlan=N][,ifname=NAME]\n" \
    "                its cable: a TAP device (Linux only)\n" \
    "-net socket[,vlan=N],connect=HOST:PORT|listen=HOST:PORT\n" \
    "                its cable: a TCP wire (Linux only)\n" \
    "-net none       no network at all"

/* Add one -net value to `o`. False: `why` says what was wrong with it. */
bool options_parse_net(struct options *o, const char *value, char *why,
                       size_t why_size);

/* The -net options as a whole: duplicates and limits. */
bool options_check_net(struct options *o, char *why, size_t why_size);

/* "52:54:00:12:34:56" (one or two digits each) to six bytes. */
bool options_parse_mac(const char *text, uint8_t mac[6]);

#endif
