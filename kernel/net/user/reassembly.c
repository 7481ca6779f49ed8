/* See reassembly.h. */
#include "kernel/net/user/reassembly.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/net/packet.h"

#define PACKET_BYTES 65536u

static void drop(struct reassembly_entry *e)
{
    free(e->packet);
    e->packet = NULL;
}

/* Source, destination, id and protocol name a packet. */
static bool is_of(const struct reassembly_entry *e, const uint8_t *ip)
{
    return e->packet && !memcmp(e->packet + IP_SOURCE, ip + IP_SOURCE, 8) &&
           !memcmp(e->packet + IP_ID, ip + IP_ID, 2) &&
           e->packet[IP_PROTOCOL] == ip[IP_PROTOCOL];
}

/* The entry of `ip`'s packet, a new one if there is none; NULL: no memory. */
static struct reassembly_entry *entry_of(struct reassembly *r,
                                         const uint8_t *ip, uint64_t now_ms)
{
    struct reassembly_entry *e = r->entry;

    for (unsigned i = 0; i < REASSEMBLIES; i++) {
        if (is_of(&r->entry[i], ip))
            return &r->entry[i];
        if (e->packet && (!r->entry[i].packet ||
                          r->entry[i].until_ms < e->until_ms))
            e = &r->entry[i];
    }
    r->evicted += e->packet != NULL;
    drop(e);
    memset(e, 0, sizeof *e);
    e->packet = malloc(PACKET_BYTES);
    if (!e->packet)
        return NULL;
    memcpy(e->packet, ip, IP_HEADER);
    e->until_ms = now_ms + REASSEMBLY_MS;
    return e;
}

/*
 * Put the payload at `offset` in, but what is there already: what came first
 * stays. False: it contradicts what the packet's length is.
 */
static bool put(struct reassembly_entry *e, size_t offset, const uint8_t *data,
                size_t len, bool last)
{
    if (last && e->total && e->total != offset + len)
        return false;
    if (last)
        e->total = offset + len;
    if (e->end < offset + len)
        e->end = offset + len;
    /* Nothing may lie behind the end, or blocks would not count what is there
     * before it. */
    if (e->total && e->end > e->total)
        return false;
    for (size_t at = 0; at < len; at += 8) {
        size_t block = (offset + at) / 8, n = len - at < 8 ? len - at : 8;

        if (e->have[block / 8] >> block % 8 & 1)
            continue;
        e->have[block / 8] |= 1u << block % 8;
        e->blocks++;
        memcpy(e->packet + IP_HEADER + offset + at, data + at, n);
    }
    return true;
}

static uint8_t *finish(struct reassembly *r, struct reassembly_entry *e,
                       size_t *whole)
{
    r->whole++;
    r->done = e->packet;
    e->packet = NULL;
    r->done[0] = 0x45;
    *whole = IP_HEADER + e->total;
    put16(r->done + IP_LENGTH, *whole);
    put16(r->done + IP_FRAGMENT, 0);
    put16(r->done + IP_SUM, 0);
    put16(r->done + IP_SUM, checksum(r->done, IP_HEADER));
    return r->done;
}

uint8_t *reassemble(struct reassembly *r, uint8_t *ip, size_t len,
                    uint64_t now_ms, size_t *whole)
{
    uint16_t fragment = get16(ip + IP_FRAGMENT);
    size_t header = ip_header_length(ip);
    size_t offset = (fragment & IP_OFFSET) * 8u;
    bool last = !(fragment & IP_MORE);
    struct reassembly_entry *e;

    free(r->done);
    r->done = NULL;
    *whole = len;
    if (last && !offset)
        return ip;
    /* What is whole must have room for its own length in 16 bits. */
    if (len == header || IP_HEADER + offset + len - header > 65535u)
        return NULL;
    e = entry_of(r, ip, now_ms);
    if (!e)
        return NULL;
    if (!put(e, offset, ip + header, len - header, last)) {
        r->contradictory++;
        drop(e);
        return NULL;
    }
    if (!e->total || e->blocks < (e->total + 7) / 8)
        return NULL;
    return finish(r, e, whole);
}

void reassembly_expire(struct reassembly *r, uint64_t now_ms)
{
    for (unsigned i = 0; i < REASSEMBLIES; i++)
        if (r->entry[i].packet && r->entry[i].until_ms <= now_ms) {
            r->expired++;
            drop(&r->entry[i]);
        }
}

void reassembly_fini(struct reassembly *r)
{
    for (unsigned i = 0; i < REASSEMBLIES; i++)
        drop(&r->entry[i]);
    free(r->done);
    r->done = NULL;
}
