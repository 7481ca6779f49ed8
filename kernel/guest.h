/*
 * One guest: a machine with what the host gives it - disks, serial lines,
 * network - and its run state. Made from options, driven by loop.c.
 */
#ifndef KERNEL_GUEST_H
#define KERNEL_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/machine.h"
#include "kernel/disk/image.h"
#include "kernel/options.h"
#include "kernel/ring.h"

struct net;

/* A guest serial port's host end: a ring each way (guest core <-> I/O core). */
struct guest_serial {
    struct byte_ring to_guest, from_guest;
    struct chardev chr;
    bool discard;               /* -serial null: output goes nowhere */
};

enum guest_state {
    GUEST_ON,
    GUEST_OFF,                  /* it switched itself off */
    GUEST_REBOOTED,             /* it rebooted under -no-reboot */
    GUEST_FAILED,               /* the machine cannot go on */
};

struct guest {
    const struct options *options;
    unsigned number;            /* 1..9, its key behind Ctrl-a */
    enum guest_state state;     /* written on the guest's core */
    bool end_told;              /* I/O core: guest_tell_end was here */
    struct machine *machine;
    struct machine_host host;
    struct disk_image disk[MACHINE_IDE_UNITS];
    struct guest_serial *serial[MACHINE_SERIALS];
    struct machine_rom roms[1 + MACHINE_NICS];
    struct net *net;
    const struct engine_ops *engine;
    char engine_note[160];      /* why other engines were refused, or "" */
    void *ram;
    char debug_line[128];       /* port 402h, gathered to lines */
    unsigned debug_len;
    struct guest_run {          /* guest_run.c's own */
        bool started;           /* the link is up, or was waited for */
        uint64_t link_wait_end; /* 0: it has not been looked at yet */
        bool halted;            /* the CPU waits */
        bool poked;             /* changed from outside: look at once */
        uint64_t seen;          /* input that waited when it halted */
        uint64_t look_again_ns; /* and when to offer it once more */
        int64_t credit_ns;      /* host time it may still use in this round */
        uint64_t used_ns;       /* host time that it ran */
    } run;
};

/*
 * Open all that `o` names and make the machine. `o` must outlive the guest;
 * o->name is unique among guests and `number` is 1..OPTIONS_MACHINES.
 * 0, or negative errno with a sentence in `why`.
 */
int guest_create(const struct options *o, unsigned number, struct guest **out,
                 char *why, size_t why_size);
void guest_destroy(struct guest *g);

/* ---- Running (guest_run.c): the guest's core ------------------------------ */

/*
 * The guest has something to do now: it runs, or what it waited for is there.
 * Otherwise guest_deadline says (platform_now_ns) when to ask again.
 */
bool guest_wants_core(const struct guest *g, uint64_t now);
uint64_t guest_deadline(const struct guest *g, uint64_t now);

/* Run it for a slice, about GUEST_SLICE_NS of host time. */
void guest_run(struct guest *g);
#define GUEST_SLICE_NS 500000u

/*
 * An NE2000 has no carrier, so a guest's DHCP would miss a link that is not
 * up yet: until this (I/O core) is true, wait for it, for some seconds.
 */
bool guest_start(struct guest *g, uint64_t now);

/* A machine that is not GUEST_ON any more: log why, pull its cables. Once. */
void guest_tell_end(struct guest *g);

/* ---- Asking something of a machine: I/O core ------------------------------- */

/*
 * Run `fn` on the guest's core between two slices and wait for its end. All
 * that touches g->machine from elsewhere goes through here.
 */
void guest_call(struct guest *g, void (*fn)(struct guest *g, void *arg),
                void *arg);

void guest_stop(struct guest *g);
void guest_cont(struct guest *g);
/* Also switches a machine on that is off. */
void guest_reset(struct guest *g);
void guest_break(struct guest *g, unsigned serial);
/* See machine_info. */
int guest_info(struct guest *g, const char *what, char *buf, size_t size);
bool guest_is_stopped(const struct guest *g);
bool guest_serial_armed(const struct guest *g, unsigned serial);
/* "running", "paused", "off", ... */
const char *guest_state_text(const struct guest *g);

/* Text for `info block`; see machine_info for the return value. */
int guest_format_block(const struct guest *g, char *buf, size_t size);

#endif
