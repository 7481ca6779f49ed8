/* See commands_disk.h. */
#include "kernel/console/commands_disk.h"

#include <inttypes.h>
#include <stddef.h>

#include "drivers/block/disk.h"
#include "kernel/console/monitor.h"
#include "kernel/disk/disk_size.h"
#include "kernel/platform.h"

static void print_count(struct monitor *mon, const char *name, uint64_t n)
{
    if (n)
        monitor_printf(mon, "  %s=%" PRIu64 "\n", name, n);
}

static void print_work(struct monitor *mon, const struct disk *disk)
{
    const struct disk_counters *c = &disk->counters;

    monitor_printf(mon, "  reads=%" PRIu64 " sectors=%" PRIu64 " errors=%"
                   PRIu64 "\n", c->reads, c->sectors_read, c->read_errors);
    monitor_printf(mon, "  writes=%" PRIu64 " sectors=%" PRIu64 " errors=%"
                   PRIu64 "\n", c->writes, c->sectors_written,
                   c->write_errors);
    monitor_printf(mon, "  flushes=%" PRIu64 " errors=%" PRIu64 "\n",
                   c->flushes, c->flush_errors);
}

/* What is not 0. */
static void print_trouble(struct monitor *mon, const struct disk *disk)
{
    const struct disk_counters *c = &disk->counters;
    const char *name;
    uint64_t value;

    print_count(mon, "refused", c->refused);
    print_count(mon, "resets", c->resets);
    print_count(mon, "resets_unanswered", c->resets_unanswered);
    print_count(mon, "dma_unstopped", c->dma_unstopped);
    for (unsigned i = 0; disk->ops->counter &&
                         (name = disk->ops->counter(disk, i, &value)); i++)
        print_count(mon, name, value);
}

static void print_disk(struct monitor *mon, unsigned i,
                       const struct disk *disk)
{
    char size[DISK_SIZE_TEXT];

    disk_size_text(size, disk->sectors);
    monitor_printf(mon, "disk%u: %s%s%s%s\n", i, disk->label,
                   disk->is_gone ? ", gone" : disk->is_open ? ", in use" : "",
                   disk->removable ? ", removable" : "",
                   disk->read_only ? ", read-only" : "");
    monitor_printf(mon, "  model '%s', serial '%s'\n", disk->model,
                   disk->serial);
    monitor_printf(mon, "  %s: %" PRIu64 " sectors, blocks of %" PRIu32
                   " bytes\n", size, disk->sectors, disk->block_bytes);
    print_work(mon, disk);
    print_trouble(mon, disk);
}

void info_disks(struct monitor *mon)
{
    const struct disk *disk;

    if (!platform_disk(0))
        monitor_printf(mon, "no disks of the PC's own are known\n");
    for (unsigned i = 0; (disk = platform_disk(i)); i++)
        print_disk(mon, i, disk);
}
