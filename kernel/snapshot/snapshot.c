/* See snapshot.h. */
#include "kernel/snapshot/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "emu/dev/device.h"
#include "emu/dev/vga.h"
#include "emu/state.h"
#include "kernel/guest.h"
#include "kernel/platform.h"
#include "kernel/snapshot/disks.h"

/* How long a disk may take for what the guest has asked of it. */
#define PATIENCE_NS 60000000000u
#define LOOK_NS 1000000u
#define UNITS_ALL ((1u << MACHINE_IDE_UNITS) - 1)

struct work {
    struct guest *guest;
    struct snapshot_store *store;
    const struct snapshot_watch *watch;
    struct snapshot_disks disks;
    uint32_t units;             /* those of which the content is kept */
    uint64_t done, total;
    bool may_cancel;
    bool failed;                /* the store did, and says why */
    /* Reading. */
    struct snapshot p;
    uint64_t base;              /* of the part that is read */
};

/* The disks that can be written, and those whose writes stay (`stays`). */
static uint32_t find_disks(const struct guest *g, bool stays,
                           struct snapshot_disks *out)
{
    uint32_t units = 0;

    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < MACHINE_IDE_UNITS; i++) {
        const struct disk_image *img = &g->disk[i];

        if (!img->dev.submit || img->dev.read_only || img->is_cdrom ||
            (stays && img->top->is_volatile))
            continue;
        out->block[i] = img->top;
        out->image[i] = &img->image;
        units |= 1u << i;
    }
    return units;
}

static void init(struct work *w, struct guest *g,
                 const struct snapshot_watch *watch)
{
    memset(w, 0, sizeof *w);
    w->guest = g;
    w->store = g->snapshots;
    w->watch = watch;
    w->units = find_disks(g, false, &w->disks);
    w->may_cancel = true;
}

/* ---- Those who look on --------------------------------------------------- */

static void passed(void *ctx, size_t bytes)
{
    struct work *w = ctx;

    w->done += bytes;
    if (w->watch && w->watch->progress)
        w->watch->progress(w->watch->ctx, w->done, w->total);
}

static bool is_cancelled(const struct work *w)
{
    return w->may_cancel && w->watch && w->watch->is_cancelled &&
           w->watch->is_cancelled(w->watch->ctx);
}

/* Again while a disk of the machine works. */
static bool again(const struct work *w, int error, uint64_t start)
{
    uint64_t now = platform_now_ns();

    if (error != -EBUSY || now - start >= PATIENCE_NS || is_cancelled(w))
        return false;
    platform_task_wait(now + LOOK_NS);
    return true;
}

/* The words for `error`: the store's if it was that which failed. */
static int explain(const struct work *w, int error, char *why, size_t size)
{
    if (error == -EBUSY) {
        snprintf(why, size, "a disk of the machine does not come to an end");
        return -ETIMEDOUT;
    }
    if (w->failed)
        snprintf(why, size, "%s", snapshot_store_why(w->store));
    return error;
}

/* ---- Saving -------------------------------------------------------------- */

static int sink_write(void *ctx, const void *buf, size_t len)
{
    struct work *w = ctx;
    int r = is_cancelled(w) ? -ECANCELED : 0;

    if (r)
        return r;
    r = snapshot_append(w->store, buf, len);
    w->failed |= r != 0;
    w->p.vm_bytes += len;
    return r;
}

static int save_parts(struct work *w, char *why, size_t size)
{
    struct state_sink sink = { w, sink_write, passed };
    struct machine *m = w->guest->machine;
    uint64_t start = platform_now_ns();
    int r;

    do {
        r = machine_save(m, &sink, why, size);
    } while (again(w, r, start));
    if (r)
        return r;
    w->p.clock_ns = machine_now(m);
    w->p.disk_bytes = w->p.vm_bytes;    /* all so far */
    r = snapshot_disks_save(&w->disks, &sink, why, size);
    w->p.disk_bytes = w->p.vm_bytes - w->p.disk_bytes;
    w->p.vm_bytes -= w->p.disk_bytes;
    return r;
}

static uint64_t disk_total(const struct work *w)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < MACHINE_IDE_UNITS; i++)
        if (w->disks.block[i])
            bytes += w->disks.block[i]->sectors * BLOCK_SECTOR_SIZE;
    return bytes;
}

int snapshot_save(struct guest *g, const char *tag,
                  const struct snapshot_watch *watch, char *why, size_t size)
{
    struct work w;
    int r;

    init(&w, g, watch);
    w.total = g->options->ram_bytes + VGA_VRAM_BYTES + disk_total(&w);
    snprintf(w.p.tag, sizeof w.p.tag, "%s", tag);
    snprintf(w.p.machine, sizeof w.p.machine, "%s", g->options->name);
    w.p.date = platform_wall_seconds();
    r = snapshot_begin(w.store);
    w.failed = r;
    if (!r)
        r = save_parts(&w, why, size);
    if (r) {
        snapshot_abort(w.store);
        return explain(&w, r, why, size);
    }
    r = snapshot_commit(w.store, &w.p);
    w.failed = r;
    return explain(&w, r, why, size);
}

/* ---- Loading ------------------------------------------------------------- */

static int source_read(void *ctx, uint64_t offset, void *buf, size_t len)
{
    struct work *w = ctx;
    int r = is_cancelled(w) ? -ECANCELED : 0;

    if (r)
        return r;
    passed(w, len);
    r = snapshot_read(w->store, &w->p, w->base + offset, buf, len);
    w->failed |= r != 0;
    return r;
}

