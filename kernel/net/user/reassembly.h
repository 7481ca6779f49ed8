/*
 * IPv4 reassembly (RFC 791, 815) of a few packets at a time, for what ends
 * here: a packet for a socket must be whole.
 */
#ifndef KERNEL_NET_USER_REASSEMBLY_H
#define KERNEL_NET_USER_REASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REASSEMBLIES 8u
#define REASSEMBLY_MS 30000u    /* RFC 1122 3.3.2 wants 60 to 120: for WANs */

struct reassembly_entry {
    uint8_t *packet;            /* 64 KiB while in use, else NULL */
    uint8_t have[1024];         /* a bit for each 8 bytes of payload */
    size_t total;               /* of the payload; 0: the last has not come */
    size_t end;                 /* of what is there */
    size_t blocks;              /* that are there */
    uint64_t until_ms;
};

struct reassembly {
    struct reassembly_entry entry[REASSEMBLIES];
    uint8_t *done;              /* the packet returned last */
    uint64_t whole, expired, evicted, contradictory;
};

/*
 * The whole packet that `ip` (whose header is checked) is or completes, its
 * length in *whole; valid until the next call. NULL: parts are missing.
 * Options are gone.
 */
uint8_t *reassemble(struct reassembly *r, uint8_t *ip, size_t len,
                    uint64_t now_ms, size_t *whole);
void reassembly_expire(struct reassembly *r, uint64_t now_ms);
void reassembly_fini(struct reassembly *r);

#endif
