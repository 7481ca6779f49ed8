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
#include "kernel/chardev_option.h"
#include "kernel/disk/image_file.h"
#include "kernel/keymap/keymap.h"
#include "kernel/watch/guard.h"
#include "kernel/disk/throttle.h"

#define OPTIONS_MACHINES 9u     /* Ctrl-a and a digit, 1 to 9 */
#define OPTIONS_NETS 16u         /* NICs and what is at their cables' ends */
#define OPTIONS_DUMPS 8u
#define OPTIONS_MONITORS 4u
#define OPTIONS_CHARDEVS 8u
#define OPTIONS_REDIRS 16u
#define OPTIONS_REDIR_TEXT 48u
#define DUMP_LEN_MAX 65536u      /* of a frame: all of it */
#define OPTIONS_VLAN_MAX 255u   /* of vlan=; netdevs have numbers above */
#define OPTIONS_NET_PARAMS 1024u
#define OPTIONS_ID_MAX 31u      /* of what id= names */
#define OPTIONS_TEXT 1024u      /* longest single option value */
#define OPTIONS_NAME_MAX 28u    /* of a machine */
#define OPTIONS_SHOWN 40        /* how much of a value an error shows */

enum net_kind { NET_NIC, NET_BRIDGE, NET_TAP, NET_SOCKET, NET_USER };

/* One NIC or what hangs on a cable, by -net or another option. */
struct net_option {
    enum net_kind kind;
    const char *option;         /* that named it: "-net", "-netdev", ... */
    char id[OPTIONS_ID_MAX + 1];        /* given, or "tap.0" and the like */
    char peer[OPTIONS_ID_MAX + 1];      /* nic: netdev=, or "" */
    unsigned vlan;              /* its bridge */
    bool has_mac;
    uint8_t mac[6];             /* macaddr= of a nic, mac= of a bridge's NIC */
    char romfile[128];          /* nic: boot ROM file or module, "" for none */
    char ip[48];                /* bridge: "", "dhcp" or "a.b.c.d/n" */
    int nic_index;              /* bridge: nic=K, or -1 */
    char pci[8];                /* bridge: pci=BB:DD.F, small letters, or "" */
    /* tap, socket, user: all but vlan=, in order, "a=b,c=d" (uplink.c) */
    char params[OPTIONS_NET_PARAMS];
};

/* A capture: -object filter-dump or -net dump. */
struct dump_option {
    char id[OPTIONS_ID_MAX + 1];
    char netdev[OPTIONS_ID_MAX + 1];    /* a NIC or netdev, or "" */
    unsigned vlan;              /* netdev "": of that VLAN */
    char file[256];             /* "": in memory */
    uint32_t len;               /* of a frame that is kept */
};

/* Where a drive's own setting says nothing, -snapshot does. */
enum drive_snapshot { DRIVE_SNAPSHOT_DEFAULT, DRIVE_SNAPSHOT_ON,
                      DRIVE_SNAPSHOT_OFF };

struct drive_option {
    bool used;
    char file[OPTIONS_TEXT];    /* "": a CD drive without a CD */
    bool is_cdrom, read_only;
    enum image_format format;
    enum drive_snapshot snapshot;
    char overlay[OPTIONS_TEXT]; /* what the snapshot's overlay is on; or "" */
    bool overlay_init;
    struct throttle_limits throttle;
};

/* -hdachs; heads 0: none was given. */
struct drive_geometry {
    uint16_t cylinders, heads, sectors;
    enum machine_translation translation;
};

/* -display, but for VNC. */
enum options_screen { SCREEN_DEFAULT, SCREEN_NONE, SCREEN_CURSES };

#define VNC_PORT 5900u          /* of display 0 */

struct vnc_option {
    char host[64];              /* "": this host's own programs only */
    unsigned port, last_port;   /* the first that is free; 0: no VNC */
    bool password;
};

