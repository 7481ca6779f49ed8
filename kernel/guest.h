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

struct guest {
    const struct options *options;
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
};

/*
 * Open all that `o` names and make the machine. `o` must outlive the guest.
 * 0, or negative errno with a sentence in `why`.
 */
int guest_create(const struct options *o, struct guest **out, char *why,
                 size_t why_size);
void guest_destroy(struct guest *g);

/* Text for `info block`; see machine_info for the return value. */
int guest_format_block(const struct guest *g, char *buf, size_t size);

#endif
