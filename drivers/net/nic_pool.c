/* See nic_pool.h. */
#include "drivers/net/nic_pool.h"

#include <errno.h>
#include <stdlib.h>

static void pool_free(struct nic_buf *buf)
{
    struct nic_pool *pool = buf->owner;

    pool->free[pool->free_count++] = buf;
}

int nic_pool_init(struct nic_pool *pool, const struct bus *bus,
                  unsigned count, uint64_t max_address)
{
    uint64_t phys;
    uint8_t *memory = bus->dma_alloc(bus->ctx,
                                     (size_t)count * NIC_POOL_BUF_BYTES,
                                     max_address, &phys);

    pool->bufs = calloc(count, sizeof *pool->bufs);
    pool->free = calloc(count, sizeof *pool->free);
    pool->count = count;
    pool->free_count = 0;
    if (!memory || !pool->bufs || !pool->free) {
        free(pool->bufs);
        free(pool->free);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < count; i++) {
        pool->bufs[i] = (struct nic_buf){
            .data = memory + (size_t)i * NIC_POOL_BUF_BYTES,
            .phys = phys + (uint64_t)i * NIC_POOL_BUF_BYTES,
            .free = pool_free,
            .owner = pool,
        };
        pool_free(&pool->bufs[i]);
    }
    return 0;
}

struct nic_buf *nic_pool_get(struct nic_pool *pool)
{
    return pool->free_count ? pool->free[--pool->free_count] : NULL;
}
