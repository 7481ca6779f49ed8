/* See commands_snapshot.h. Each is a job, as it waits for a disk. */
#include "kernel/console/commands_snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/console/commands.h"
#include "kernel/console/job.h"
#include "kernel/console/mux.h"
#include "kernel/date.h"
#include "kernel/disk/disk_size.h"
#include "kernel/guest.h"
#include "kernel/platform.h"
#include "kernel/snapshot/snapshot.h"
#include "kernel/snapshot/vmstate.h"

#define NAME_SHOWN 35u          /* of a file's name: its end */

/* ---- What is there ------------------------------------------------------- */

/* The store of the machine that is shown; NULL: it has none, said so. */
static struct snapshot_store *store_of(struct monitor *mon)
{
    struct snapshot_store *st = mux_guest(mon->mux)->snapshots;

    if (!st)
        monitor_printf(mon, "no place for snapshots: start Trestle with "
                       "-vmstate FILE, on the appliance\nwith -vmstate "
                       "disk:N,part=M ('info disks' lists the disks)\n");
    return st;
}

/* The i-th of the machine that is shown, or NULL. */
static const struct snapshot *nth(const struct monitor *mon, unsigned i)
{
    const struct guest *g = mux_guest(mon->mux);
    const struct snapshot_index *x =
        g->snapshots ? snapshot_store_index(g->snapshots) : NULL;

    for (unsigned k = 0; x && k < x->count; k++)
        if (!strcmp(x->item[k].machine, g->options->name) && !i--)
            return &x->item[k];
    return NULL;
}

const char *snapshot_tag_name(const struct monitor *mon, unsigned i)
{
    const struct snapshot *p = nth(mon, i);

    return p ? p->tag : NULL;
}

static void size_text(char text[DISK_SIZE_TEXT], uint64_t bytes)
{
    disk_size_text(text, bytes / 512 + !!(bytes % 512));
}

/* qemu's columns, and how much of it is the disks'. */
static void print_one(struct monitor *mon, const struct snapshot *p)
{
    uint64_t ms = p->clock_ns / 1000000;
    char vm[DISK_SIZE_TEXT], disks[DISK_SIZE_TEXT], date[24];
    time_t t = (time_t)date_local(p->date);
    struct tm tm;

    size_text(vm, p->vm_bytes);
    size_text(disks, p->disk_bytes);
    gmtime_r(&t, &tm);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm);
    monitor_printf(mon, "%-4u %-20s %8s %s %02u:%02u:%02u.%03u %7s\n", p->id,
                   p->tag, vm, date, (unsigned)(ms / 3600000),
                   (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60),
                   (unsigned)(ms % 1000), disks);
}

/* Where they are, and how much fits there. */
static void print_place(struct monitor *mon, struct snapshot_store *st,
                        unsigned shown)
{
    const struct snapshot_index *x = snapshot_store_index(st);
    const char *name = vmstate_name(st);
    size_t len = strlen(name), cut = len > NAME_SHOWN ? len - NAME_SHOWN : 0;
    uint64_t bytes = snapshot_store_free(st);
    char room[DISK_SIZE_TEXT];

    size_text(room, bytes);
    monitor_printf(mon, "in %s%s: %s%s%s\n", cut ? "..." : "", name + cut,
                   bytes == UINT64_MAX ? "grows" : room,
                   bytes == UINT64_MAX ? "" : " free",
                   snapshot_store_is_volatile(st)
                       ? ", in RAM: lost at power-off" : "");
    if (x->count > shown)
        monitor_printf(mon, "and %u of other machines\n", x->count - shown);
}

void info_snapshots(struct monitor *mon)
{
    struct snapshot_store *st = store_of(mon);
    const struct snapshot *p;
    unsigned n = 0;

    if (!st)
        return;
    for (; (p = nth(mon, n)); n++) {
        if (!n)
            monitor_printf(mon, "%-4s %-20s %8s %-19s %12s %7s\n", "ID",
                           "TAG", "VM SIZE", "DATE", "VM CLOCK", "DISKS");
        print_one(mon, p);
    }
    if (!n)
        monitor_printf(mon, "no snapshots of this machine\n");
    print_place(mon, st, n);
}

/* ---- Jobs ---------------------------------------------------------------- */

struct vm_job {
    struct monitor *mon;
    struct job *job;
    struct guest *guest;
    char tag[SNAPSHOT_TAG];
    uint32_t id;
    bool lent, was_running;
    enum snapshot_did did;
};

static void progress(void *ctx, uint64_t done, uint64_t total)
{
    const struct vm_job *v = ctx;

    job_progress(v->job, done < total ? done : total, total);
}

static bool is_cancelled(void *ctx)
{
    return job_is_cancelled(((const struct vm_job *)ctx)->job);
}

