/*
 * What the user asked for, in qemu's words: from argv or the multiboot
 * command line. Pure parsing; nothing is opened here.
 */
#ifndef KERNEL_OPTIONS_H
#define KERNEL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/machine.h"

#define OPTIONS_MACHINES 9u     /* Ctrl-a and a digit, 1 to 9 */
#define OPTIONS_NETS 8u
#define OPTIONS_NET_PARAMS 256u
#define OPTIONS_TEXT 1024u      /* longest single option value */

enum net_kind { NET_NIC, NET_BRIDGE, NET_TAP, NET_SOCKET };

/* One -net option. The strings point into the struct's own storage. */
struct net_option {
    enum net_kind kind;
    unsigned vlan;
    bool has_mac;
    uint8_t mac[6];             /* macaddr= of a nic, mac= of a bridge port */
    char romfile[128];          /* nic: boot ROM file or module, "" for none */
    char ip[48];                /* bridge: "", "dhcp" or "a.b.c.d/n" */
    int nic_index;              /* bridge: nic=K, or -1 for the first */
    char params[OPTIONS_NET_PARAMS];    /* tap, socket: platform_wire_open */
};

enum serial_kind { SERIAL_DEFAULT, SERIAL_NONE, SERIAL_NULL, SERIAL_STDIO,
                   SERIAL_MON_STDIO };

struct options {
    const char *name;
    uint64_t ram_bytes;
    const char *disk[MACHINE_IDE_UNITS];
    bool is_cdrom[MACHINE_IDE_UNITS];
    const char *bios;           /* NULL: the embedded SeaBIOS */
    const char *boot_order;
    const char *accel;          /* NULL: fastest that probes */
    const char *cpu;
    struct net_option net[OPTIONS_NETS];
    unsigned net_count;
    bool net_none;              /* -net none was given */
    bool snapshot, nographic, no_reboot, start_stopped, debugcon;
    enum serial_kind serial[MACHINE_SERIALS];
    unsigned serial_count;
    uint8_t escape;             /* of the serial multiplexer; 1 = Ctrl-a */
    int icount_shift;           /* -1: off */
};

enum options_result {
    OPTIONS_RUN,                /* start a machine */
    OPTIONS_HELP,               /* help was asked for, or no option given */
    OPTIONS_VERSION,
    OPTIONS_ERROR,              /* `why` names the option and what to do */
};

/*
 * Parse argv[1..argc-1]. The result refers to argv's strings, which must
 * outlive it.
 */
enum options_result options_parse(struct options *o, int argc, char **argv,
                                  char *why, size_t why_size);

/* Print every option, a line or two each, through `line`. */
void options_help(void (*line)(const char *text));

#endif
