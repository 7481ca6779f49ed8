/* See commands_slots.h. */
#include "kernel/console/commands_slots.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/console/commands.h"
#include "kernel/console/job.h"
#include "kernel/console/mux.h"
#include "kernel/console/serial_receiver.h"
#include "kernel/disk/disk_size.h"
#include "kernel/guest.h"
#include "kernel/net/fetch/fetch.h"
#include "kernel/platform.h"
#include "kernel/slots/medium_file.h"
#include "kernel/slots/slots.h"
#include "kernel/slots/upgrade.h"

#define HASH_TEXT (2 * SHA256_BYTES + 1)

static void hash_text(char text[HASH_TEXT], const uint8_t hash[SHA256_BYTES])
{
    for (unsigned i = 0; i < SHA256_BYTES; i++)
        sprintf(text + 2 * i, "%02x", hash[i]);
}

/* ---- info slots ------------------------------------------------------------ */

static void print_image(struct monitor *mon, const struct slot_image *image)
{
    char size[DISK_SIZE_TEXT], date[40] = "", hash[HASH_TEXT];
    time_t seconds = (time_t)image->date;
    struct tm tm;

    monitor_printf(mon, "  from %s\n", image->source);
    if (!image->bytes)
        return;
    if (gmtime_r(&seconds, &tm))
        strftime(date, sizeof date, ", %Y-%m-%d %H:%M UTC", &tm);
    disk_size_text(size, image->bytes / 512 + !!(image->bytes % 512));
    hash_text(hash, image->sha256);
    monitor_printf(mon, "  %s%s\n  sha256 %s\n", size, date, hash);
}

static void print_slot(struct monitor *mon, const struct slot_table *t,
                       unsigned i)
{
    static const char *const states[] = {
        [SLOT_EMPTY] = "empty", [SLOT_GOOD] = "good",
        [SLOT_TRYING] = "on trial", [SLOT_FAILED] = "failed",
    };
    const struct slot *s = &t->slot[i];

    monitor_printf(mon, "slot %s: %s%s%s%s", slot_name(i), states[s->state],
                   i == t->active ? ", active" : "",
                   i == t->previous ? ", previous" : "",
                   i == slots_running() ? ", running" : "");
    if (s->state == SLOT_TRYING)
        monitor_printf(mon, ", boot %u of %u", s->attempts, SLOT_TRIES);
    monitor_printf(mon, "\n");
    if (s->state != SLOT_EMPTY)
        print_image(mon, &s->image);
}

void info_slots(struct monitor *mon)
{
    struct slot_table t;
    char why[200];

    if (slots_read(&t, why, sizeof why)) {
        monitor_printf(mon, "%s\n", why);
        return;
    }
    for (unsigned i = 0; i < t.count; i++)
        print_slot(mon, &t, i);
}

/* ---- The guest that runs from a slot --------------------------------------- */

static struct guest *guest_on_slot(const struct mux *mux)
{
    for (unsigned i = 0; i < mux->count; i++)
        if (guest_has_slot(mux->console[i].guest))
            return mux->console[i].guest;
    return NULL;
}

static void restart(struct monitor *mon)
{
    struct guest *g = guest_on_slot(mon->mux);

    if (g && !guest_reset(g))
        monitor_printf(mon, "the machine's core does not answer\n");
}

static void answer_restart(struct monitor *mon, char *line, void *ctx)
{
    if (!strcmp(line, "y") || !strcmp(line, "yes"))
        restart(mon);
    else
        monitor_printf(mon, "not now: at its next reset\n");
}

/* What the table says is the next boot's. */
static void offer_restart(struct monitor *mon, bool at_once)
{
    if (!guest_on_slot(mon->mux))
        monitor_printf(mon, "no machine runs from -hda slot\n");
    else if (at_once)
        restart(mon);
    else
        monitor_ask(mon, "Restart the guest now? What runs in it is cut off. "
                    "(y/n)", answer_restart, NULL);
}

/* ---- confirm, rollback ----------------------------------------------------- */

struct work {
    struct monitor *mon;
    bool yes;                   /* -y: nothing is asked */
    /* Of an upgrade. */
    struct receiver *from;
    struct job *job;
    unsigned slot;
    struct slot_image image;
};

static int confirm_table(struct slot_table *t, void *ctx)
{
    return slot_table_confirm(t) ? 0 : -ENOENT;
}

static int run_confirm(struct job *job, void *ctx)
{
    char why[200] = "no slot is on trial";
    int r = slots_change(confirm_table, NULL, why, sizeof why);

    return r ? job_fail(job, r, "%s", why) : 0;
}

static void end_confirm(void *ctx, int error) { }

void cmd_confirm(struct monitor *mon, char *args)
{
    job_start(mon, "confirm", run_confirm, end_confirm, NULL);
}

static int rollback_table(struct slot_table *t, void *ctx)
{
    return slot_table_rollback(t) ? 0 : -ENOENT;
}

static int run_rollback(struct job *job, void *ctx)
{
    char why[200] = "no slot is on trial, and none was active before";
    int r = slots_change(rollback_table, NULL, why, sizeof why);

    return r ? job_fail(job, r, "%s", why) : 0;
}

static void end_rollback(void *ctx, int error)
{
    struct work *w = ctx;

    if (!error)
        offer_restart(w->mon, w->yes);
    free(w);
}

static struct work *new_work(struct monitor *mon, bool yes)
{
    struct work *w = calloc(1, sizeof *w);

