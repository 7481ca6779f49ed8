/*
 * Single-producer single-consumer byte ring. The producer alone writes `head`,
 * the consumer alone writes `tail`, so the two may be different cores.
 */
#ifndef KERNEL_RING_H
#define KERNEL_RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BYTE_RING_SIZE 65536u   /* a power of two */

struct byte_ring {
    _Atomic uint32_t head;      /* bytes ever put */
    _Atomic uint32_t tail;      /* bytes ever taken */
    uint8_t data[BYTE_RING_SIZE];
};

static inline size_t byte_ring_used(const struct byte_ring *r)
{
    return atomic_load_explicit(&r->head, memory_order_acquire) -
           atomic_load_explicit(&r->tail, memory_order_acquire);
}

/* Bytes ever put; it wraps. */
static inline uint32_t byte_ring_total(const struct byte_ring *r)
{
    return atomic_load_explicit(&r->head, memory_order_acquire);
}

static inline size_t byte_ring_room(const struct byte_ring *r)
{
    return BYTE_RING_SIZE - byte_ring_used(r);
}

/* Producer: put up to `len` bytes; returns how many fitted. */
static inline size_t byte_ring_put(struct byte_ring *r, const uint8_t *p,
                                   size_t len)
{
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    size_t room = byte_ring_room(r);
    size_t at = head % BYTE_RING_SIZE, first;

    if (len > room)
        len = room;
    first = len < BYTE_RING_SIZE - at ? len : BYTE_RING_SIZE - at;
    memcpy(r->data + at, p, first);
    memcpy(r->data, p + first, len - first);
    atomic_store_explicit(&r->head, head + len, memory_order_release);
    return len;
}

/* Consumer: take up to `len` bytes; returns how many there were. */
static inline size_t byte_ring_get(struct byte_ring *r, uint8_t *p, size_t len)
{
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    size_t used = byte_ring_used(r);
    size_t at = tail % BYTE_RING_SIZE, first;

    if (len > used)
        len = used;
    first = len < BYTE_RING_SIZE - at ? len : BYTE_RING_SIZE - at;
    memcpy(p, r->data + at, first);
    memcpy(p + first, r->data, len - first);
    atomic_store_explicit(&r->tail, tail + len, memory_order_release);
    return len;
}

/*
 * Consumer: the oldest bytes, as many as lie together in memory, stay there
 * until byte_ring_drop. Returns how many; 0: the ring is empty.
 */
static inline size_t byte_ring_peek(const struct byte_ring *r,
                                    const uint8_t **p)
{
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    size_t used = byte_ring_used(r), at = tail % BYTE_RING_SIZE;

    *p = r->data + at;
    return used < BYTE_RING_SIZE - at ? used : BYTE_RING_SIZE - at;
}

/* Consumer: forget the oldest `len` bytes, of those that are there. */
static inline void byte_ring_drop(struct byte_ring *r, size_t len)
{
    atomic_fetch_add_explicit(&r->tail, len, memory_order_release);
}

#endif
