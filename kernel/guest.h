/*
 * One guest: a machine with what the host gives it - disks, serial lines,
 * network - and its run state. Made from options, driven by loop.c or, on a
 * core of its own, by cores.c.
 */
#ifndef KERNEL_GUEST_H
#define KERNEL_GUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/display.h"
#include "emu/machine.h"
#include "kernel/disk/image.h"
#include "kernel/guest_keys.h"
#include "kernel/guest_serial.h"
#include "kernel/options.h"

struct crash_log;
struct gdbstub;
struct net;
struct serial_log;
struct snapshot_store;
struct watch;

enum guest_state {
    GUEST_ON,
    GUEST_OFF,                  /* it switched itself off */
    GUEST_REBOOTED,             /* it rebooted under -no-reboot */
    GUEST_FAILED,               /* the machine cannot go on */
};

struct guest {
    const struct options *options;
    unsigned number;            /* 1..9, its key behind Ctrl-a */
    unsigned core;              /* that runs it; 0: the I/O core, in turn */
    _Atomic enum guest_state state;     /* written on the guest's core */
    atomic_bool debug_stop;     /* the machine stopped for its debugger */
    atomic_bool kicked;         /* input waits that it has not looked at */
    bool paused;                /* I/O core: guest_stop came last */
    bool is_lent;               /* I/O core: the machine is a task's */
    bool end_told;              /* I/O core: guest_tell_end was here */
    uint32_t offered;           /* I/O core: all input, at the last kick */
    struct machine *machine;
    struct machine_host host;
    struct disk_image disk[MACHINE_IDE_UNITS];
    struct guest_serial *serial[MACHINE_SERIALS];
    struct serial_log *log;     /* console/serial_log.h: never NULL */
    struct guest_keys keys;
    struct machine_rom roms[3 + MACHINE_NICS];
    uint8_t boot_menu_wait[2];  /* ms, little-endian: one of them */
    struct net *net;
    struct gdbstub *gdb;        /* kernel/debug/gdbstub.h; NULL: none */
    struct snapshot_store *snapshots;   /* shared (snapshot/vmstate.h); NULL */
    const struct engine_ops *engine;
    struct crash_log *crashes;  /* kernel/watch/crash.h */
    struct watch *watch;        /* kernel/watch/watch.h */
    enum watch_action watchdog_action;  /* the guest's core */
    atomic_uint boots;          /* starts and resets so far */
    const char *off_why;        /* who switched it off; NULL: it did */
    const char *pause_why;      /* I/O core: "watchdog", ...; or NULL */
    atomic_bool stopped_itself; /* it stands still, and nobody asked for it */
    atomic_bool wants_rollback; /* its watchdog expired */
    char engine_note[240];      /* why other engines were refused, or "" */
    uint64_t reserve;           /* bytes of memory to be left to others */
    void *ram;
    struct platform_output *log_file;   /* guest_log.h; NULL: the host's log */
    bool log_failed;            /* the last line did not get there */
    char debug_line[128];       /* port 402h, gathered to lines */
    unsigned debug_len;
    struct guest_run {          /* guest_run.c's own, on the guest's core */
        atomic_bool held;       /* I/O core: it is not to start yet */
        uint64_t start_ns;      /* I/O core, held: when; UINT64_MAX: unknown */
        atomic_bool started;    /* I/O core: the link is up, or waited for */
        uint64_t link_wait_end; /* I/O core. 0: it has not been looked at */
        bool halted;            /* the CPU waits */
        bool poked;             /* changed from outside: look at once */
        uint64_t seen;          /* input that waited when it halted */
        uint64_t look_again_ns; /* and when to offer it once more */
        uint64_t look_step_ns;  /* longer each time that it is not taken */
        uint32_t told;          /* output that the I/O core was woken for, */
        enum guest_state told_state;    /* and state */
        int64_t credit_ns;      /* host time it may still use in this round */
        _Atomic uint64_t used_ns;       /* host time that it ran */
    } run;
};

/*
 * Open all that `o` names and make the machine. `o` must outlive the guest;
 * o->name is unique among guests and `number` is 1..OPTIONS_MACHINES. An
 * engine that wants more memory than others is taken only if `reserve` bytes
 * are left: guest_memory of those that are made later.
 * 0, or negative errno with a sentence in `why`.
 */
int guest_create(const struct options *o, unsigned number, uint64_t reserve,
                 struct guest **out, char *why, size_t why_size);
