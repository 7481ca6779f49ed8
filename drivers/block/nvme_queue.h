/*
 * A pair of NVMe queues, submission and completion (NVMe 1.4, 4.1): commands
 * go out with an identifier that is not used again soon, completions are
 * checked against what is outstanding. A controller that lies has the pair
 * stopped.
 */
#ifndef DRIVERS_BLOCK_NVME_QUEUE_H
#define DRIVERS_BLOCK_NVME_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/block/nvme_regs.h"
#include "drivers/bus.h"

#define NVME_SLOTS 64u          /* entries at most, a power of 2 */

struct nvme_queue {
    const struct bus *bus;
    uint16_t id;
    uint16_t size;              /* entries of either queue; one stays free */
    uint32_t sq_doorbell, cq_doorbell;
    volatile struct nvme_command *sq;
    volatile struct nvme_completion *cq;
    uint64_t sq_phys, cq_phys;
    uint16_t tail, head;        /* of sq, of cq: ours */
    uint16_t sq_room;           /* entries that may be written */
    uint16_t sq_head;           /* of sq, as the controller last told */
    bool phase;                 /* of the next completion */
    bool is_broken;             /* it lied: nothing comes any more */
    uint16_t outstanding;
    uint16_t round;             /* of identifiers */
    /* By slot, which is the low bits of the identifier. */
    uint16_t cid[NVME_SLOTS];
    void *token[NVME_SLOTS];    /* NULL: free */
};

/*
 * Memory for a pair of `size` entries (2 to NVME_SLOTS), whose doorbells are
 * `stride` bytes apart. 0 or -ENOMEM.
 */
int nvme_queue_init(struct nvme_queue *q, const struct bus *bus, uint16_t id,
                    unsigned size, uint32_t stride);
/* Empty again, after the controller was reset; give_back (may be NULL) gets the
 * token of each command that was outstanding. */
void nvme_queue_reset(struct nvme_queue *q,
                      void (*give_back)(void *ctx, void *token), void *ctx);

/* The slot that the next command gets, below NVME_SLOTS; -1: none is free. */
int nvme_queue_slot(const struct nvme_queue *q);
/*
 * Send `c`, all but its identifier; `token`, not NULL, comes back with its
 * completion. 0, or -EBUSY: none is free.
 */
int nvme_queue_push(struct nvme_queue *q, const struct nvme_command *c,
                    void *token);
/*
 * A command that is done: its token, its status (4.6.1, without the phase tag)
 * and result. NULL: none, or q->is_broken.
 */
void *nvme_queue_take(struct nvme_queue *q, uint16_t *status,
                      uint32_t *result);
/* Tell the controller what was taken. */
void nvme_queue_taken(struct nvme_queue *q);
/* Whether a completion waits. */
bool nvme_queue_pending(const struct nvme_queue *q);

#endif
