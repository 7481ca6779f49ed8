/* The monitor's command `install`: see slots/install.h. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/block/disk.h"
#include "kernel/console/commands_slots.h"
#include "kernel/console/job.h"
#include "kernel/console/mux.h"
#include "kernel/disk/disk_name.h"
#include "kernel/disk/disk_size.h"
#include "kernel/disk/fat.h"
#include "kernel/disk/fat_used.h"
#include "kernel/disk/image_info.h"
#include "kernel/guest.h"
#include "kernel/net/arch/cc.h"
#include "kernel/number.h"
#include "kernel/platform.h"
#include "kernel/slots/install.h"
#include "kernel/slots/slots.h"

#define DISK_NAME 16u

struct work {
    struct monitor *mon;
    struct job *job;
    struct disk *disk;
    char name[DISK_NAME];       /* "disk1" */
    struct install in;
    struct medium medium;
    unsigned held;              /* machines: a bit for each of the mux's */
};

/* ---- The job --------------------------------------------------------------- */

static bool show_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct work *w = ctx;

    job_progress(w->job, done, total);
    return !job_is_cancelled(w->job);
}

/* Its disk is the medium, or lies there. */
static bool is_on_medium(const struct work *w, const struct guest *g)
{
    for (unsigned i = 0; i < MACHINE_IDE_UNITS; i++)
        if (disk_name_is_on(g->options->drive[i].file, w->medium.disk))
            return true;
    return false;
}

static bool let_go(struct work *w)
{
    const struct mux *mux = w->mon->mux;
    bool all = true;

    for (unsigned i = 0; i < mux->count; i++)
        if (w->held & 1u << i)
            all &= guest_cont(mux->console[i].guest);
    w->held = 0;
    return all;
}

/*
 * All that may write to the image. The PC's own disks are there where tasks are
 * on the I/O core.
 */
static bool hold(void *ctx, bool held)
{
    struct work *w = ctx;
    const struct mux *mux = w->mon->mux;

    if (!held)
        return let_go(w);
    for (unsigned i = 0; i < mux->count; i++) {
        struct guest *g = mux->console[i].guest;

        if (!is_on_medium(w, g) || guest_is_stopped(g))
            continue;
        job_printf(w->job, "machine '%s' waits while the image is copied\n",
                   g->options->name);
        if (!guest_stop(g)) {
            let_go(w);
            return false;
        }
        w->held |= 1u << i;
    }
    return true;
}

static int run_install(struct job *job, void *ctx)
{
    struct work *w = ctx;
    int r;

    w->job = job;
    r = install_run(&w->in);
    return r ? job_fail(job, r, "%s", w->in.why) : 0;
}

static void free_work(struct work *w)
{
    block_close(w->in.from);
    block_close(w->in.to);
    free(w);
}

static void end_install(void *ctx, int error)
{
    struct work *w = ctx;

    if (!error)
        monitor_printf(w->mon, "Switch off, take this medium out, and start "
                       "from %s.\n", w->name);
    else if (w->in.left == INSTALL_AS_IT_WAS)
        monitor_printf(w->mon, "Nothing was written to %s.\n", w->name);
    else
        monitor_printf(w->mon, "%s from %s now. 'install %s' can be tried "
                       "again.\n", w->in.left == INSTALL_NOTHING_STARTS
                       ? "Nothing starts" : "Nobody knows what starts",
                       w->name, w->name);
    free_work(w);
}

/* ---- Questions ------------------------------------------------------------- */

static int open_target(struct work *w)
{
    int r = block_phys_open(w->disk, 0, 0, BLOCK_PHYS_WRITE,
                            platform_task_wait, &w->in.to);

    if (r)
        monitor_printf(w->mon, "%s: %s\n", w->name, r == -EBUSY
                       ? "it is in use" : r == -EROFS
                       ? "it is write-protected" : strerror(-r));
    return r;
}

static void answer_name(struct monitor *mon, char *line, void *ctx)
{
    struct work *w = ctx;
    char name[41];

    if (strcmp(line, w->name)) {
        monitor_printf(mon, "that is not '%s': nothing was done\n", w->name);
        free_work(w);
    } else if (open_target(w)) {
        free_work(w);
    } else {
        snprintf(name, sizeof name, "install %s", w->name);
        job_start(mon, name, run_install, end_install, w);
    }
}