/* Bytes that a guest takes without such an engine, and some to spare. */
uint64_t guest_memory(const struct options *o);
void guest_destroy(struct guest *g);

/* It runs from the slot that the medium's table says (slots/slots.h). */
bool guest_has_slot(const struct guest *g);

/* ---- Running (guest_run.c): the guest's core ------------------------------ */

/*
 * The guest has something to do now: it runs, or what it waited for is there.
 * Otherwise guest_deadline says (platform_now_ns) when to ask again.
 */
bool guest_wants_core(const struct guest *g, uint64_t now);
uint64_t guest_deadline(const struct guest *g, uint64_t now);

/*
 * Run it for a slice of about `slice_ns` of host time. A kick for input of its
 * own does not end the slice, but `attention` does.
 */
void guest_run(struct guest *g, uint64_t slice_ns,
               const atomic_bool *attention);
/* On the I/O core, where consoles and network wait meanwhile. */
#define GUEST_SLICE_NS 500000u

/*
 * An NE2000 has no carrier, so a guest's DHCP would miss a link that is not
 * up yet: until this (I/O core) is true, wait for it, for some seconds.
 */
bool guest_start(struct guest *g, uint64_t now);
/* I/O core: a machine that is held (-autostart, -start-delay) starts now. */
void guest_release(struct guest *g);
/* I/O core: kick it if there is input that it was not kicked for. */
void guest_offer_input(struct guest *g);

/* A machine that is not GUEST_ON any more: log why, pull its cables. Once. */
void guest_tell_end(struct guest *g);

/* ---- Asking something of a machine: I/O core ------------------------------- */

/*
 * All that touches g->machine goes through these, which let the guest's core do
 * it (cores_call). False, and -ETIMEDOUT: that core does not answer, or a task
 * has the machine. Others than those here ask by guest_ask.
 */
bool guest_ask(struct guest *g, void (*fn)(struct guest *g, void *arg),
               void *arg);
bool guest_stop(struct guest *g);
/* One that is held stays so: see guest_release. */
bool guest_cont(struct guest *g);
/* Also switches a machine on that is off, or held. */
bool guest_reset(struct guest *g);
/* Without asking the guest; `why` is said in the log. */
bool guest_power_off(struct guest *g, const char *why);
/*
 * Stop it and give g->machine and its disks to the caller, or to a task of his,
 * until guest_take_back. All of these calls are false meanwhile. `loaded`: the
 * machine was loaded, and runs on from there; `cont`: let it run, which starts
 * one that is held only if it was loaded.
 */
bool guest_lend(struct guest *g);
bool guest_take_back(struct guest *g, bool loaded, bool cont);
bool guest_break(struct guest *g, unsigned serial);
bool guest_nmi(struct guest *g);
/* See machine_info. */
int guest_info(struct guest *g, const char *what, char *buf, size_t size);
/*
 * Its screen: see machine_display_draw. Nothing is asked of the guest's core by
 * guest_display_changed; without an answer there is nothing new.
 */
int guest_draw(struct guest *g, struct display_view *view,
               const struct display_target *target, unsigned shown);
bool guest_display_changed(const struct guest *g,
                           const struct display_view *view);
/* Instructions run, as machine_icount; 0 without an answer. */
uint64_t guest_icount(struct guest *g);
bool guest_is_stopped(const struct guest *g);
bool guest_serial_armed(const struct guest *g, unsigned serial);
/* "running", "paused", "off", ... */
const char *guest_state_text(const struct guest *g);

/*
 * The number of one of its drives, 0 to 3, by its name: "hda" to "hdd", qemu's
 * of today ("ide0-hd1", "ide1-cd0"), or "cdrom" for a CD drive at "hdc". -1:
 * there is none of that name.
 */
int guest_drive_number(const struct guest *g, const char *name);
/* Its disk by such a name; NULL: there is none, or it is empty. */
struct disk_image *guest_disk(struct guest *g, const char *name);

/*
 * Text of all disks, or of drive `only` if that is none of -1, by
 * disk_image_format or disk_image_format_stats; see machine_info for the return
 * value.
 */
typedef int guest_disk_format(const struct disk_image *img, const char *unit,
                              char *buf, size_t size);
int guest_format_disks(const struct guest *g, int only,
                       guest_disk_format *format, char *buf, size_t size);

#endif