/* Memory that is done does not count: what is read does. */
static void memory_passed(void *ctx, size_t bytes)
{
    passed(ctx, 0);
}

/* Of the machine's state, or of the disks' content. */
static struct state_source source_of(struct work *w, bool disks)
{
    w->base = disks ? w->p.vm_bytes : 0;
    return (struct state_source){
        .ctx = w, .size = disks ? w->p.disk_bytes : w->p.vm_bytes,
        .read = source_read, .passed = disks ? passed : memory_passed,
    };
}

static int with_machine(struct work *w,
                        int (*fn)(struct machine *m,
                                  const struct state_source *source, char *why,
                                  size_t size), char *why, size_t size)
{
    struct state_source source = source_of(w, false);
    uint64_t start = platform_now_ns();
    int r;

    do {
        r = fn(w->guest->machine, &source, why, size);
    } while (again(w, r, start));
    return r;
}

static int check_disks(struct work *w, uint32_t units, char *why, size_t size)
{
    struct state_source source = source_of(w, true);

    return snapshot_disks_check(&w->disks, units, &source, why, size);
}

static int restore_disks(struct work *w, uint32_t units, char *why,
                         size_t size)
{
    struct state_source source = source_of(w, true);
    uint64_t written;

    return snapshot_disks_restore(&w->disks, units, &source, &written, why,
                                  size);
}

static int mark(struct work *w, uint32_t id, uint32_t units)
{
    int r = snapshot_mark(w->store, id, units);

    w->failed |= r != 0;
    return r;
}

/* Everything has been checked: from here on there is no way back. */
static int put_back(struct work *w, enum snapshot_did *did, char *why,
                    size_t size)
{
    struct snapshot_disks stay;
    uint32_t units = find_disks(w->guest, true, &stay);
    int r = units ? mark(w, w->p.id, units) : 0;

    if (r) {
        explain(w, r, why, size);
        w->failed = false;
        /* It may be there all the same, and the guest goes on without it. */
        snapshot_mark(w->store, 0, 0);
        return r;
    }
    w->may_cancel = false;
    r = with_machine(w, machine_load, why, size);
    if (r) {
        if (units)
            snapshot_mark(w->store, 0, 0);
        return r;
    }
    *did = SNAPSHOT_PART;
    r = restore_disks(w, w->units, why, size);
    if (!r && units)
        r = mark(w, 0, 0);
    if (!r)
        *did = SNAPSHOT_ALL;
    return r;
}

static int begin_loading(struct work *w, struct guest *g, uint32_t id,
                         const struct snapshot_watch *watch)
{
    const struct snapshot *p = snapshot_by_id(snapshot_store_index(
                                                  g->snapshots), id);

    if (!p)
        return -ENOENT;
    init(w, g, watch);
    w->p = *p;
    return 0;
}

int snapshot_load(struct guest *g, uint32_t id,
                  const struct snapshot_watch *watch, enum snapshot_did *did,
                  char *why, size_t size)
{
    struct work w;
    int r = begin_loading(&w, g, id, watch);

    *did = SNAPSHOT_NOTHING;
    snprintf(why, size, "the snapshot is not there any more");
    if (r)
        return r;
    /* Each is read to be checked, and to be loaded; the machine once more. */
    w.total = 3 * w.p.vm_bytes + 2 * w.p.disk_bytes + disk_total(&w);
    r = check_disks(&w, UNITS_ALL, why, size);
    if (!r)
        r = with_machine(&w, machine_check, why, size);
    if (!r)
        r = put_back(&w, did, why, size);
    return explain(&w, r, why, size);
}

/* ---- After a cut --------------------------------------------------------- */

/* The machine itself, if it is such a machine: else only its disks are. */
static int go_on_machine(struct work *w, bool *loaded, char *why, size_t size)
{
    int r = with_machine(w, machine_load, why, size);

    *loaded = !r;
    if (r == -EINVAL && !w->failed) {
        platform_log("%s: the machine is not loaded, only its disks are: %s",
                     w->guest->options->name, why);
        return 0;
    }
    return r;
}

/* The disks of `units`, and the machine. */
static int go_on(struct work *w, uint32_t units, bool *loaded, char *why,
                 size_t size)
{
    int r = check_disks(w, units, why, size);

    if (!r)
        r = go_on_machine(w, loaded, why, size);
    return r ? r : restore_disks(w, units, why, size);
}

int snapshot_go_on(struct guest *g, bool *loaded, char *why, size_t size)
{
    const struct snapshot_index *x =
        g->snapshots ? snapshot_store_index(g->snapshots) : NULL;
    uint32_t units = x ? x->restoring_units : 0;
    struct snapshot_disks stay;
    char reason[200];
    struct work w;
    int r;

    *loaded = false;
    if (!x || begin_loading(&w, g, x->restoring, NULL) ||
        strcmp(w.p.machine, g->options->name))
        return 0;
    platform_log("%s: Trestle ended while '%s' was being loaded: its disks are "
                 "put back now", g->options->name, w.p.tag);
    r = explain(&w, go_on(&w, units, loaded, reason, sizeof reason), reason,
                sizeof reason);
    if (!r && (find_disks(g, true, &stay) & units) == units)
        r = explain(&w, mark(&w, 0, 0), reason, sizeof reason);
    if (r)
        snprintf(why, size, "%s: '%s' was being loaded when Trestle ended, and "
                 "its disks cannot be put back: %s. Start it with the disks "
                 "and the -vmstate that it had; '-vmstate none' takes the "
                 "disks as they are", g->options->name, w.p.tag, reason);
    return r;
}
