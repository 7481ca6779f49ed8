/*
 * Frames between two cores: a set of slots in DMA-able memory, a ring of the
 * filled ones and a ring of the freed ones, each single-producer
 * single-consumer. The consumer may free slots out of order, so one stuck
 * NIC stalls nobody.
 */
#ifndef KERNEL_NET_FRAME_RING_H
#define KERNEL_NET_FRAME_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_SLOTS 256u        /* a power of two */
#define FRAME_SLOT_BYTES 2048u

struct frame_index_ring {
    _Atomic uint32_t head, tail;
    uint16_t index[FRAME_SLOTS];
};

struct frame_ring {
    uint8_t *memory;            /* FRAME_SLOTS * FRAME_SLOT_BYTES */
    uint64_t phys;
    uint16_t len[FRAME_SLOTS];
    struct frame_index_ring filled, freed;
};

/* All slots free. 0 or -ENOMEM. Its memory is never given back. */
int frame_ring_init(struct frame_ring *r);

static inline uint8_t *frame_slot(const struct frame_ring *r, unsigned i)
{
    return r->memory + i * FRAME_SLOT_BYTES;
}

/* Producer: take a free slot. -1: none. */
int frame_ring_alloc(struct frame_ring *r);
/* Producer: hand slot `i` with `len` bytes over. */
void frame_ring_push(struct frame_ring *r, unsigned i, size_t len);

/* Consumer: take the oldest filled slot. -1: none. */
int frame_ring_pop(struct frame_ring *r);
/* Consumer: the oldest filled slot, left in place. -1: none. */
int frame_ring_peek(const struct frame_ring *r);
/* Consumer: give slot `i` back. */
void frame_ring_free(struct frame_ring *r, unsigned i);

/* Producer: slots that it can take. A frame that is taken out is not one yet:
 * its consumer still reads it. */
unsigned frame_ring_room(const struct frame_ring *r);
/* Frames that wait. */
unsigned frame_ring_used(const struct frame_ring *r);
/* Frames ever pushed; it wraps. */
static inline uint32_t frame_ring_total(const struct frame_ring *r)
{
    return atomic_load_explicit(&r->filled.head, memory_order_acquire);
}

#endif
