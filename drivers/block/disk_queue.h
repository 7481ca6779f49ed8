/* Requests that wait for their turn, in order. */
#ifndef DRIVERS_BLOCK_DISK_QUEUE_H
#define DRIVERS_BLOCK_DISK_QUEUE_H

#include <stddef.h>

#include "drivers/block/disk.h"

struct disk_queue {
    struct disk_request *first, *last;
};

static inline void disk_queue_put(struct disk_queue *q,
                                  struct disk_request *req)
{
    req->next = NULL;
    if (q->first)
        q->last->next = req;
    else
        q->first = req;
    q->last = req;
}

/* NULL: it is empty. */
static inline struct disk_request *disk_queue_take(struct disk_queue *q)
{
    struct disk_request *req = q->first;

    if (req)
        q->first = req->next;
    return req;
}

/* All that wait now are done with `error`; what that submits is not. */
static inline void disk_queue_done(struct disk_queue *q, struct disk *disk,
                                   int error)
{
    struct disk_queue all = *q;
    struct disk_request *req;

    q->first = NULL;
    while ((req = disk_queue_take(&all)))
        disk_done(disk, req, error);
}

#endif
