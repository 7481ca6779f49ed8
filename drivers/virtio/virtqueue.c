/* See virtqueue.h. Numbers in comments are sections of virtio 1.1. */
#include "drivers/virtio/virtqueue.h"

#include <errno.h>
#include <string.h>

#define USED_ALIGN 4096u        /* of legacy devices; 4 of the others */

int virtq_init(struct virtq *q, const struct bus *bus, unsigned size,
               uint64_t max_address)
{
    size_t avail_at = (size_t)size * sizeof(struct virtq_desc);
    /* Behind either ring is a word of an option that is not used. */
    size_t used_at = (avail_at + sizeof(struct virtq_avail) + 2 * size + 2 +
                      USED_ALIGN - 1) & ~(size_t)(USED_ALIGN - 1);
    uint8_t *memory;

    if (!size || size > VIRTQ_DEVICE_MAX || (size & (size - 1)))
        return -EINVAL;
    memset(q, 0, sizeof *q);
    q->size = (uint16_t)size;
    q->limit = size < VIRTQ_MAX ? size : VIRTQ_MAX;
    q->bytes = used_at + sizeof(struct virtq_used) +
               size * sizeof(struct virtq_used_elem) + 2;
    memory = bus->dma_alloc(bus->ctx, q->bytes, max_address, &q->desc_phys);
    if (!memory)
        return -ENOMEM;
    q->avail_phys = q->desc_phys + avail_at;
    q->used_phys = q->desc_phys + used_at;
    q->desc = (struct virtq_desc *)memory;
    q->avail = (struct virtq_avail *)(memory + avail_at);
    q->used = (struct virtq_used *)(memory + used_at);
    virtq_reset(q, NULL);
    return 0;
}

void virtq_reset(struct virtq *q, void (*give_back)(void *token))
{
    for (unsigned i = 0; i < q->limit; i++) {
        if (q->token[i] && give_back)
            give_back(q->token[i]);
        q->token[i] = NULL;
        q->next[i] = (uint16_t)(i + 1);
    }
    memset(q->desc, 0, q->bytes);
    q->avail->flags = VIRTQ_AVAIL_NO_INTERRUPT;
    q->avail_idx = q->used_idx = 0;
    q->free = 0;
    q->free_count = q->limit;
    q->in_flight = 0;
    q->is_broken = false;
}

int virtq_add(struct virtq *q, const struct virtq_piece *piece, unsigned count,
              void *token)
{
    uint16_t head = q->free, at = head;

    if (count > q->free_count)
        return -ENOBUFS;
    for (unsigned i = 0; i < count; i++) {
        struct virtq_desc *d = &q->desc[at];

        d->addr = piece[i].phys;
        d->len = piece[i].len;
        d->flags = (piece[i].device_writes ? VIRTQ_DESC_WRITE : 0) |
                   (i + 1 < count ? VIRTQ_DESC_NEXT : 0);
        d->next = i + 1 < count ? q->next[at] : 0;
        q->free = q->next[at];
        if (i + 1 < count)
            at = q->next[at];
    }
    q->free_count -= count;
    q->in_flight++;
    q->pieces[head] = (uint16_t)count;
    q->token[head] = token;
    q->avail->ring[q->avail_idx++ & (q->size - 1)] = head;
    /* 2.6.13.3: the entry before the index. */
    __atomic_thread_fence(__ATOMIC_RELEASE);
    q->avail->idx = q->avail_idx;
    return 0;
}

bool virtq_wants_notify(const struct virtq *q)
{
    /* 2.6.13.4.1: the index is seen before the flag is looked at. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return !(q->used->flags & VIRTQ_USED_NO_NOTIFY);
}

bool virtq_pending(const struct virtq *q)
{
    return q->used->idx != q->used_idx;
}

/* The chain at `head` is free again. */
static void release(struct virtq *q, uint16_t head)
{
    uint16_t last = head;

    for (unsigned i = 1; i < q->pieces[head]; i++)
        last = q->next[last];
    q->next[last] = q->free;
    q->free = head;
    q->free_count += q->pieces[head];
    q->in_flight--;
    q->token[head] = NULL;
}

void *virtq_take(struct virtq *q, uint32_t *len)
{
    uint16_t waiting = (uint16_t)(q->used->idx - q->used_idx);
    volatile struct virtq_used_elem *e;
    uint32_t id;
    void *token;

    if (!waiting || q->is_broken)
        return NULL;
    /* More than it has, and below something that it has not. */
    if (waiting > q->in_flight) {
        q->is_broken = true;
        return NULL;
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    e = &q->used->ring[q->used_idx & (q->size - 1)];
    id = e->id;
    *len = e->len;
    token = id < q->limit ? q->token[id] : NULL;
    if (!token) {
        q->is_broken = true;
        return NULL;
    }
    q->used_idx++;
    release(q, (uint16_t)id);
    return token;
}

void virtq_interrupts(struct virtq *q, bool on)
{
    q->avail->flags = on ? 0 : VIRTQ_AVAIL_NO_INTERRUPT;
    /* Before the caller looks whether something came meanwhile. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