struct options {
    const char *name;
    uint64_t ram_bytes;
    struct drive_option drive[MACHINE_IDE_UNITS];       /* hda ... hdd */
    struct drive_geometry hdachs;
    const char *bios;           /* NULL: the embedded SeaBIOS */
    char boot_order[4];         /* "": the board's own */
    bool boot_menu, has_splash_time;    /* of the BIOS */
    char splash[OPTIONS_TEXT];  /* a picture behind it; "": none */
    unsigned splash_ms;
    const char *uuid;           /* as written; NULL: none */
    uint8_t uuid_bytes[16];
    char accel[16];             /* "": fastest that probes */
    unsigned check_every;       /* -accel's check=; 0: off */
    int window;                 /* -accel's window=: enum engine_window */
    const char *cpu;
    struct net_option net[OPTIONS_NETS];
    unsigned net_count;
    bool net_none;              /* -net none was given */
    char redir[OPTIONS_REDIRS][OPTIONS_REDIR_TEXT];     /* as hostfwd=... */
    unsigned redir_count;
    struct dump_option dump[OPTIONS_DUMPS];
    unsigned dump_count;
    unsigned netdevs;           /* bridges with numbers above vlan='s */
    bool snapshot, nographic, no_reboot, start_stopped, debugcon;
    bool no_shutdown;           /* a guest that goes off is paused */
    bool i6300esb, ib700, pvpanic;      /* devices */
    enum watch_action watchdog_action, panic_action;
    struct guard_option guard[GUARDS];
    unsigned guard_count;
    bool trial_given;           /* -guard trial= was; else it is by itself */
    unsigned trial_seconds;     /* 0: off */
    bool no_autostart;
    unsigned start_delay;       /* s */
    const char *start_after;    /* a machine's name; NULL: the one before */
    struct chardev_option serial[MACHINE_SERIALS];
    unsigned serial_count;      /* 0: one, on the administrator's line */
    struct chardev_option monitor[OPTIONS_MONITORS];
    unsigned monitor_count;     /* 0: where the line has room for one */
    struct chardev_option chardev[OPTIONS_CHARDEVS];    /* -chardev */
    unsigned chardev_count;
    enum options_screen screen;
    struct vnc_option vnc;
    uint8_t escape;             /* of the serial multiplexer; 1 = Ctrl-a */
    const struct keymap *keymap;        /* of whoever types */
    int icount_shift;           /* -1: off */
    bool icount_jumps;          /* -icount's sleep=off */
    unsigned cores;             /* to use at most; 0: all there are */
    enum rtc_base { RTC_UTC, RTC_LOCALTIME, RTC_DATE } rtc_base;
    int64_t rtc_date;           /* RTC_DATE: seconds since 1970 */
    bool rtc_vm, rtc_slew;      /* -rtc's clock=vm, driftfix=slew */
    bool lose_ticks;            /* -global kvm-pit.lost_tick_policy=discard */
    const char *medium;         /* serial number: see disk/medium.h; or NULL */
    const char *vmstate;        /* where snapshots are: vmstate.h; or NULL */
    const char *loadvm;         /* the one to start with, or NULL */
    unsigned log_items;         /* -d: enum machine_log_item */
    const char *log_file;       /* -D: where they go; NULL: to the log */
    const char *gdb;            /* where gdb is listened for; "": nowhere */
    const char *readconfig;     /* file with the machines' sections, or NULL */
    const char *own;            /* an option seen that is one machine's only */
};

/* Where in a file of several machines (config.h) an option may stand. */
enum option_scope {
    OPTION_ANY,                 /* also in front: for all machines */
    OPTION_OWN,                 /* in a machine's section only */
    OPTION_COMMON,              /* in front only */
    OPTION_COMMAND_LINE,        /* not in a file */
};

enum options_result {
    OPTIONS_RUN,                /* start a machine */
    OPTIONS_HELP,               /* help was asked for, or no option given */
    OPTIONS_CPU_HELP,           /* -cpu help */
    OPTIONS_KEYMAP_HELP,        /* -k help */
    OPTIONS_LOG_HELP,           /* -d help */
    OPTIONS_SCREEN_HELP,        /* -display help */
    OPTIONS_VERSION,
    OPTIONS_ERROR,              /* `why` names the option and what to do */
};

/* What holds when no option is given. */
void options_defaults(struct options *o);

/* Scope of the option `name` (without its dash), or -1: there is none. */
int options_scope(const char *name);

/*
 * Set one option by its name without the dash. `value` is NULL if none was
 * given, and must outlive `o` otherwise. False: `why` says what is wrong.
 */
bool options_set(struct options *o, const char *name, const char *value,
                 char *why, size_t why_size);

/* After the last option of a machine: do they go together? */
bool options_finish(struct options *o, char *why, size_t why_size);

/*
 * Parse argv[1..argc-1]. The result refers to argv's strings, which must
 * outlive it.
 */
enum options_result options_parse(struct options *o, int argc, char **argv,
                                  char *why, size_t why_size);

/* Print every option, a line or two each, through `line`. */
void options_help(void (*line)(const char *text));
/* The CPU models, and the keyboard layouts, the same way. */
void options_cpu_help(void (*line)(const char *text));
void options_keymap_help(void (*line)(const char *text));
void options_log_help(void (*line)(const char *text));

#endif
