/* See vmstate.h. */
#include "kernel/snapshot/vmstate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/disk/block_file.h"
#include "kernel/disk/disk_name.h"
#include "kernel/disk/medium.h"
#include "kernel/options.h"
#include "kernel/platform.h"

#define INIT ",init=on"
#define MEDIUM_NAME "the medium's partition for snapshots"

static struct place {
    struct snapshot_store *store;       /* NULL: free */
    unsigned users;
    char name[OPTIONS_TEXT];
} places[OPTIONS_MACHINES];

static struct place *find_name(const char *name)
{
    for (unsigned i = 0; i < OPTIONS_MACHINES; i++)
        if (places[i].store && !strcmp(places[i].name, name))
            return &places[i];
    return NULL;
}

static struct place *find_store(const struct snapshot_store *st)
{
    for (unsigned i = 0; i < OPTIONS_MACHINES; i++)
        if (places[i].store == st)
            return &places[i];
    return NULL;                /* never: there is one for each machine */
}

/* ---- What lies below ----------------------------------------------------- */

static int open_file(const char *name, struct block **out, char *why,
                     size_t size)
{
    int r = block_file_open(name, true, out);

    if (r == -ENOENT && !(r = platform_file_create(name)))
        r = block_file_open(name, true, out);
    if (r == -ENOTSUP)          /* no place for files: modules are all */
        r = -ENOENT;
    if (r)
        snprintf(why, size, "-vmstate: cannot open '%.60s': %s", name,
                 r == -EBUSY ? "another program or disk has it"
                             : strerror(-r));
    return r;
}

static int open_disk(const char *name, struct block **out, char *why,
                     size_t size)
{
    char reason[200];
    int r = disk_name_open(name, BLOCK_PHYS_WRITE, platform_task_wait, out,
                           reason, sizeof reason);

    if (r)
        snprintf(why, size, "-vmstate: %s", reason);
    return r;
}

/* -ENOENT: there is no medium, or no such partition on it. */
static int open_medium(struct block **out, char *why, size_t size)
{
    struct medium m;
    int r = medium_find(platform_task_wait, &m, why, size);

    return r ? -ENOENT : medium_open(&m, MEDIUM_SNAPSHOTS, BLOCK_PHYS_WRITE,
                                     platform_task_wait, out, why, size);
}

/* ---- Opening ------------------------------------------------------------- */

static int add(struct block *block, const char *name, bool init,
               struct snapshot_store **out, char *why, size_t size)
{
    struct place *p = find_store(NULL);
    char reason[160];
    int r = snapshot_store_open(block, init, out, reason, sizeof reason);

    if (r) {
        snprintf(why, size, "-vmstate %.60s: %s", name, reason);
        return r;
    }
    snprintf(p->name, sizeof p->name, "%s", name);
    p->store = *out;
    p->users = 1;
    return 0;
}

/* Without one, or if it cannot be used, guests run all the same. */
static int open_default(struct snapshot_store **out)
{
    struct block *block;
    char why[320];
    int r = open_medium(&block, why, sizeof why);

    /* Nothing else can be in a partition of its type. */
    if (!r)
        r = add(block, MEDIUM_NAME, true, out, why, sizeof why);
    if (r && r != -ENOENT)
        platform_log("no snapshots: %s", why);
    return 0;
}

static int open_named(const char *name, bool init, struct snapshot_store **out,
                      char *why, size_t size)
{
    struct block *block;
    int r = disk_name_is(name) ? open_disk(name, &block, why, size)
                               : open_file(name, &block, why, size);

    return r ? r : add(block, name, init, out, why, size);
}

int vmstate_open(const char *option, struct snapshot_store **out, char *why,
                 size_t size)
{
    char name[OPTIONS_TEXT] = MEDIUM_NAME;
    size_t len = option ? strlen(option) : 0, end = strlen(INIT);
    bool init = len > end && !strcmp(option + len - end, INIT);
    struct place *p;

    *out = NULL;
    if (option)
        snprintf(name, sizeof name, "%.*s", (int)(len - (init ? end : 0)),
                 option);
    if (option && !strcmp(name, "none"))
        return 0;
    p = find_name(name);
    if (p) {
        p->users++;
        *out = p->store;
        return 0;
    }
    return option ? open_named(name, init, out, why, size)
                  : open_default(out);
}

void vmstate_close(struct snapshot_store *st)
{
    struct place *p = st ? find_store(st) : NULL;

    if (!p || --p->users)
        return;
    snapshot_store_close(st);
    p->store = NULL;
}

const char *vmstate_name(const struct snapshot_store *st)
{
    return find_store(st)->name;
}
