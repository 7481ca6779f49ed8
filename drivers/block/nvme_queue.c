/* See nvme_queue.h. Numbers in comments are sections of NVMe 1.4. */
#include "drivers/block/nvme_queue.h"

#include <errno.h>
#include <string.h>

/* FFFFh belongs to no command (5.14.1.1). */
#define ROUNDS (0xffffu / NVME_SLOTS)

int nvme_queue_init(struct nvme_queue *q, const struct bus *bus, uint16_t id,
                    unsigned size, uint32_t stride)
{
    memset(q, 0, sizeof *q);
    q->bus = bus;
    q->id = id;
    q->size = (uint16_t)size;
    q->sq_doorbell = NVME_DOORBELLS + 2 * id * stride;      /* 3.1.24 */
    q->cq_doorbell = q->sq_doorbell + stride;               /* 3.1.25 */
    q->sq = bus->dma_alloc(bus->ctx, size * sizeof *q->sq, UINT64_MAX,
                           &q->sq_phys);
    q->cq = bus->dma_alloc(bus->ctx, size * sizeof *q->cq, UINT64_MAX,
                           &q->cq_phys);
    if (!q->sq || !q->cq)
        return -ENOMEM;
    nvme_queue_reset(q, NULL, NULL);
    return 0;
}

void nvme_queue_reset(struct nvme_queue *q,
                      void (*give_back)(void *ctx, void *token), void *ctx)
{
    /* What is given back may be followed by more at once. */
    void *token[NVME_SLOTS];

    memcpy(token, q->token, sizeof token);
    memset(q->token, 0, sizeof q->token);
    memset((void *)q->cq, 0, q->size * sizeof *q->cq);
    q->tail = q->head = q->sq_head = 0;
    q->sq_room = q->size - 1;
    q->phase = true;            /* the first round's (4.6) */
    q->is_broken = false;
    q->outstanding = 0;
    for (unsigned i = 0; give_back && i < NVME_SLOTS; i++)
        if (token[i])
            give_back(ctx, token[i]);
}

int nvme_queue_slot(const struct nvme_queue *q)
{
    if (q->is_broken || !q->sq_room)
        return -1;
    for (unsigned i = 0; i < q->size - 1u; i++)
        if (!q->token[i])
            return (int)i;
    return -1;
}

int nvme_queue_push(struct nvme_queue *q, const struct nvme_command *c,
                    void *token)
{
    int slot = nvme_queue_slot(q);
    struct nvme_command command = *c;

    if (slot < 0)
        return -EBUSY;
    q->round = (q->round + 1) % ROUNDS;
    q->cid[slot] = (uint16_t)(q->round * NVME_SLOTS + (unsigned)slot);
    q->token[slot] = token;
    command.cdw0 |= (uint32_t)q->cid[slot] << 16;
    q->sq[q->tail] = command;
    q->tail = (q->tail + 1) % q->size;
    q->sq_room--;
    q->outstanding++;
    /* The command before the doorbell. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    bus_write32(q->bus, q->sq_doorbell, q->tail);
    return 0;
}

bool nvme_queue_pending(const struct nvme_queue *q)
{
    return (q->cq[q->head].status & NVME_PHASE) == q->phase;
}

/* What it has fetched makes room; it cannot have fetched what was not sent. */
static bool fetched(struct nvme_queue *q, uint16_t sq_head)
{
    unsigned news, waiting = q->size - 1u - q->sq_room;

    if (sq_head >= q->size)
        return false;
    news = (sq_head + q->size - q->sq_head) % q->size;
    if (news > waiting)
        return false;
    q->sq_head = sq_head;
    q->sq_room += (uint16_t)news;
    return true;
}

void *nvme_queue_take(struct nvme_queue *q, uint16_t *status, uint32_t *result)
{
    volatile struct nvme_completion *c = &q->cq[q->head];
    unsigned cid, slot;
    void *token;

    if (q->is_broken || !nvme_queue_pending(q))
        return NULL;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    cid = c->cid;
    slot = cid % NVME_SLOTS;
    token = q->token[slot];
    if (!token || q->cid[slot] != cid || c->sq_id != q->id ||
        !fetched(q, c->sq_head)) {
        q->is_broken = true;
        return NULL;
    }
    *status = c->status >> NVME_SC_SHIFT;
    *result = c->result;
    q->token[slot] = NULL;
    q->outstanding--;
    if (++q->head == q->size) {
        q->head = 0;
        q->phase = !q->phase;
    }
    return token;
}

void nvme_queue_taken(struct nvme_queue *q)
{
    bus_write32(q->bus, q->cq_doorbell, q->head);
}
