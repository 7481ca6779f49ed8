/* drive_backup: a copy of a disk of the machine that is shown, as a job. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/console/commands_disk.h"
#include "kernel/console/job.h"
#include "kernel/console/monitor.h"
#include "kernel/console/mux.h"
#include "kernel/disk/backup.h"
#include "kernel/disk/backup_target.h"
#include "kernel/disk/block_file.h"
#include "kernel/guest.h"
#include "kernel/platform.h"

#define WORDS 3u                /* behind the flags */
#define WHY_BYTES 200u

struct backup_job {
    struct monitor *mon;
    struct job *job;
    struct backup_config c;
    char target[];
};

static bool goes_on(void *ctx, uint64_t done, uint64_t total)
{
    struct backup_job *b = ctx;

    job_progress(b->job, done, total);
    return !job_is_cancelled(b->job);
}

static int run_backup(struct job *job, void *ctx)
{
    struct backup_job *b = ctx;
    char why[WHY_BYTES];
    int r;

    b->job = job;
    r = disk_backup(&b->c, why, sizeof why);
    if (r && !b->c.is_new)
        job_printf(job, "'%.60s' is no whole copy\n", b->target);
    return r && r != -ECANCELED ? job_fail(job, r, "%s", why) : r;
}

/* What was there before the job is not its own to remove. */
static void remove_file(const struct backup_job *b)
{
    int r = block_file_remove(b->c.target);

    if (r)
        monitor_printf(b->mon, "'%.60s' is no whole copy, and cannot be "
                       "removed: %s\n", b->target, strerror(-r));
    else
        monitor_printf(b->mon, "'%.60s' was removed\n", b->target);
}

static void end_backup(void *ctx, int error)
{
    struct backup_job *b = ctx;

    if (error && b->c.is_new)
        remove_file(b);
    block_close(b->c.target);
    free(b);
}

static void start(struct monitor *mon, struct disk_image *img,
                  const char *disk, const char *target, bool is_there)
{
    size_t len = strlen(target) + 1;
    struct backup_job *b = malloc(sizeof *b + len);
    char name[24], why[WHY_BYTES];

    if (!b) {
        monitor_printf(mon, "out of memory\n");
        return;
    }
    b->mon = mon;
    memcpy(b->target, target, len);
    b->c = (struct backup_config){
        .img = img, .target_name = b->target, .is_new = !is_there,
        .kept_most = BACKUP_KEPT_MOST, .go_on = goes_on, .ctx = b,
    };
    if (backup_target_open(b->target, is_there, platform_task_wait,
                           &b->c.target, why, sizeof why)) {
        monitor_printf(mon, "drive_backup: %s\n", why);
        free(b);
        return;
    }
    snprintf(name, sizeof name, "drive_backup %s", disk);
    job_start(mon, name, run_backup, end_backup, b);
}

/* ---- What was typed ---------------------------------------------------------- */

/* Cut off the next word of *text; NULL: there is none. */
static char *next_word(char **text)
{
    char *word = *text + strspn(*text, " \t"), *end;

    end = word + strcspn(word, " \t");
    *text = *end ? end + 1 : end;
    *end = '\0';
    return *word ? word : NULL;
}

/* It is whole and raw whatever -f says. False: told why not. */
static bool take_flag(struct monitor *mon, const char *word, bool *is_there)
{
    if (!strcmp(word, "-n"))
        *is_there = true;
    else if (strcmp(word, "-f")) {
        monitor_printf(mon, !strcmp(word, "-c")
                       ? "drive_backup: -c: a raw copy is not compressed\n"
                       : "drive_backup: no such flag: '%.40s'\n", word);
        return false;
    }
    return true;
}

void cmd_drive_backup(struct monitor *mon, char *args)
{
    char *word, *words[WORDS] = { NULL };
    struct disk_image *img;
    bool is_there = false;
    unsigned n = 0;

    while ((word = next_word(&args))) {
        if (!n && *word == '-') {
            if (!take_flag(mon, word, &is_there))
                return;
        } else if (n == WORDS) {
            n++;
            break;
        } else {
            words[n++] = word;
        }
    }
    img = n ? guest_disk(mux_guest(mon->mux), words[0]) : NULL;
    if (n < 2 || n > WORDS)
        monitor_printf(mon, "use drive_backup [-n] [-f] DISK TARGET [raw]\n");
    else if (!img)
        monitor_printf(mon, "no such disk: '%.28s'; 'info block' lists them\n",
                       words[0]);
    else if (words[2] && strcmp(words[2], "raw"))
        monitor_printf(mon, "drive_backup: '%.28s': a copy is raw\n",
                       words[2]);
    else if (job_is_running())
        monitor_printf(mon, "another job is running\n");
    else
        start(mon, img, words[0], words[1], is_there);
}
