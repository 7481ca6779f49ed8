/* See guest_media.h. */
#include "kernel/guest_media.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emu/machine_media.h"
#include "kernel/disk/image.h"
#include "kernel/guest.h"
#include "kernel/platform.h"

/* A drive at work comes to its end within so many looks. */
#define LOOKS 200u
#define LOOK_NS 2000000u

struct call {
    unsigned unit;
    bool force;
    bool has_stopped;           /* it ran, and goes on afterwards */
    int result;
};

/*
 * While it stands, nobody looks at its disks (guest_deadline). Once this
 * succeeds, the guest's drive knows of no medium any more.
 */
static void do_eject(struct guest *g, void *arg)
{
    struct call *c = arg;

    c->result = machine_eject(g->machine, c->unit, c->force);
    c->has_stopped = !c->result && !machine_is_stopped(g->machine);
    if (c->has_stopped)
        machine_stop(g->machine);
}

static void do_insert(struct guest *g, void *arg)
{
    const struct call *c = arg;

    if (g->disk[c->unit].top)
        machine_insert(g->machine, c->unit, &g->disk[c->unit].dev);
    if (c->has_stopped)
        machine_cont(g->machine);
}

void guest_forget_medium(struct guest *g, unsigned unit)
{
    const struct drive_option *d = &g->options->drive[unit];
    struct disk_image *img = &g->disk[unit];

    if (d->used && d->is_cdrom && img->dev.name != d->file)
        free((char *)img->dev.name);
    img->dev.name = NULL;
}

/* Which drive; negative errno if it is no CD drive. */
static int find_drive(const struct guest *g, const char *unit, char *why,
                      size_t why_size)
{
    int i = guest_drive_number(g, unit);

    if (i < 0) {
        snprintf(why, why_size, "Device '%.20s' not found; 'info block' lists "
                 "them", unit);
        return -ENODEV;
    }
    if (!g->options->drive[i].is_cdrom) {
        snprintf(why, why_size, "Device '%s' is not removable", unit);
        return -ENOTTY;
    }
    return i;
}

/* The machine stands afterwards if this is 0; the drive is empty. */
static int eject(struct guest *g, struct call *c, const char *unit, char *why,
                 size_t why_size)
{
    for (unsigned i = 0; i < LOOKS; i++) {
        if (!guest_ask(g, do_eject, c))
            c->result = -ETIMEDOUT;
        if (c->result != -EBUSY)
            break;
        platform_task_wait(platform_now_ns() + LOOK_NS);
    }
    if (c->result == -EACCES)
        snprintf(why, why_size, "Device '%s' is locked by the guest; -f "
                 "overrides that", unit);
    else if (c->result == -EBUSY)
        snprintf(why, why_size, "Device '%s' is at work; try again", unit);
    else if (c->result)
        snprintf(why, why_size, "the machine's core does not answer");
    if (c->result)
        return c->result;
    disk_image_close(&g->disk[c->unit]);
    guest_forget_medium(g, c->unit);
    return 0;
}

int guest_eject(struct guest *g, const char *unit, bool force, char *why,
                size_t why_size)
{
    int i = find_drive(g, unit, why, why_size), r;
    struct call c = { (unsigned)i, force, false, 0 };

    if (i < 0)
        return i;
    r = eject(g, &c, unit, why, why_size);
    if (!r && c.has_stopped)
        guest_ask(g, do_insert, &c);
    return r;
}

static int open_medium(struct guest *g, struct disk_image *img,
                       const char *file, char *why, size_t why_size)
{
    int r = disk_image_open_over(img, file, DISK_CDROM, NULL, false, why,
                                 why_size);

    /* As open_disks in guest.c. */
    if (!r && g->options->icount_shift < 0 &&
        (r = disk_image_start_worker(img))) {
        snprintf(why, why_size, "no task for '%.100s': %s", file,
                 strerror(-r));
        disk_image_close(img);
    }
    return r;
}

int guest_change(struct guest *g, const char *unit, const char *file,
                 bool force, char *why, size_t why_size)
{
    int i = find_drive(g, unit, why, why_size), r;
    struct call c = { (unsigned)i, force, false, 0 };
    struct disk_image *trial;
    struct throttle_limits limits;
    char *name;

    if (i < 0)
        return i;
    trial = malloc(sizeof *trial);
    name = strdup(file);
    snprintf(why, why_size, "out of memory");
    r = trial && name ? open_medium(g, trial, name, why, why_size) : -ENOMEM;
    if (!r) {
        disk_image_close(trial);
        r = eject(g, &c, unit, why, why_size);
    }
    free(trial);
    if (r) {
        free(name);
        return r;
    }
    throttle_get(&g->disk[i].throttle, &limits);
    r = open_medium(g, &g->disk[i], name, why, why_size);
    if (!r)                     /* they are the drive's */
        r = disk_image_throttle(&g->disk[i], &limits);
    if (r) {
        g->disk[i].dev.name = NULL;
        free(name);
    }
    guest_ask(g, do_insert, &c);
    return r;
}

/* ---- How fast they are ------------------------------------------------------- */

static void do_hold(struct guest *g, void *arg)
{
    struct call *c = arg;

    c->has_stopped = !machine_is_stopped(g->machine);
    if (c->has_stopped)
        machine_stop(g->machine);
}

static void do_go_on(struct guest *g, void *arg)
{
    const struct call *c = arg;

    if (c->has_stopped)
        machine_cont(g->machine);
}

int guest_throttle(struct guest *g, unsigned unit,
                   const struct throttle_limits *limits, char *why,
                   size_t why_size)
{
    struct call c = { .unit = unit };
    int r;

    if (g->options->icount_shift >= 0) {
        snprintf(why, why_size, "with -icount a disk's requests take no time");
        return -ENOTSUP;
    }
    if (!guest_ask(g, do_hold, &c)) {
        snprintf(why, why_size, "the machine's core does not answer");
        return -ETIMEDOUT;
    }
    r = disk_image_throttle(&g->disk[unit], limits);
    if (r)
        snprintf(why, why_size, "no task for the drive: %s", strerror(-r));
    guest_ask(g, do_go_on, &c);
    return r;
}
