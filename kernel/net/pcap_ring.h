/*
 * pcap records, and the newest of them in memory of a fixed size: whole
 * records in a ring of bytes, the oldest given up for room.
 */
#ifndef KERNEL_NET_PCAP_RING_H
#define KERNEL_NET_PCAP_RING_H

#include <stddef.h>
#include <stdint.h>

/*
 * The file format of libpcap 2.4 (pcap-savefile(5)), in the writer's byte
 * order, times in microseconds.
 */
struct pcap_file_header {
    uint32_t magic;             /* a1b2c3d4 */
    uint16_t major, minor;
    int32_t zone;
    uint32_t accuracy;
    uint32_t snap_length;
    uint32_t link_type;         /* 1: Ethernet */
};
_Static_assert(sizeof(struct pcap_file_header) == 24, "pcap-savefile(5)");

struct pcap_record {
    uint32_t seconds, micros;
    uint32_t kept, length;      /* bytes that follow, and that there were */
};
_Static_assert(sizeof(struct pcap_record) == 16, "pcap-savefile(5)");

struct pcap_file_header pcap_header(uint32_t snap_length);

struct pcap_ring {
    uint8_t *data;
    size_t size;
    uint64_t head, tail;        /* bytes ever written, and given up */
    uint64_t records, given_up;
};

/*
 * Add a record with its r->kept bytes of `frame`. One that is larger than the
 * ring is given up itself.
 */
void pcap_ring_add(struct pcap_ring *ring, const struct pcap_record *r,
                   const uint8_t *frame);
/* The bytes that are held, oldest first, to `out`. */
size_t pcap_ring_used(const struct pcap_ring *ring);
void pcap_ring_copy(const struct pcap_ring *ring, uint8_t *out);

#endif
