/* See pcap_ring.h. */
#include "kernel/net/pcap_ring.h"

#include <string.h>

struct pcap_file_header pcap_header(uint32_t snap_length)
{
    return (struct pcap_file_header){
        .magic = 0xa1b2c3d4, .major = 2, .minor = 4,
        .snap_length = snap_length, .link_type = 1
    };
}

/* `len` bytes at `at`, a count of bytes ever written; it may wrap. */
static void put(struct pcap_ring *ring, uint64_t at, const void *from,
                size_t len)
{
    size_t place = at % ring->size, first = ring->size - place;

    if (first > len)
        first = len;
    memcpy(ring->data + place, from, first);
    memcpy(ring->data, (const uint8_t *)from + first, len - first);
}

static void get(const struct pcap_ring *ring, uint64_t at, void *to,
                size_t len)
{
    size_t place = at % ring->size, first = ring->size - place;

    if (first > len)
        first = len;
    memcpy(to, ring->data + place, first);
    memcpy((uint8_t *)to + first, ring->data, len - first);
}

void pcap_ring_add(struct pcap_ring *ring, const struct pcap_record *r,
                   const uint8_t *frame)
{
    size_t need = sizeof *r + r->kept;

    ring->records++;
    if (need > ring->size) {
        ring->given_up++;
        return;
    }
    while (ring->size - pcap_ring_used(ring) < need) {
        struct pcap_record oldest;

        get(ring, ring->tail, &oldest, sizeof oldest);
        ring->tail += sizeof oldest + oldest.kept;
        ring->given_up++;
    }
    put(ring, ring->head, r, sizeof *r);
    put(ring, ring->head + sizeof *r, frame, r->kept);
    ring->head += need;
}

size_t pcap_ring_used(const struct pcap_ring *ring)
{
    return ring->head - ring->tail;
}

void pcap_ring_copy(const struct pcap_ring *ring, uint8_t *out)
{
    get(ring, ring->tail, out, pcap_ring_used(ring));
}
