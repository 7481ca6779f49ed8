/* The clusters of an overlay in memory, see overlay_store.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/disk/overlay_store.h"
#include "kernel/platform.h"

struct memory {
    struct overlay_store store; /* first */
    uint8_t **page;             /* of place 1 and up */
    uint32_t count, room;
};

static int memory_add(struct overlay_store *s, uint64_t cluster,
                      const uint8_t *data, uint32_t *slot)
{
    struct memory *m = (struct memory *)s;
    uint8_t *page;

    if (m->count == m->room) {
        uint32_t room = m->room ? 2 * m->room : 64;
        uint8_t **more = realloc(m->page, room * sizeof *more);

        if (!more)
            return -ENOSPC;
        m->page = more;
        m->room = room;
    }
    page = platform_pages_alloc(OVERLAY_CLUSTER_BYTES);
    if (!page)
        return -ENOSPC;
    memcpy(page, data, OVERLAY_CLUSTER_BYTES);
    m->page[m->count++] = page;
    *slot = m->count;
    return 0;
}

static uint8_t *at(struct overlay_store *s, uint32_t slot, uint32_t first)
{
    return ((struct memory *)s)->page[slot - 1] + first * BLOCK_SECTOR_SIZE;
}

static int memory_read(struct overlay_store *s, uint32_t slot, uint32_t first,
                       uint32_t count, void *buf)
{
    memcpy(buf, at(s, slot, first), (size_t)count * BLOCK_SECTOR_SIZE);
    return 0;
}

static int memory_write(struct overlay_store *s, uint32_t slot, uint32_t first,
                        uint32_t count, const void *buf)
{
    memcpy(at(s, slot, first), buf, (size_t)count * BLOCK_SECTOR_SIZE);
    return 0;
}

static int memory_clear(struct overlay_store *s)
{
    struct memory *m = (struct memory *)s;

    for (uint32_t i = 0; i < m->count; i++)
        platform_pages_free(m->page[i], OVERLAY_CLUSTER_BYTES);
    free(m->page);
    m->page = NULL;
    m->count = m->room = 0;
    return 0;
}

static void memory_close(struct overlay_store *s)
{
    memory_clear(s);
    free(s);
}

static const struct overlay_store_ops memory_ops = {
    .add = memory_add, .read = memory_read, .write = memory_write,
    .clear = memory_clear, .close = memory_close,
};

struct overlay_store *overlay_memory_open(void)
{
    struct memory *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->store.ops = &memory_ops;
    m->store.waits = BLOCK_NEVER_WAITS;
    return &m->store;
}
