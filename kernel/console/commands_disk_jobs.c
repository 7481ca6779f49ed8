/* Monitor commands that work on a machine's disks for long: see job.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/console/commands_disk.h"
#include "kernel/console/job.h"
#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/disk/commit.h"
#include "kernel/guest.h"
#include "kernel/number.h"

/* Disks of a machine, to be committed one after the other. */
struct commit_job {
    struct job *job;
    struct disk_image *disk[MACHINE_IDE_UNITS];
    unsigned unit[MACHINE_IDE_UNITS], count;
    uint64_t base;              /* bytes of those before */
    uint64_t done;              /* and of this one */
};

static bool goes_on(void *ctx, uint64_t done, uint64_t total)
{
    struct commit_job *c = ctx;

    c->done = done;
    job_progress(c->job, c->base + done, c->base + total);
    return !job_is_cancelled(c->job);
}

static int run_commit(struct job *job, void *ctx)
{
    struct commit_job *c = ctx;
    char why[160];

    c->job = job;
    for (unsigned i = 0; i < c->count; i++) {
        int r = disk_commit(c->disk[i], goes_on, c, why, sizeof why);

        if (r == -ECANCELED)
            job_printf(job, "hd%c: what lies below its overlay is neither old "
                       "nor new until a\ncommit ends; the guest sees nothing "
                       "of that\n", 'a' + c->unit[i]);
        if (r)
            return job_fail(job, r, "hd%c: %s", 'a' + c->unit[i], why);
        c->base += c->done;
    }
    return 0;
}

static void end_commit(void *ctx, int error) { free(ctx); }

static void start_commit(struct monitor *mon, const char *what,
                         const struct commit_job *disks)
{
    struct commit_job *c = malloc(sizeof *c);
    char name[16];

    if (!c) {
        monitor_printf(mon, "out of memory\n");
        return;
    }
    *c = *disks;
    snprintf(name, sizeof name, "commit %s", what);
    job_start(mon, name, run_commit, end_commit, c);
}

void cmd_commit(struct monitor *mon, char *args)
{
    struct guest *g = mux_guest(mon->mux);
    bool all = !strcmp(args, "all"), found = all;
    struct commit_job disks = { .count = 0 };
    const struct disk_image *named = guest_disk(g, args);

    for (unsigned i = 0; i < MACHINE_IDE_UNITS; i++) {
        struct disk_image *img = &g->disk[i];

        if (!img->top || (!all && img != named))
            continue;
        found = true;
        if (img->has_overlay) {
            disks.disk[disks.count] = img;
            disks.unit[disks.count++] = i;
        }
    }
    if (!found)
        monitor_printf(mon, "no such disk: '%.28s'; 'info block' lists them\n",
                       args);
    else if (!disks.count)
        monitor_printf(mon, "%s: no overlay (-snapshot): what the guest wrote "
                       "is in place\n", args);
    else
        start_commit(mon, args, &disks);
}

/* ---- block_resize ------------------------------------------------------------- */

struct resize_job {
    struct disk_image *disk;
    uint64_t sectors;
};

static int run_resize(struct job *job, void *ctx)
{
    const struct resize_job *z = ctx;
    char why[160];
    int r = disk_image_resize(z->disk, z->sectors, why, sizeof why);

    if (r)
        return job_fail(job, r, "%s", why);
    if (z->disk->dev.sectors < z->sectors)
        job_printf(job, "the guest sees it from its next reset on\n");
    return 0;
}

static void end_resize(void *ctx, int error) { free(ctx); }

void cmd_block_resize(struct monitor *mon, char *args)
{
    char *size = args + strcspn(args, " \t"), name[24];
    struct disk_image *img;
    struct resize_job *z;
    uint64_t bytes;

    if (*size)
        *size++ = '\0';
    size += strspn(size, " \t");
    img = guest_disk(mux_guest(mon->mux), args);
    if (!img) {
        monitor_printf(mon, "Device '%.20s' not found; 'info block' lists "
                       "them\n", args);
        return;
    }
    if (!parse_size(size, &bytes) || bytes % BLOCK_SECTOR_SIZE || !bytes) {
        monitor_printf(mon, "use block_resize DISK SIZE: MiB, or with K, M, G or "
                       "T behind it, or B\nfor bytes, a multiple of 512\n");
        return;
    }
    z = malloc(sizeof *z);
    if (!z) {
        monitor_printf(mon, "out of memory\n");
        return;
    }
    *z = (struct resize_job){ img, bytes / BLOCK_SECTOR_SIZE };
    snprintf(name, sizeof name, "block_resize %s", args);
    job_start(mon, name, run_resize, end_resize, z);
}
