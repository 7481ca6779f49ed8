/*
 * Frames in a byte stream, as qemu's -net socket has them over TCP: a 4-byte
 * big-endian length, then the frame without FCS. What comes is hostile.
 */
#ifndef KERNEL_NET_TUNNEL_FRAMES_H
#define KERNEL_NET_TUNNEL_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/net/nic.h"

#define TUNNEL_HEAD 4u
/* qemu takes as much, and so may send it: skipped, not stored. A peer that says
 * more is no such peer. */
#define TUNNEL_LENGTH_MAX (65536u + 4096u)

/* All zero at first. */
struct tunnel_reader {
    uint8_t head[TUNNEL_HEAD];
    unsigned head_len;
    uint32_t want, got;         /* of the frame, once the head is whole */
    uint8_t frame[NIC_MAX_FRAME];
};

/*
 * The stream's next bytes, cut anywhere; each frame that they complete goes to
 * `take`, valid during the call: `frame` is NULL if it was longer than
 * NIC_MAX_FRAME. False: an impossible length; nothing after it makes sense.
 */
bool tunnel_reader_feed(struct tunnel_reader *r, const uint8_t *data,
                        size_t len,
                        void (*take)(void *ctx, const uint8_t *frame,
                                     size_t len),
                        void *ctx);

#endif
