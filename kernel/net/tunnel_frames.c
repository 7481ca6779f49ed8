/* See tunnel_frames.h. */
#include "kernel/net/tunnel_frames.h"

#include <string.h>

#include "kernel/net/packet.h"

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Store a part of a frame that came in pieces; what does not fit is skipped. */
static void store(struct tunnel_reader *r, const uint8_t *data, size_t n)
{
    if (r->got < sizeof r->frame)
        memcpy(r->frame + r->got, data, least(n, sizeof r->frame - r->got));
    r->got += (uint32_t)n;
}

bool tunnel_reader_feed(struct tunnel_reader *r, const uint8_t *data,
                        size_t len,
                        void (*take)(void *ctx, const uint8_t *frame,
                                     size_t len),
                        void *ctx)
{
    while (len) {
        const uint8_t *frame;
        size_t n;

        if (r->head_len < TUNNEL_HEAD) {
            n = least(len, TUNNEL_HEAD - r->head_len);
            memcpy(r->head + r->head_len, data, n);
            r->head_len += (unsigned)n;
            data += n;
            len -= n;
            if (r->head_len < TUNNEL_HEAD)
                return true;
            r->want = get32(r->head);
            r->got = 0;
            if (r->want > TUNNEL_LENGTH_MAX)
                return false;
        }
        n = least(len, r->want - r->got);
        /* A whole frame is taken where it lies. */
        frame = n == r->want ? data : r->frame;
        if (n != r->want)
            store(r, data, n);
        data += n;
        len -= n;
        if (n != r->want && r->got < r->want)
            return true;
        r->head_len = 0;
        take(ctx, r->want > NIC_MAX_FRAME ? NULL : frame, r->want);
    }
    return true;
}
