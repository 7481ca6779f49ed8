/*
 * A split virtqueue, the driver's side (virtio 1.1, 2.6): descriptors, what is
 * given to the device, and what it gave back, in whatever order. The device's
 * answers are checked; one that lies has its queue stopped.
 */
#ifndef DRIVERS_VIRTIO_VIRTQUEUE_H
#define DRIVERS_VIRTIO_VIRTQUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/bus.h"

#define VIRTQ_DEVICE_MAX 32768u /* entries that a device may want (2.6) */
#define VIRTQ_MAX 512u          /* descriptors of them that are used */

struct virtq_desc {             /* 2.6.5 */
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};
_Static_assert(sizeof(struct virtq_desc) == 16, "hardware layout");
#define VIRTQ_DESC_NEXT  1u
#define VIRTQ_DESC_WRITE 2u     /* the device writes it */

struct virtq_avail {            /* 2.6.6 */
    uint16_t flags;
    uint16_t idx;
    uint16_t ring[];
};
#define VIRTQ_AVAIL_NO_INTERRUPT 1u

struct virtq_used_elem {        /* 2.6.8 */
    uint32_t id;
    uint32_t len;
};
struct virtq_used {
    uint16_t flags;
    uint16_t idx;
    struct virtq_used_elem ring[];
};
_Static_assert(sizeof(struct virtq_used_elem) == 8 &&
               sizeof(struct virtq_used) == 4 &&
               sizeof(struct virtq_avail) == 4, "hardware layout");
#define VIRTQ_USED_NO_NOTIFY 1u

/* A piece of a buffer, in the device's view. */
struct virtq_piece {
    uint64_t phys;
    uint32_t len;
    bool device_writes;         /* those come last (2.6.4.2) */
};

struct virtq {
    uint16_t size;              /* entries, a power of 2: the device's */
    uint16_t limit;             /* descriptors in use at most */
    struct virtq_desc *desc;
    volatile struct virtq_avail *avail;
    volatile struct virtq_used *used;
    uint64_t desc_phys, avail_phys, used_phys;
    size_t bytes;
    uint16_t avail_idx, used_idx;
    uint16_t free, free_count;  /* the first free descriptor, linked by next */
    uint16_t in_flight;         /* buffers with the device */
    bool is_broken;             /* the device lied: nothing comes any more */
    uint16_t index;             /* the transport's: which queue it is, */
    uint32_t notify;            /* and where the device is told of it */
    /* By head descriptor; not where the device writes. */
    uint16_t next[VIRTQ_MAX];
    uint16_t pieces[VIRTQ_MAX];
    void *token[VIRTQ_MAX];
};

/*
 * Memory below `max_address` for a queue of `size` entries, laid out as legacy
 * devices want it (2.6.2). 0, -ENOMEM, or -EINVAL: no size a device may have.
 */
int virtq_init(struct virtq *q, const struct bus *bus, unsigned size,
               uint64_t max_address);
/* Start anew, after the device was reset; give_back (may be NULL) gets the
 * token of each buffer that the device had. */
void virtq_reset(struct virtq *q, void (*give_back)(void *token));

/*
 * Give a buffer of `count` pieces to the device; `token`, not NULL, comes back
 * by virtq_take. 0, or -ENOBUFS: too few descriptors are free.
 */
int virtq_add(struct virtq *q, const struct virtq_piece *piece, unsigned count,
              void *token);
/* Whether the device wants to be told of what was added. */
bool virtq_wants_notify(const struct virtq *q);

/* Whether the device gave something back that virtq_take did not see. */
bool virtq_pending(const struct virtq *q);
/*
 * A buffer that the device is done with: its token, in *len the bytes that the
 * device says it wrote, unchecked. NULL: none, or q->is_broken.
 */
void *virtq_take(struct virtq *q, uint32_t *len);

/* Whether the device is to interrupt when it gives something back. What it gave
 * before that is not told: see virtq_pending. */
void virtq_interrupts(struct virtq *q, bool on);

#endif