    if (!w) {
        monitor_printf(mon, "out of memory\n");
        return NULL;
    }
    w->mon = mon;
    w->yes = yes;
    return w;
}

void cmd_rollback(struct monitor *mon, char *args)
{
    bool yes = !strcmp(args, "-y");
    struct work *w;

    if (*args && !yes) {
        monitor_printf(mon, "rollback: '%.40s' is not -y\n", args);
        return;
    }
    w = new_work(mon, yes);
    if (w)
        job_start(mon, "rollback", run_rollback, end_rollback, w);
}

/* ---- upgrade --------------------------------------------------------------- */

static bool show_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct work *w = ctx;

    job_progress(w->job, done, total);
    return !job_is_cancelled(w->job);
}

static bool is_cancelled(void *ctx) { return job_is_cancelled(ctx); }

static int clear_table(struct slot_table *t, void *ctx)
{
    struct work *w = ctx;

    /* Somebody may have confirmed or rolled back since it was chosen. */
    if (slot_table_spare(t, w->slot) != w->slot)
        return -EBUSY;
    slot_table_clear(t, w->slot);
    return 0;
}

static int try_table(struct slot_table *t, void *ctx)
{
    struct work *w = ctx;

    if (slot_table_spare(t, w->slot) != w->slot)
        return -EBUSY;
    slot_table_try(t, w->slot, &w->image);
    return 0;
}

static int change(struct job *job, struct work *w,
                  int (*by)(struct slot_table *t, void *ctx))
{
    char why[200] = "the slots were changed meanwhile";
    int r = slots_change(by, w, why, sizeof why);

    return r ? job_fail(job, r, "%s", why) : 0;
}

static int write_slot(struct job *job, struct work *w, struct upgrade *u,
                      struct block *to)
{
    char hash[HASH_TEXT];
    int r = upgrade_write(u, to);

    if (r)
        return job_fail(job, r, "%s", u->why);
    hash_text(hash, u->sha256);
    job_printf(job, "%llu bytes, sha256 %s\nreading slot %s back\n",
               (unsigned long long)u->bytes, hash, slot_name(w->slot));
    r = upgrade_verify(u, to);
    if (r)
        return job_fail(job, r, "%s", u->why);
    w->image.bytes = u->bytes;
    w->image.date = platform_wall_seconds();
    memcpy(w->image.sha256, u->sha256, sizeof w->image.sha256);
    return change(job, w, try_table);
}

static int fill_slot(struct job *job, struct work *w, struct block *to)
{
    struct upgrade u = { .from = w->from, .room = to->sectors,
                         .progress = show_progress, .ctx = w };
    int r = upgrade_begin(&u);

    if (r)
        job_fail(job, r, "%s", u.why);
    else if (!(r = change(job, w, clear_table)))
        r = write_slot(job, w, &u, to);
    upgrade_end(&u);
    return r;
}

static int run_upgrade(struct job *job, void *ctx)
{
    struct work *w = ctx;
    struct block *to;
    char why[200];
    int r = slots_open_spare(&w->slot, &to, why, sizeof why);

    if (r)
        return job_fail(job, r, "%s", why);
    w->job = job;
    w->from->is_cancelled = is_cancelled;
    w->from->ctx = job;
    r = fill_slot(job, w, to);
    block_close(to);
    return r;
}

static void end_upgrade(void *ctx, int error)
{
    struct work *w = ctx;

    w->from->close(w->from);
    if (!error) {
        monitor_printf(w->mon, "slot %s is on trial from the guest's next "
                       "boot on: 'confirm' keeps it,\nafter %u boots without "
                       "that it is given up\n", slot_name(w->slot),
                       SLOT_TRIES);
        offer_restart(w->mon, w->yes);
    }
    free(w);
}

/* 0, or it was said why not. */
static int open_source(struct monitor *mon, const char *source,
                       struct receiver **out)
{
    bool is_ymodem = !strcmp(source, "ymodem");
    char why[200];
    int r;

    if (!is_ymodem && strcmp(source, "xmodem")) {
        r = fetch_is_url(source)
                ? fetch_open(source, out, why, sizeof why)
                : medium_file_open(source, out, why, sizeof why);
        if (r)
            monitor_printf(mon, "%s\n", why);
        return r;
    }
    monitor_printf(mon, "Send the image by %s now (Ctrl-c before it begins "
                   "cancels)\n", is_ymodem ? "YMODEM" : "XMODEM");
    r = serial_receiver_open(mon->mux, is_ymodem, out);
    if (r)
        monitor_printf(mon, "%s\n", strerror(-r));
    return r;
}

void cmd_upgrade(struct monitor *mon, char *args)
{
    char *word = monitor_word(&args), name[40];
    bool yes = !strcmp(word, "-y");
    struct work *w;

    if (yes)
        word = monitor_word(&args);
    if (!*word || *args) {
        monitor_printf(mon, "upgrade takes [-y] and one source\n");
        return;
    }
    if (job_is_running()) {
        monitor_printf(mon, "another job is running\n");
        return;
    }
    w = new_work(mon, yes);
    if (!w)
        return;
    snprintf(w->image.source, sizeof w->image.source, "%s", word);
    if (open_source(mon, word, &w->from)) {
        free(w);
        return;
    }
    snprintf(name, sizeof name, "upgrade %.30s", word);
    job_start(mon, name, run_upgrade, end_upgrade, w);
}