static int run_save(struct job *job, void *ctx)
{
    struct vm_job *v = ctx;
    const struct snapshot_watch watch = { v, progress, is_cancelled };
    char why[200];
    int r;

    v->job = job;
    r = snapshot_save(v->guest, v->tag, &watch, why, sizeof why);
    return r && r != -ECANCELED ? job_fail(job, r, "%s", why) : r;
}

static int run_load(struct job *job, void *ctx)
{
    struct vm_job *v = ctx;
    const struct snapshot_watch watch = { v, progress, is_cancelled };
    char why[200];
    int r;

    v->job = job;
    r = snapshot_load(v->guest, v->id, &watch, &v->did, why, sizeof why);
    return r && r != -ECANCELED ? job_fail(job, r, "%s", why) : r;
}

static int run_delete(struct job *job, void *ctx)
{
    struct vm_job *v = ctx;
    int r = snapshot_delete(v->guest->snapshots, v->id);

    return r ? job_fail(job, r, "%s",
                        snapshot_store_why(v->guest->snapshots)) : 0;
}

static void end(void *ctx, int error)
{
    struct vm_job *v = ctx;
    bool part = v->did == SNAPSHOT_PART;

    if (v->lent)
        guest_take_back(v->guest, v->did != SNAPSHOT_NOTHING,
                        v->was_running && !part);
    if (part)
        monitor_printf(v->mon, "the disks are put back in part: the machine "
                       "stays paused. 'loadvm %s' again\n", v->tag);
    free(v);
}

/* `lend`: it needs the machine itself. */
static void start(struct monitor *mon, const char *verb,
                  const struct vm_job *what, bool lend,
                  int (*run)(struct job *job, void *ctx))
{
    struct vm_job *v = malloc(sizeof *v);
    struct guest *g = mux_guest(mon->mux);
    char name[SNAPSHOT_TAG + 8];

    if (!v) {
        monitor_printf(mon, "out of memory\n");
        return;
    }
    *v = *what;
    v->mon = mon;
    v->guest = g;
    v->was_running = !guest_is_stopped(g);
    v->lent = lend && guest_lend(g);
    if (lend && !v->lent) {
        monitor_printf(mon, "the machine's core does not answer\n");
        free(v);
        return;
    }
    snprintf(name, sizeof name, "%s %s", verb, v->tag);
    job_start(mon, name, run, end, v);
}

/* ---- Commands ------------------------------------------------------------ */

/* As qemu names one: vm-20261130104155. */
static void make_tag(char tag[SNAPSHOT_TAG])
{
    time_t t = (time_t)date_local(platform_wall_seconds());
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(tag, SNAPSHOT_TAG, "vm-%Y%m%d%H%M%S", &tm);
}

void cmd_savevm(struct monitor *mon, char *args)
{
    struct vm_job v = { 0 };

    if (!store_of(mon))
        return;
    if (mux_guest(mon->mux)->state != GUEST_ON) {
        monitor_printf(mon, "the machine does not run: there is nothing to "
                       "save\n");
        return;
    }
    if (!*args) {
        make_tag(v.tag);
    } else if (strchr(args, ' ') || !snapshot_tag_is_good(args)) {
        monitor_printf(mon, "savevm: a tag is a word of 1 to %u printable "
                       "characters\n", SNAPSHOT_TAG - 1);
        return;
    } else {
        strcpy(v.tag, args);
    }
    start(mon, "savevm", &v, true, run_save);
}

/* What `args` names, into *v; false: nothing, said so. */
static bool find(struct monitor *mon, const char *command, const char *args,
                 struct vm_job *v)
{
    struct snapshot_store *st = store_of(mon);
    const struct snapshot *p;

    if (!st)
        return false;
    p = snapshot_find(snapshot_store_index(st),
                      mux_guest(mon->mux)->options->name, args);
    if (!p) {
        monitor_printf(mon, "%s: no snapshot of this machine is '%.31s'; "
                       "'info snapshots' lists them\n", command, args);
        return false;
    }
    v->id = p->id;
    strcpy(v->tag, p->tag);
    return true;
}

void cmd_loadvm(struct monitor *mon, char *args)
{
    struct vm_job v = { 0 };

    if (!find(mon, "loadvm", args, &v))
        return;
    if (mux_guest(mon->mux)->state == GUEST_FAILED) {
        monitor_printf(mon, "the machine has failed and cannot go on: start "
                       "Trestle again, with -loadvm %s\n", v.tag);
        return;
    }
    start(mon, "loadvm", &v, true, run_load);
}

void cmd_delvm(struct monitor *mon, char *args)
{
    struct vm_job v = { 0 };

    if (find(mon, "delvm", args, &v))
        start(mon, "delvm", &v, false, run_delete);
}
