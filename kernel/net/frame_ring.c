/* See frame_ring.h. */
#include "kernel/net/frame_ring.h"

#include <errno.h>
#include <string.h>

#include "drivers/net/nic.h"
#include "kernel/platform.h"

static void index_put(struct frame_index_ring *r, uint16_t i)
{
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

    /* There are as many places as slots: it always fits. */
    r->index[head % FRAME_SLOTS] = i;
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

static int index_peek(const struct frame_index_ring *r)
{
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    if (atomic_load_explicit(&r->head, memory_order_acquire) == tail)
        return -1;
    return r->index[tail % FRAME_SLOTS];
}

static int index_take(struct frame_index_ring *r)
{
    int i = index_peek(r);

    if (i >= 0)
        atomic_fetch_add_explicit(&r->tail, 1, memory_order_release);
    return i;
}

int frame_ring_init(struct frame_ring *r)
{
    memset(r, 0, sizeof *r);
    r->memory = platform_dma_alloc(FRAME_SLOTS * FRAME_SLOT_BYTES,
                                   NIC_DMA_BELOW, &r->phys);
    if (!r->memory)
        return -ENOMEM;
    for (unsigned i = 0; i < FRAME_SLOTS; i++)
        index_put(&r->freed, i);
    return 0;
}

int frame_ring_alloc(struct frame_ring *r) { return index_take(&r->freed); }

void frame_ring_push(struct frame_ring *r, unsigned i, size_t len)
{
    r->len[i] = len;
    index_put(&r->filled, i);
}

int frame_ring_pop(struct frame_ring *r) { return index_take(&r->filled); }

int frame_ring_peek(const struct frame_ring *r)
{
    return index_peek(&r->filled);
}

void frame_ring_free(struct frame_ring *r, unsigned i)
{
    index_put(&r->freed, i);
}

static unsigned index_count(const struct frame_index_ring *r)
{
    return atomic_load_explicit(&r->head, memory_order_acquire) -
           atomic_load_explicit(&r->tail, memory_order_acquire);
}

unsigned frame_ring_room(const struct frame_ring *r)
{
    return index_count(&r->freed);
}

unsigned frame_ring_used(const struct frame_ring *r)
{
    return index_count(&r->filled);
}