static void answer_yes(struct monitor *mon, char *line, void *ctx)
{
    struct work *w = ctx;
    char question[80];

    if (strcmp(line, "y") && strcmp(line, "yes")) {
        monitor_printf(mon, "nothing was done\n");
        free_work(w);
        return;
    }
    snprintf(question, sizeof question, "To begin, type the disk's name, %s:",
             w->name);
    monitor_ask(mon, question, answer_name, w);
}

/* ---- What is there --------------------------------------------------------- */

static struct monitor *shown_on;        /* while it is shown */

static void show_line(const char *text)
{
    monitor_printf(shown_on, "  %.76s\n", text);
}

static void show_disk(struct work *w)
{
    char size[DISK_SIZE_TEXT];
    struct block *whole;
    int r = block_phys_open(w->disk, 0, 0, BLOCK_PHYS_PEEK,
                            platform_task_wait, &whole);

    disk_size_text(size, w->disk->sectors);
    monitor_printf(w->mon, "%s: %s\n  %s, model '%s', serial '%s'\n", w->name,
                   w->disk->label, size, w->disk->model, w->disk->serial);
    if (!r) {
        shown_on = w->mon;
        r = image_info_disk(whole, show_line);
        block_close(whole);
    }
    if (r)
        monitor_printf(w->mon, "  it cannot be read: %s\n", strerror(-r));
}

/* ---- The command ----------------------------------------------------------- */

/* NULL, or why it cannot be the new one. */
static const char *refuse(const struct work *w)
{
    const struct disk *disk = w->disk;

    if (disk == w->medium.disk)
        return "Trestle was started from it";
    if (disk->is_gone)
        return "it is gone";
    if (disk->read_only)
        return "it is write-protected";
    if (disk->block_bytes != DISK_SECTOR ||
        w->medium.disk->block_bytes != DISK_SECTOR)
        return "its blocks, or the medium's, are of 4096 bytes: GRUB does not "
               "start there";
    return NULL;
}

static bool find_disk(struct work *w, const char *name)
{
    unsigned number;

    if (strncmp(name, "disk", 4) || !parse_number(name + 4, UINT_MAX, &number))
        return false;
    w->disk = platform_disk(number);
    snprintf(w->name, sizeof w->name, "disk%u", number);
    return w->disk;
}

/* Where its FAT tells what is in use. */
static uint64_t used_sectors(const struct medium *m, uint64_t all)
{
    struct fat fat;
    struct block *files;
    uint64_t used = all;
    char why[160];

    if (medium_open(m, MEDIUM_ESP, BLOCK_PHYS_PEEK, platform_task_wait, &files,
                    why, sizeof why))
        return all;
    if (fat_open(&fat, files) || fat_used(&fat, &used) || used > all)
        used = all;
    block_close(files);
    return used;
}

/* False, with a sentence in in.why: it cannot be done. */
static bool prepare(struct work *w)
{
    struct slot_table t;
    const char *why;

    if (medium_find(platform_task_wait, &w->medium, w->in.why,
                    sizeof w->in.why) ||
        slots_read(&t, w->in.why, sizeof w->in.why))
        return false;
    why = refuse(w);
    if (why) {
        snprintf(w->in.why, sizeof w->in.why, "%s", why);
        return false;
    }
    if (!install_plan(&w->in, &w->medium, t.active, w->disk->sectors))
        return false;
    w->in.files = used_sectors(&w->medium, w->in.files);
    w->in.known = t.slot[t.active].image;
    snprintf(w->in.why, sizeof w->in.why, "cannot open the medium");
    return !block_phys_open(w->medium.disk, 0, 0, BLOCK_PHYS_PEEK,
                            platform_task_wait, &w->in.from);
}

void cmd_install(struct monitor *mon, char *args)
{
    struct work *w;

    if (job_is_running()) {
        monitor_printf(mon, "another job is running\n");
        return;
    }
    w = calloc(1, sizeof *w);
    if (!w) {
        monitor_printf(mon, "out of memory\n");
        return;
    }
    w->mon = mon;
    if (!find_disk(w, args)) {
        monitor_printf(mon, "install: '%.40s' is no disk: 'info disks' lists "
                       "them, disk0 and so on\n", args);
        free_work(w);
        return;
    }
    if (!prepare(w)) {
        monitor_printf(mon, "install %s: %s\n", w->name, w->in.why);
        free_work(w);
        return;
    }
    w->in.random = net_random;
    w->in.hold = hold;
    w->in.progress = show_progress;
    w->in.ctx = w;
    show_disk(w);
    monitor_ask(mon, "ALL of it will be lost. Install Trestle there? (y/n)",
                answer_yes, w);
}
