/* See nic_send.h. */
#include "kernel/net/nic_send.h"

#include <stdbool.h>
#include <stdlib.h>

#include "kernel/net/frame_ring.h"
#include "kernel/platform.h"

/* A NIC has it, or it is free. */
struct sending {
    struct nic_buf buf;
    struct nic *nic;
    struct pbuf *pbuf;          /* NULL: a copy */
    struct sending *next_free;
};

/* Kept for reuse: as many as were ever in flight at once. */
static struct sending *free_sendings;
static struct sending *free_copies;
static unsigned free_copy_count;

static void came_back(struct sending *s, struct sending **free_list)
{
    s->nic->out.back++;
    s->next_free = *free_list;
    *free_list = s;
}

static void sending_free(struct nic_buf *buf)
{
    struct sending *s = buf->owner;

    pbuf_free(s->pbuf);
    came_back(s, &free_sendings);
}

static void copy_free(struct nic_buf *buf)
{
    struct sending *s = buf->owner;

    s->nic->out.copies--;
    free_copy_count++;
    came_back(s, &free_copies);
}

struct nic_buf *nic_send_buf(struct nic *nic, struct pbuf *pb, uint64_t phys)
{
    struct sending *s = free_sendings;

    if (s)
        free_sendings = s->next_free;
    else if (!(s = malloc(sizeof *s)))
        return NULL;
    *s = (struct sending){
        .buf = { pb->payload, phys, pb->len, sending_free, s },
        .nic = nic, .pbuf = pb,
    };
    pbuf_ref(pb);
    nic->out.given++;
    return &s->buf;
}

static void make_copies(void)
{
    static struct sending copies[NIC_SEND_COPIES];
    uint64_t phys;
    uint8_t *memory = platform_dma_alloc(NIC_SEND_COPIES * FRAME_SLOT_BYTES,
                                         NIC_DMA_BELOW, &phys);

    for (unsigned i = 0; memory && i < NIC_SEND_COPIES; i++) {
        copies[i].buf.data = memory + i * FRAME_SLOT_BYTES;
        copies[i].buf.phys = phys + i * FRAME_SLOT_BYTES;
        copies[i].next_free = free_copies;
        free_copies = &copies[i];
        free_copy_count++;
    }
}

struct nic_buf *nic_send_copy(struct nic *nic, const struct pbuf *pb)
{
    static bool is_made;
    struct sending *s;

    if (!is_made)
        make_copies();
    is_made = true;
    if (nic->out.copies >= free_copy_count)
        return NULL;
    s = free_copies;
    free_copies = s->next_free;
    free_copy_count--;
    s->nic = nic;
    s->buf.len = pb->tot_len;
    s->buf.free = copy_free;
    s->buf.owner = s;
    pbuf_copy_partial(pb, s->buf.data, pb->tot_len, 0);
    nic->out.copies++;
    nic->out.given++;
    return &s->buf;
}
